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

use super::error::Place;
use super::recording::{Calibration, Recording, age_between};
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
        Some("s") => 1.0,
        Some("ms") => 1e3,
        Some("us") => 1e6,
        Some("ns") => 1e9,
        unit => {
            let feature = format!("an increment of time in {:?}", unit.unwrap_or_default());
            return Err(place.unsupported(xml::line(increment), feature, "state it in s, ms or us"));
        }
    };
    let rate = in_a_second / value;
    // An increment of 0.001953 s means 512 Hz; only what is a whole rate but for the last bits is made one.
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
    let (mut step, symbol) = quantity(scale, place)?;
    if step == 0.0 {
        return Err(place.damaged(xml::line(scale), "the scale of a lead is 0"));
    }
    let (unit, factor) = in_known_unit(scale, symbol, options, notices, place)?;
    step *= factor;
    let zero = match child(sequence, &["value", "origin"]) {
        None => 0.0,
        Some(origin) => {
            let (value, symbol) = quantity(origin, place)?;
            let (origin_unit, factor) =
                in_known_unit(origin, symbol.or(scale.attribute("unit")), options, notices, place)?;
            -(value * factor * origin_unit.in_millivolt()) / (step * unit.in_millivolt())
        }
    };
    let calibration = Calibration::of_steps(zero, step, unit, options);
    xml::samples(digits, |digit| calibration.millivolt(digit), place)
}

/// The unit of a quantity and how many of it one is: a nanovolt has no name of its own here.
fn in_known_unit(
    node: Node<'_, '_>,
    symbol: Option<&str>,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
    place: Place<'_>,
) -> Result<(super::Unit, f64), FormatError> {
    match symbol.map(str::trim) {
        Some("nV") if options.unit.is_none() => Ok((super::Unit::Microvolt, 1e-3)),
        symbol => Ok((xml::unit(node, symbol, options, notices, place)?, 1.0)),
    }
}

fn person(root: Node<'_, '_>, series: Node<'_, '_>) -> Person {
    let value = |node: Node<'_, '_>, path: &[&str]| child(node, path)?.attribute("value").map(str::to_owned);
    let time = |node| ["low", "center", "high"].iter().find_map(|point| value(node, &["effectiveTime", point]));
    let recorded_at = time(series).or_else(|| time(root)).or_else(|| value(root, &["effectiveTime"]));
    let recorded_at = recorded_at.and_then(|time| xml::timestamp(&time));
    let subject = descendant(root, "trialSubject");
    let extension = |node: Node<'_, '_>| {
        let id = child(node, &["id"])?.attribute("extension")?.trim();
        (!id.is_empty()).then(|| id.to_owned())
    };
    let identity = |name| subject.and_then(|subject| descendant(subject, name));
    let birth = identity("birthTime").and_then(|time| xml::timestamp(time.attribute("value")?));
    let sex = identity("administrativeGenderCode").and_then(|sex| Sex::from_label(sex.attribute("code")?));
    let from_birth = || age_between(birth.as_deref()?, recorded_at.as_deref()?);
    Person {
        id: subject.and_then(extension).or_else(|| extension(root)),
        age: stated_age(root).or_else(from_birth),
        sex,
        recorded_at,
    }
}

fn stated_age(root: Node<'_, '_>) -> Option<f32> {
    let observations = root.descendants().filter(|node| is(*node, "relatedObservation"));
    let age = observations
        .filter(|node| code(*node).is_some_and(|code| AGES.contains(&code)))
        .find_map(|node| child(node, &["value"]))?;
    xml::age(age.attribute("value")?.trim().parse().ok()?, age.attribute("unit").unwrap_or("a"))
}
