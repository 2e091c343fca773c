//! HL7 annotated electrocardiogram (aECG): the XML in which ECGs of drug trials are submitted to the FDA.
//!
//! # Overview
//! HL7 Version 3 Standard: *Regulated Studies; Annotated ECG, Release 1* (ANSI/HL7 V3 ECG, R1-2004) and Brown and
//! Badilini 2005, *HL7 aECG Implementation Guide*. Root element `AnnotatedECG`. A `series` is a recording by one device;
//! it holds sequence sets, in which one sequence counts the time and each other one is a lead, named by its code of
//! ISO/IEEE 11073-10101 (`MDC_ECG_LEAD_V1`). Series derived from it (the representative beat) lie in `derivation` and
//! are not read.
//!
//! # Encodings
//! - Time: `GLIST_TS` or `GLIST_PQ`, whose increment is the sampling interval, in the units of UCUM (`s`, `ms`, `us`).
//! - Leads: `SLIST_PQ`, a list of numbers `digits` that mean `origin + scale * digit`, both with their unit; `SLIST_INT`
//!   is the same without units, for which microvolt is assumed and said.
//!
//! The age is the reported one (LOINC 21612-7) or that at the recording by `birthTime`.

use roxmltree::Node;

use super::date::{self, age_between};
use super::error::Place;
use super::recording::{Calibration, Recording};
use super::xml::{self, Channel, child, children, descendant, is, number};
use super::{Format, FormatError, ReadOptions, Source};
use crate::ecg::{Notice, Person, Sex};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["xml"], recognises, read };

const NAME: &str = "HL7 aECG";

const ROOT: &str = "AnnotatedECG";

/// The codes of LOINC for an age: reported, calculated, and either.
const AGES: [&str; 3] = ["21612-7", "29553-5", "30525-0"];

fn recognises(source: &Source<'_>) -> bool {
    xml::root_name(source.bytes).as_deref() == Some(ROOT)
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let text = xml::decode(source.bytes);
    let document = xml::parse(&text, place)?;
    let root = document.root_element();
    let series = rhythm_series(root);
    let sets: Vec<Node<'_, '_>> = series
        .iter()
        .flat_map(|series| children(*series, "component"))
        .flat_map(|part| children(part, "sequenceSet"))
        .collect();
    let labels = |set| sequences(set).filter_map(code).filter(|code| !is_time(code)).map(str::to_owned).collect();
    let Some((set, notice)) = xml::richest(&sets, labels) else {
        return Err(place.not_an_ecg("it has no rhythm, only representative beats or nothing"));
    };
    let mut notices: Vec<Notice> = notice.into_iter().collect();
    let mut sampling_rate = None;
    let mut channels = Vec::new();
    for sequence in sequences(set) {
        match code(sequence) {
            Some(code) if is_time(code) => sampling_rate = sampling_rate.or(rate(sequence, place)?),
            label => channels.push(Channel {
                label: label.unwrap_or_default().to_owned(),
                samples: samples(sequence, options, &mut notices, place)?,
            }),
        }
    }
    let series = set.ancestors().find(|ancestor| is(*ancestor, "series")).unwrap_or(root);
    let mut recording = xml::recording(channels, sampling_rate, options, notices, place)?;
    recording.person = person(root, series);
    Ok(recording)
}

/// The series that are no averages.
fn rhythm_series<'a, 'i>(root: Node<'a, 'i>) -> Vec<Node<'a, 'i>> {
    let all = || children(root, "component").flat_map(|part| children(part, "series"));
    let rhythms: Vec<Node<'_, '_>> = all().filter(|series| code(*series) == Some("RHYTHM")).collect();
    if rhythms.is_empty() {
        all().filter(|series| code(*series) != Some("REPRESENTATIVE_BEAT")).collect()
    } else {
        rhythms
    }
}

fn sequences<'a, 'i>(set: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    children(set, "component").flat_map(|part| children(part, "sequence"))
}

fn code<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    child(node, &["code"])?.attribute("code")
}

fn is_time(code: &str) -> bool {
    code.starts_with("TIME_")
}

/// The attribute `value` of an element as a number, and its unit.
fn quantity<'a>(node: Node<'a, '_>, place: Place<'_>) -> Result<(f64, Option<&'a str>), FormatError> {
    Ok((number(node, node.attribute("value").unwrap_or_default(), place)?, node.attribute("unit")))
}

/// The sampling rate by the increment of a time sequence; `None` where it has none.
fn rate(sequence: Node<'_, '_>, place: Place<'_>) -> Result<Option<f64>, FormatError> {
    let Some(increment) = child(sequence, &["value", "increment"]) else { return Ok(None) };
    let (value, unit) = quantity(increment, place)?;
    let in_a_second = match unit.map(str::trim) {
        Some("s" | "sec") => 1.0,
        Some("ms" | "msec") => 1e3,
        Some("us" | "usec" | "\u{b5}s" | "\u{3bc}s") => 1e6,
        Some("ns") => 1e9,
        unit => {
            let feature = format!("an increment of time in {:?}", unit.unwrap_or_default());
            return Err(place.unsupported(xml::line(increment), feature, "state it in s, ms or us"));
        }
    };
    let rate = in_a_second / value;
    // Only what the last bits keep from being a whole rate is made one: 0.001953 s stays 512.03 Hz.
    let whole = rate.round();
    Ok(Some(if (rate - whole).abs() < 1e-6 * whole { whole } else { rate }))
}

fn samples(
    sequence: Node<'_, '_>,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
    place: Place<'_>,
) -> Result<Vec<f32>, FormatError> {
    let missing = |what: &str| place.damaged(xml::line(sequence), format!("a lead has no {what}"));
    let digits = child(sequence, &["value", "digits"]).ok_or_else(|| missing("digits"))?;
    let scale = child(sequence, &["value", "scale"]).ok_or_else(|| missing("scale"))?;
    let (step, symbol) = quantity(scale, place)?;
    if step == 0.0 {
        return Err(place.damaged(xml::line(scale), "the scale of a lead is 0"));
    }
    let unit = xml::unit(scale, symbol, options, notices, place)?;
    let zero = match child(sequence, &["value", "origin"]) {
        None => 0.0,
        Some(origin) => {
            let (value, symbol) = quantity(origin, place)?;
            let origin_unit = xml::unit(origin, symbol.or(scale.attribute("unit")), options, notices, place)?;
            -(value * origin_unit.in_millivolt()) / (step * unit.in_millivolt())
        }
    };
    let calibration = Calibration::of_steps(zero, step, unit, options);
    xml::samples(digits, |digit| calibration.millivolt(digit), place)
}

fn person(root: Node<'_, '_>, series: Node<'_, '_>) -> Person {
    let value = |node: Node<'_, '_>, path: &[&str]| child(node, path)?.attribute("value").map(str::to_owned);
    let time = |node| ["low", "center", "high"].iter().find_map(|point| value(node, &["effectiveTime", point]));
    let recorded_at = time(series).or_else(|| time(root)).or_else(|| value(root, &["effectiveTime"]));
    let recorded_at = recorded_at.and_then(|time| date::timestamp(&time));
    let subject = descendant(root, "trialSubject");
    let extension = |node: Node<'_, '_>| {
        let id = child(node, &["id"])?.attribute("extension")?.trim();
        (!id.is_empty()).then(|| id.to_owned())
    };
    let identity = |name| subject.and_then(|subject| descendant(subject, name));
    let birth = identity("birthTime").and_then(|time| date::timestamp(time.attribute("value")?));
    let sex = identity("administrativeGenderCode").and_then(|sex| Sex::from_label(sex.attribute("code")?));
    let from_birth = || age_between(birth.as_deref()?, recorded_at.as_deref()?);
    Person { id: subject.and_then(extension), age: stated_age(root).or_else(from_birth), sex, recorded_at }
}

fn stated_age(root: Node<'_, '_>) -> Option<f32> {
    let observations = root.descendants().filter(|node| is(*node, "relatedObservation"));
    let age = observations
        .filter(|node| code(*node).is_some_and(|code| AGES.contains(&code)))
        .find_map(|node| child(node, &["value"]))?;
    date::age(age.attribute("value")?.trim().parse().ok()?, age.attribute("unit").unwrap_or("a"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::{Ecg, Lead};
    use crate::format::testing::{damaged, stored, synthetic};
    use crate::format::{NoCompanions, Unit};
    use proptest::prelude::*;

    const INCREMENT: &str = "<increment value='0.002' unit='s'/>";
    const MICROVOLT: &str = "<origin value='0' unit='uV'/><scale value='1' unit='uV'/>";

    fn series(code: &str, increment: &str, scale: &str, digits: impl Fn(&i32) -> String) -> String {
        let leads: String = Lead::ALL
            .iter()
            .zip(stored(500))
            .map(|(lead, samples)| {
                let digits: Vec<String> = samples.iter().map(&digits).collect();
                format!(
                    "<component><sequence><code code='MDC_ECG_LEAD_{}'/><value>{scale}<digits>{}</digits></value>\
                     </sequence></component>\n",
                    lead.name().to_uppercase(),
                    digits.join(" ")
                )
            })
            .collect();
        format!(
            "<series><code code='{code}'/><effectiveTime><low value='20201231120000'/></effectiveTime><component>\
             <sequenceSet><component><sequence><code code='TIME_ABSOLUTE'/><value>{increment}</value></sequence>\
             </component>{leads}</sequenceSet></component></series>"
        )
    }

    fn document(person: &str, series: &str) -> String {
        format!(
            "<?xml version='1.0'?><h:AnnotatedECG xmlns:h='urn:hl7-org:v3'><id extension='recording'/>{person}\
             <component>{series}</component></h:AnnotatedECG>"
        )
    }

    fn file(increment: &str, scale: &str) -> String {
        document("", &series("RHYTHM", increment, scale, i32::to_string))
    }

    fn read_file(text: &str, options: &ReadOptions) -> Result<Ecg, FormatError> {
        crate::format::read("a.xml", text.as_bytes(), &NoCompanions, options)
    }

    fn read_stated(text: &str) -> Ecg {
        read_file(text, &ReadOptions::default()).unwrap()
    }

    fn assert_synthetic(ecg: &Ecg) {
        assert!(ecg.leads().iter().map(|(lead, _)| *lead).eq(Lead::ALL));
        for ((_, samples), expected) in ecg.leads().iter().zip(synthetic(500)) {
            assert!(samples.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }

    #[test]
    fn all_units_of_time_and_voltage_are_read_back() {
        for (increment, rate) in [
            (INCREMENT, 500.0),
            ("<increment value='1' unit='ms'/>", 1000.0),
            ("<increment value='4000' unit='us'/>", 250.0),
            ("<head value='0' unit='s'/><increment value='0.001953125' unit='s'/>", 512.0),
        ] {
            let ecg = read_stated(&file(increment, MICROVOLT));
            assert_eq!((ecg.sampling_rate(), &ecg.notices[..]), (rate, &[][..]));
            assert_synthetic(&ecg);
        }
        for scale in [
            "<scale value='0.001' unit='mV'/>",
            "<scale value='0.000001' unit='V'/>",
            "<scale value='1000' unit='nV'/>",
            "<origin value='0' unit='mV'/><scale value='1' unit='uV'/>",
        ] {
            assert_synthetic(&read_stated(&file(INCREMENT, scale)));
        }
        let shifted = "<origin value='0.1' unit='mV'/><scale value='2' unit='uV'/>";
        let ecg = read_stated(&document(
            "",
            &series("RHYTHM", INCREMENT, shifted, |d| (f64::from(d - 100) / 2.0).to_string()),
        ));
        assert_synthetic(&ecg);
    }

    #[test]
    fn integers_without_unit_are_taken_as_microvolt_and_that_is_said() {
        let text = file(INCREMENT, "<origin value='0'/><scale value='1'/>");
        let ecg = read_stated(&text);
        assert_synthetic(&ecg);
        assert_eq!(ecg.notices, [Notice::UnitAssumed { assumed: "µV".to_owned() }]);
        let stated = ReadOptions { unit: Some(Unit::AdcCounts { per_millivolt: 1000.0 }), ..ReadOptions::default() };
        let ecg = read_file(&text, &stated).unwrap();
        assert_synthetic(&ecg);
        assert_eq!(ecg.notices, []);
    }

    #[test]
    fn representative_beats_are_not_the_rhythm() {
        let beat = series("REPRESENTATIVE_BEAT", INCREMENT, MICROVOLT, |_| "7".to_owned());
        let rhythm = series("RHYTHM", INCREMENT, MICROVOLT, i32::to_string);
        assert_synthetic(&read_stated(&document("", &format!("{beat}{rhythm}"))));
        let derived = rhythm
            .replace("</series>", &format!("<derivation><derivedSeries>{beat}</derivedSeries></derivation></series>"));
        let ecg = read_stated(&document("", &derived));
        assert_synthetic(&ecg);
        assert_eq!(ecg.notices, []);
        let error = read_file(&document("", &beat), &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains("only representative beats"), "{error}");
        let ecg = read_stated(&document("", &format!("{rhythm}{rhythm}")));
        assert!(ecg.notices[0].to_string().contains("2 rhythm recordings"), "{:?}", ecg.notices);
    }

    #[test]
    fn the_person_is_read() {
        let subject = "<trialSubject><id extension='S7'/><subjectDemographicPerson><name>Nobody</name>\
                       <administrativeGenderCode code='F'/><birthTime value='19801231'/></subjectDemographicPerson>\
                       </trialSubject>";
        let age = "<relatedObservation><code code='21612-7'/><value value='30' unit='mo'/></relatedObservation>";
        let rhythm = series("RHYTHM", INCREMENT, MICROVOLT, i32::to_string);
        let person = |text: &str| read_stated(&document(text, &rhythm)).person;
        let recorded_at = Some("2020-12-31T12:00:00".to_owned());
        let mut expected = Person { id: Some("S7".to_owned()), age: Some(40.0), sex: Some(Sex::Female), recorded_at };
        assert_eq!(person(subject), expected);
        assert_eq!(person(&format!("{subject}{}", age.replace("30", "0"))), expected);
        expected.age = Some(2.5);
        assert_eq!(person(&format!("{subject}{age}")), expected);
        // What the recording is called is not what the person is called.
        expected = Person { id: None, age: None, sex: None, ..expected };
        assert_eq!(person(""), expected);
    }

    #[test]
    fn corrections_go_before_the_file() {
        let mut order = Lead::ALL.to_vec();
        order.swap(0, 11);
        let options =
            ReadOptions { unit: Some(Unit::Millivolt), sampling_rate: Some(250.0), lead_order: Some(order.clone()) };
        let ecg = read_file(&file("", "<scale value='0.001' unit='furlong'/>"), &options).unwrap();
        assert_eq!(ecg.sampling_rate(), 250.0);
        assert!(ecg.leads().iter().map(|(lead, _)| lead).eq(&order));
        assert!((ecg.leads()[0].1[199] - synthetic(500)[0][199]).abs() < 1e-6);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let whole = file(INCREMENT, MICROVOLT);
        for (text, code, expected) in [
            (file("", MICROVOLT), "not-an-ecg", "state the sampling rate"),
            (file("<increment value='0' unit='s'/>", MICROVOLT), "sampling-rate", "inf Hz"),
            (file("<increment value='1' unit='h'/>", MICROVOLT), "unsupported", "\"h\""),
            (file(INCREMENT, ""), "damaged", "a lead has no scale"),
            (file(INCREMENT, "<scale value='0' unit='uV'/>"), "damaged", "the scale of a lead is 0"),
            (file(INCREMENT, "<scale value='1' unit='mmHg'/>"), "unsupported", "the unit \"mmHg\""),
            (whole.replace("digits", "digit"), "damaged", "a lead has no digits"),
            (whole.replacen(" 1 ", " one ", 1), "damaged", "\"one\" in digits is no number"),
            (whole.replace("LEAD_V6", "LEAD_V5"), "lead-twice", "V5"),
            (document("", ""), "not-an-ecg", "no rhythm"),
            (whole[..whole.len() / 2].to_owned(), "damaged", "ends before"),
        ] {
            let error = read_file(&text, &ReadOptions::default()).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn damaged_files_never_panic(bytes in damaged(file(INCREMENT, MICROVOLT).into_bytes())) {
            let _ = crate::format::read("a.xml", &bytes, &NoCompanions, &ReadOptions::default());
        }
    }
}
