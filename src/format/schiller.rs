//! Schiller XML (`SchillerEDI`): exports of the archive SEMA by Schiller.
//!
//! # Overview
//! There is no public standard; what is read here is what the files say about themselves. The root element is
//! `com.xiriuz.sema.xml.schillerEDI.SchillerEDI`. Each `wavedata` is of a type: `ECG_RHYTHMS` is the recording, of ten
//! seconds; `ECG_AVERAGES`, the representative beat, is not read.
//!
//! # Encodings
//! The samples of a channel are decimal numbers with commas between them (`COMMASEPARATE`). One step is `unitperbit` of
//! `units`. The sampling rate has an exponent, which is 1 in all known files; another one is not interpreted.

use roxmltree::Node;

use super::date::{self, Order, age_between};
use super::error::Place;
use super::recording::{Calibration, Recording};
use super::xml::{self, Channel, child, children, is, number_at, text_at};
use super::{Format, FormatError, ReadOptions, Source};
use crate::ecg::{Notice, Person, Sex};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["xml"], recognises, read };

const NAME: &str = "Schiller XML";

/// The end of the root's name, which is that of a class of the program.
const ROOT: &str = "SchillerEDI";

const RHYTHM: &str = "ECG_RHYTHMS";

fn recognises(source: &Source<'_>) -> bool {
    xml::root_name(source.bytes).is_some_and(|name| name.ends_with(ROOT))
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let text = xml::decode(source.bytes);
    let document = xml::parse(&text, place)?;
    let root = document.root_element();
    let is_rhythm = |node: &Node<'_, '_>| is(*node, "wavedata") && text_at(*node, &["type"]).as_deref() == Some(RHYTHM);
    let rhythms: Vec<Node<'_, '_>> = root.descendants().filter(is_rhythm).collect();
    let label = |channel| text_at(channel, &["name"]).unwrap_or_default();
    let labels = |wavedata| children(wavedata, "channel").map(label).collect();
    let Some((wavedata, notice)) = xml::richest(&rhythms, labels) else {
        return Err(place.not_an_ecg(format!("it has no waves of the type {RHYTHM}; export the recording itself")));
    };
    let mut notices: Vec<Notice> = notice.into_iter().collect();
    let calibration = calibration(wavedata, options, &mut notices, place)?;
    let mut channels = Vec::new();
    for channel in children(wavedata, "channel") {
        channels.push(Channel { label: label(channel), samples: samples(channel, calibration, place)? });
    }
    let sampling_rate = sampling_rate(wavedata, options, place)?;
    let mut recording = xml::recording(channels, sampling_rate, options, notices, place)?;
    recording.person = person(root);
    Ok(recording)
}

fn calibration(
    wavedata: Node<'_, '_>,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
    place: Place<'_>,
) -> Result<Calibration, FormatError> {
    let step = number_at(wavedata, &["resolution", "yres", "unitperbit"], place)?;
    let Some(step) = step.filter(|step| *step > 0.0) else {
        return Err(place.damaged(xml::line(wavedata), "the height of a step (unitperbit) is absent or not above 0"));
    };
    let symbol = text_at(wavedata, &["resolution", "yres", "units"]);
    let unit = xml::unit(wavedata, symbol.as_deref(), options, notices, place)?;
    Ok(Calibration::of_steps(0.0, step, unit, options))
}

/// The stated rate, which is not asked for where the user states one.
fn sampling_rate(wavedata: Node<'_, '_>, options: &ReadOptions, place: Place<'_>) -> Result<Option<f64>, FormatError> {
    const PATH: [&str; 2] = ["resolution", "samplerate"];
    let Some(rate) = child(wavedata, &PATH).filter(|_| options.sampling_rate.is_none()) else { return Ok(None) };
    match number_at(rate, &["exponent"], place)? {
        None | Some(1.0) => number_at(rate, &["value"], place),
        Some(exponent) => {
            let feature = format!("a sampling rate with the exponent {exponent}");
            Err(place.unsupported(xml::line(rate), feature, "state the sampling rate"))
        }
    }
}

fn samples(channel: Node<'_, '_>, calibration: Calibration, place: Place<'_>) -> Result<Vec<f32>, FormatError> {
    let data = child(channel, &["data"]).ok_or_else(|| place.damaged(xml::line(channel), "the channel has no data"))?;
    if let Some(sort) = text_at(channel, &["datatype"])
        && sort != "COMMASEPARATE"
    {
        let feature = format!("data of the type {sort:?}");
        return Err(place.unsupported(xml::line(channel), feature, "export it with decimal numbers"));
    }
    let samples = xml::samples(data, |stored| calibration.millivolt(stored), place)?;
    let stated = number_at(channel, &["samplecount"], place)?;
    if let Some(stated) = stated.filter(|stated| *stated != samples.len() as f64) {
        let reason = format!("{stated} samples are stated, {} are there", samples.len());
        return Err(place.damaged(xml::line(data), reason));
    }
    Ok(samples)
}

fn person(root: Node<'_, '_>) -> Person {
    let patient = |name| text_at(root, &["patdata", name]);
    let start = |name| text_at(root, &["examdescript", "startdatetime", name]);
    let recorded_at =
        start("date").and_then(|date| date::date_and_time(&date, start("time").as_deref(), Order::Unknown));
    let birth = patient("birthdate").and_then(|date| date::date_and_time(&date, None, Order::Unknown));
    let age = || age_between(birth.as_deref()?, recorded_at.as_deref()?);
    Person { id: patient("id"), age: age(), sex: patient("gender").and_then(|sex| Sex::from_label(&sex)), recorded_at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::{Ecg, Lead};
    use crate::format::testing::{damaged, stored, synthetic};
    use crate::format::{NoCompanions, Unit};
    use proptest::prelude::*;

    fn waves(sort: &str, samples: usize) -> String {
        let channels: String = Lead::ALL
            .iter()
            .zip(stored(samples))
            .map(|(lead, stored)| {
                let data: Vec<String> = stored.iter().map(i32::to_string).collect();
                format!(
                    "<channel><name>{}</name><data>{}</data><datatype>COMMASEPARATE</datatype>\
                     <samplecount>{samples}</samplecount></channel>\n",
                    lead.name().to_uppercase(),
                    data.join(",")
                )
            })
            .collect();
        format!(
            "<event><wavedata><type>{sort}</type><resolution><samplerate><exponent>1</exponent><value>500</value>\
             </samplerate><yres><unitperbit>1.0</unitperbit><units>UV</units></yres></resolution>{channels}\
             </wavedata></event>"
        )
    }

    fn document(waves: &str) -> String {
        format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?><com.xiriuz.sema.xml.schillerEDI.SchillerEDI><patdata>\
             <id>7</id><lastname>Nobody</lastname><birthdate>19500601</birthdate><gender>FEMALE</gender></patdata>\
             <examdescript><startdatetime><date>20060502</date><time>140610000</time></startdatetime></examdescript>\
             <eventdata>{waves}</eventdata></com.xiriuz.sema.xml.schillerEDI.SchillerEDI>"
        )
    }

    fn file() -> String {
        document(&format!("{}{}", waves("ECG_AVERAGES", 200), waves("ECG_RHYTHMS", 1000)))
    }

    fn read_file(text: &str, options: &ReadOptions) -> Result<Ecg, FormatError> {
        crate::format::read("a.xml", text.as_bytes(), &NoCompanions, options)
    }

    #[test]
    fn the_rhythm_is_read_back_and_the_averages_are_not() {
        let ecg = read_file(&file(), &ReadOptions::default()).unwrap();
        assert_eq!((ecg.sampling_rate(), &ecg.notices[..]), (500.0, &[][..]));
        assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(Lead::ALL));
        assert!(ecg.leads().iter().map(|(_, samples)| samples).eq(&synthetic(1000)));
        let recorded_at = Some("2006-05-02T14:06:10".to_owned());
        let expected = Person { id: Some("7".to_owned()), age: Some(55.0), sex: Some(Sex::Female), recorded_at };
        assert_eq!(ecg.person, expected);
    }

    #[test]
    fn corrections_go_before_the_file() {
        let text = file().replace("UV", "ELL").replace("exponent>1", "exponent>0");
        let order: Vec<Lead> = Lead::ALL.into_iter().rev().collect();
        let options =
            ReadOptions { unit: Some(Unit::Millivolt), sampling_rate: Some(1000.0), lead_order: Some(order.clone()) };
        let ecg = read_file(&text, &options).unwrap();
        assert_eq!(ecg.sampling_rate(), 1000.0);
        assert!(ecg.leads().iter().map(|(lead, _)| lead).eq(&order));
        assert_eq!(ecg.lead(Lead::V6).unwrap()[199], stored(1000)[0][199] as f32);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (text, code, expected) in [
            (document(&waves("ECG_AVERAGES", 200)), "not-an-ecg", "no waves of the type ECG_RHYTHMS"),
            (file().replace("exponent>1", "exponent>2"), "unsupported", "the exponent 2"),
            (file().replace("value>500", "value>x"), "damaged", "\"x\" in value is no number"),
            (file().replace("<value>500</value>", ""), "not-an-ecg", "state the sampling rate"),
            (file().replace("COMMA", "TAB"), "unsupported", "data of the type \"TABSEPARATE\""),
            (file().replace(">1000<", ">1001<"), "damaged", "1001 samples are stated, 1000 are there"),
            (file().replace(",1,", ",,"), "damaged", "samples are stated"),
            (file().replace(">1.0<", ">-1.0<"), "damaged", "unitperbit"),
            (file().replace("UV", "ELL"), "unsupported", "the unit \"ELL\""),
            (file().replace("<data>", "<dates>").replace("</data>", "</dates>"), "damaged", "no data"),
        ] {
            let error = read_file(&text, &ReadOptions::default()).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn damaged_files_never_panic(bytes in damaged(document(&waves("ECG_RHYTHMS", 200)).into_bytes())) {
            let _ = crate::format::read("a.xml", &bytes, &NoCompanions, &ReadOptions::default());
        }
    }
}
