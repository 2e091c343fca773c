//! Bare arrays: which axis holds the leads, and what unit and sampling rate are likely where nothing says it.

use super::error::Place;
use super::number::{Kind, Number};
use super::recording::{Recording, assign_leads, bounded, is_usual_lead_count};
use super::{FormatError, ReadOptions, Unit};
use crate::ecg::{Amplitude, Notice};

/// A two-dimensional array of one ECG, of which one axis is the leads and the other one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axes {
    pub leads: u64,
    pub samples: u64,
    /// From one lead to the next, in numbers.
    lead_stride: u64,
    /// From one sample to the next, in numbers.
    sample_stride: u64,
}

impl Axes {
    /// Finds the leads in an array of this shape; axes of length one do not count.
    ///
    /// The product of the shape must have been compared with the size of the data.
    pub fn find(
        shape: &[u64],
        fortran_order: bool,
        options: &ReadOptions,
        place: Place<'_>,
    ) -> Result<Axes, FormatError> {
        let mut stride = 1u64;
        let mut axes = Vec::new();
        let mut visit = |&length: &u64| {
            if length != 1 {
                axes.push((length, stride));
            }
            stride = stride.saturating_mul(length);
        };
        if fortran_order {
            shape.iter().for_each(&mut visit);
        } else {
            shape.iter().rev().for_each(&mut visit);
            axes.reverse();
        }
        if shape.contains(&0) {
            return Err(place.not_an_ecg(format!("the array {shape:?} is empty")));
        }
        let is_leads = |length: u64| match &options.lead_order {
            Some(order) => length == order.len() as u64,
            None => is_usual_lead_count(usize::try_from(length).unwrap_or(0)),
        };
        match axes[..] {
            [(leads, lead_stride), (samples, sample_stride)] if is_leads(leads) => {
                Ok(Axes { leads, samples, lead_stride, sample_stride })
            }
            [(samples, sample_stride), (leads, lead_stride)] if is_leads(leads) => {
                Ok(Axes { leads, samples, lead_stride, sample_stride })
            }
            [(samples, sample_stride)] if is_leads(1) => Ok(Axes { leads: 1, samples, lead_stride: 0, sample_stride }),
            [] | [_] | [_, _] => Err(no_leads(shape, options, place)),
            _ => Err(place.unsupported(
                "the shape",
                format!("an array of more axes than leads and samples, {shape:?},"),
                "store it as 12 leads x samples, or several ECGs as ECGs x 12 leads x samples",
            )),
        }
    }

    /// The lengths of the axes after the first one, where that one counts ECGs: of three axes longer than one, one of
    /// the last two must be the leads of an ECG.
    pub fn of_several(shape: &[u64]) -> Option<&[u64]> {
        let (&count, inner) = shape.split_first()?;
        match inner.iter().copied().filter(|&length| length != 1).collect::<Vec<u64>>()[..] {
            [first, second] if count > 1 && !inner.contains(&0) => {
                let is_leads = |length| is_usual_lead_count(usize::try_from(length).unwrap_or(0));
                (is_leads(first) || is_leads(second)).then_some(inner)
            }
            _ => None,
        }
    }

    pub fn is_leads_first(&self) -> bool {
        self.lead_stride > self.sample_stride
    }
}

fn no_leads(shape: &[u64], options: &ReadOptions, place: Place<'_>) -> FormatError {
    match &options.lead_order {
        Some(order) => {
            place.correction("lead order", format!("it names {} leads, the array is {shape:?}", order.len()))
        }
        None => FormatError::TooFewLeads {
            file: place.file.to_owned(),
            format: place.format,
            found: format!("an array of the shape {shape:?}"),
            needed: "one axis of 12 leads, or of the 8 leads I, II and V1 to V6, is needed".to_owned(),
        },
    }
}

/// What is known of a bare array beforehand.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stated {
    pub unit: Option<Unit>,
    pub sampling_rate: Option<f64>,
    /// The leads are in the usual order.
    pub lead_order: bool,
}

/// Reads a bare array. What neither the user nor `stated` says is assumed and said in a notice.
pub(super) fn read(
    bytes: &[u8],
    number: Number,
    axes: Axes,
    stated: Stated,
    options: &ReadOptions,
    place: Place<'_>,
) -> Result<Recording, FormatError> {
    let mut recording = Recording::default();
    let unnamed = vec![""; usize::try_from(axes.leads).unwrap_or(0)];
    let (leads, notices) = assign_leads(&unnamed, options, place)?;
    if !stated.lead_order {
        recording.notices.extend(notices);
    }
    recording.sampling_rate = match options.sampling_rate.or(stated.sampling_rate) {
        Some(rate) => rate,
        None => {
            let assumed = likely_sampling_rate(axes.samples);
            recording.notices.push(Notice::SamplingRateAssumed { assumed });
            assumed
        }
    };
    let (kept, notice) = bounded(axes.samples, axes.leads, recording.sampling_rate);
    recording.notices.extend(notice);
    let sample = |lead: u64, sample: u64| {
        let index = usize::try_from(lead * axes.lead_stride + sample * axes.sample_stride).ok()?;
        number.read(bytes, index)
    };
    for (position, lead) in (0..).zip(leads.into_iter().flatten()) {
        let samples = (0..kept).map(|index| sample(position, index).map_or(f32::NAN, |value| value as f32));
        recording.leads.push(lead.with(samples.collect()));
    }
    into_millivolt(&mut recording, number.kind, options.unit.or(stated.unit));
    Ok(recording)
}

/// Scales samples of this unit to millivolt. Where it is not known, it is assumed and said in a notice.
pub(super) fn into_millivolt(recording: &mut Recording, kind: Kind, unit: Option<Unit>) {
    let unit = unit.or_else(|| assume_unit(recording, kind));
    let millivolt = unit.map_or(1.0, Unit::in_millivolt);
    for sample in recording.leads.iter_mut().flat_map(|(_, samples)| samples) {
        *sample = (f64::from(*sample) * millivolt) as f32;
    }
}

/// The rate at which so many samples are ten seconds, the usual length of a 12-lead ECG; 500 Hz where none is usual.
pub(super) fn likely_sampling_rate(samples: u64) -> f64 {
    // 4,096 samples at 400 Hz are how the CODE data set and the models trained on it store ten seconds.
    const USUAL: [(u64, f64); 7] =
        [(1000, 100.0), (1250, 125.0), (2000, 200.0), (2500, 250.0), (4000, 400.0), (4096, 400.0), (10_000, 1000.0)];
    USUAL.into_iter().find(|(length, _)| *length == samples).map_or(500.0, |(_, rate)| rate)
}

/// Tells the unit by the height of the QRS complexes, about 1 mV, or takes whole numbers as microvolt, and says so; `None`
/// for standardised values.
fn assume_unit(recording: &mut Recording, kind: Kind) -> Option<Unit> {
    if kind == Kind::Float && recording.leads.iter().all(|(_, samples)| is_standardised(samples)) {
        recording.amplitude = Amplitude::Standardised;
        return None;
    }
    let mut heights: Vec<f32> = recording.leads.iter().filter_map(|(_, samples)| height(samples)).collect();
    let height = median(&mut heights).unwrap_or(1.0);
    // The limits lie halfway, as a ratio, between the usual heights in the neighbouring units.
    let (unit, assumed) = match (kind, height) {
        (Kind::Float, ..0.03) if height > 0.0 => (Unit::Volt, "V"),
        (Kind::Float, ..30.0) => (Unit::Millivolt, "mV"),
        _ => (Unit::Microvolt, "µV (the same as 1000 steps per mV)"),
    };
    let because = match kind {
        Kind::Float => "by the height of the QRS complexes",
        Kind::Signed | Kind::Unsigned => "as is usual for whole numbers",
    };
    recording.notices.push(Notice::UnitAssumed { assumed: format!("{assumed}, {because},") });
    Some(unit)
}

/// The range of all but the lowest and highest 0.5 % of the samples.
fn height(samples: &[f32]) -> Option<f32> {
    let mut valid: Vec<f32> = samples.iter().copied().filter(|sample| sample.is_finite()).collect();
    let tail = valid.len() / 200;
    let last = valid.len().checked_sub(1)?;
    let low = *valid.select_nth_unstable_by(tail, f32::total_cmp).1;
    let high = *valid.select_nth_unstable_by(last - tail, f32::total_cmp).1;
    Some(high - low)
}

fn median(values: &mut [f32]) -> Option<f32> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// Whether the samples have mean 0 and standard deviation 1, which no lead in millivolt has by chance.
fn is_standardised(samples: &[f32]) -> bool {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for sample in samples.iter().map(|&sample| f64::from(sample)).filter(|sample| sample.is_finite()) {
        count += 1.0;
        sum += sample;
        squares += sample * sample;
    }
    let mean = sum / count;
    let deviation = (squares / count - mean * mean).sqrt();
    mean.abs() < 0.02 && (deviation - 1.0).abs() < 0.02
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::Lead;
    use crate::format::testing::{LEADS, synthetic};

    const PLACE: Place<'static> = Place { file: "x.npy", format: "test" };

    fn find(shape: &[u64], fortran_order: bool) -> Result<Axes, FormatError> {
        Axes::find(shape, fortran_order, &ReadOptions::default(), PLACE)
    }

    fn axes(leads: u64, samples: u64, lead_stride: u64, sample_stride: u64) -> Axes {
        Axes { leads, samples, lead_stride, sample_stride }
    }

    #[test]
    fn the_leads_are_found_on_either_axis_in_either_order() {
        assert_eq!(find(&[12, 5000], false).unwrap(), axes(12, 5000, 5000, 1));
        assert_eq!(find(&[12, 5000], true).unwrap(), axes(12, 5000, 1, 12));
        assert_eq!(find(&[5000, 12], false).unwrap(), axes(12, 5000, 1, 12));
        assert_eq!(find(&[1, 5000, 12, 1], false).unwrap(), axes(12, 5000, 1, 12));
        assert_eq!(find(&[8, 5000], false).unwrap(), axes(8, 5000, 5000, 1));
    }

    #[test]
    fn other_shapes_are_refused_with_a_reason() {
        for (shape, code, expected) in [
            (&[5000, 3][..], "too-few-leads", "the shape [5000, 3]"),
            (&[5000], "too-few-leads", "the shape [5000]"),
            (&[], "too-few-leads", "the shape []"),
            (&[7, 5000, 13], "unsupported", "more axes than leads and samples"),
            (&[7, 2, 5000, 12], "unsupported", "more axes than leads and samples"),
            (&[12, 0], "not-an-ecg", "[12, 0] is empty"),
        ] {
            let error = find(shape, false).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn the_first_of_three_axes_counts_ecgs() {
        assert_eq!(Axes::of_several(&[7, 12, 5000]), Some(&[12, 5000][..]));
        assert_eq!(Axes::of_several(&[12, 5000, 8]), Some(&[5000, 8][..]));
        assert_eq!(Axes::of_several(&[7, 1, 12, 5000]), Some(&[1, 12, 5000][..]));
        for shape in [&[1, 12, 5000][..], &[12, 5000], &[7, 0, 12], &[7, 13, 5000], &[12], &[], &[2, 2, 12, 5000]] {
            assert_eq!(Axes::of_several(shape), None, "{shape:?}");
        }
    }

    #[test]
    fn a_stated_order_tells_the_lead_axis() {
        let options = ReadOptions { lead_order: Some(vec![Lead::I, Lead::II, Lead::V2]), ..ReadOptions::default() };
        assert_eq!(Axes::find(&[5000, 3], false, &options, PLACE).unwrap(), axes(3, 5000, 1, 3));
        let error = Axes::find(&[5000, 12], false, &options, PLACE).unwrap_err();
        assert_eq!(error.code(), "correction");
    }

    fn read_scaled(scale: f32, kind: Kind) -> Recording {
        let values = synthetic(5000).into_iter().flatten();
        let (bytes, number): (Vec<u8>, _) = match kind {
            Kind::Float => (values.flat_map(|mv| (mv * scale).to_le_bytes()).collect(), Number::new(kind, 4, false)),
            _ => (values.flat_map(|mv| ((mv * scale) as i32).to_le_bytes()).collect(), Number::new(kind, 4, false)),
        };
        let axes = find(&[LEADS, 5000], false).unwrap();
        read(&bytes, number.unwrap(), axes, Stated::default(), &ReadOptions::default(), PLACE).unwrap()
    }

    #[test]
    fn the_unit_is_told_by_the_height_and_said() {
        for (scale, kind, word) in [
            (1.0, Kind::Float, "mV"),
            (0.001, Kind::Float, "V"),
            (1000.0, Kind::Float, "µV"),
            (1000.0, Kind::Signed, "µV"),
        ] {
            let recording = read_scaled(scale, kind);
            let height = height(&recording.leads[0].1).unwrap();
            assert!((0.5..2.0).contains(&height), "{word}: {height} mV");
            let notice = recording.notices.last().unwrap().to_string();
            assert!(notice.contains(&format!("; {word}")), "{notice}");
        }
    }

    #[test]
    fn standardised_values_are_told_from_millivolt() {
        let mut lead = synthetic(5000).swap_remove(0);
        assert!(!is_standardised(&lead));
        let mean = lead.iter().sum::<f32>() / 5000.0;
        let deviation = (lead.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 5000.0).sqrt();
        lead.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
        assert!(is_standardised(&lead));
        assert!(!is_standardised(&[]));
    }

    #[test]
    fn the_rate_makes_ten_seconds_where_that_is_usual() {
        for (samples, rate) in
            [(5000, 500.0), (1000, 100.0), (2500, 250.0), (4096, 400.0), (5120, 500.0), (7777, 500.0)]
        {
            assert_eq!(likely_sampling_rate(samples), rate);
        }
    }
}
