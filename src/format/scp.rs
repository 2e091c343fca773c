//! SCP-ECG records (`.scp`), the format of the European standard for electrocardiographs.
//!
//! # Overview
//! EN 1064:2005+A1:2007, *Standard communication protocol: computer-assisted electrocardiography*, the same as ISO
//! 11073-91064. A record consists of sections: 1 the person and the time, 2 Huffman tables, 3 the leads, 4 the places of
//! the beats, 5 the reference beat (the representative or median beat), 6 the rhythm; the measurements and diagnoses from
//! section 7 on are not read. The ECG is always the rhythm; the reference beat serves to undo its subtraction only.
//!
//! # Encodings
//! - Numbers of 16 bits, or the Huffman codes of the standard's own table or of any tables in the file, with switches
//!   between them. Each lead begins with the first table.
//! - The samples themselves, their first or their second differences.
//! - Subtraction of the reference beat from the beats of type 0: where section 3 says so, the beat of section 5 is added
//!   at the fiducial points of section 4, scaled by the amplitude multipliers of both sections.
//! - Bimodal compression: outside of the protected areas of section 4, 2 to 4 samples (4 in the standard) are stored as
//!   one. They are interpolated linearly and smoothed by the mean of three samples, which is not done across the edges of
//!   a subtracted beat. The factor is that of the sample intervals of sections 6 and 5. What filtering took from the
//!   waves outside of the QRS complexes does not come back; this is said in a notice.
//! - The amplitude multiplier (nanovolt for a step) and the sample interval (microseconds) are those of the file.
//! - A wrong checksum and a wrong record length are said in notices; section pointers may also count from 0.
//! - Where the leads do not have the same first and last sample, the time that all of them have is read.
//!
//! Not read: version 3 (EN 1064:2020) with its other layout of the samples.

mod container;
mod huffman;
mod person;
mod rhythm;

use std::borrow::Cow;

use super::error::{ENOUGH_LEADS, Place};
use super::recording::{Assigned, Calibration, Recording, SAMPLING_RATES, assign_leads, bounded, lead_by_number};
use super::{Format, FormatError, ReadOptions, Source, Unit};
use crate::ecg::Notice;
use container::Container;
use huffman::Tables;
use rhythm::{Beats, Definition, LeadRange, Waveforms};

pub(super) const FORMAT: Format = Format { name: NAME, extensions: &["scp"], recognises, read };

const NAME: &str = "SCP-ECG";

/// The sections by their names in messages.
const LEADS: &str = "section 3";
const BEATS: &str = "section 4";
const REFERENCE: &str = "section 5";
const RHYTHM: &str = "section 6";

fn recognises(source: &Source<'_>) -> bool {
    container::recognises(source.bytes)
}

fn read(source: &Source<'_>, options: &ReadOptions) -> Result<Recording, FormatError> {
    let place = Place { file: source.name, format: NAME };
    let mut container = Container::read(source.bytes, place)?;
    let encoded = Encoded::read(&container, place)?;
    let definition = &encoded.definition;
    let labels: Vec<Cow<'_, str>> = definition.leads.iter().map(|lead| label(lead.code)).collect();
    let labels: Vec<&str> = labels.iter().map(|label| &**label).collect();
    let (leads, lead_notices) = assign_leads(&labels, options, place)?;
    let leads: Vec<(Assigned, usize, LeadRange)> = leads
        .into_iter()
        .zip(&definition.leads)
        .enumerate()
        .filter_map(|(index, (lead, range))| Some((lead?, index, *range)))
        .collect();

    let mut recording = Recording { notices: std::mem::take(&mut container.notices), ..Recording::default() };
    recording.notices.extend(lead_notices);
    recording.person = container.section(1).map(person::read).unwrap_or_default();
    recording.sampling_rate = encoded.sampling_rate(options, place)?;
    if !definition.simultaneous {
        let text = "the file does not say that all leads were recorded at the same time";
        recording.notices.push(Notice::File(text.to_owned()));
    }
    if encoded.factor > 1 {
        let text = "the device stored the ECG outside of the QRS complexes smoothed and at a lower rate";
        recording.notices.push(Notice::File(text.to_owned()));
    }
    let (first, last, notice) = common_range(&leads, place)?;
    recording.notices.extend(notice);
    let (kept, notice) = bounded(u64::from(last - first) + 1, leads.len() as u64, recording.sampling_rate);
    recording.notices.extend(notice);
    let calibration = encoded.calibration(options, place)?;
    for (lead, index, range) in leads {
        let samples = encoded.samples(index, range, place)?;
        let samples = samples.into_iter().skip((first - range.start) as usize).take(kept as usize);
        recording.leads.push(lead.with(samples.map(|sample| calibration.millivolt(sample)).collect()));
    }
    Ok(recording)
}

/// The sections with the samples, still encoded.
struct Encoded<'a> {
    definition: Definition,
    tables: Option<Tables>,
    beats: Option<Beats>,
    reference: Option<Waveforms<'a>>,
    rhythm: Waveforms<'a>,
    /// So many samples outside of the protected areas are stored as one.
    factor: u16,
}

impl<'a> Encoded<'a> {
    fn read(container: &Container<'a>, place: Place<'_>) -> Result<Encoded<'a>, FormatError> {
        let (Some(leads), Some(rhythm)) = (container.section(3), container.section(6)) else {
            let missing = if container.section(3).is_none() { "leads (section 3)" } else { "rhythm (section 6)" };
            return Err(place.not_an_ecg(format!("it has no {missing}")));
        };
        let definition = Definition::read(leads).ok_or_else(|| place.damaged(LEADS, "it has no place for a lead"))?;
        check_leads(&definition, place)?;
        let tables = container.section(2).map(|section| Tables::read(section, place)).transpose()?;
        let rhythm = Waveforms::read(rhythm, definition.announced, RHYTHM, place)?;
        let mut encoded = Encoded { definition, tables, beats: None, reference: None, rhythm, factor: 1 };
        if encoded.rhythm.bimodal || encoded.definition.subtracted {
            encoded.read_beats(container, place)?;
        }
        Ok(encoded)
    }

    fn read_beats(&mut self, container: &Container<'a>, place: Place<'_>) -> Result<(), FormatError> {
        let what = if self.rhythm.bimodal { "bimodal compression" } else { "a subtracted reference beat" };
        let (Some(beats), Some(reference)) = (container.section(4), container.section(5)) else {
            let feature = format!("{what} without sections 4 and 5");
            return Err(place.unsupported(RHYTHM, feature, "export it without compression"));
        };
        let too_short = || place.damaged(BEATS, "it is too short for its beats");
        self.beats = Some(Beats::read(beats).ok_or_else(too_short)?);
        let reference = Waveforms::read(reference, self.definition.announced, REFERENCE, place)?;
        let (decimated, original) = (self.rhythm.interval, reference.interval);
        self.factor = decimated.checked_div(original).unwrap_or(0);
        let largest = if self.rhythm.bimodal { 4 } else { 1 };
        if !(1..=largest).contains(&self.factor) || self.factor * original != decimated {
            let feature = format!("{what} with a sample interval of {decimated} µs ({original} µs in section 5)");
            return Err(place.unsupported(RHYTHM, feature, "export it without compression"));
        }
        self.reference = Some(reference);
        Ok(())
    }

    fn sampling_rate(&self, options: &ReadOptions, place: Place<'_>) -> Result<f64, FormatError> {
        let interval = self.reference.as_ref().map_or(self.rhythm.interval, |reference| reference.interval);
        let rate = options.sampling_rate.unwrap_or(1e6 / f64::from(interval));
        match SAMPLING_RATES.contains(&rate) {
            true => Ok(rate),
            false => {
                Err(place.unsupported(RHYTHM, format!("a sample interval of {interval} µs"), "state the sampling rate"))
            }
        }
    }

    fn calibration(&self, options: &ReadOptions, place: Place<'_>) -> Result<Calibration, FormatError> {
        let multiplier = f64::from(self.rhythm.multiplier);
        let stated = matches!(options.unit, Some(Unit::AdcCounts { .. }));
        if self.rhythm.multiplier == 0 && (!stated || self.definition.subtracted) {
            let feature = "an amplitude multiplier of 0 nV";
            return Err(place.unsupported(RHYTHM, feature, "state how many steps are one millivolt, such as 200/mV"));
        }
        Ok(Calibration::new(0.0, 1e6 / multiplier, Unit::Millivolt, options))
    }

    /// All samples of a lead, in steps of the rhythm.
    fn samples(&self, index: usize, range: LeadRange, place: Place<'_>) -> Result<Vec<f64>, FormatError> {
        let tables = self.tables.as_ref();
        let mut samples: Vec<f64> = match &self.beats {
            Some(beats) if self.factor > 1 => {
                let factor = u64::from(self.factor);
                let numbers = self.rhythm.exactly(index, beats.stored(range, factor), tables, place)?;
                beats.expand(&numbers, range, factor, self.definition.subtracted)
            }
            _ => {
                let numbers = self.rhythm.exactly(index, range.samples(), tables, place)?;
                numbers.into_iter().map(|number| number as f64).collect()
            }
        };
        if let (true, Some(beats), Some(reference)) = (self.definition.subtracted, &self.beats, &self.reference) {
            let length = beats.reference_samples(reference.interval);
            let beat = reference.up_to(index, length, tables, place)?;
            let scale = f64::from(reference.multiplier) / f64::from(self.rhythm.multiplier);
            beats
                .add(&mut samples, range, &beat, scale)
                .ok_or_else(|| place.damaged(BEATS, "its beats lie upon each other"))?;
        }
        Ok(samples)
    }
}

/// Checks that section 3 describes as many leads as it announces, each with samples.
fn check_leads(definition: &Definition, place: Place<'_>) -> Result<(), FormatError> {
    let (announced, described) = (definition.announced, definition.leads.len());
    if let Some(position) = definition.leads.iter().position(|lead| lead.samples() == 0) {
        return Err(place.damaged(LEADS, format!("lead {} ends before it begins", position + 1)));
    }
    if announced == 0 {
        return Err(place.not_an_ecg("its section 3 has no lead"));
    }
    if described == announced {
        return Ok(());
    }
    if announced >= 8 {
        return Err(place.damaged(LEADS, format!("it has {announced} leads, but describes {described}")));
    }
    Err(FormatError::TooFewLeads {
        file: place.file.to_owned(),
        format: place.format,
        found: format!("{announced} leads, of which {described} is described in section 3"),
        needed: ENOUGH_LEADS.to_owned(),
    })
}

/// The numbers of the first and of the last sample that all leads have.
fn common_range(
    leads: &[(Assigned, usize, LeadRange)],
    place: Place<'_>,
) -> Result<(u32, u32, Option<Notice>), FormatError> {
    let ranges = || leads.iter().map(|(_, _, range)| *range);
    let (first, last) = (ranges().map(|range| range.start).max(), ranges().map(|range| range.end).min());
    let (Some(first), Some(last)) = (first, last) else {
        return Err(place.not_an_ecg("its section 3 has no lead"));
    };
    if first > last {
        let feature = "leads that were recorded one after the other";
        return Err(place.unsupported(LEADS, feature, "export all leads of the same ten seconds"));
    }
    let all_alike = ranges().all(|range| (range.start, range.end) == (first, last));
    let notice = (!all_alike)
        .then(|| Notice::File(format!("the leads do not begin and end together; samples {first} to {last} were read")));
    Ok((first, last, notice))
}

/// The lead with this code in the table of the standard; empty where the code says that the lead is not specified.
fn label(code: u8) -> Cow<'static, str> {
    match (code, lead_by_number(code.into())) {
        (0, _) => "".into(),
        (_, Some(lead)) => lead.name().into(),
        (code, None) => format!("lead code {code}").into(),
    }
}
