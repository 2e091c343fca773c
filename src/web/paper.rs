//! A tracing as it lies on ECG paper, in millimetres: what the page strokes and a cardiologist knows how to read.
//!
//! The usual printout: 25 mm/s and 10 mm/mV, four columns of three leads, each column two and a half seconds further
//! in time, below them lead II throughout (the rhythm strip), and to the left of every row a pulse of 1 mV. A narrow
//! screen gets the same in two halves, one below the other, like a line of music that is broken.
//!
//! Where the waves are too high for that, the gain is lowered as on a recorder, and [`Paper::scale`] says so. Rows get
//! the height that their waves need.

use crate::ecg::{Amplitude, Ecg, EcgError, Lead};
use crate::signal::Window;
use std::ops::Range;

/// Speed of the paper.
pub const MILLIMETRES_PER_SECOND: f64 = 25.0;
/// Gain of the recorder, where the waves fit.
pub const MILLIMETRES_PER_MILLIVOLT: f64 = 10.0;
/// Length of what is drawn: the ten seconds that an estimate is made from.
pub const SECONDS: f64 = 10.0;

/// Leads of a column from top to bottom, columns from left to right.
const COLUMNS: [[Lead; 3]; 4] = [
    [Lead::I, Lead::II, Lead::III],
    [Lead::AVR, Lead::AVL, Lead::AVF],
    [Lead::V1, Lead::V2, Lead::V3],
    [Lead::V4, Lead::V5, Lead::V6],
];
const RHYTHM: Lead = Lead::II;

/// Room for the calibration pulse.
const LEFT: f64 = 10.0;
const RIGHT: f64 = 5.0;
/// Least and most room above and below the baseline of a row.
const ROOM: (f64, f64) = (10.0, 35.0);
/// Waves of half of the leads may be as high as this before the gain is lowered.
const HIGHEST_WAVES: f64 = 35.0;
/// More samples than this within a second are drawn as their extremes.
const FINEST_SAMPLING: f64 = 1000.0;
const LARGE_SQUARE: f64 = 5.0;

/// A laid-out tracing. Lengths are millimetres, x to the right and y downwards from the upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub struct Paper {
    pub width: f32,
    pub height: f32,
    /// Curves as x and y in turn; a pair of NaN lifts the pen.
    pub traces: Vec<Vec<f32>>,
    /// Calibration pulses and the boundaries between the leads of a row, in the same form.
    pub marks: Vec<Vec<f32>>,
    pub labels: Vec<Label>,
    /// Speed and gain in words.
    pub scale: String,
    /// What is to be seen, for those who cannot see it.
    pub description: String,
}

/// The name of a lead, where its curve begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Label {
    pub lead: Lead,
    pub x: f32,
    /// Of the text's baseline.
    pub y: f32,
}

impl Paper {
    /// Lays out the ten seconds of `window` (less where the recording is shorter), with `columns` columns side by side:
    /// 4, 2 or 1; any other number counts as the next smaller of these.
    ///
    /// # Errors
    /// [`EcgError::LeadsMissing`] where there are not twelve leads, and they cannot be derived.
    pub fn new(ecg: &Ecg, window: Window, columns: usize) -> Result<Paper, EcgError> {
        let curves = Curves::of(ecg, window)?;
        let columns = [4, 2, 1].into_iter().find(|&known| known <= columns).unwrap_or(1);
        let mut pen = Pen::default();
        for system in COLUMNS.chunks(columns).enumerate().map(|(number, leads)| System::new(&curves, leads, number)) {
            for row in &system.rows {
                pen.draw_row(&curves, &system, row);
            }
        }
        let seconds = curves.samples as f64 / curves.rate;
        let scale = curves.scale();
        let description =
            format!("Tracing of the twelve leads over {seconds:.1} s, {scale}, with a rhythm strip of lead {RHYTHM}");
        Ok(Paper {
            width: (LEFT + seconds * columns as f64 / COLUMNS.len() as f64 * MILLIMETRES_PER_SECOND + RIGHT) as f32,
            height: pen.y as f32,
            traces: pen.traces,
            marks: pen.marks,
            labels: pen.labels,
            scale,
            description,
        })
    }
}

/// The leads of the window in millimetres above their baseline.
struct Curves {
    /// In the order of [`Lead::ALL`].
    leads: Vec<Vec<f64>>,
    samples: usize,
    rate: f64,
    amplitude: Amplitude,
    /// Millimetres for a unit of the recording.
    gain: f64,
}

impl Curves {
    fn of(ecg: &Ecg, window: Window) -> Result<Curves, EcgError> {
        let rate = ecg.sampling_rate();
        let length = ((SECONDS * rate).round() as usize).clamp(1, ecg.samples());
        // A cast saturates and takes NaN as 0.
        let start = ((window.start_seconds * rate).round() as usize).min(ecg.samples() - length);
        let cut = ecg.leads().iter().map(|(lead, samples)| (*lead, samples[start..start + length].to_vec()));
        let twelve = Ecg::new(cut.collect(), rate)?.into_twelve_leads()?;
        let mut leads: Vec<Vec<f64>> = twelve.leads().iter().map(|(_, samples)| above_baseline(samples)).collect();
        let mut heights: Vec<f64> = leads.iter().map(|lead| height(lead)).collect();
        heights.sort_by(f64::total_cmp);
        let gain = gain(heights[heights.len() / 2]);
        leads.iter_mut().flatten().for_each(|value| *value *= gain);
        Ok(Curves { leads, samples: length, rate, amplitude: ecg.amplitude, gain })
    }

    fn lead(&self, lead: Lead) -> &[f64] {
        &self.leads[lead.index()]
    }

    fn scale(&self) -> String {
        let Curves { gain, .. } = self;
        match self.amplitude {
            Amplitude::Millivolt => format!("{MILLIMETRES_PER_SECOND} mm/s, {gain} mm/mV"),
            Amplitude::Standardised => format!("{MILLIMETRES_PER_SECOND} mm/s, {gain} mm for a standard deviation"),
        }
    }
}

/// The samples minus their median, which a recorder's high-pass filter would do; NaN where a sample is not finite.
fn above_baseline(samples: &[f32]) -> Vec<f64> {
    let mut finite: Vec<f32> = samples.iter().copied().filter(|sample| sample.is_finite()).collect();
    let middle = finite.len() / 2;
    let baseline = match finite.get(middle) {
        Some(_) => f64::from(*finite.select_nth_unstable_by(middle, f32::total_cmp).1),
        None => 0.0,
    };
    let value = |sample: f32| if sample.is_finite() { f64::from(sample) - baseline } else { f64::NAN };
    samples.iter().map(|&sample| value(sample)).collect()
}

/// The largest distance from the baseline; NaN counts as 0.
fn height(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |height, value| value.abs().max(height))
}

/// Millimetres for a unit: the usual gain, or where waves of this height do not fit, the next lower one of the series
/// 5, 2, 1, 0.5, ... that a recorder has.
fn gain(height: f64) -> f64 {
    if height * MILLIMETRES_PER_MILLIVOLT <= HIGHEST_WAVES {
        return MILLIMETRES_PER_MILLIVOLT;
    }
    let largest = HIGHEST_WAVES / height;
    let decade = 10_f64.powf(largest.log10().floor());
    [5.0, 2.0].into_iter().map(|step| step * decade).find(|&gain| gain <= largest).unwrap_or(decade)
}

/// Some of the columns, side by side, with their part of the rhythm strip.
struct System {
    rows: Vec<Row>,
    first_sample: usize,
}

struct Row {
    segments: Vec<Segment>,
}

/// One lead from one sample to another.
struct Segment {
    lead: Lead,
    samples: Range<usize>,
}

impl System {
    fn new(curves: &Curves, columns: &[[Lead; 3]], number: usize) -> System {
        let first_column = number * columns.len();
        let boundary = |column: usize| curves.samples * column / COLUMNS.len();
        let samples_of = |column: usize| boundary(first_column + column)..boundary(first_column + column + 1);
        let mut rows: Vec<Row> = (0..COLUMNS[0].len())
            .map(|row| {
                let segments = columns.iter().enumerate();
                let segments =
                    segments.map(|(column, leads)| Segment { lead: leads[row], samples: samples_of(column) });
                Row { segments: segments.collect() }
            })
            .collect();
        let samples = boundary(first_column)..boundary(first_column + columns.len());
        let first_sample = samples.start;
        rows.push(Row { segments: vec![Segment { lead: RHYTHM, samples }] });
        System { rows, first_sample }
    }
}

impl Row {
    /// Room above and below the baseline, in whole large squares.
    fn room(&self, curves: &Curves) -> (f64, f64) {
        let (mut above, mut below) = (0.0_f64, 0.0_f64);
        for Segment { lead, samples } in &self.segments {
            for value in &curves.lead(*lead)[samples.clone()] {
                above = above.max(*value);
                below = below.max(-*value);
            }
        }
        let squares = |room: f64| ((room + 1.0) / LARGE_SQUARE).ceil() * LARGE_SQUARE;
        (squares(above).clamp(ROOM.0, ROOM.1), squares(below).clamp(ROOM.0, ROOM.1))
    }
}

/// Draws rows, each below the one before.
#[derive(Default)]
struct Pen {
    y: f64,
    traces: Vec<Vec<f32>>,
    marks: Vec<Vec<f32>>,
    labels: Vec<Label>,
}

impl Pen {
    fn draw_row(&mut self, curves: &Curves, system: &System, row: &Row) {
        let (above, below) = row.room(curves);
        let baseline = self.y + above;
        self.y = baseline + below;
        if curves.amplitude == Amplitude::Millivolt {
            self.marks.push(calibration_pulse(baseline, curves.gain.min(above)));
        }
        let place = |sample: f64| LEFT + (sample - system.first_sample as f64) / curves.rate * MILLIMETRES_PER_SECOND;
        for (position, Segment { lead, samples }) in row.segments.iter().enumerate() {
            let start = place(samples.start as f64);
            self.labels.push(Label { lead: *lead, x: (start + 1.5) as f32, y: (baseline - 6.5) as f32 });
            if position > 0 {
                self.marks.push([start, baseline - 2.5, start, baseline + 2.5].map(|place| place as f32).to_vec());
            }
            let values = &curves.lead(*lead)[samples.clone()];
            let points = thinned(values, curves.rate).flat_map(|(sample, value)| {
                let y = baseline - value.clamp(-below, above);
                let x = if y.is_nan() { f64::NAN } else { place(samples.start as f64 + sample) };
                [x as f32, y as f32]
            });
            self.traces.push(points.collect());
        }
    }
}

/// 1 mV for 0.2 s.
fn calibration_pulse(baseline: f64, height: f64) -> Vec<f32> {
    let top = baseline - height;
    let corners = [(2.0, baseline), (3.0, baseline), (3.0, top), (8.0, top), (8.0, baseline), (9.0, baseline)];
    corners.iter().flat_map(|&(x, y)| [x as f32, y as f32]).collect()
}

/// Positions and values; of more than [`FINEST_SAMPLING`] samples a second only the lowest and the highest of each
/// such stretch, which looks the same.
fn thinned(values: &[f64], rate: f64) -> impl Iterator<Item = (f64, f64)> + '_ {
    let stretch = ((rate / FINEST_SAMPLING) as usize).max(1);
    values.chunks(stretch).enumerate().flat_map(move |(number, values)| {
        let first = (number * stretch) as f64;
        if let [only] = values {
            return vec![(first, *only)];
        }
        let lowest = values.iter().copied().fold(f64::NAN, f64::min);
        let highest = values.iter().copied().fold(f64::NAN, f64::max);
        vec![(first, lowest), (first + stretch as f64 / 2.0, highest)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::synthetic::{Parameters, synthetic};

    /// An ECG whose leads are at 0 but for 1 mV in one sample.
    fn spike(at: usize, millivolt: f32) -> Ecg {
        let mut samples = vec![0.0; 5000];
        samples[at] = millivolt;
        Ecg::new(Lead::ALL.into_iter().map(|lead| (lead, samples.clone())).collect(), 500.0).unwrap()
    }

    fn paper(ecg: &Ecg, columns: usize) -> Paper {
        Paper::new(ecg, Window::default(), columns).unwrap()
    }

    fn points(trace: &[f32]) -> Vec<(f32, f32)> {
        trace.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    }

    #[test]
    fn a_second_is_25_mm_and_a_millivolt_10() {
        let paper = paper(&spike(1000, 1.0), 4);
        assert_eq!((paper.width, paper.traces.len()), (265.0, 13));
        assert_eq!(paper.scale, "25 mm/s, 10 mm/mV");
        // Lead I, of which the first 2.5 s are shown, has its spike after 2 s.
        let lead_i = points(&paper.traces[0]);
        let baseline = lead_i[0].1;
        assert_eq!(lead_i.len(), 1250);
        assert_eq!(lead_i[1000], (10.0 + 50.0, baseline - 10.0));
        // The second column shows the next 2.5 s, where nothing is.
        let avr = points(&paper.traces[1]);
        assert_eq!(avr[0], (10.0 + 62.5, baseline));
        assert!(avr.iter().all(|(_, y)| *y == baseline));
        assert_eq!(points(&paper.traces[12]).len(), 5000);
        assert_eq!(points(&paper.marks[0]).iter().map(|(_, y)| baseline - y).fold(0.0, f32::max), 10.0);
    }

    #[test]
    fn narrow_paper_is_the_wide_one_in_two_halves() {
        let ecg = synthetic(Parameters::default());
        let (wide, narrow) = (paper(&ecg, 4), paper(&ecg, 3));
        assert_eq!((narrow.width, narrow.traces.len(), narrow.labels.len()), (140.0, 14, 14));
        assert!(narrow.height > 1.5 * wide.height);
        let names = |paper: &Paper| paper.labels.iter().map(|label| label.lead.name()).collect::<Vec<_>>().join(" ");
        assert_eq!(names(&wide), "I aVR V1 V4 II aVL V2 V5 III aVF V3 V6 II");
        assert_eq!(names(&narrow), "I aVR II aVL III aVF II V1 V4 V2 V5 V3 V6 II");
    }

    #[test]
    fn everything_lies_on_the_paper() {
        for (scale, columns) in [(1.0, 4), (20.0, 2), (900.0, 1), (0.0, 4)] {
            let paper = paper(&synthetic(Parameters { scale, ..Parameters::default() }), columns);
            for (x, y) in paper.traces.iter().chain(&paper.marks).flat_map(|trace| points(trace)) {
                assert!((0.0..=paper.width).contains(&x) && (0.0..=paper.height).contains(&y), "{scale}: {x}, {y}");
            }
        }
    }

    #[test]
    fn high_waves_lower_the_gain_in_the_usual_steps() {
        for (height, expected) in
            [(0.0, 10.0), (3.5, 10.0), (3.6, 5.0), (8.0, 2.0), (30.0, 1.0), (40.0, 0.5), (3500.0, 0.01)]
        {
            assert!((gain(height) - expected).abs() < 1e-12, "{height} mV: {}", gain(height));
        }
    }

    #[test]
    fn missing_samples_lift_the_pen_and_short_or_fast_recordings_fit() {
        let missing = points(&paper(&spike(10, f32::NAN), 4).traces[0]);
        assert!(missing[10].0.is_nan() && missing[10].1.is_nan() && missing[11].1.is_finite());
        let short = paper(&synthetic(Parameters { seconds: 4.0, ..Parameters::default() }), 4);
        assert_eq!(short.width, 115.0);
        let fast = paper(&synthetic(Parameters { sampling_rate: 10_000.0, ..Parameters::default() }), 4);
        assert_eq!(points(&fast.traces[12]).len(), 20_000);
    }

    #[test]
    fn the_drawn_window_moves_and_stays_inside() {
        let ecg = synthetic(Parameters { seconds: 30.0, ..Parameters::default() });
        let at = |start_seconds| Paper::new(&ecg, Window { start_seconds }, 4).unwrap();
        assert_ne!(at(0.0).traces, at(7.0).traces);
        assert_eq!(at(20.0).traces, at(1e9).traces);
        assert_eq!(at(0.0).traces, at(f64::NAN).traces);
    }

    #[test]
    fn standardised_values_have_no_calibration_pulse() {
        let mut ecg = synthetic(Parameters::default());
        ecg.amplitude = Amplitude::Standardised;
        let paper = paper(&ecg, 4);
        assert_eq!(paper.scale, "25 mm/s, 10 mm for a standard deviation");
        assert_eq!(paper.marks.len(), 9);
    }
}
