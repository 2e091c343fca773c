//! WFDB records of PhysioNet: a header in text (`.hea`) and the signals in one or more binary files (`.dat`, `.mat`).
//!
//! # Overview
//! PTB-XL, the MIT-BIH databases and the PhysioNet/CinC Challenges publish their ECGs like this. The header names the
//! signal files, how their numbers are stored, the gain, the unit and the lead of each signal, and in its comments often
//! age and sex. The `.mat` files of the Challenges are MATLAB files too: 24 bytes before the numbers, which the header
//! says. A signal file is always read through its header.
//!
//! # Encodings
//! Storage formats 8, 16, 24, 32, 61, 80, 160, 212, 310, 311 and, compressed with FLAC, 508, 516 and 524 of
//! [signal(5)](https://physionet.org/physiotools/wag/signal-5.htm), with several samples a frame, skew and byte offset
//! as in [header(5)](https://physionet.org/physiotools/wag/header-5.htm). Recordings of several segments, of fixed and
//! of variable layout, are put together; a gap between them has no valid samples.
//!
//! - The smallest number of a format marks a missing sample and becomes NaN.
//! - Gain 0 means that the signal is not calibrated; the 200 steps per millivolt of the standard are then assumed.
//! - The unit `NU` (no unit) means standardised values: [`Amplitude::Standardised`].
//! - A wrong checksum is said in a notice.
//! - Leads with several samples a frame are read at their full rate; leads of different rates are averaged to the
//!   frame rate.
//!
//! # Example
//! ```no_run,ignore-wasm32
//! use ecgnet::format::{ReadOptions, open};
//!
//! let ecg = open("records500/00000/00001_hr".as_ref(), &ReadOptions::default())?;
//! assert_eq!(ecg.sampling_rate(), 500.0);
//! # Ok::<(), ecgnet::format::FormatError>(())
//! ```

mod flac;
mod header;
mod samples;
mod segments;

use std::collections::BTreeSet;
use std::io;

use super::binary::decoded;
use super::companions::{Companions, is_bare_name};
use super::error::Place;
use super::recording::{Assigned, Calibration, Recording, assign_leads, bounded};
use super::{Format, FormatError, MAXIMUM_FILE_SIZE, ReadOptions, Source, Unit, sniff, stem};
use crate::ecg::{Amplitude, Notice};
use flac::StreamInfo;
use header::{Header, Signal};
use samples::Storage;

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["hea", "dat", "mat"], recognises, read };

const NAME: &str = "WFDB";

/// A skewed signal needs so many numbers more at most: skew is that of the heads of a tape recorder.
const MAXIMUM_SKEW: u64 = 1 << 16;

/// A header is text about a few dozen signals; of a larger file no more is read in search of one.
const MAXIMUM_HEADER_SIZE: u64 = 1 << 20;

/// The header that a signal file or a record name belongs to, with its name, if it is among the companions.
pub(super) fn header_of(name: &str, companions: &dyn Companions) -> Option<(String, Vec<u8>)> {
    if has_extension(name, "hea") || !is_bare_name(name) {
        return None;
    }
    let load = |header_name: String| {
        let bytes = companions.read(&header_name, 0, MAXIMUM_HEADER_SIZE).ok()?;
        Some((header_name, bytes))
    };
    let names_signal_file = |(_, bytes): &(String, Vec<u8>)| {
        let text = decoded(bytes);
        text.lines().any(|line| line.split_ascii_whitespace().next() == Some(name))
    };
    let of_record = load(format!("{name}.hea"));
    of_record.or_else(|| {
        let names = ["hea", "HEA"].map(|extension| format!("{}.{extension}", stem(name)));
        names.into_iter().find_map(|header_name| load(header_name).filter(names_signal_file))
    })
}

/// The files that a header names, each once: the signal files, or the headers of the segments.
pub(crate) fn files_of(header: &str) -> Vec<String> {
    let lines = header.trim_start_matches('\u{feff}').lines().map(str::trim);
    let mut first_words = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_ascii_whitespace().next());
    // The record line: `name/segments` announces a record of several segments.
    let segmented = first_words.next().is_some_and(|record| record.contains('/'));
    let mut seen = BTreeSet::new();
    // `~` is a gap between segments or a signal without samples.
    let names = first_words.filter(|&name| name != "~" && seen.insert(name));
    names.map(|name| if segmented { format!("{name}.hea") } else { name.to_owned() }).collect()
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case(extension))
}

fn recognises(source: &Source<'_>) -> bool {
    has_extension(source.name, "hea") || is_header(source.bytes) || is_signal_file(source)
}

/// Whether the content is that of a header, whatever its name: a record line and a signal line.
fn is_header(bytes: &[u8]) -> bool {
    let start = decoded(&bytes[..bytes.len().min(4096)]);
    let mut lines = start.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(record), Some(signal)) = (lines.next(), lines.next()) else { return false };
    let count = record.split_ascii_whitespace().nth(1).and_then(|field| field.parse::<u32>().ok());
    let mut fields = signal.split_ascii_whitespace();
    let (Some(_), Some(file), Some(storage)) = (count, fields.next(), fields.next()) else { return false };
    let number = storage.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    file.contains(|c: char| c.is_ascii_alphabetic()) && number.and_then(Storage::from_number).is_some()
}

/// Whether this is a signal file that came without its header: the MATLAB files of the Challenges call their matrix
/// `val`; a `.dat` file is nothing but numbers.
fn is_signal_file(source: &Source<'_>) -> bool {
    let challenge = source.bytes.get(20..24) == Some(b"val\0");
    let numbers = has_extension(source.name, "dat") && sniff::is_binary(source.bytes);
    challenge || numbers
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    if !has_extension(source.name, "hea") && is_signal_file(source) {
        let needs = format!("{}.hea", source.stem());
        return Err(FormatError::MissingCompanion { file: source.name.to_owned(), format: NAME, needs });
    }
    let shown = &source.bytes[..source.bytes.len().min(MAXIMUM_HEADER_SIZE as usize)];
    let mut header = header::parse(&decoded(shown), place)?;
    match header.segments.take() {
        Some(segments) => segments::read(header, &segments, source.companions, options, place),
        None => read_signals(header, u64::MAX, source.companions, options, place),
    }
}

/// One lead to be read: which signal it is, and what its numbers mean.
struct Selected<'a> {
    lead: Assigned,
    signal: &'a Signal,
    calibration: Calibration,
}

/// The signals that share a file, in which their numbers alternate.
struct Group<'a> {
    signals: &'a [Signal],
    selected: Vec<Selected<'a>>,
    file: &'a str,
    storage: Storage,
    byte_offset: u64,
    /// Numbers in a frame.
    frame: u64,
    /// The size of the file after the byte offset.
    available: u64,
    /// Where the file is compressed: the beginning of it.
    flac: Option<StreamInfo>,
}

/// The numbers of a [`Group`], loaded.
enum Loaded {
    Stored(Vec<u8>),
    /// Unpacked: the numbers of all channels by turns.
    Unpacked(Vec<i32>),
}

/// Reads the signals of a header, `most` frames of them.
fn read_signals(
    header: Header,
    most: u64,
    companions: &dyn Companions,
    options: &ReadOptions,
    place: Place<'_>,
) -> Result<Recording, FormatError> {
    if header.signals.is_empty() {
        return Err(place.not_an_ecg("its header names no signal that is stored"));
    }
    let mut recording = Recording { person: header.person, notices: header.notices, ..Recording::default() };
    let labels: Vec<&str> = header.signals.iter().map(|signal| signal.description.as_str()).collect();
    let (leads, notices) = assign_leads(&labels, options, place)?;
    recording.notices.extend(notices);
    let selected = select(&header.signals, &leads, options, place, &mut recording)?;
    let samples_per_frame = common_samples_per_frame(&selected, header.frames_per_second, &mut recording.notices);
    let stated_rate = header.frames_per_second * samples_per_frame as f64;
    recording.sampling_rate = place.sampling_rate(options.sampling_rate.unwrap_or(stated_rate))?;
    let groups = groups(&header.signals, selected, companions, place)?;
    let in_files = groups.iter().filter_map(Group::frames).min();
    let frames = header.frames.or(in_files).ok_or_else(|| {
        place.damaged("line 1", "neither the header nor the signal file says how many samples there are")
    })?;
    for group in &groups {
        group.check_length(frames, place)?;
    }
    // The bound counts in frames; each has so many numbers.
    let numbers_in_frame = groups.iter().map(|group| group.frame).fold(0, u64::saturating_add);
    let (kept, notice) =
        bounded(frames.min(most), numbers_in_frame, recording.sampling_rate / samples_per_frame as f64);
    recording.notices.extend(notice);
    let checked = kept == frames && header.frames.is_some();
    let mut wrong_checksums = Vec::new();
    for group in &groups {
        let loaded = group.load(kept, companions, place)?;
        for selected in &group.selected {
            let numbers = group.numbers(selected.signal, &loaded, kept);
            if checked && !checksum_fits(selected.signal, &numbers) {
                wrong_checksums.push(selected.lead.lead.name());
            }
            let averaged = if samples_per_frame == 1 { selected.signal.samples_per_frame } else { 1 };
            recording.leads.push(selected.lead.with(selected.millivolts(&numbers, averaged)));
        }
    }
    if !wrong_checksums.is_empty() {
        recording.notices.push(Notice::File(format!(
            "the checksum of {} {} differs from the one in the header: the signal file was altered or is another one",
            if wrong_checksums.len() == 1 { "lead" } else { "leads" },
            wrong_checksums.join(", ")
        )));
    }
    Ok(recording)
}

/// Puts signals that follow each other in one file together, and looks at the size of the file. Files without any
/// selected lead are left alone.
fn groups<'a>(
    signals: &'a [Signal],
    selected: Vec<Selected<'a>>,
    companions: &dyn Companions,
    place: Place<'_>,
) -> Result<Vec<Group<'a>>, FormatError> {
    let mut groups = Vec::new();
    let mut selected = selected.into_iter().peekable();
    for signals in signals.chunk_by(|first, second| first.file == second.file) {
        let (Some(first), Some(last)) = (signals.first(), signals.last()) else { continue };
        let own: Vec<Selected<'_>> =
            std::iter::from_fn(|| selected.next_if(|selected| selected.signal.line <= last.line)).collect();
        if own.is_empty() {
            continue;
        }
        if let Some(other) = signals.iter().find(|signal| signal.storage != first.storage) {
            let reason = format!("{} is said to be stored in two formats at once", first.file);
            return Err(place.damaged(format!("line {}", other.line), reason));
        }
        if !is_bare_name(&first.file) {
            let reason = format!("the signal file {:?} is not in the folder of the header", first.file);
            return Err(place.damaged(format!("line {}", first.line), reason));
        }
        let size = companions.size(&first.file).map_err(|error| file_error(error, &first.file, place))?;
        let flac = match first.storage {
            Storage::Flac { bits } => Some(stream_info(signals, bits, companions, place)?),
            _ => None,
        };
        groups.push(Group {
            signals,
            selected: own,
            file: &first.file,
            storage: first.storage,
            byte_offset: first.byte_offset,
            frame: signals.iter().map(|signal| signal.samples_per_frame).fold(0, u64::saturating_add),
            // In a compressed file the offset counts samples.
            available: if flac.is_some() { size } else { size.saturating_sub(first.byte_offset) },
            flac,
        });
    }
    Ok(groups)
}

/// The beginning of a compressed file, compared with the lines of its signals.
fn stream_info(
    signals: &[Signal],
    bits: u32,
    companions: &dyn Companions,
    place: Place<'_>,
) -> Result<StreamInfo, FormatError> {
    let Some(first) = signals.first() else { return Err(place.not_an_ecg("it has no signals")) };
    let start = companions.read(&first.file, 0, StreamInfo::SIZE);
    let start = start.map_err(|error| file_error(error, &first.file, place))?;
    let damaged = |reason: String| Place { file: &first.file, ..place }.damaged("its beginning", reason);
    let info = StreamInfo::parse(&start).ok_or_else(|| damaged("it is no FLAC file".to_owned()))?;
    if info.channels != signals.len() as u64 {
        return Err(damaged(format!("it has {} channels, the header announces {}", info.channels, signals.len())));
    }
    if info.bits > bits {
        return Err(damaged(format!("its samples have {} bits, the header allows {bits}", info.bits)));
    }
    if let Some(other) = signals.iter().find(|signal| signal.samples_per_frame != first.samples_per_frame) {
        let reason = format!("the signals of {} differ in their samples per frame, which FLAC cannot have", first.file);
        return Err(place.damaged(format!("line {}", other.line), reason));
    }
    Ok(info)
}

fn file_error(error: io::Error, needs: &str, place: Place<'_>) -> FormatError {
    match error.kind() {
        io::ErrorKind::NotFound => {
            FormatError::MissingCompanion { file: place.file.to_owned(), format: place.format, needs: needs.to_owned() }
        }
        _ => FormatError::Io { file: needs.to_owned(), source: error },
    }
}

impl Group<'_> {
    /// Whole frames in the file; `None` where a compressed file does not say it.
    fn frames(&self) -> Option<u64> {
        match self.flac {
            Some(info) => {
                info.samples.map(|samples| samples.saturating_sub(self.byte_offset) * info.channels / self.frame)
            }
            None => Some(self.storage.numbers(self.available) / self.frame),
        }
    }

    fn check_length(&self, frames: u64, place: Place<'_>) -> Result<(), FormatError> {
        // A file must have one frame at least, whether their number is stated or not.
        let frames = frames.max(1);
        if let Some(present) = self.frames().filter(|&present| self.flac.is_some() && present < frames) {
            let reason = format!("it has {present} samples of each signal, the header announces {frames}");
            return Err(Place { file: self.file, ..place }.damaged("its beginning", reason));
        }
        let needed = frames.checked_mul(self.frame).and_then(|numbers| self.storage.bytes(numbers));
        if needed.is_some_and(|needed| needed <= self.available) {
            return Ok(());
        }
        let (samples, signals) = (if frames == 1 { "sample" } else { "samples" }, self.signals.len());
        let what = format!("{frames} {samples} of {signals} signals");
        Err(Place { file: self.file, ..place }.truncated(what, needed.unwrap_or(u64::MAX), self.available))
    }

    /// Loads the numbers of so many frames, and of the frames after them that skewed signals need.
    fn load(&self, frames: u64, companions: &dyn Companions, place: Place<'_>) -> Result<Loaded, FormatError> {
        let mut skew = 0;
        for Selected { signal, .. } in self.selected.iter().filter(|selected| selected.signal.skew > 0) {
            skew = skew.max(signal.skew);
            if skew >= self.frames().unwrap_or(frames) || skew.saturating_mul(self.frame) > MAXIMUM_SKEW {
                let reason = format!("a skew of {skew} samples in a recording of {frames}");
                return Err(place.damaged(format!("line {}", signal.line), reason));
            }
        }
        let numbers = frames.saturating_add(skew).saturating_mul(self.frame);
        if let Some(info) = self.flac {
            // Where nothing can be compressed, FLAC stores the samples as they are, with heads of blocks between them.
            let samples = numbers / info.channels;
            let unpacked = self.byte_offset.saturating_add(samples).saturating_mul(4 * info.channels);
            let length = unpacked.saturating_add(1 << 20).min(self.available).min(MAXIMUM_FILE_SIZE);
            let bytes = companions.read(self.file, 0, length).map_err(|error| file_error(error, self.file, place))?;
            let damaged = |reason: String| Place { file: self.file, ..place }.damaged("its compressed samples", reason);
            let unpacked = flac::decode(&bytes, self.byte_offset, samples).map_err(damaged)?;
            let present = unpacked.len() as u64 / self.frame;
            if present < frames {
                return Err(damaged(format!("they end after {present} of {frames} samples")));
            }
            return Ok(Loaded::Unpacked(unpacked));
        }
        let length = self.storage.bytes(numbers).unwrap_or(u64::MAX).min(self.available);
        let bytes = companions.read(self.file, self.byte_offset, length);
        bytes.map(Loaded::Stored).map_err(|error| file_error(error, self.file, place))
    }

    /// The numbers of one signal in so many frames; `None` where one is marked as missing or beyond the end.
    fn numbers(&self, signal: &Signal, loaded: &Loaded, frames: u64) -> Vec<Option<i32>> {
        let others_before = || self.signals.iter().take_while(|other| other.line != signal.line);
        let before: u64 = others_before().map(|other| other.samples_per_frame).sum();
        let channel = others_before().count() as u64;
        let channels = self.signals.len() as u64;
        let stored = (0..frames + signal.skew)
            .flat_map(|frame| (0..signal.samples_per_frame).map(move |sample| (frame, sample)))
            .map(|(frame, sample)| match loaded {
                Loaded::Stored(bytes) => {
                    self.storage.stored(bytes, usize::try_from(frame * self.frame + before + sample).ok()?)
                }
                Loaded::Unpacked(numbers) => {
                    let index = (frame * signal.samples_per_frame + sample) * channels + channel;
                    numbers.get(usize::try_from(index).ok()?).copied()
                }
            });
        let skewed = (signal.skew * signal.samples_per_frame) as usize;
        let mut numbers = Vec::with_capacity((frames * signal.samples_per_frame) as usize);
        if self.storage == Storage::Difference8 {
            let mut sum = signal.initial;
            let sums = stored.map(|difference| {
                sum = sum.wrapping_add(difference?);
                Some(sum)
            });
            numbers.extend(sums.skip(skewed));
            return numbers;
        }
        let missing = self.storage.missing();
        numbers.extend(stored.skip(skewed).map(|number| number.filter(|_| number != missing)));
        numbers
    }
}

/// Decides which signals are read and what their numbers mean.
fn select<'a>(
    signals: &'a [Signal],
    leads: &[Option<Assigned>],
    options: &ReadOptions,
    place: Place<'_>,
    recording: &mut Recording,
) -> Result<Vec<Selected<'a>>, FormatError> {
    let mut selected = Vec::new();
    for (signal, lead) in signals.iter().zip(leads) {
        let Some(lead) = *lead else { continue };
        let unit = Unit::from_symbol(signal.unit());
        let standardised = signal.unit().eq_ignore_ascii_case("NU");
        let unit = match (unit, options.unit) {
            (Some(unit), _) | (None, Some(unit)) => unit,
            (None, None) if standardised => {
                recording.amplitude = Amplitude::Standardised;
                Unit::Millivolt
            }
            (None, None) => {
                return Err(place.unsupported(
                    format!("line {}, lead {}", signal.line, lead.lead),
                    format!("the unit {:?}", signal.unit()),
                    "state the unit, such as mV or uV",
                ));
            }
        };
        let calibration = Calibration::new(signal.baseline, signal.gain(), unit, options);
        selected.push(Selected { lead, signal, calibration });
    }
    let uncalibrated = selected.iter().any(|selected| selected.signal.stated_gain.is_none());
    if uncalibrated && !matches!(options.unit, Some(Unit::AdcCounts { .. })) {
        recording.notices.push(Notice::UnitAssumed { assumed: "200 steps per mV, the default of WFDB,".to_owned() });
    }
    Ok(selected)
}

/// The samples per frame at which all leads are read: their own where they agree, otherwise one.
fn common_samples_per_frame(selected: &[Selected<'_>], frames_per_second: f64, notices: &mut Vec<Notice>) -> u64 {
    let first = selected.first().map_or(1, |selected| selected.signal.samples_per_frame);
    if selected.iter().all(|selected| selected.signal.samples_per_frame == first) {
        return first;
    }
    notices.push(Notice::File(format!(
        "the leads were sampled at different rates; all were averaged to {frames_per_second} Hz"
    )));
    1
}

impl Selected<'_> {
    /// The samples in millivolt: the mean of every `averaged` numbers, of which missing ones are left out.
    fn millivolts(&self, numbers: &[Option<i32>], averaged: u64) -> Vec<f32> {
        let mean = |numbers: &[Option<i32>]| {
            let (count, sum) = numbers.iter().flatten().fold((0.0, 0.0), |(n, sum), &x| (n + 1.0, sum + f64::from(x)));
            if count > 0.0 { self.calibration.millivolt(sum / count) } else { f32::NAN }
        };
        numbers.chunks(usize::try_from(averaged.max(1)).unwrap_or(usize::MAX)).map(mean).collect()
    }
}

/// Whether the sum of all numbers is the one in the header. Many programs write 0 without computing it.
fn checksum_fits(signal: &Signal, numbers: &[Option<i32>]) -> bool {
    let missing = signal.storage.missing().unwrap_or(0);
    let sum = numbers.iter().fold(0u16, |sum, number| sum.wrapping_add(number.unwrap_or(missing) as u16));
    signal.skew > 0 || signal.checksum.is_none_or(|stated| stated == 0 || stated == sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::{Ecg, Lead, Sex};
    use crate::format::recording::MAXIMUM_VALUES;
    use crate::format::testing::{damaged, stored};
    use crate::format::{NamedFiles, NoCompanions};
    use proptest::prelude::*;

    /// Stores numbers as signal(5) says: the inverse of [`Storage::stored`], written on its own.
    fn encode(format: u32, numbers: &[i32], signals: usize) -> Vec<u8> {
        let bits10 = |number: &i32| (*number as u32) & 0x3ff;
        match format {
            8 => (0..numbers.len())
                .map(|index| numbers[index] - if index < signals { 0 } else { numbers[index - signals] })
                .map(|difference| i8::try_from(difference).unwrap() as u8)
                .collect(),
            16 => numbers.iter().flat_map(|&number| (number as i16).to_le_bytes()).collect(),
            24 => numbers.iter().flat_map(|&number| number.to_le_bytes().into_iter().take(3)).collect(),
            32 => numbers.iter().flat_map(|&number| number.to_le_bytes()).collect(),
            61 => numbers.iter().flat_map(|&number| (number as i16).to_be_bytes()).collect(),
            80 => numbers.iter().map(|&number| (number + 128) as u8).collect(),
            160 => numbers.iter().flat_map(|&number| ((number + 32_768) as u16).to_le_bytes()).collect(),
            212 => numbers
                .chunks(2)
                .map(|pair| [pair[0], *pair.get(1).unwrap_or(&0)])
                .flat_map(|[a, b]| [a as u8, (a >> 8 & 15 | (b >> 8 & 15) << 4) as u8, b as u8])
                .collect(),
            310 => numbers
                .chunks(3)
                .map(|three| [0, 1, 2].map(|index| three.get(index).map_or(0, bits10)))
                .flat_map(|[a, b, c]| [a << 1 | (c & 31) << 11, b << 1 | (c >> 5) << 11])
                .flat_map(|word| (word as u16).to_le_bytes())
                .collect(),
            311 => numbers
                .chunks(3)
                .map(|three| [0, 1, 2].map(|index| three.get(index).map_or(0, bits10)))
                .flat_map(|[a, b, c]| (a | b << 10 | c << 20).to_le_bytes())
                .collect(),
            _ => panic!("no such format"),
        }
    }

    /// A record of twelve leads in steps of 1/1000 mV times `divided`, with the numbers that are in it.
    fn record(format: u32, divided: i32, samples: usize, offset: usize) -> (NamedFiles, Vec<Vec<i32>>) {
        let leads: Vec<Vec<i32>> =
            stored(samples).into_iter().map(|lead| lead.into_iter().map(|step| step / divided).collect()).collect();
        let numbers: Vec<i32> = (0..samples).flat_map(|sample| leads.iter().map(move |lead| lead[sample])).collect();
        let name = if offset > 0 { "rec.mat" } else { "rec.dat" };
        let mut header = format!("rec 12 500 {samples} 12-May-2020 12:33:59\n");
        for (lead, numbers) in Lead::ALL.iter().zip(&leads) {
            let sum = numbers.iter().sum::<i32>() as i16;
            let gain = 1000.0 / f64::from(divided);
            let at = if offset > 0 { format!("+{offset}") } else { String::new() };
            header += &format!("{name} {format}{at} {gain}(0)/mV 16 0 0 {sum} 0 {lead}\n");
        }
        header += "#Age: 74\n#Sex: Female\n";
        let mut bytes = vec![0xaa; offset];
        bytes.extend(encode(format, &numbers, 12));
        (NamedFiles::from([("rec.hea".to_owned(), header.into_bytes()), (name.to_owned(), bytes)]), leads)
    }

    fn read_record(files: &NamedFiles) -> Result<Ecg, FormatError> {
        read_with(files, &ReadOptions::default())
    }

    fn read_with(files: &NamedFiles, options: &ReadOptions) -> Result<Ecg, FormatError> {
        crate::format::read("rec.hea", &files["rec.hea"], files, options)
    }

    /// A record with this header and these numbers in format 16.
    fn small(header: &str, numbers: &[i32]) -> NamedFiles {
        NamedFiles::from([
            ("rec.hea".to_owned(), header.as_bytes().to_vec()),
            ("rec.dat".to_owned(), encode(16, numbers, 1)),
        ])
    }

    fn said(ecg: &Ecg) -> String {
        ecg.notices.iter().map(Notice::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_storage_format_is_read_back_exactly() {
        for (format, divided) in
            [(8, 1), (16, 1), (24, 1), (32, 1), (61, 1), (80, 10), (160, 1), (212, 1), (310, 3), (311, 3)]
        {
            let (files, leads) = record(format, divided, 1001, 0);
            let ecg = read_record(&files).unwrap();
            assert_eq!(ecg.notices, [], "format {format}");
            assert_eq!((ecg.sampling_rate(), ecg.samples()), (500.0, 1001));
            for ((lead, samples), (expected_lead, numbers)) in ecg.leads().iter().zip(Lead::ALL.iter().zip(&leads)) {
                let gain = 1000.0 / f64::from(divided);
                let expected: Vec<f32> = numbers.iter().map(|&number| (f64::from(number) / gain) as f32).collect();
                assert_eq!((lead, samples), (expected_lead, &expected), "format {format}");
            }
            assert_eq!((ecg.person.age, ecg.person.sex), (Some(74.0), Some(Sex::Female)));
            assert_eq!(ecg.person.recorded_at.as_deref(), Some("2020-05-12T12:33:59"));
        }
    }

    #[test]
    fn a_signal_file_is_read_through_the_header_beside_it() {
        let (files, _) = record(16, 1, 600, 24);
        let expected = read_record(&files).unwrap();
        let options = ReadOptions::default();
        assert_eq!(crate::format::read("rec.mat", &files["rec.mat"], &files, &options).unwrap(), expected);
        // The page may keep the dropped file apart from the others.
        let header_only = NamedFiles::from([("rec.hea".to_owned(), files["rec.hea"].clone())]);
        assert_eq!(crate::format::read("rec.mat", &files["rec.mat"], &header_only, &options).unwrap(), expected);
        // A header of the same name that is about another file is not taken.
        let error = crate::format::read("rec.txt", b"Dear colleague", &files, &options).unwrap_err();
        assert_eq!(error.code(), "unknown-format");
    }

    #[test]
    fn what_is_missing_is_named() {
        let options = ReadOptions::default();
        let (files, _) = record(16, 1, 600, 0);
        let error = crate::format::read("rec.hea", &files["rec.hea"], &NoCompanions, &options).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rec.hea (WFDB) also needs the file rec.dat: put it into the same folder, or choose both files together"
        );
        let error = crate::format::read("rec.dat", &files["rec.dat"], &NoCompanions, &options).unwrap_err();
        assert_eq!(error.code(), "missing-companion");
        assert!(error.to_string().contains("needs the file rec.hea"), "{error}");
    }

    #[test]
    fn a_header_is_recognised_by_its_content() {
        let (files, _) = record(212, 1, 600, 0);
        let ecg = crate::format::read("header.txt", &files["rec.hea"], &files, &ReadOptions::default()).unwrap();
        assert_eq!(ecg.leads().len(), 12);
        assert!(!is_header(b"0 1 2 3\n4 16 6 7\n"));
        assert!(!is_header(b"time 12\nI 3.5"));
    }

    #[test]
    fn a_file_that_is_cut_off_is_refused_with_numbers() {
        let (mut files, _) = record(16, 1, 600, 24);
        files.get_mut("rec.mat").unwrap().truncate(10_000);
        let error = read_record(&files).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rec.mat (WFDB) is cut off: 14400 bytes are needed for 600 samples of 12 signals, but only 9976 are there; \
             copy or download the file again"
        );
        files.insert("rec.mat".to_owned(), Vec::new());
        assert_eq!(read_record(&files).unwrap_err().code(), "truncated");
    }

    #[test]
    fn the_number_of_samples_may_come_from_the_file() {
        let files = small("rec 1 500\nrec.dat 16 1000/mV 16 0 0 0 0 II", &[1, 2, 3]);
        assert_eq!(read_record(&files).unwrap().lead(Lead::II).unwrap(), [0.001, 0.002, 0.003]);
        let error = read_record(&small("rec 1 500\nrec.dat 16 1000/mV 16 0 0 0 0 II", &[])).unwrap_err();
        assert_eq!(error.code(), "truncated");
    }

    /// Compared with what the Python library (wfdb 4.3.1) reads from the same bytes.
    #[test]
    fn several_samples_a_frame_and_skew() {
        let mut numbers: Vec<i32> = (0..60).map(|index| index * 37 % 101 - 50).collect();
        numbers[10] = -32_768;
        let lines = "rec.dat 16x2 100(5)/mV 16 0 0 0 0 I\nrec.dat 16:3 100/uV 16 0 0 0 0 II\n";
        let files = small(&format!("rec 2 250 18\n{lines}"), &numbers);
        let ecg = read_record(&files).unwrap();
        assert!(said(&ecg).contains("averaged to 250 Hz"));
        let second = ecg.lead(Lead::II).unwrap();
        let expected = [-0.47, -0.37, -0.27, -0.17, -0.07, 0.03, 0.13, 0.23, 0.33, 0.43, -0.48, -0.38];
        assert_eq!(second[..12], expected.map(|microvolt: f64| (microvolt / 1000.0) as f32));
        // The file has two frames after the stated end; of the three that the skew needs, one is missing.
        assert_eq!(second.iter().map(|x| x.is_nan()).collect::<Vec<_>>(), [vec![false; 17], vec![true]].concat());
        let first = ecg.lead(Lead::I).unwrap();
        assert_eq!((first[0], first[1]), (-0.365, -0.265));
        // One of the two samples of this frame is missing.
        assert_eq!(first[3], -0.25);

        let alone = small("rec 2 250 18\nrec.dat 16x2 100(5)/mV 16 0 0 0 0 I\nrec.dat 16 1 1 0 0 0 0 RESP", &numbers);
        let ecg = read_record(&alone).unwrap();
        assert_eq!((ecg.sampling_rate(), ecg.samples()), (500.0, 36));
        assert_eq!(ecg.lead(Lead::I).unwrap()[..7], [-0.55, -0.18, -0.45, -0.08, -0.35, 0.02, -0.25]);
        assert!(ecg.lead(Lead::I).unwrap()[7].is_nan());
        assert!(said(&ecg).contains("\"RESP\""));
    }

    #[test]
    fn an_absurd_skew_is_refused() {
        let header = "rec 1 500 3\nrec.dat 16:18446744073709551615 1000/mV 16 0 0 0 0 II";
        let error = read_record(&small(header, &[1, 2, 3])).unwrap_err();
        assert!(error.to_string().contains("damaged at line 2: a skew of 18446744073709551615 samples"), "{error}");
        let header = "rec 1 500 70000\nrec.dat 16:65537 1000/mV 16 0 0 0 0 II";
        let error = read_record(&small(header, &vec![1; 70_000])).unwrap_err();
        assert!(error.to_string().contains("a skew of 65537 samples"), "{error}");
    }

    #[test]
    fn units_gains_and_corrections() {
        let first = |field: &str, options: ReadOptions| {
            let files = small(&format!("rec 1 500 1\nrec.dat 16 {field} 16 0 0 0 0 II"), &[300]);
            read_with(&files, &options).map(|ecg| (ecg.lead(Lead::II).unwrap()[0], ecg.amplitude, said(&ecg)))
        };
        let unit = |unit| ReadOptions { unit: Some(unit), ..ReadOptions::default() };
        let as_stated = ReadOptions::default;
        assert_eq!(first("200/mV", as_stated()).unwrap().0, 1.5);
        assert_eq!(first("200(100)/mV", as_stated()).unwrap().0, 1.0);
        assert_eq!(first("0.2/uV", as_stated()).unwrap().0, 1.5);
        assert_eq!(first("200000/V", as_stated()).unwrap().0, 1.5);
        assert_eq!(first("0.0002/nV", as_stated()).unwrap().0, 1.5);
        let mut latin_1 = small("rec 1 500 1\nrec.dat 16 0.2/?V 16 0 0 0 0 II", &[300]);
        let header = latin_1.get_mut("rec.hea").unwrap();
        header.iter_mut().filter(|byte| **byte == b'?').for_each(|byte| *byte = 0xb5);
        assert_eq!(read_record(&latin_1).unwrap().lead(Lead::II).unwrap()[0], 1.5);
        assert_eq!(first("100/mV", unit(Unit::Microvolt)).unwrap().0, 0.003);
        assert_eq!(first("1/mV", unit(Unit::AdcCounts { per_millivolt: 600.0 })).unwrap().0, 0.5);
        let (sample, _, notice) = first("0", as_stated()).unwrap();
        assert!(sample == 1.5 && notice.contains("200 steps per mV"), "{notice}");
        let (_, amplitude, notice) = first("200/NU", as_stated()).unwrap();
        assert!(amplitude == Amplitude::Standardised && notice.contains("standardised"), "{notice}");
        assert_eq!(first("200/NU", unit(Unit::Millivolt)).unwrap().1, Amplitude::Millivolt);
        let error = first("200/mmHg", as_stated()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rec.hea (WFDB), line 2, lead II: the unit \"mmHg\" cannot be read here; state the unit, such as mV or uV"
        );
        let faster = ReadOptions { sampling_rate: Some(1000.0), ..ReadOptions::default() };
        let files = small("rec 1 500 1\nrec.dat 16 200/mV 16 0 0 0 0 II", &[300]);
        assert_eq!(read_with(&files, &faster).unwrap().sampling_rate(), 1000.0);
        let error = read_record(&small("rec 1 1e300 1\nrec.dat 16 200/mV 16 0 0 0 0 II", &[300])).unwrap_err();
        assert_eq!(error.code(), "sampling-rate");
    }

    #[test]
    fn the_smallest_number_marks_a_missing_sample() {
        for (format, missing) in [
            (16, i32::from(i16::MIN)),
            (24, -(1 << 23)),
            (32, i32::MIN),
            (61, i32::from(i16::MIN)),
            (80, -128),
            (160, i32::from(i16::MIN)),
            (212, -2048),
            (310, -512),
            (311, -512),
        ] {
            let header = format!("rec 1 500 3\nrec.dat {format} 100/mV 16 0 0 0 0 II");
            let mut files = small(&header, &[]);
            files.insert("rec.dat".to_owned(), encode(format, &[missing + 1, missing, 100], 1));
            let ecg = read_record(&files).unwrap();
            let samples = ecg.lead(Lead::II).unwrap();
            assert_eq!(samples[0], ((f64::from(missing) + 1.0) / 100.0) as f32, "format {format}");
            assert!(samples[1].is_nan(), "format {format}");
            assert_eq!(samples[2], 1.0, "format {format}");
        }
    }

    #[test]
    fn a_wrong_checksum_is_said() {
        let (mut files, _) = record(16, 1, 600, 0);
        files.get_mut("rec.dat").unwrap()[2] ^= 1;
        assert!(said(&read_record(&files).unwrap()).contains("the checksum of lead II differs"));
    }

    #[test]
    fn only_the_files_of_leads_are_needed() {
        let header = "rec 2 500 3\nrec.dat 16 1000/mV 16 0 0 0 0 II\nother.dat 16 1/mmHg 16 0 0 0 0 ABP";
        assert_eq!(read_record(&small(header, &[1, 2, 3])).unwrap().leads().len(), 1);
    }

    #[test]
    fn a_header_cannot_name_files_elsewhere_or_contradict_itself() {
        for (header, expected) in [
            ("rec 1 500 3\n../rec.dat 16 1/mV 16 0 0 0 0 II", "\"../rec.dat\" is not in the folder"),
            ("rec 1 500 3\n/etc/passwd 16 1/mV 16 0 0 0 0 II", "is not in the folder"),
            (
                "rec 2 500 3\nrec.dat 16 1 9 0 0 0 0 II\nrec.dat 212 1 9 0 0 0 0 I",
                "line 3: rec.dat is said to be stored",
            ),
            ("rec 2 500 3\nrec.dat 16 1 9 0 0 0 0 II\nrec.dat 16 1 9 0 0 0 0 II", "lead II is given twice"),
            ("rec 1 500 3\nrec.dat 16 1 9 0 0 0 0 PLETH", "holds no ECG: none of its signals (\"PLETH\")"),
            ("rec 0 500 3", "names no signal that is stored"),
        ] {
            let error = read_record(&small(header, &[1, 2, 3, 4, 5, 6])).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    /// A signal file that answers any request, as large as a recording of 100 hours.
    struct Endless;

    impl Companions for Endless {
        fn size(&self, _name: &str) -> io::Result<u64> {
            Ok(100 * 3600 * 500 * 12 * 2)
        }

        fn read(&self, _name: &str, start: u64, length: u64) -> io::Result<Vec<u8>> {
            assert!(start == 0 && length <= MAXIMUM_VALUES * 4, "{length} bytes are read");
            Ok(vec![1; length as usize])
        }
    }

    #[test]
    fn of_a_holter_recording_the_beginning_is_read() {
        let (files, _) = record(16, 1, 600, 0);
        let header = String::from_utf8(files["rec.hea"].clone()).unwrap().replace(" 500 600 ", " 500 180000000 ");
        let ecg = crate::format::read("rec.hea", header.as_bytes(), &Endless, &ReadOptions::default()).unwrap();
        assert_eq!(ecg.seconds(), 1800.0);
        assert!(said(&ecg).contains("has 6000.0 minutes; only the first 30.0 were read"), "{}", said(&ecg));
    }

    fn crc(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
        let step = |crc: u32| if crc >> (bits - 1) & 1 == 1 { crc << 1 ^ polynomial } else { crc << 1 };
        let mask = (1 << bits) - 1;
        bytes.iter().fold(0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte) << (bits - 8), |crc, _| step(crc) & mask))
    }

    /// A FLAC file without compression: blocks of up to 400 samples whose channels are stored as they are.
    fn flac(numbers: &[i32], channels: usize, bits: u32) -> Vec<u8> {
        let samples = numbers.len() / channels;
        let packed = 500u64 << 44 | (channels as u64 - 1) << 41 | u64::from(bits - 1) << 36 | samples as u64;
        let sizes = [1, 144, 1, 144, 0, 0, 0, 0, 0, 0];
        let mut file = [b"fLaC\x80\0\0\x22", &sizes[..], &packed.to_be_bytes(), &[0; 16]].concat();
        for (number, block) in numbers.chunks(400 * channels).enumerate() {
            let length = block.len() / channels;
            let resolution = [(8, 1), (16, 4), (24, 6)].into_iter().find(|(size, _)| *size == bits).unwrap().1;
            let mut frame = vec![0xff, 0xf8, 0x70, (channels as u8 - 1) << 4 | resolution << 1, number as u8];
            frame.extend((length as u16 - 1).to_be_bytes());
            frame.push(crc(&frame, 8, 7) as u8);
            for channel in 0..channels {
                frame.push(2);
                for sample in 0..length {
                    let bytes = block[sample * channels + channel].to_be_bytes();
                    frame.extend(&bytes[4 - bits as usize / 8..]);
                }
            }
            let sum = crc(&frame, 16, 0x8005) as u16;
            file.extend(frame);
            file.extend(sum.to_be_bytes());
        }
        file
    }

    /// A record of twelve leads in two FLAC files, as one can have eight channels.
    fn flac_record(format: u32, divided: i32, samples: usize, unused: usize) -> (NamedFiles, Vec<Vec<i32>>) {
        let (mut files, leads) = record(if format == 508 { 80 } else { 16 }, divided, samples, 0);
        files.remove("rec.dat");
        let mut header = format!("rec 12 500 {samples}\n");
        for (lead, numbers) in Lead::ALL.iter().zip(&leads) {
            let (file, gain) = (if lead.index() < 8 { "a.dat" } else { "b.dat" }, 1000.0 / f64::from(divided));
            let sum = numbers.iter().sum::<i32>() as i16;
            header += &format!("{file} {format}+{unused} {gain}(0)/mV 16 0 0 {sum} 0 {lead}\n");
        }
        for (file, leads) in [("a.dat", &leads[..8]), ("b.dat", &leads[8..])] {
            let before = vec![7; unused * leads.len()];
            let numbers = (0..samples).flat_map(|sample| leads.iter().map(move |lead| lead[sample]));
            let numbers: Vec<i32> = before.into_iter().chain(numbers).collect();
            files.insert(file.to_owned(), flac(&numbers, leads.len(), format - 500));
        }
        files.insert("rec.hea".to_owned(), header.into_bytes());
        (files, leads)
    }

    #[test]
    fn flac_is_read_back_exactly() {
        for (format, divided, unused) in [(508, 10, 0), (516, 1, 0), (516, 1, 450), (524, 1, 3)] {
            let (files, leads) = flac_record(format, divided, 1001, unused);
            let ecg = read_record(&files).unwrap();
            assert_eq!(ecg.notices, [], "format {format}");
            for ((_, samples), numbers) in ecg.leads().iter().zip(&leads) {
                let gain = 1000.0 / f64::from(divided);
                let expected: Vec<f32> = numbers.iter().map(|&number| (f64::from(number) / gain) as f32).collect();
                assert_eq!(samples, &expected, "format {format}");
            }
        }
    }

    #[test]
    fn several_samples_a_frame_in_flac() {
        let header = "rec 2 250 3\nrec.dat 516x2 100/mV 16 0 0 0 0 I\nrec.dat 516x2 100/mV 16 0 0 0 0 II";
        let mut files = small(header, &[]);
        files.insert("rec.dat".to_owned(), flac(&[1, 10, 2, 20, 3, 30, 4, 40, 5, 50, -32_768, 60], 2, 16));
        let ecg = read_record(&files).unwrap();
        assert_eq!(ecg.sampling_rate(), 500.0);
        assert_eq!(ecg.lead(Lead::I).unwrap()[..5], [0.01, 0.02, 0.03, 0.04, 0.05]);
        assert!(ecg.lead(Lead::I).unwrap()[5].is_nan());
        assert_eq!(ecg.lead(Lead::II).unwrap(), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    }

    #[test]
    fn flac_files_that_contradict_the_header_are_refused() {
        for (header, expected) in [
            ("rec 1 500 3\nrec.dat 516 1/mV 16 0 0 0 0 I", "it has 2 channels, the header announces 1"),
            (
                "rec 2 500 3\nrec.dat 508 1 16 0 0 0 0 I\nrec.dat 508 1 16 0 0 0 0 II",
                "have 16 bits, the header allows 8",
            ),
            (
                "rec 2 500 3\nrec.dat 516x2 1 9 0 0 0 0 I\nrec.dat 516 1 9 0 0 0 0 II",
                "differ in their samples per frame",
            ),
            ("rec 2 500 9\nrec.dat 516 1 9 0 0 0 0 I\nrec.dat 516 1 9 0 0 0 0 II", "it has 3 samples of each signal"),
        ] {
            let mut files = small(header, &[]);
            files.insert("rec.dat".to_owned(), flac(&[1, 2, 3, 4, 5, 6], 2, 16));
            let error = read_record(&files).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        let (mut files, _) = flac_record(516, 1, 1001, 0);
        files.get_mut("a.dat").unwrap()[900] ^= 1;
        assert!(
            read_record(&files).unwrap_err().to_string().contains("a.dat (WFDB) is damaged at its compressed samples")
        );
    }

    #[test]
    fn samples_before_the_offset_count_too() {
        // Blocks of 65,535 equal samples in eight channels.
        let packed = 500u64 << 44 | 7 << 41 | 15 << 36;
        let sizes = [255, 255, 255, 255, 0, 0, 0, 0, 0, 0];
        let mut file = [b"fLaC\x80\0\0\x22", &sizes[..], &packed.to_be_bytes(), &[0; 16]].concat();
        for number in 0..100 {
            let mut frame = vec![0xff, 0xf8, 0x70, 7 << 4 | 4 << 1, number, 255, 254];
            frame.push(crc(&frame, 8, 7) as u8);
            frame.extend([0; 3 * 8]);
            let sum = crc(&frame, 16, 0x8005) as u16;
            file.extend(frame);
            file.extend(sum.to_be_bytes());
        }
        let lines: String =
            Lead::ALL[..8].iter().map(|lead| format!("a.dat 516+6000000 1/mV 16 0 0 0 0 {lead}\n")).collect();
        let mut files = small(&format!("rec 8 500 100\n{lines}"), &[]);
        files.insert("a.dat".to_owned(), file);
        let error = read_record(&files).unwrap_err();
        assert!(error.to_string().contains("unpacks to far more"), "{error}");
    }

    #[test]
    fn leads_upside_down_are_turned() {
        let header = "rec 2 500 2\nrec.dat 16 1/mV 16 0 0 0 0 -aVR\nrec.dat 16 1/mV 16 0 0 0 0 I";
        let ecg = read_record(&small(header, &[1, 2, 3, 4])).unwrap();
        assert_eq!((ecg.lead(Lead::AVR).unwrap(), ecg.lead(Lead::I).unwrap()), (&[-1.0, -3.0][..], &[2.0, 4.0][..]));
    }

    /// A recording of two segments and a gap between them; the second has lead II only.
    fn segments() -> NamedFiles {
        let mut files = small("rec/4 2 500 11\nlayout 0\none 4\n~ 2\ntwo 5\n# Age: 50\n", &[]);
        let lines =
            |leads: &[&str]| leads.iter().map(|lead| format!("NAME.dat 16 100/mV 16 0 0 0 0 {lead}\n")).collect();
        let one: String = lines(&["I", "II"]);
        let two: String = lines(&["II"]);
        files.insert("one.hea".to_owned(), format!("one 2 500 4\n{}", one.replace("NAME", "one")).into());
        files.insert("two.hea".to_owned(), format!("two 1 500 5\n{}", two.replace("NAME", "two")).into());
        files.insert("one.dat".to_owned(), encode(16, &[1, 10, 2, 20, 3, 30, 4, 40], 2));
        files.insert("two.dat".to_owned(), encode(16, &[5, 6, 7, 8, 9], 1));
        files
    }

    #[test]
    fn segments_are_put_together() {
        let ecg = read_record(&segments()).unwrap();
        let hundredths = |lead| {
            let samples = ecg.lead(lead).unwrap().iter();
            samples.map(|x| if x.is_nan() { -1 } else { (x * 100.0).round() as i32 }).collect::<Vec<_>>()
        };
        assert_eq!(hundredths(Lead::I), [1, 2, 3, 4, -1, -1, -1, -1, -1, -1, -1]);
        assert_eq!(hundredths(Lead::II), [10, 20, 30, 40, -1, -1, 5, 6, 7, 8, 9]);
        assert_eq!((ecg.sampling_rate(), ecg.person.age, ecg.person.id), (500.0, Some(50.0), None));
    }

    #[test]
    fn what_is_wrong_with_segments_is_named() {
        for (header, code, expected) in [
            ("rec/1 2 500 4\nnone 4", "missing-companion", "needs the file none.hea"),
            ("rec/1 2 500 4\n../one 4", "damaged", "line 2: the segment \"../one\" is not in the folder"),
            ("rec/2 2 500 8\none 4\none 4", "damaged", "line 3: the segment \"one\" is listed twice"),
            ("rec/1 2 250 4\none 4", "damaged", "one.hea (WFDB) is damaged at line 1: the rate is 500 Hz"),
            ("rec/1 2 500 4\nrec 4", "damaged", "a segment is made of segments itself"),
            ("rec/1 2 500 4\n~ 4", "not-an-ecg", "none of its segments has samples"),
            ("rec/1 2 500 40\none 40", "truncated", "one.dat (WFDB) is cut off"),
        ] {
            let mut files = segments();
            files.insert("rec.hea".to_owned(), header.into());
            let error = read_record(&files).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(expected), "{error}");
        }
        let mut files = segments();
        files.insert("rec.hea".to_owned(), "rec/3 2 500 400009\none 4\n~ 400000\ntwo 5".into());
        let ecg = read_record(&files).unwrap();
        assert_eq!(ecg.samples(), 4);
        assert!(said(&ecg).contains("because of a long gap the recording was read up to line 3"), "{}", said(&ecg));
    }

    proptest! {
        #[test]
        fn damaged_segments_and_flac_files_never_panic(
            list in damaged(segments()["rec.hea"].clone()),
            first in damaged(flac_record(516, 1, 600, 0).0["a.dat"].clone()),
        ) {
            let mut files = segments();
            files.insert("rec.hea".to_owned(), list);
            let _ = read_record(&files);
            let (mut files, _) = flac_record(516, 1, 600, 0);
            files.insert("a.dat".to_owned(), first);
            let _ = read_record(&files);
        }

        #[test]
        fn damaged_records_never_panic(
            header in damaged(record(212, 1, 600, 0).0["rec.hea"].clone()),
            signals in damaged(record(212, 1, 600, 0).0["rec.dat"].clone()),
        ) {
            let files = NamedFiles::from([("rec.hea".to_owned(), header), ("rec.dat".to_owned(), signals)]);
            if let Err(error) = read_record(&files) {
                prop_assert!(!error.to_string().is_empty());
            }
        }

        #[test]
        fn any_text_as_header_never_panics(
            record in "rec [0-9]{1,2}( [0-9./()]{1,6}){0,2}",
            lines in proptest::collection::vec("rec.dat (8|16|80|212|310|311)[x:+]?[0-9]{0,3}( [0-9/mVu().-]{1,8}){0,7}", 0..4),
        ) {
            let header = format!("{record}\n{}", lines.join(" II\n"));
            let _ = read_record(&small(&header, &[1; 300]));
        }

        #[test]
        fn any_bytes_as_header_never_panic(header in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = crate::format::read("rec.hea", &header, &NoCompanions, &ReadOptions::default());
        }
    }
}
