//! GE MUSE XML (`RestingECG`): exports of the archive MUSE by GE HealthCare.
//!
//! # Overview
//! GE Healthcare, *MUSE Cardiology Information System: XML developer's and interpretation guide*. Root element
//! `RestingECG`. Each `Waveform` is of the type `Rhythm`, the recording, or `Median`, the representative beat, which is
//! not read. Of the limb leads, I and II are stored; the others are derived from them.
//!
//! # Encodings
//! The samples of a lead are signed 16-bit numbers, the low byte first, as Base64. One step is
//! `LeadAmplitudeUnitsPerBit` (4.88) of `LeadAmplitudeUnits` (microvolt); the sampling rate is
//! `SampleBase` · 10^`SampleExponent` Hz. The check sum of each lead (CRC-32) is compared where there is one. Dates are
//! month-day-year.

use roxmltree::Node;

use super::date::{self, Order, age_between};
use super::error::Place;
use super::recording::{Calibration, Recording};
use super::xml::{self, Channel, child, children, number_at, text_at};
use super::{Format, FormatError, ReadOptions, Source};
use crate::ecg::{Notice, Person, Sex};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["xml"], recognises, read };

const NAME: &str = "GE MUSE XML";

const ROOT: &str = "RestingECG";

/// Bytes of a sample.
const SAMPLE_SIZE: f64 = 2.0;

fn recognises(source: &Source<'_>) -> bool {
    xml::root_name(source.bytes).as_deref() == Some(ROOT)
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let text = xml::decode(source.bytes);
    let document = xml::parse(&text, place)?;
    let root = document.root_element();
    let is_rhythm = |waveform: &Node<'_, '_>| {
        text_at(*waveform, &["WaveformType"]).is_some_and(|sort| sort.eq_ignore_ascii_case("Rhythm"))
    };
    let rhythms: Vec<Node<'_, '_>> = children(root, "Waveform").filter(is_rhythm).collect();
    let label = |lead| text_at(lead, &["LeadID"]).unwrap_or_default();
    let labels = |waveform| children(waveform, "LeadData").map(label).collect();
    let Some((waveform, notice)) = xml::richest(&rhythms, labels) else {
        return Err(place.not_an_ecg("it has no waveform of the type Rhythm; export the recording with its samples"));
    };
    let mut notices: Vec<Notice> = notice.into_iter().collect();
    let mut channels = Vec::new();
    for lead in children(waveform, "LeadData") {
        channels.push(Channel { label: label(lead), samples: samples(lead, options, &mut notices, place)? });
    }
    let base = number_at(waveform, &["SampleBase"], place)?;
    let exponent = number_at(waveform, &["SampleExponent"], place)?.unwrap_or(0.0);
    let sampling_rate = base.map(|base| base * 10f64.powf(exponent));
    let mut recording = xml::recording(channels, sampling_rate, options, notices, place)?;
    recording.person = person(root);
    Ok(recording)
}

fn samples(
    lead: Node<'_, '_>,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
    place: Place<'_>,
) -> Result<Vec<f32>, FormatError> {
    let label = text_at(lead, &["LeadID"]).unwrap_or_default();
    if let Some(size) = number_at(lead, &["LeadSampleSize"], place)?
        && size != SAMPLE_SIZE
    {
        let remedy = "export the recording with samples of 2 bytes";
        return Err(place.unsupported(xml::line(lead), format!("a sample of {size} bytes"), remedy));
    }
    let data = child(lead, &["WaveFormData"])
        .ok_or_else(|| place.damaged(xml::line(lead), format!("the lead {label:?} has no WaveFormData")))?;
    let mut bytes = xml::base64(data, place)?;
    let sum = number_at(lead, &["LeadDataCRC32"], place)?;
    if sum.is_some_and(|sum| sum != f64::from(check_sum(&bytes))) {
        notices.push(Notice::File(format!("the check sum of lead {label:?} is wrong: its samples were changed")));
    }
    if let Some(count) = number_at(lead, &["LeadSampleCountTotal"], place)? {
        let needed = count.max(0.0) * SAMPLE_SIZE;
        if needed > bytes.len() as f64 {
            return Err(place.truncated(format!("the lead {label:?}"), needed as u64, bytes.len() as u64));
        }
        bytes.truncate(needed as usize);
    }
    let step = match number_at(lead, &["LeadAmplitudeUnitsPerBit"], place)? {
        Some(step) if step > 0.0 => step,
        Some(step) => return Err(place.damaged(xml::line(lead), format!("a step of {step} units"))),
        None => {
            let missing = format!("the lead {label:?} has no LeadAmplitudeUnitsPerBit");
            return Err(place.damaged(xml::line(lead), missing));
        }
    };
    let symbol = text_at(lead, &["LeadAmplitudeUnits"]);
    let unit = xml::unit(lead, symbol.as_deref(), options, notices, place)?;
    let calibration = Calibration::of_steps(0.0, step, unit, options);
    if text_at(lead, &["LeadOff"]).is_some_and(|off| off.eq_ignore_ascii_case("true")) {
        notices.push(Notice::File(format!("the electrode of lead {label:?} was off")));
    }
    Ok(xml::little_endian(&bytes).map(|stored| calibration.millivolt(stored.into())).collect())
}

fn check_sum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

fn person(root: Node<'_, '_>) -> Person {
    let patient = |name| text_at(root, &["PatientDemographics", name]);
    let test = |name| text_at(root, &["TestDemographics", name]);
    let date = |day: &str, time: Option<&str>| date::date_and_time(day, time, Order::MonthFirst);
    let recorded_at = test("AcquisitionDate").and_then(|day| date(&day, test("AcquisitionTime").as_deref()));
    let stated = || {
        let years = patient("PatientAge")?.parse().ok()?;
        date::age(years, &patient("AgeUnits").unwrap_or_else(|| "YEARS".to_owned()))
    };
    let from_birth = || age_between(&date(&patient("DateofBirth")?, None)?, recorded_at.as_deref()?);
    Person {
        id: patient("PatientID"),
        age: stated().or_else(from_birth),
        sex: patient("Gender").and_then(|sex| Sex::from_label(&sex)),
        recorded_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::{Ecg, Lead};
    use crate::format::testing::{damaged, stored};
    use crate::format::{NoCompanions, Unit};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    const EIGHT: [Lead; 8] = [Lead::I, Lead::II, Lead::V1, Lead::V2, Lead::V3, Lead::V4, Lead::V5, Lead::V6];

    fn waveform(sort: &str, samples: usize) -> String {
        let leads: String = EIGHT
            .iter()
            .map(|lead| {
                let bytes: Vec<u8> =
                    stored(samples)[lead.index()].iter().flat_map(|&step| (step as i16).to_le_bytes()).collect();
                format!(
                    "<LeadData><LeadSampleCountTotal>{samples}</LeadSampleCountTotal>\n\
                     <LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>\
                     <LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>{lead}</LeadID>\
                     <LeadSampleSize>2</LeadSampleSize><LeadOff>FALSE</LeadOff>\
                     <LeadDataCRC32>{}</LeadDataCRC32><WaveFormData>\n {}\n</WaveFormData></LeadData>\n",
                    check_sum(&bytes),
                    BASE64_STANDARD.encode(&bytes)
                )
            })
            .collect();
        format!(
            "<Waveform><WaveformType>{sort}</WaveformType><SampleBase>500</SampleBase>\
             <SampleExponent>0</SampleExponent>{leads}</Waveform>"
        )
    }

    fn document(person: &str, waveforms: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<!DOCTYPE RestingECG SYSTEM \"restecg.dtd\">\r\n\
             <RestingECG>{person}{waveforms}</RestingECG>"
        )
    }

    fn file() -> String {
        document("", &format!("{}{}", waveform("Median", 300), waveform("Rhythm", 1000)))
    }

    fn read_file(text: &str, options: &ReadOptions) -> Result<Ecg, FormatError> {
        crate::format::read("a.xml", text.as_bytes(), &NoCompanions, options)
    }

    fn read_stated(text: &str) -> Ecg {
        read_file(text, &ReadOptions::default()).unwrap()
    }

    fn assert_stored(ecg: &Ecg, per_step: f64) {
        assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(EIGHT));
        for (lead, samples) in ecg.leads() {
            let expected = stored(1000)[lead.index()].clone();
            assert_eq!(samples.len(), 1000);
            let close = |(&sample, &step): (&f32, &i32)| (f64::from(sample) - f64::from(step) * per_step).abs() < 1e-5;
            assert!(samples.iter().zip(&expected).all(close));
        }
    }

    #[test]
    fn the_rhythm_is_read_back_and_the_median_is_not() {
        let ecg = read_stated(&file());
        assert_eq!((ecg.sampling_rate(), &ecg.notices[..]), (500.0, &[][..]));
        assert_stored(&ecg, 0.00488);
        let twelve = ecg.into_twelve_leads().unwrap();
        let [first, second, third] = [Lead::I, Lead::II, Lead::III].map(|lead| twelve.lead(lead).unwrap()[199]);
        assert_eq!(third, second - first);
        let exponent = file().replace(">500<", ">25<").replace("Exponent>0", "Exponent>1");
        assert_eq!(read_stated(&exponent).sampling_rate(), 250.0);
        let millivolt = file().replace("MICROVOLTS", "MILLIVOLTS").replace("4.88", "0.00488");
        assert_stored(&read_stated(&millivolt), 0.00488);
    }

    #[test]
    fn the_person_is_read() {
        let person = |patient: &str| {
            let text = format!(
                "<PatientDemographics><PatientID>P1</PatientID>{patient}<PatientLastName>M\u{fc}ller</PatientLastName>\
                 </PatientDemographics><TestDemographics><AcquisitionTime>08:05:09</AcquisitionTime>\
                 <AcquisitionDate>12-31-2020</AcquisitionDate></TestDemographics>"
            );
            read_stated(&document(&text, &waveform("Rhythm", 100))).person
        };
        let recorded_at = Some("2020-12-31T08:05:09".to_owned());
        let expected = Person { id: Some("P1".to_owned()), age: None, sex: None, recorded_at };
        assert_eq!(person(""), expected);
        for (patient, age) in [
            ("<PatientAge>58</PatientAge><AgeUnits>YEARS</AgeUnits>", 58.0),
            ("<PatientAge>18</PatientAge><AgeUnits>MONTHS</AgeUnits><DateofBirth>01-01-1950</DateofBirth>", 1.5),
            ("<PatientAge>58</PatientAge>", 58.0),
            ("<PatientAge>58</PatientAge><AgeUnits>Jahre</AgeUnits>", 58.0),
            ("<PatientAge>0</PatientAge><DateofBirth>1981-01-01</DateofBirth>", 39.0),
            ("<PatientAge>0</PatientAge><DateofBirth>01-01-1981</DateofBirth>", 39.0),
            ("<PatientAge>old</PatientAge><DateofBirth>01-01-1981</DateofBirth>", 39.0),
        ] {
            let text = format!("{patient}<Gender>FEMALE</Gender>");
            assert_eq!(person(&text), Person { age: Some(age), sex: Some(Sex::Female), ..expected.clone() });
        }
    }

    #[test]
    fn corrections_go_before_the_file() {
        let text = file().replace("MICROVOLTS", "ELLS").replace("SampleBase", "Base");
        let order: Vec<Lead> = EIGHT.iter().rev().copied().collect();
        let options = ReadOptions {
            unit: Some(Unit::AdcCounts { per_millivolt: 1000.0 }),
            sampling_rate: Some(250.0),
            lead_order: Some(order.clone()),
        };
        let ecg = read_file(&text, &options).unwrap();
        assert_eq!(ecg.sampling_rate(), 250.0);
        assert!(ecg.leads().iter().map(|(lead, _)| lead).eq(&order));
        assert_eq!(ecg.lead(Lead::V6).unwrap()[199], stored(1000)[0][199] as f32 / 1000.0);
    }

    #[test]
    fn what_deviates_is_said() {
        for (text, expected) in [
            (file().replace("LeadOff>FALSE", "LeadOff>TRUE"), "the electrode of lead \"I\" was off"),
            (file().replace("<LeadDataCRC32>", "<LeadDataCRC32>9"), "the check sum of lead \"I\" is wrong"),
            (file().replace("<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>", ""), "µV was assumed"),
            (file().replace("Median", "Rhythm"), "2 rhythm recordings"),
        ] {
            let ecg = read_file(&text, &ReadOptions::default()).unwrap();
            assert!(ecg.notices[0].to_string().contains(expected), "{:?}", ecg.notices);
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (text, code, expected) in [
            (document("", &waveform("Median", 300)), "not-an-ecg", "no waveform of the type Rhythm"),
            (
                document("", "<Waveform><WaveformType>Rhythm</WaveformType><SampleBase>500</SampleBase></Waveform>"),
                "too-few-leads",
                "0 signals",
            ),
            (file().replace(">500<", "><"), "not-an-ecg", "state the sampling rate"),
            (file().replace("Exponent>0", "Exponent>300"), "sampling-rate", "Hz is not between"),
            (
                file().replace(">1000<", ">1001<"),
                "truncated",
                "2002 bytes are needed for the lead \"I\", but only 2000",
            ),
            (file().replace(">1000<", ">1e300<"), "truncated", "the lead \"I\""),
            (file().replace("SampleSize>2", "SampleSize>4"), "unsupported", "a sample of 4 bytes"),
            (file().replace("4.88", "0"), "damaged", "a step of 0 units"),
            (file().replace("UnitsPerBit", "Units"), "damaged", "no LeadAmplitudeUnitsPerBit"),
            (file().replace("WaveFormData>\n", "WaveFormData>\n*"), "damaged", "WaveFormData is not Base64"),
            (file().replace("MICROVOLTS", "ELLS"), "unsupported", "the unit \"ELLS\""),
        ] {
            let error = read_file(&text, &ReadOptions::default()).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn damaged_files_never_panic(bytes in damaged(document("", &waveform("Rhythm", 200)).into_bytes())) {
            let _ = crate::format::read("a.xml", &bytes, &NoCompanions, &ReadOptions::default());
        }
    }
}
