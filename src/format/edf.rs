//! EDF, EDF+ and their 24-bit relatives BDF and BDF+ (`.edf`, `.bdf`).
//!
//! # Overview
//! Kemp et al. 1992, *A simple format for exchange of digitized polygraphic recordings*, Electroencephalography and
//! Clinical Neurophysiology 82:391; Kemp and Olivan 2003, *European data format 'plus' (EDF+)*, Clinical
//! Neurophysiology 114:1755 ([the text](https://www.edfplus.info/specs/edfplus.html)). A header in text states for each
//! signal its label, unit, physical and digital range and samples in a data record; the records follow. BDF (BioSemi) is
//! the same with numbers of 24 bits.
//!
//! The signals are leads by their labels: `ECG I`, `EKG V1`, `II`, and upside down `ECG -aVR`. Annotations are not read.
//! Where leads differ in their sampling rate, those of the most common rate are read, and the others named.
//!
//! # Encodings
//! Two's complement, little endian, 16 bits in EDF and 24 in BDF.
//!
//! - A number of records of -1, which recorders write until they have finished, is computed from the size of the file.
//! - Interrupted recordings (EDF+D, BDF+D): the longest part without interruption is read.
//! - Sex, birth date and the code of the person are taken where the field has the form of EDF+; in the form before that,
//!   a free text, it may be the name and is not taken. Two-digit years are 1985 to 2084, unless EDF+ states all four.

use super::binary::decoded;
use super::date::Order::DayFirst;
use super::date::{self, Day, age_on, clock, moment};
use super::error::Place;
use super::matrix::into_millivolt;
use super::number::Kind;
use super::recording::{Assigned, Calibration, Recording, assign_leads, bounded, shortened};
use super::{Format, FormatError, ReadOptions, Source, Unit};
use crate::ecg::{Lead, Notice, Person, Sex};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["edf", "bdf"], recognises, read };

const NAME: &str = "EDF";

const EDF: &[u8] = b"0       ";
const BDF: &[u8] = b"\xffBIOSEMI";

/// The size of the header of the file, and of that of each signal.
const HEADER: usize = 256;

fn recognises(source: &Source<'_>) -> bool {
    // A table in text may begin alike.
    let header = source.bytes.get(..HEADER).is_some_and(|header| !header.contains(&b'\n'));
    source.bytes.starts_with(BDF) || (source.bytes.starts_with(EDF) && header)
}

/// A field of the header without the spaces that fill it.
fn text(bytes: &[u8], at: usize, length: usize) -> String {
    let field = bytes.get(at..at.saturating_add(length)).unwrap_or_default();
    decoded(field).trim_matches([' ', '\0']).to_owned()
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let file = File::parse(source.bytes, place)?;
    let signals: Vec<&Signal> = file.signals.iter().filter(|signal| !signal.is_annotations()).collect();
    if signals.is_empty() {
        return Err(place.not_an_ecg("it has annotations, but no signals"));
    }
    let labels: Vec<&str> = signals.iter().map(|signal| signal.label.as_str()).collect();
    let (leads, notices) = assign_leads(&labels, options, place)?;
    let mut recording = Recording { notices, person: file.person(), ..Recording::default() };
    let selected: Vec<(Assigned, &Signal)> =
        signals.iter().zip(&leads).filter_map(|(signal, lead)| Some(((*lead)?, *signal))).collect();
    let (selected, samples_per_record) = most_common_rate(selected, &file, &mut recording.notices);
    let stated_rate = samples_per_record as f64 / file.record_duration;
    recording.sampling_rate = place.sampling_rate(options.sampling_rate.unwrap_or(stated_rate))?;
    let (records, notice) = file.uninterrupted_records(stated_rate, place)?;
    recording.notices.extend(notice);
    // Each record has fewer samples than the file has bytes.
    let samples = (records.len() as u64).saturating_mul(samples_per_record as u64);
    let (kept, notice) = bounded(samples, selected.len() as u64, recording.sampling_rate);
    recording.notices.extend(notice);
    let without_unit = options.unit.is_none() && selected.iter().all(|(_, signal)| signal.unit.is_empty());
    let otherwise = without_unit.then_some(Unit::Millivolt);
    for (lead, signal) in selected {
        let calibration = signal.calibration(lead.lead, otherwise, options, place)?;
        let samples = file.numbers(signal, records.clone()).take(kept as usize);
        recording.leads.push(lead.with(samples.map(|number| calibration.millivolt(number)).collect()));
    }
    if without_unit {
        // What was taken as millivolt is scaled by the height of the QRS complexes.
        into_millivolt(&mut recording, Kind::Float, None);
    }
    Ok(recording)
}

/// The leads of the rate that most of them have, the higher of two, and their samples in a record.
fn most_common_rate<'a>(
    selected: Vec<(Assigned, &'a Signal)>,
    file: &File<'_>,
    notices: &mut Vec<Notice>,
) -> (Vec<(Assigned, &'a Signal)>, usize) {
    let count = |samples: usize| selected.iter().filter(|(_, signal)| signal.samples == samples).count();
    let common = selected.iter().map(|(_, signal)| signal.samples).max_by_key(|&samples| (count(samples), samples));
    let common = common.unwrap_or(0);
    let (kept, left): (Vec<_>, Vec<_>) = selected.into_iter().partition(|(_, signal)| signal.samples == common);
    if !left.is_empty() {
        let rate = |samples: usize| samples as f64 / file.record_duration;
        let names: Vec<String> =
            left.iter().map(|(lead, signal)| format!("{} ({} Hz)", lead.lead, rate(signal.samples))).collect();
        notices.push(Notice::File(format!(
            "the leads were sampled at different rates; only those of {} Hz were read, not {}",
            rate(common),
            shortened(&names)
        )));
    }
    (kept, common)
}

/// What the header says about one signal.
struct Signal {
    /// Counted from one, as in messages.
    number: usize,
    label: String,
    unit: String,
    physical: [String; 2],
    digital: [String; 2],
    /// In a record.
    samples: usize,
    /// Where its samples begin in a record, counted in samples.
    offset: usize,
}

impl Signal {
    fn is_annotations(&self) -> bool {
        matches!(self.label.as_str(), "EDF Annotations" | "BDF Annotations")
    }

    /// The calibration of the file, with the unit `otherwise` where neither it nor the user states one.
    fn calibration(
        &self,
        lead: Lead,
        otherwise: Option<Unit>,
        options: &ReadOptions,
        place: Place<'_>,
    ) -> Result<Calibration, FormatError> {
        let at = || format!("signal {}, lead {lead}", self.number);
        let Some(unit) = Unit::from_symbol(&self.unit).or(options.unit).or(otherwise) else {
            let feature = format!("the unit {:?}", self.unit);
            return Err(place.unsupported(at(), feature, "state the unit, such as mV or uV"));
        };
        let range = |what: &str, [low, high]: &[String; 2]| {
            let number = |text: &str| decimal(text).filter(|number| number.is_finite());
            let range = number(low).zip(number(high)).filter(|(low, high)| low != high);
            range.ok_or_else(|| place.damaged(at(), format!("its {what} range is {low:?} to {high:?}")))
        };
        let (digital_low, digital_high) = range("digital", &self.digital)?;
        let (physical_low, physical_high) = range("physical", &self.physical)?;
        let gain = (digital_high - digital_low) / (physical_high - physical_low);
        if !gain.is_normal() {
            return Err(place.damaged(at(), format!("its gain would be {gain}")));
        }
        Ok(Calibration::new(digital_low - physical_low * gain, gain, unit, options))
    }
}

/// A file whose header was understood.
struct File<'a> {
    bytes: &'a [u8],
    /// The bytes of a sample: 2 in EDF, 3 in BDF.
    sample_size: usize,
    signals: Vec<Signal>,
    /// The whole records that are there.
    records: usize,
    /// In seconds.
    record_duration: f64,
    /// The samples of all signals in a record.
    record_samples: usize,
    /// Whether there may be time between the records.
    interrupted: bool,
}

impl<'a> File<'a> {
    fn parse(bytes: &'a [u8], place: Place<'_>) -> Result<File<'a>, FormatError> {
        let available = bytes.len() as u64;
        if bytes.len() < HEADER {
            return Err(place.truncated("the header", HEADER as u64, available));
        }
        let sample_size = if bytes.starts_with(BDF) { 3 } else { 2 };
        let field = |at: usize, length: usize, what: &str| {
            let text = text(bytes, at, length);
            let reason = format!("the {what} is {text:?}");
            (text, move || place.damaged(format!("byte {at}"), reason.as_str()))
        };
        let (count, wrong_count) = field(252, 4, "number of signals");
        let count: usize = count.parse().map_err(|_| wrong_count())?;
        let header = HEADER * (count + 1);
        if bytes.len() < header {
            return Err(place.truncated(format!("the header of {count} signals"), header as u64, available));
        }
        let (size, wrong_size) = field(184, 8, "size of the header");
        if size.parse() != Ok(header) {
            return Err(wrong_size());
        }
        let (duration, wrong_duration) = field(244, 8, "duration of a data record");
        let record_duration =
            decimal(&duration).filter(|seconds| seconds.is_finite() && *seconds >= 0.0).ok_or_else(wrong_duration)?;
        let signals = signals(bytes, count, place)?;
        let record_samples = signals.last().map_or(0, |signal| signal.offset + signal.samples);
        if record_duration == 0.0 || record_samples == 0 {
            return Err(place.not_an_ecg("it has annotations, but no signals"));
        }
        let record_size = record_samples * sample_size;
        let there = (bytes.len() - header) / record_size;
        let (stated, wrong_stated) = field(236, 8, "number of data records");
        let records = match stated.parse::<i64>().map_err(|_| wrong_stated())? {
            -1 => there,
            stated => {
                let records = usize::try_from(stated).map_err(|_| wrong_stated())?;
                if records > there {
                    let needed = (records as u64).saturating_mul(record_size as u64);
                    let what = format!("{records} data records");
                    return Err(place.truncated(what, needed, (bytes.len() - header) as u64));
                }
                records
            }
        };
        let interrupted = text(bytes, 192, 44).get(3..5) == Some("+D");
        Ok(File { bytes, sample_size, signals, records, record_duration, record_samples, interrupted })
    }

    /// The data records.
    fn data(&self) -> &'a [u8] {
        self.bytes.get(HEADER * (self.signals.len() + 1)..).unwrap_or_default()
    }

    /// The numbers of one signal in these records.
    fn numbers(&self, signal: &Signal, records: std::ops::Range<usize>) -> impl Iterator<Item = f64> {
        let data = self.data();
        let (size, offset, samples, stride) = (self.sample_size, signal.offset, signal.samples, self.record_samples);
        records.flat_map(move |record| {
            (0..samples).map(move |sample| {
                let at = (record * stride + offset + sample) * size;
                stored(data.get(at..at + size).unwrap_or_default())
            })
        })
    }

    /// The records that are read: all of them, or the longest part of an interrupted recording.
    fn uninterrupted_records(
        &self,
        sampling_rate: f64,
        place: Place<'_>,
    ) -> Result<(std::ops::Range<usize>, Option<Notice>), FormatError> {
        if !self.interrupted {
            return Ok((0..self.records, None));
        }
        let Some(times) = self.signals.iter().find(|signal| signal.is_annotations()) else {
            return Err(place.damaged("byte 192", "an interrupted recording needs annotations with the times"));
        };
        let (mut longest, mut current) = (0..0, 0..0);
        let (mut parts, mut expected) = (0u64, f64::NAN);
        for record in 0..self.records {
            let Some(start) = self.start_of_record(times, record) else {
                return Err(place.damaged(format!("data record {}", record + 1), "it does not say when it begins"));
            };
            if (start - expected).abs() * sampling_rate < 0.5 {
                current.end = record + 1;
            } else {
                current = record..record + 1;
                parts += 1;
            }
            expected = start + self.record_duration;
            if current.len() > longest.len() {
                longest = current.clone();
            }
        }
        let notice = (parts > 1).then(|| {
            Notice::File(format!(
                "the recording was interrupted {} times; only the longest part, {:.1} s, was read",
                parts - 1,
                longest.len() as f64 * self.record_duration
            ))
        });
        Ok((longest, notice))
    }

    /// When a record begins, in seconds after the recording: the first annotation in it, `+1.5` and two bytes 20.
    fn start_of_record(&self, times: &Signal, record: usize) -> Option<f64> {
        let at = (record * self.record_samples + times.offset) * self.sample_size;
        // A time has a sign and a few digits.
        let annotation = self.data().get(at..at + (times.samples * self.sample_size).min(32))?;
        let end = annotation.windows(2).position(|two| two == [20, 20])?;
        let seconds: f64 = std::str::from_utf8(annotation.get(..end)?).ok()?.parse().ok()?;
        seconds.is_finite().then_some(seconds)
    }

    fn person(&self) -> Person {
        let patient = text(self.bytes, 8, 80);
        let recording = text(self.bytes, 88, 80);
        let started = text(self.bytes, 168, 8);
        // EDF+: the day with all four digits of the year, where it is known.
        let four_digits =
            recording.strip_prefix("Startdate ").and_then(|rest| date::day(rest.split(' ').next()?, DayFirst));
        let day = four_digits.or_else(|| day_of_this_century(&started));
        // The separators differ between programs.
        let time = text(self.bytes, 176, 8).replace(|c: char| !c.is_ascii_digit(), ":");
        let recorded_at = day.and_then(|day| moment(day, clock(&time)));
        let mut person = Person { recorded_at, ..Person::default() };
        let mut fields = patient.split(' ');
        let (Some(code), Some(sex), Some(birth)) = (fields.next(), fields.next(), fields.next()) else { return person };
        // In the form of EDF+ the month has its name.
        let birth_day = date::day(birth, DayFirst).filter(|_| birth.contains(|c: char| c.is_ascii_alphabetic()));
        if !matches!(sex, "F" | "M" | "X") || (birth_day.is_none() && birth != "X") {
            return person;
        }
        person.id = (!matches!(code, "X" | "")).then(|| code.replace('_', " "));
        person.sex = Sex::from_label(sex);
        person.age = birth_day.zip(day).and_then(|(birth, day)| age_on(birth, day));
        person
    }
}

/// A number, with a decimal comma where the program was told so against the format.
fn decimal(text: &str) -> Option<f64> {
    text.replace(',', ".").parse().ok()
}

/// The day of `02.08.84`, with whatever separators.
fn day_of_this_century(text: &str) -> Option<Day> {
    let (start, year) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let century = if year.parse::<u32>().ok()? >= 85 { "19" } else { "20" };
    date::day(&format!("{start}{century}{year}"), DayFirst)
}

/// A number in two's complement, the least significant byte first.
fn stored(bytes: &[u8]) -> f64 {
    match *bytes {
        [a, b] => i16::from_le_bytes([a, b]).into(),
        [a, b, c] => (i32::from_le_bytes([0, a, b, c]) >> 8).into(),
        _ => f64::NAN,
    }
}

fn signals(bytes: &[u8], count: usize, place: Place<'_>) -> Result<Vec<Signal>, FormatError> {
    let mut signals = Vec::new();
    let mut offset = 0usize;
    for index in 0..count {
        // The fields of all signals stand together: first all labels, then all transducers, and so on.
        let at = |before: usize, length: usize| HEADER + before * count + length * index;
        let field = |before: usize, length: usize| text(bytes, at(before, length), length);
        let samples = field(216, 8);
        let wrong = || {
            let reason = format!("signal {} has {samples:?} samples in a data record", index + 1);
            place.damaged(format!("byte {}", at(216, 8)), reason)
        };
        let signal = Signal {
            number: index + 1,
            label: field(0, 16),
            unit: field(96, 8),
            physical: [field(104, 8), field(112, 8)],
            digital: [field(120, 8), field(128, 8)],
            samples: samples.parse().map_err(|_| wrong())?,
            offset,
        };
        // At most eight digits for each of at most 9999 signals.
        offset = offset.checked_add(signal.samples).filter(|&sum| sum <= u32::MAX as usize / 4).ok_or_else(wrong)?;
        signals.push(signal);
    }
    Ok(signals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_sign_in_both_sizes() {
        assert_eq!(stored(&[0xff, 0x7f]), 32_767.0);
        assert_eq!(stored(&[0, 0x80]), -32_768.0);
        assert_eq!(stored(&[0xff, 0xff, 0x7f]), 8_388_607.0);
        assert_eq!(stored(&[0xfe, 0xff, 0xff]), -2.0);
    }

    #[test]
    fn a_wrong_size_of_the_header_is_named() {
        let mut bytes = [EDF, &[b' '; HEADER]].concat();
        bytes[184..187].copy_from_slice(b"999");
        bytes[252] = b'0';
        let read =
            |bytes: &[u8]| crate::format::read("a.edf", bytes, &crate::format::NoCompanions, &ReadOptions::default());
        let error = read(&bytes).unwrap_err();
        assert!(error.to_string().contains("a.edf (EDF) is damaged at byte 184: the size of the header"), "{error}");
        let table = "0       0.5     1.5\n".repeat(100);
        assert!(!read(table.as_bytes()).unwrap_err().to_string().contains("EDF)"));
    }

    #[test]
    fn years_of_two_digits() {
        for (text, expected) in [("02.08.84", (2084, 8, 2)), ("31-12-85", (1985, 12, 31)), ("02/08/19", (2019, 8, 2))] {
            assert_eq!(day_of_this_century(text), Some(expected), "{text}");
        }
        for wrong in ["02.08.yy", "31.02.20", "", "é"] {
            assert_eq!(day_of_this_century(wrong), None, "{wrong}");
        }
    }
}
