//! The CODE-15 % data set, and others that its authors prepared alike (SaMi-Trop, CODE-test): HDF5 files with the dataset
//! `tracings`.
//!
//! # Overview
//! Ribeiro et al. 2021, *CODE-15 %: a large scale annotated dataset of 12-lead ECGs*, Zenodo 4916206. A file holds
//! thousands of ECGs: 4096 samples x 12 leads in the usual order as floating point, 400 Hz. The dataset `exam_id` numbers
//! the exams, not the people; the last row of a file may be empty.
//!
//! # Unit
//! The descriptions contradict themselves: the numbers are said to be at the scale 1e-4 V, and volts to be multiplied by
//! 1000. The program that prepared the files (github.com/antonior92/ecg-preprocessing) multiplied millivolt by two, which
//! agrees with the height of the QRS complexes in comparison with other data sets (issue 5 of
//! github.com/antonior92/ecg-age-prediction). Two steps per millivolt are therefore assumed, and that is said in a
//! notice.
//!
//! # Padding
//! The exams have 7 or 10 s, and as many zeros before them as after them. Where all leads begin and end so, the zeros are
//! cut off, and that is said in a notice.

use crate::ecg::Notice;
use crate::format::error::Place;
use crate::format::matrix::{Axes, Stated};
use crate::format::number::{Kind, Number};
use crate::format::recording::Recording;
use crate::format::{FormatError, ReadOptions, Unit};

/// The dataset that holds the ECGs.
pub(super) const DATASET: &str = "tracings";

/// What the publication and the program of its authors say of all exams.
pub(super) const STATED: Stated =
    Stated { unit: Some(Unit::AdcCounts { per_millivolt: 2.0 }), sampling_rate: Some(400.0), lead_order: true };

/// Whether the numbers are stored as in the publication.
pub(super) fn is_published(number: Number, axes: Axes) -> bool {
    number.kind == Kind::Float && axes.samples == 4096 && axes.leads == 12 && !axes.is_leads_first()
}

/// Cuts the zeros off that the program put around the exam, and says what was assumed.
pub(super) fn without_padding(
    mut recording: Recording,
    options: &ReadOptions,
    place: Place<'_>,
) -> Result<Recording, FormatError> {
    if options.unit.is_none() {
        let assumed = "0.5 mV, by the program that prepared the CODE data sets,".to_owned();
        recording.notices.push(Notice::UnitAssumed { assumed });
    }
    let length = recording.leads.iter().map(|(_, samples)| samples.len()).min().unwrap_or(0);
    let is_zero = |&sample: &usize| recording.leads.iter().all(|(_, samples)| samples.get(sample) == Some(&0.0));
    let before = (0..length).take_while(is_zero).count();
    if before == length {
        return Err(place.not_an_ecg("all its samples are zero: no exam was stored here"));
    }
    let after = (0..length).rev().take_while(is_zero).count();
    // The halves differ by one where the number of zeros is odd; whatever else is zero was recorded so.
    let padding = before.min(after);
    let (start, end) = (padding, length - if after > padding { padding + 1 } else { padding });
    if padding > 0 && start < end {
        for (_, samples) in &mut recording.leads {
            samples.truncate(end);
            samples.drain(..start);
        }
        let cut = format!("the {start} zeros before the exam and the {} after it were cut off", length - end);
        recording.notices.push(Notice::File(cut));
    }
    Ok(recording)
}
