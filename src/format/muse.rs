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

use super::error::Place;
use super::recording::{Calibration, Recording, age_between, iso_8601};
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
    let recorded_at = test("AcquisitionDate").and_then(|day| date(&day, test("AcquisitionTime").as_deref()));
    let stated = || {
        let years = patient("PatientAge")?.parse().ok()?;
        xml::age(years, &patient("AgeUnits").unwrap_or_else(|| "YEARS".to_owned()))
    };
    let from_birth = || age_between(&date(&patient("DateofBirth")?, None)?, recorded_at.as_deref()?);
    Person {
        id: patient("PatientID"),
        age: stated().or_else(from_birth),
        sex: patient("Gender").and_then(|sex| Sex::from_label(&sex)),
        recorded_at,
    }
}

/// `03-25-1996` and `11:18:00` as ISO 8601.
fn date(date: &str, time: Option<&str>) -> Option<String> {
    let numbers = |text: &str| -> Option<[u32; 3]> {
        let parts: Option<Vec<u32>> = text.split(['-', '/', ':']).map(|part| part.trim().parse().ok()).collect();
        parts?.try_into().ok()
    };
    let [month, day, year] = numbers(date)?;
    let time = time.and_then(numbers).map(|[hour, minute, second]| (hour, minute, second));
    iso_8601(year, month, day, time).or_else(|| iso_8601(year, month, day, None))
}
