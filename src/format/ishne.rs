//! ISHNE Holter files (`.ecg`): long recordings of worn recorders.
//!
//! # Overview
//! Badilini 1998, *The ISHNE Holter standard output file format*, Annals of Noninvasive Electrocardiology 3:263–266: a
//! header of 522 bytes, a block of free text, and the samples of all leads alternately, each of 16 bits in two's
//! complement, least significant byte first. The Telemetric and Holter ECG Warehouse publishes its recordings like this.
//!
//! # Encodings
//! - The header states the sampling rate and for each lead its code and the nanovolt of a step.
//! - The lowest number (-32768) marks a sample as missing.
//! - A wrong checksum of the header, and a number of samples that does not fit the file, are said in notices: some
//!   recorders count the samples of one lead, others those of all leads together, and some break off.
//! - Leads that are not of the twelve (most recorders have three leads such as X, Y and Z) are not read; with the rest,
//!   whether they are enough for an ECG of twelve leads is decided where it is used, which names the missing ones.

use super::binary::{Fields, crc_ccitt, text};
use super::date::{age_on, moment};
use super::error::Place;
use super::recording::{Calibration, Recording, SAMPLING_RATES, assign_leads, bounded};
use super::{Format, FormatError, ReadOptions, Source, Unit};
use crate::ecg::{Lead, Notice, Person, Sex};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["ecg"], recognises, read };

const NAME: &str = "ISHNE Holter";

const SIGNATURE: &[u8] = b"ISHNE1.0";

/// Signature and checksum come before what the checksum covers.
const CHECKED_FROM: usize = 10;

/// The length of the header without the free text.
const HEADER: usize = 522;

/// The header has place for so many leads.
const MAXIMUM_LEADS: usize = 12;

fn recognises(source: &Source<'_>) -> bool {
    source.bytes.starts_with(SIGNATURE)
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let bytes = source.bytes;
    let mut header =
        Header::read(bytes).ok_or_else(|| place.truncated("the header", HEADER as u64, bytes.len() as u64))?;
    let signals = usize::from(header.signals);
    if !(1..=MAXIMUM_LEADS).contains(&signals) {
        return Err(place.damaged("byte 156", format!("a file cannot have {signals} leads")));
    }
    let labels: Vec<&str> = header.codes.iter().take(signals).map(|code| label(*code)).collect();
    let (leads, notices) = assign_leads(&labels, options, place)?;

    let mut recording = Recording { notices, person: std::mem::take(&mut header.person), ..Recording::default() };
    recording.notices.extend(check_header(bytes, &header).map(|text| Notice::File(text.to_owned())));
    recording.sampling_rate = options.sampling_rate.unwrap_or(f64::from(header.sampling_rate));
    if !SAMPLING_RATES.contains(&recording.sampling_rate) {
        let feature = format!("a sampling rate of {} Hz", header.sampling_rate);
        return Err(place.unsupported("byte 272", feature, "state the sampling rate"));
    }
    let start = header.samples_offset as usize;
    let Some(stored) = bytes.get(start..).filter(|_| start >= HEADER) else {
        return Err(place.damaged("byte 22", format!("the samples cannot begin at byte {start}")));
    };
    let (samples, notice) = samples_per_lead(stored.len() / 2 / signals, header.samples, signals);
    recording.notices.extend(notice);
    let (kept, notice) = bounded(samples as u64, signals as u64, recording.sampling_rate);
    recording.notices.extend(notice);
    for (position, (lead, nanovolt)) in leads.into_iter().zip(&header.nanovolts).enumerate() {
        let Some(lead) = lead else { continue };
        let calibration = calibration(lead.lead, *nanovolt, options, place)?;
        let signal = stored.chunks_exact(2 * signals).take(kept as usize);
        let samples = signal.map(|frame| match Fields(frame.get(2 * position..).unwrap_or_default()).i16() {
            Some(i16::MIN) | None => f32::NAN,
            Some(number) => calibration.millivolt(f64::from(number)),
        });
        recording.leads.push(lead.with(samples.collect()));
    }
    Ok(recording)
}

fn calibration(lead: Lead, nanovolt: i16, options: &ReadOptions, place: Place<'_>) -> Result<Calibration, FormatError> {
    if nanovolt <= 0 && !matches!(options.unit, Some(Unit::AdcCounts { .. })) {
        let remedy = "state how many steps are one millivolt, such as 200/mV";
        return Err(place.unsupported(format!("lead {lead}"), format!("a resolution of {nanovolt} nV"), remedy));
    }
    Ok(Calibration::new(0.0, 1e6 / f64::from(nanovolt), Unit::Millivolt, options))
}

/// How many samples of each lead there are, and what to say where the header says otherwise.
fn samples_per_lead(available: usize, stated: u32, signals: usize) -> (usize, Option<Notice>) {
    let stated = stated as usize;
    if stated == available || (signals > 1 && stated / signals == available) {
        return (available, None);
    }
    let text = format!("the header says that each lead has {stated} samples, but the file has {available} of each");
    let fewer = if (1..available).contains(&stated) { stated } else { available };
    (fewer, Some(Notice::File(text)))
}

/// Compares the header with its checksum.
fn check_header(bytes: &[u8], header: &Header) -> Option<&'static str> {
    let end = HEADER.checked_add(header.text_length as usize)?;
    match bytes.get(CHECKED_FROM..end) {
        Some(checked) if crc_ccitt(checked) == header.checksum => None,
        Some(_) => Some("the checksum of the header is wrong: the file was damaged or altered"),
        None => Some("the free text is longer than the file, and the checksum of the header could not be checked"),
    }
}

struct Header {
    checksum: u16,
    text_length: u32,
    samples: u32,
    samples_offset: u32,
    person: Person,
    signals: u16,
    codes: [i16; MAXIMUM_LEADS],
    nanovolts: [i16; MAXIMUM_LEADS],
    sampling_rate: u16,
}

impl Header {
    /// Reads the header, whose fields follow each other; `None` where it is cut off.
    fn read(bytes: &[u8]) -> Option<Header> {
        let mut fields = Fields(bytes.get(..HEADER)?);
        fields.take(SIGNATURE.len())?;
        let (checksum, text_length, samples) = (fields.u16()?, fields.u32()?, fields.u32()?);
        let (_text_offset, samples_offset, _version) = (fields.u32()?, fields.u32()?, fields.u16()?);
        let _names = fields.take(80)?;
        let id = text(fields.take(20)?);
        let (sex, _race) = (fields.u16()?, fields.u16()?);
        let (birth, day, _file_day) = (three(&mut fields)?, three(&mut fields)?, three(&mut fields)?);
        let time = three(&mut fields)?;
        let signals = fields.u16()?;
        let codes = twelve(&mut fields)?;
        let _quality = twelve(&mut fields)?;
        let nanovolts = twelve(&mut fields)?;
        let (_pacemaker, _recorder, sampling_rate) = (fields.u16()?, fields.take(40)?, fields.u16()?);
        let sex = match sex {
            1 => Some(Sex::Male),
            2 => Some(Sex::Female),
            _ => None,
        };
        let (birth, day) = (date(birth), date(day));
        let recorded_at = day.and_then(|day| moment(day, Some((time[0], time[1], time[2]))));
        let age = birth.zip(day).and_then(|(birth, day)| age_on(birth, day));
        let person = Person { id, age, sex, recorded_at };
        Some(Header {
            checksum,
            text_length,
            samples,
            samples_offset,
            person,
            signals,
            codes,
            nanovolts,
            sampling_rate,
        })
    }
}

fn three(fields: &mut Fields<'_>) -> Option<[u32; 3]> {
    Some([fields.u16()?, fields.u16()?, fields.u16()?].map(u32::from))
}

fn twelve(fields: &mut Fields<'_>) -> Option<[i16; MAXIMUM_LEADS]> {
    let mut numbers = [0; MAXIMUM_LEADS];
    for number in &mut numbers {
        *number = fields.i16()?;
    }
    Some(numbers)
}

/// Day, month and year as year, month and day. A year of two digits does not say which century is meant.
fn date([day, month, year]: [u32; 3]) -> Option<(u32, u32, u32)> {
    (1850..2200).contains(&year).then_some((year, month, day))
}

/// The name of the lead with this code in the table of the format; empty where the code says that it is unknown.
fn label(code: i16) -> &'static str {
    match code {
        0 => "",
        1 => "generic bipolar lead",
        2 => "X",
        3 => "Y",
        4 => "Z",
        5 => "I",
        6 => "II",
        7 => "III",
        8 => "aVR",
        9 => "aVL",
        10 => "aVF",
        11 => "V1",
        12 => "V2",
        13 => "V3",
        14 => "V4",
        15 => "V5",
        16 => "V6",
        17 => "ES",
        18 => "AS",
        19 => "AI",
        _ => "lead of another code",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_samples_is_that_of_the_file() {
        assert_eq!(samples_per_lead(500, 500, 3), (500, None));
        assert_eq!(samples_per_lead(500, 1500, 3), (500, None));
        for (stated, expected) in [(400, 400), (501, 500), (0, 500)] {
            let (samples, notice) = samples_per_lead(500, stated, 3);
            assert_eq!((samples, notice.is_some()), (expected, true));
        }
    }

    #[test]
    fn years_of_two_digits_are_of_no_century() {
        assert_eq!(date([22, 11, 2002]), Some((2002, 11, 22)));
        assert_eq!(date([22, 11, 2]), None);
    }
}
