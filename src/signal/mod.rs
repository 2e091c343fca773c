//! From an [`Ecg`] to the network's input.
//!
//! The published networks read ten seconds of twelve leads at 500 Hz, freed of noise by a wavelet step, each lead
//! standardised to mean 0 and variance 1, followed by 120 zeros. [`prepare`] brings any recording into this form:
//!
//! 1. **Leads.** All twelve in the order of [`Lead::ALL`]; limb leads are derived where the file leaves them out.
//! 2. **Window.** Ten seconds, as published the first ones; [`Window`] picks others. Everything below happens to these
//!    ten seconds only, however long the recording.
//! 3. **Missing samples** (NaN or infinite) lie on the straight line between their neighbours.
//! 4. **Sampling rate.** Resampled to 500 Hz ([`resample`]).
//! 5. **Noise.** The wavelet step along time or across leads, or a band-pass ([`Preprocessing`], [`wavelet`],
//!    [`mod@band_pass`]).
//! 6. **Standardisation.** Minus mean, divided by the population standard deviation, lead by lead; under
//!    [`Preprocessing::Voltage`] by the deviation that the lead typically has.
//! 7. **Padding.** Zeros up to [`INPUT_SAMPLES`].
//!
//! Whatever was done beyond the published steps is said in [`Input::notices`].
//!
//! Beside it stand [`quality`] (is this a recording to trust?), [`beats`] (heart rate) and [`synthetic`] (an ECG of
//! our own making).
//!
//! ```
//! use ecgnet::signal::{INPUT_SAMPLES, LEADS, Preprocessing, Window, prepare, synthetic};
//!
//! let ecg = synthetic::synthetic(synthetic::Parameters::default());
//! let input = prepare(&ecg, Preprocessing::Time, Window::default())?;
//! assert_eq!(input.samples.len(), INPUT_SAMPLES * LEADS);
//! # Ok::<(), ecgnet::signal::SignalError>(())
//! ```

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::ecg::{Amplitude, Ecg, EcgError, Lead, Notice};

use resample::Resampler;

pub mod band_pass;
pub mod beats;
pub mod quality;
pub mod resample;
pub mod synthetic;
pub mod wavelet;

/// Samples per second of the network's input, in Hz.
pub const SAMPLING_RATE: f64 = 500.0;

/// Samples of each lead that come from the recording: ten seconds.
pub const WINDOW_SAMPLES: usize = 5000;

/// Samples of each lead that the network reads: the window and 120 zeros.
pub const INPUT_SAMPLES: usize = 5120;

/// Leads that the network reads, in the order of [`Lead::ALL`].
pub const LEADS: usize = 12;

/// A shorter recording is refused: it need not hold a single beat.
pub const SHORTEST_SECONDS: f64 = 1.0;

/// How noise is suppressed. Which way a set of weights needs belongs to the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preprocessing {
    /// Along time, as the publication describes the method: removes baseline wander, hum and muscle noise.
    Time,
    /// Across the twelve leads of each instant, as the published code does: a fixed 12 x 12 map that blends
    /// neighbouring leads and leaves noise in. Needed to reproduce the published numbers.
    Lead,
    /// 0.5 to 40 Hz: keeps more of the QRS complexes than the wavelet step.
    BandPass,
    /// The same band, in units of each lead's typical deviation instead of its own: how high the waves are, and which
    /// lead has the highest, says much about age and sex. Recordings without voltage are standardised as usual.
    Voltage,
}

impl Preprocessing {
    /// Every variant.
    pub const ALL: [Preprocessing; 4] =
        [Preprocessing::Time, Preprocessing::Lead, Preprocessing::BandPass, Preprocessing::Voltage];

    /// The lower-case name that files and the command line use.
    pub fn name(self) -> &'static str {
        match self {
            Preprocessing::Time => "time",
            Preprocessing::Lead => "lead",
            Preprocessing::BandPass => "band-pass",
            Preprocessing::Voltage => "voltage",
        }
    }
}

impl fmt::Display for Preprocessing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no [`Preprocessing`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no preprocessing {0:?}; it is \"time\", \"lead\", \"band-pass\" or \"voltage\"")]
pub struct UnknownPreprocessing(String);

impl FromStr for Preprocessing {
    type Err = UnknownPreprocessing;

    fn from_str(text: &str) -> Result<Preprocessing, UnknownPreprocessing> {
        let found = Preprocessing::ALL.into_iter().find(|preprocessing| preprocessing.name() == text);
        found.ok_or_else(|| UnknownPreprocessing(text.to_owned()))
    }
}

/// Which ten seconds of a recording are used.
///
/// The window is moved so that it lies inside the recording; a recording of less than ten seconds is used whole.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// Start in seconds after the first sample. The default, 0, is what was published. NaN counts as 0.
    pub start_seconds: f64,
}

/// What the network reads, and what a person should know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// [`INPUT_SAMPLES`] x [`LEADS`] finite values without unit, sample-major: lead `l` of sample `s` is
    /// `samples[s * LEADS + l]`.
    pub samples: Vec<f32>,
    /// The remarks of the file reader, then those of [`prepare`].
    pub notices: Vec<Notice>,
}

/// Why a recording cannot become the network's input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SignalError {
    #[error(transparent)]
    Ecg(#[from] EcgError),
    #[error("the recording has {seconds:.3} s; at least {SHORTEST_SECONDS} s are needed, 10 s are recommended")]
    TooShort { seconds: f64 },
    #[error(
        "no lead shows any signal in the {seconds:.1} s from second {start_seconds:.1} on; choose another window \
         or check the recording"
    )]
    NoSignal { start_seconds: f64, seconds: f64 },
}

impl SignalError {
    /// A short name of the kind of trouble for machines, such as `too-short`; it stays the same between versions.
    pub fn code(&self) -> &'static str {
        match self {
            SignalError::Ecg(error) => error.code(),
            SignalError::TooShort { .. } => "too-short",
            SignalError::NoSignal { .. } => "no-signal",
        }
    }
}

/// Brings ten seconds of `ecg` into the form that the networks read, as the [module](self) describes.
///
/// A recording shorter than ten seconds takes the same steps over the samples that there are, and zeros follow: the
/// wavelet step knows any length, and zeros are what the networks know from their 120 samples of padding.
///
/// A flat lead becomes zeros under [`Preprocessing::Time`]; under [`Preprocessing::Lead`] it takes part in the blend as
/// in the published code. A lead without one finite sample in the window is derived from two other limb leads if it is
/// a limb lead, and else counts as flat: an electrode that fell off writes either, depending on the device.
///
/// # Errors
/// [`SignalError::Ecg`] where one of the twelve leads is absent and cannot be derived, [`SignalError::TooShort`] under
/// one second, [`SignalError::NoSignal`] where all twelve leads are flat.
pub fn prepare(ecg: &Ecg, preprocessing: Preprocessing, window: Window) -> Result<Input, SignalError> {
    let Section { mut leads, notices, .. } = Section::take(ecg, window)?;
    match preprocessing {
        Preprocessing::Time => leads.iter_mut().for_each(|lead| *lead = wavelet::suppress_noise(lead)),
        Preprocessing::Lead => blend(&mut leads),
        Preprocessing::BandPass | Preprocessing::Voltage => {
            leads.iter_mut().for_each(|lead| *lead = band_pass::band_pass(lead));
        }
    }
    if preprocessing == Preprocessing::Voltage && ecg.amplitude == Amplitude::Millivolt && is_plausible(&leads) {
        leads.iter_mut().zip(TYPICAL_DEVIATIONS).for_each(|(lead, typical)| scale(lead, typical));
    } else {
        leads.iter_mut().for_each(|lead| standardise(lead));
    }
    let mut samples = vec![0.0; INPUT_SAMPLES * LEADS];
    for (index, lead) in leads.iter().enumerate() {
        for (row, value) in samples.chunks_exact_mut(LEADS).zip(lead.iter()) {
            row[index] = *value as f32;
        }
    }
    Ok(Input { samples, notices })
}

/// Ten seconds of a recording: twelve leads at [`SAMPLING_RATE`] in the unit of the recording, without missing
/// samples, at most [`WINDOW_SAMPLES`] each.
pub(crate) struct Section {
    pub(crate) leads: Vec<Vec<f64>>,
    /// Which leads hold one value throughout, or none.
    pub(crate) flat: [bool; LEADS],
    pub(crate) notices: Vec<Notice>,
}

impl Section {
    pub(crate) fn take(ecg: &Ecg, window: Window) -> Result<Section, SignalError> {
        if ecg.seconds() < SHORTEST_SECONDS {
            return Err(SignalError::TooShort { seconds: ecg.seconds() });
        }
        let resampler = Resampler::new(ecg.sampling_rate(), SAMPLING_RATE);
        let used = window.samples_of(ecg, &resampler);
        let with_margin = used.start.saturating_sub(resampler.margin())
            ..used.end.saturating_add(resampler.margin()).min(ecg.samples());
        let inside = used.start - with_margin.start..used.end - with_margin.start;
        let recorded = crop(ecg, with_margin)?.into_twelve_leads()?;

        let mut notices = recorded.notices.clone();
        let mut leads = Vec::with_capacity(LEADS);
        let mut flat = [false; LEADS];
        for ((lead, samples), flat) in recorded.leads().iter().zip(&mut flat) {
            let count = samples[inside.clone()].iter().filter(|sample| !sample.is_finite()).count();
            let filled = fill_missing(samples);
            *flat = count == inside.len() || is_flat(&filled[inside.clone()]);
            if *flat {
                notices.push(Notice::FlatLead(*lead));
            } else if count > 0 {
                notices.push(Notice::MissingSamples { lead: *lead, count });
            }
            let outputs = resampler.output_samples(inside.len()).min(WINDOW_SAMPLES);
            leads.push(if *flat {
                // A filter would leave its own ripple on a constant.
                vec![filled[inside.start]; outputs]
            } else {
                resampler.resample_from(&filled, inside.start, outputs)
            });
        }
        let start_seconds = used.start as f64 / ecg.sampling_rate();
        let used_seconds = used.len() as f64 / ecg.sampling_rate();
        if flat.iter().all(|flat| *flat) {
            return Err(SignalError::NoSignal { start_seconds, seconds: used_seconds });
        }
        if !resampler.is_identity() {
            notices.push(Notice::Resampled { from: ecg.sampling_rate(), to: SAMPLING_RATE });
        }
        if resampler.output_samples(used.len()) < WINDOW_SAMPLES {
            notices.push(Notice::ShorterThanWindow { seconds: ecg.seconds() });
        } else if used.start > 0 || ecg.seconds() - used_seconds >= WORTH_A_WORD_SECONDS {
            notices.push(Notice::WindowChosen { seconds: ecg.seconds(), start_seconds, used_seconds });
        }
        Ok(Section { leads, flat, notices })
    }
}

/// Less than this left out at the end of a ten-second recording is not worth a notice: devices round up.
const WORTH_A_WORD_SECONDS: f64 = 0.5;

impl Window {
    /// The samples of `ecg` that the window covers.
    fn samples_of(self, ecg: &Ecg, resampler: &Resampler) -> Range<usize> {
        let length = resampler.input_samples(WINDOW_SAMPLES).min(ecg.samples());
        // A cast saturates and takes NaN as 0.
        let wanted = (self.start_seconds * ecg.sampling_rate()).round() as usize;
        let start = wanted.min(ecg.samples() - length);
        start..start + length
    }
}

/// The given samples of `ecg`, which keeps its notices. A limb lead without one finite sample among them is left out
/// where two of I, II and III remain to derive it from.
fn crop(ecg: &Ecg, range: Range<usize>) -> Result<Ecg, EcgError> {
    let leads: Vec<(Lead, &[f32])> =
        ecg.leads().iter().map(|(lead, samples)| (*lead, &samples[range.clone()])).collect();
    let is_usable = |samples: &[f32]| samples.iter().any(|sample| sample.is_finite());
    let is_limb = |lead: Lead| lead < Lead::V1;
    let sources = leads.iter().filter(|(lead, samples)| *lead <= Lead::III && is_usable(samples)).count();
    let kept = leads.into_iter().filter(|(lead, samples)| sources < 2 || !is_limb(*lead) || is_usable(samples));
    let mut cropped = Ecg::new(kept.map(|(lead, samples)| (lead, samples.to_vec())).collect(), ecg.sampling_rate())?;
    cropped.amplitude = ecg.amplitude;
    cropped.notices.clone_from(&ecg.notices);
    Ok(cropped)
}

/// The samples in double precision; one that is not finite lies on the line between its finite neighbours, or equals
/// the only one. Zeros where no sample is finite.
fn fill_missing(samples: &[f32]) -> Vec<f64> {
    let mut filled: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
    let mut position = 0;
    while position < filled.len() {
        if filled[position].is_finite() {
            position += 1;
            continue;
        }
        let end = filled[position..].iter().position(|sample| sample.is_finite()).map(|length| position + length);
        let before = position.checked_sub(1).map(|index| filled[index]);
        let after = end.map(|index| filled[index]);
        let end = end.unwrap_or(filled.len());
        let (from, to) = match (before, after) {
            (Some(before), Some(after)) => (before, after),
            (Some(only), None) | (None, Some(only)) => (only, only),
            (None, None) => (0.0, 0.0),
        };
        let steps = (end - position + 1) as f64;
        for (step, sample) in filled[position..end].iter_mut().enumerate() {
            *sample = from + (to - from) * (step + 1) as f64 / steps;
        }
        position = end;
    }
    filled
}

/// Whether the samples differ by no more than the rounding of single precision.
fn is_flat(samples: &[f64]) -> bool {
    let (lowest, highest) = extremes(samples);
    highest - lowest <= 4.0 * f64::from(f32::EPSILON) * highest.abs().max(lowest.abs())
}

/// Lowest and highest sample; both 0 where there is none.
fn extremes(samples: &[f64]) -> (f64, f64) {
    let Some(&first) = samples.first() else { return (0.0, 0.0) };
    samples.iter().fold((first, first), |(lowest, highest), &sample| (lowest.min(sample), highest.max(sample)))
}

/// The published wavelet step across leads, at each instant.
fn blend(leads: &mut [Vec<f64>]) {
    let sources = leads.to_vec();
    for (lead, weights) in leads.iter_mut().zip(wavelet::across_leads()) {
        lead.fill(0.0);
        for (source, weight) in sources.iter().zip(weights) {
            for (value, sample) in lead.iter_mut().zip(source) {
                *value += weight * sample;
            }
        }
    }
}

/// Standard deviation of each lead between 0.5 and 40 Hz in millivolt: medians of the 2,328 raw records of PTB-XL (Wagner
/// et al. 2020) folds 1 to 7.
const TYPICAL_DEVIATIONS: [f64; LEADS] =
    [0.119, 0.120, 0.089, 0.113, 0.085, 0.088, 0.144, 0.235, 0.225, 0.220, 0.195, 0.157];

/// A recording whose deviations are further from the typical ones, by this factor, is in another unit than it says.
const IMPLAUSIBLE_RATIO: f64 = 8.0;

/// Whether the voltages of filtered leads can be those of a heart, seen from the middle one of the ratios to the typical
/// deviations.
fn is_plausible(leads: &[Vec<f64>]) -> bool {
    let mut ratios: Vec<f64> =
        leads.iter().zip(TYPICAL_DEVIATIONS).map(|(lead, typical)| mean_and_deviation(lead).1 / typical).collect();
    ratios.sort_by(f64::total_cmp);
    let middle = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    (1.0 / IMPLAUSIBLE_RATIO..=IMPLAUSIBLE_RATIO).contains(&middle)
}

/// Further from the mean than so many units is no voltage of a heart.
const LARGEST_SCALED: f64 = 100.0;

/// Minus mean, divided by `unit`.
fn scale(samples: &mut [f64], unit: f64) {
    let (mean, _) = mean_and_deviation(samples);
    let scaled = |sample: f64| ((sample - mean) / unit).clamp(-LARGEST_SCALED, LARGEST_SCALED);
    samples.iter_mut().for_each(|sample| *sample = scaled(*sample));
}

/// The mean and the population standard deviation; zeros where there is no sample.
fn mean_and_deviation(samples: &[f64]) -> (f64, f64) {
    let count = samples.len().max(1) as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

/// To mean 0 and population variance 1; a constant becomes 0.
fn standardise(samples: &mut [f64]) {
    let largest = samples.iter().fold(0.0_f64, |largest, sample| largest.max(sample.abs()));
    let (mean, deviation) = mean_and_deviation(samples);
    // What is left of a constant after the wavelet step is rounding.
    let is_constant = deviation <= 1e-10 * largest;
    for sample in samples {
        *sample = if is_constant { 0.0 } else { (*sample - mean) / deviation };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use synthetic::{Parameters, synthetic};

    fn usual(seconds: f64, sampling_rate: f64) -> Ecg {
        synthetic(Parameters { seconds, sampling_rate, ..Parameters::default() })
    }

    fn lead(input: &Input, index: usize) -> Vec<f32> {
        input.samples.iter().skip(index).step_by(LEADS).copied().collect()
    }

    fn changed(change: impl FnOnce(&mut Vec<(Lead, Vec<f32>)>)) -> Ecg {
        let mut leads = usual(10.0, 500.0).leads().to_vec();
        change(&mut leads);
        Ecg::new(leads, 500.0).unwrap()
    }

    fn by_time(ecg: &Ecg) -> Result<Input, SignalError> {
        prepare(ecg, Preprocessing::Time, Window::default())
    }

    #[test]
    fn ten_seconds_at_500_hz_are_standardised_without_remarks() {
        for preprocessing in [Preprocessing::Time, Preprocessing::Lead, Preprocessing::BandPass] {
            let input = prepare(&usual(10.0, 500.0), preprocessing, Window::default()).unwrap();
            assert_eq!(input.notices, []);
            assert_eq!(input.samples.len(), INPUT_SAMPLES * LEADS);
            for index in 0..LEADS {
                let samples = lead(&input, index);
                let (window, padding) = samples.split_at(WINDOW_SAMPLES);
                let mean = window.iter().map(|&v| f64::from(v)).sum::<f64>() / 5000.0;
                let variance = window.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / 5000.0;
                assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-5, "{preprocessing}, lead {index}");
                assert!(padding.iter().all(|&value| value == 0.0));
            }
        }
    }

    #[test]
    fn voltages_keep_their_proportions() {
        let usual = usual(10.0, 500.0);
        let taller = changed(|leads| leads[6].1.iter_mut().for_each(|sample| *sample *= 1.5));
        let by_voltage = |ecg: &Ecg| prepare(ecg, Preprocessing::Voltage, Window::default()).unwrap().samples;
        for (lead, (before, after)) in by_voltage(&usual).into_iter().zip(by_voltage(&taller)).enumerate() {
            let factor = if lead % LEADS == 6 { 1.5 } else { 1.0 };
            assert!((after - factor * before).abs() < 1e-4);
        }
    }

    #[test]
    fn recordings_without_voltage_are_standardised() {
        let mut usual = usual(10.0, 500.0);
        let prepared = |ecg: &Ecg, preprocessing| prepare(ecg, preprocessing, Window::default()).unwrap().samples;
        let expected = prepared(&usual, Preprocessing::BandPass);
        let in_microvolt = changed(|leads| {
            leads.iter_mut().for_each(|(_, samples)| samples.iter_mut().for_each(|sample| *sample *= 1000.0));
        });
        let largest = |said: Vec<f32>| said.iter().zip(&expected).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(largest(prepared(&in_microvolt, Preprocessing::Voltage)) < 1e-4);
        usual.amplitude = Amplitude::Standardised;
        assert_eq!(prepared(&usual, Preprocessing::Voltage), expected);
    }

    #[test]
    fn other_sampling_rates_give_nearly_the_same_input() {
        let quiet = Parameters { noise: 0.0, ..Parameters::default() };
        let expected = by_time(&synthetic(quiet)).unwrap();
        for sampling_rate in [1000.0, 257.0, 250.0, 249.7] {
            let input = by_time(&synthetic(Parameters { sampling_rate, ..quiet })).unwrap();
            assert_eq!(input.notices, [Notice::Resampled { from: sampling_rate, to: 500.0 }]);
            let largest =
                input.samples.iter().zip(&expected.samples).fold(0.0_f32, |largest, (a, b)| largest.max((a - b).abs()));
            assert!(largest < 0.06, "{sampling_rate} Hz: {largest}");
        }
    }

    #[test]
    fn windows_are_taken_where_asked_and_kept_inside() {
        let long = usual(28.0, 500.0);
        let cut = |range: Range<usize>| {
            let leads = long.leads().iter().map(|(lead, samples)| (*lead, samples[range.clone()].to_vec()));
            by_time(&Ecg::new(leads.collect(), 500.0).unwrap()).unwrap().samples
        };
        for (start_seconds, expected) in [
            (0.0, 0),
            (4.0, 2000),
            (18.0, 9000),
            (25.0, 9000),
            (1e300, 9000),
            (f64::INFINITY, 9000),
            (-3.0, 0),
            (f64::NAN, 0),
        ] {
            let input = prepare(&long, Preprocessing::Time, Window { start_seconds }).unwrap();
            assert!(input.samples == cut(expected..expected + 5000), "from {start_seconds}");
            let start_seconds = expected as f64 / 500.0;
            let chosen = Notice::WindowChosen { seconds: 28.0, start_seconds, used_seconds: 10.0 };
            assert_eq!(input.notices, [chosen]);
        }
    }

    #[test]
    fn a_short_recording_is_followed_by_zeros() {
        let input = by_time(&usual(4.0, 500.0)).unwrap();
        assert_eq!(input.notices, [Notice::ShorterThanWindow { seconds: 4.0 }]);
        let samples = lead(&input, 1);
        let variance = samples[..2000].iter().map(|value| value * value).sum::<f32>() / 2000.0;
        assert!((variance - 1.0).abs() < 1e-4);
        assert!(samples[2000..].iter().all(|&value| value == 0.0));
        assert_eq!(by_time(&usual(0.9, 500.0)), Err(SignalError::TooShort { seconds: 0.9 }));
    }

    #[test]
    fn missing_samples_lie_between_their_neighbours() {
        let nan = f32::NAN;
        assert_eq!(fill_missing(&[nan, 1.0, nan, nan, 4.0, f32::INFINITY]), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!(fill_missing(&[nan, nan]), [0.0, 0.0]);
        let ecg = changed(|leads| leads[6].1[100..103].fill(nan));
        assert_eq!(by_time(&ecg).unwrap().notices, [Notice::MissingSamples { lead: Lead::V1, count: 3 }]);
    }

    #[test]
    fn a_flat_lead_becomes_zeros() {
        for value in [0.0, 1.25, f32::NAN, 1e30] {
            let input = by_time(&changed(|leads| leads[6].1.fill(value))).unwrap();
            assert_eq!(input.notices, [Notice::FlatLead(Lead::V1)]);
            assert!(lead(&input, 6).iter().all(|&value| value == 0.0));
            assert!(lead(&input, 7).iter().any(|&value| value != 0.0));
        }
        let flat = changed(|leads| leads.iter_mut().for_each(|(_, samples)| samples.fill(0.5)));
        assert_eq!(by_time(&flat), Err(SignalError::NoSignal { start_seconds: 0.0, seconds: 10.0 }));
    }

    #[test]
    fn a_limb_lead_without_samples_is_derived() {
        let expected = by_time(&usual(10.0, 500.0)).unwrap();
        let input = by_time(&changed(|leads| leads[1].1.fill(f32::NAN))).unwrap();
        assert_eq!(input.notices, [Notice::LimbLeadsDerived(vec![Lead::II])]);
        for (value, expected) in input.samples.iter().zip(&expected.samples) {
            assert!((value - expected).abs() < 1e-4);
        }
    }

    #[test]
    fn leads_are_put_in_order_and_absent_ones_are_an_error() {
        let expected = by_time(&usual(10.0, 500.0)).unwrap();
        assert_eq!(by_time(&changed(|leads| leads.reverse())).unwrap(), expected);
        let absent = by_time(&changed(|leads| drop(leads.remove(8))));
        assert_eq!(absent, Err(SignalError::Ecg(EcgError::LeadsMissing(vec![Lead::V3]))));
    }

    #[test]
    fn notices_of_the_reader_come_first() {
        let mut ecg = usual(28.0, 250.0);
        ecg.notices.push(Notice::LeadOrderAssumed(Lead::ALL.to_vec()));
        let notices = by_time(&ecg).unwrap().notices;
        let [Notice::LeadOrderAssumed(_), Notice::Resampled { .. }, Notice::WindowChosen { .. }] = notices[..] else {
            panic!("{notices:?}")
        };
    }

    #[test]
    fn preprocessings_have_names() {
        for preprocessing in Preprocessing::ALL {
            assert_eq!(preprocessing.to_string().parse(), Ok(preprocessing));
        }
        assert_eq!("times".parse::<Preprocessing>(), Err(UnknownPreprocessing("times".to_owned())));
    }

    mod properties {
        use super::*;
        use proptest::prelude::*;

        fn sample() -> impl Strategy<Value = f32> {
            prop_oneof![
                8 => -2.0_f32..2.0,
                1 => prop::sample::select(vec![
                    f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, f32::MAX, f32::MIN, 1e-40, 0.0,
                ]),
            ]
        }

        fn ecg() -> impl Strategy<Value = Ecg> {
            let rate = prop_oneof![1.0_f64..20.0, 20.0_f64..2000.0, Just(500.0), Just(100_000.0)];
            let lengths = prop_oneof![1_usize..300, 300_usize..7000];
            (rate, lengths, proptest::collection::vec(sample(), 1..60), 1_usize..40, 6_usize..13).prop_map(
                |(rate, length, pattern, step, leads)| {
                    let leads = Lead::ALL.into_iter().rev().take(leads).enumerate().map(|(index, lead)| {
                        let value = |position: usize| pattern[(position / (index + 1) * step + index) % pattern.len()];
                        (lead, (0..length).map(value).collect())
                    });
                    Ecg::new(leads.collect(), rate).expect("a valid ECG")
                },
            )
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]

            #[test]
            fn any_ecg_gives_finite_input_or_an_error(
                ecg in ecg(),
                start_seconds in prop_oneof![-5.0_f64..40.0, Just(f64::NAN), Just(f64::INFINITY), Just(-1e300)],
                preprocessing in prop::sample::select(Preprocessing::ALL.to_vec()),
            ) {
                let window = Window { start_seconds };
                if let Ok(input) = prepare(&ecg, preprocessing, window) {
                    prop_assert_eq!(input.samples.len(), INPUT_SAMPLES * LEADS);
                    prop_assert!(input.samples.iter().all(|sample| sample.is_finite()));
                }
                quality::assess(&ecg, window);
                let beats = beats::detect(&ecg);
                prop_assert!(beats.samples.is_sorted() && beats.samples.iter().all(|&beat| beat < ecg.samples()));
            }
        }
    }
}
