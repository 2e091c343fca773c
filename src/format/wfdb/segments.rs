//! Recordings of several segments: records that follow each other in time.
//!
//! In a fixed layout all segments have the same signals. In a variable layout the first segment, of length zero, only
//! lists the signals, and each other segment has those that were recorded then.

use std::collections::BTreeSet;

use super::header::{self, Header, Segment};
use super::{MAXIMUM_HEADER_SIZE, file_error, read_signals};
use crate::ecg::{Lead, Notice, Person};
use crate::format::binary::decoded;
use crate::format::companions::{Companions, is_bare_name};
use crate::format::error::Place;
use crate::format::recording::{Recording, bounded};
use crate::format::{FormatError, ReadOptions};

/// The name of a segment in which nothing was recorded.
const GAP: &str = "~";

/// A gap is filled with missing samples as long as these are at most so many times the recorded ones.
const MAXIMUM_SHARE_OF_GAPS: u64 = 4;

/// So many segments are read at most: each is a file to be opened.
const MAXIMUM_SEGMENTS: usize = 1000;

/// The samples of the segments read so far.
struct Joined {
    recording: Recording,
    /// Samples of each lead.
    length: usize,
    /// Of these, so many lie in gaps.
    gaps: u64,
}

impl Joined {
    /// Adds a segment; a lead that it does not have, or that the segments before it do not have, is missing there.
    fn add(&mut self, segment: Recording) {
        let Recording { leads, sampling_rate, amplitude, person, notices } = segment;
        let added = leads.iter().map(|(_, samples)| samples.len()).max().unwrap_or(0);
        if self.recording.leads.is_empty() {
            (self.recording.sampling_rate, self.recording.amplitude) = (sampling_rate, amplitude);
        }
        for (lead, samples) in leads {
            let all = &mut self.recording.leads;
            let position = all.iter().position(|(other, _)| *other == lead).unwrap_or_else(|| {
                all.push((lead, vec![f32::NAN; self.length]));
                all.len() - 1
            });
            if let Some((_, joined)) = all.get_mut(position) {
                joined.extend(samples);
            }
        }
        self.lengthen(added);
        for notice in notices {
            if !self.recording.notices.contains(&notice) {
                self.recording.notices.push(notice);
            }
        }
        let own = &mut self.recording.person;
        *own = Person { age: own.age.or(person.age), sex: own.sex.or(person.sex), ..std::mem::take(own) };
        own.recorded_at = own.recorded_at.take().or(person.recorded_at);
    }

    /// Missing samples in every lead that has no sample there.
    fn lengthen(&mut self, added: usize) {
        self.length += added;
        for (_, samples) in &mut self.recording.leads {
            samples.resize(self.length, f32::NAN);
        }
    }
}

/// Reads the segments of `header` one after the other.
pub(super) fn read(
    header: Header,
    segments: &[Segment],
    companions: &dyn Companions,
    options: &ReadOptions,
    place: Place<'_>,
) -> Result<Recording, FormatError> {
    check_names(segments, place)?;
    let recording = Recording { person: header.person, notices: header.notices, ..Recording::default() };
    let mut joined = Joined { recording, length: 0, gaps: 0 };
    let total = segments.iter().map(|segment| segment.frames).fold(0, u64::saturating_add);
    let (kept, notice) =
        bounded(total, Lead::ALL.len() as u64, options.sampling_rate.unwrap_or(header.frames_per_second));
    joined.recording.notices.extend(notice);
    let (mut frames, mut samples_per_frame, mut opened, mut without_leads) = (0, 1, 0, None);
    // The first segment of length zero is the layout.
    for segment in segments.iter().filter(|segment| segment.frames > 0) {
        let remaining = kept.saturating_sub(frames);
        if remaining == 0 {
            break;
        }
        let length = segment.frames.min(remaining);
        let read = if segment.name == GAP {
            None
        } else {
            opened += 1;
            match read_segment(segment, header.frames_per_second, remaining, companions, options, place) {
                // A stretch in which something else than an ECG was recorded.
                Err(error @ FormatError::NotAnEcg { .. }) => {
                    without_leads.get_or_insert(error);
                    None
                }
                read => Some(read?),
            }
        };
        match read {
            Some(read) => {
                let samples = read.leads.first().map_or(0, |(_, samples)| samples.len() as u64);
                if joined.length > 0 && read.sampling_rate != joined.recording.sampling_rate {
                    let reason = format!(
                        "the leads have {} Hz, in the segments before {} Hz",
                        read.sampling_rate, joined.recording.sampling_rate
                    );
                    return Err(place.damaged(format!("line {}, segment {}", segment.line, segment.name), reason));
                }
                samples_per_frame = (samples / length.max(1)).max(1);
                joined.add(read);
            }
            // What comes before the first sample is left out.
            None if joined.length == 0 => continue,
            None => {
                let missing = length.saturating_mul(samples_per_frame);
                joined.gaps = joined.gaps.saturating_add(missing);
                let recorded = (joined.length as u64).saturating_sub(joined.gaps - missing);
                if joined.gaps > recorded.saturating_mul(MAXIMUM_SHARE_OF_GAPS) {
                    joined.recording.notices.push(stopped("a long gap", segment));
                    break;
                }
                joined.lengthen(usize::try_from(missing).unwrap_or(0));
            }
        }
        frames += length;
        if opened >= MAXIMUM_SEGMENTS {
            joined.recording.notices.push(stopped("many segments", segment));
            break;
        }
    }
    match (joined.length, without_leads) {
        (0, Some(error)) => Err(error),
        (0, None) => Err(place.not_an_ecg("none of its segments has samples")),
        _ => Ok(joined.recording),
    }
}

fn stopped(because: &str, segment: &Segment) -> Notice {
    Notice::File(format!("because of {because} the recording was read up to line {} of the header only", segment.line))
}

/// Checks that each segment is another record in the same folder.
fn check_names(segments: &[Segment], place: Place<'_>) -> Result<(), FormatError> {
    let mut names = BTreeSet::new();
    for segment in segments.iter().filter(|segment| segment.name != GAP) {
        let damaged = |reason: String| Err(place.damaged(format!("line {}", segment.line), reason));
        if !is_bare_name(&segment.name) {
            return damaged(format!("the segment {:?} is not in the folder of the header", segment.name));
        }
        if !names.insert(&segment.name) {
            return damaged(format!("the segment {:?} is listed twice", segment.name));
        }
    }
    Ok(())
}

fn read_segment(
    segment: &Segment,
    frames_per_second: f64,
    most: u64,
    companions: &dyn Companions,
    options: &ReadOptions,
    place: Place<'_>,
) -> Result<Recording, FormatError> {
    let name = format!("{}.hea", segment.name);
    let bytes = companions.read(&name, 0, MAXIMUM_HEADER_SIZE).map_err(|error| file_error(error, &name, place))?;
    let place = Place { file: &name, ..place };
    let mut header = header::parse(&decoded(&bytes), place)?;
    if header.segments.is_some() {
        return Err(place.damaged("line 1", "a segment is made of segments itself"));
    }
    if header.frames_per_second != frames_per_second {
        let reason = format!("the rate is {} Hz, in the whole {frames_per_second} Hz", header.frames_per_second);
        return Err(place.damaged("line 1", reason));
    }
    if header.frames.is_some_and(|frames| frames != segment.frames) {
        header.notices.push(Notice::File(format!(
            "the length of the segment {} is stated twice, and differently; the one in the list of segments was taken",
            segment.name
        )));
    }
    header.frames = Some(segment.frames);
    read_signals(header, most, companions, options, place)
}
