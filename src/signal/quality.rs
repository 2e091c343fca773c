//! Is this a recording to trust? Checks of the ten seconds that the estimate is made from.
//!
//! Every check is a ratio or a count with the threshold written below, chosen to stay silent on ordinary recordings.
//! "Fires" is the share of the 2,664 raw 500 Hz recordings of PTB-XL (folds 1 to 9) at hand on which a check spoke up.
//!
//! | notice | criterion | fires |
//! |---|---|---|
//! | [`Notice::FlatLead`] | all samples equal | 0 |
//! | [`Notice::Clipped`] | extreme value held for 10 ms, three times or 2 % of the window | 0.04 % |
//! | [`Notice::ImplausibleAmplitude`] | QRS height outside 0.3 to 5 mV | 0.08 % |
//! | [`Notice::Noisy`] | noise above 31 Hz is more than 5 % of the lead's QRS height | 0.8 % |
//! | [`Notice::LimbLeadsInconsistent`] | I - II + III or aVR + aVL + aVF exceeds 20 % of the QRS height | 0 |
//! | [`Notice::ArmElectrodesInterchanged`] | lead I upside down, see [below](#interchanged-arm-electrodes) | 0.08 % |
//!
//! The *QRS height* of a lead is the median, over stretches of two seconds, of highest minus lowest sample: each
//! stretch holds a beat, and one artefact does not count. That of a recording is the median over its leads.
//!
//! The *noise* of a lead is estimated from its three finest wavelet details as by Donoho and Johnstone (1994): the
//! median absolute coefficient of each, divided by 0.6745; QRS complexes are too rare to move a median.
//!
//! A standardised recording has no voltage and its leads have lost their proportions: amplitude and limb leads are
//! not checked.
//!
//! # Interchanged arm electrodes
//! Left and right arm confused turn lead I upside down and exchange II with III and aVR with aVL. The mean beat (the
//! median over beats, aligned at the R peaks) of a correct recording looks alike in lead I and in V6, which both look
//! at the heart from the left. The notice asks for all of: correlation of I with V6 below -0.5; QRS of I downwards,
//! of V6 upwards; P wave of I downwards by more than 3 % of the QRS height. On the PTB-XL recordings with the two
//! electrodes exchanged in arithmetic it finds 82 %; atrial fibrillation (no P wave) hides it.

use crate::ecg::{Amplitude, Ecg, Lead, Notice};

use super::resample::Resampler;
use super::{SAMPLING_RATE, Section, Window, beats, extremes, wavelet};

/// QRS heights in mV that a standard twelve-lead ECG has.
const PLAUSIBLE_MILLIVOLT: std::ops::RangeInclusive<f64> = 0.3..=5.0;
const STRETCH_SECONDS: f64 = 2.0;
const HELD_SECONDS: f64 = 0.010;
const HELD_SAMPLES: usize = 5;
const HELD_TIMES: usize = 3;
const HELD_SHARE: f64 = 0.02;
const NOISE_SHARE: f64 = 0.05;
const INCONSISTENT_SHARE: f64 = 0.2;
const UPSIDE_DOWN_CORRELATION: f64 = -0.5;
const P_WAVE_SHARE: f64 = 0.03;

/// What a person should know about the quality of the window, in the order of the table in the
/// [module](self). Empty where the window cannot be taken at all: [`super::prepare`] says why.
pub fn assess(ecg: &Ecg, window: Window) -> Vec<Notice> {
    let Ok(section) = Section::take(ecg, window) else { return Vec::new() };
    let heights: Vec<f64> = section.leads.iter().map(|lead| qrs_height(lead)).collect();
    let is_standardised = ecg.amplitude == Amplitude::Standardised;

    let mut notices: Vec<Notice> = flat_leads(&section).collect();
    notices.extend(clipped_leads(ecg, window));
    if is_standardised {
        notices.push(Notice::Standardised);
    } else {
        notices.extend(implausible_amplitude(&section, &heights));
    }
    notices.extend(noisy_leads(&section, &heights));
    if !is_standardised {
        notices.extend(inconsistent_limb_leads(&section, &heights));
    }
    notices.extend(interchanged_arms(&section, &heights));
    notices
}

fn flat_leads(section: &Section) -> impl Iterator<Item = Notice> + '_ {
    let leads = Lead::ALL.into_iter().zip(section.flat);
    leads.filter(|(_, flat)| *flat).map(|(lead, _)| Notice::FlatLead(lead))
}

/// Looks at the samples as they were recorded: a filter would blur the ends of the range.
fn clipped_leads(ecg: &Ecg, window: Window) -> impl Iterator<Item = Notice> + '_ {
    let used = window.samples_of(ecg, &Resampler::new(ecg.sampling_rate(), SAMPLING_RATE));
    ecg.leads().iter().filter_map(move |(lead, samples)| {
        let samples = clipped_samples(&samples[used.clone()], ecg.sampling_rate())?;
        Some(Notice::Clipped { lead: *lead, samples })
    })
}

/// How many samples are held at the highest or lowest value, if those are worth a notice.
fn clipped_samples(samples: &[f32], rate: f64) -> Option<usize> {
    let finite = || samples.iter().copied().filter(|sample| sample.is_finite());
    let lowest = finite().fold(f32::INFINITY, f32::min);
    let highest = finite().fold(f32::NEG_INFINITY, f32::max);
    if lowest >= highest {
        return None;
    }
    let shortest = HELD_SAMPLES.max((HELD_SECONDS * rate).round() as usize);
    let held: Vec<usize> = samples
        .chunk_by(|a, b| a == b)
        .filter(|run| run.len() >= shortest && (run[0] == lowest || run[0] == highest))
        .map(<[f32]>::len)
        .collect();
    let total: usize = held.iter().sum();
    (held.len() >= HELD_TIMES || total as f64 >= HELD_SHARE * samples.len() as f64).then_some(total).filter(|&n| n > 0)
}

fn implausible_amplitude(section: &Section, heights: &[f64]) -> Option<Notice> {
    let recorded = heights.iter().zip(section.flat).filter(|(_, flat)| !flat);
    let millivolt = median(&mut recorded.map(|(height, _)| *height).collect::<Vec<_>>());
    if PLAUSIBLE_MILLIVOLT.contains(&millivolt) {
        return None;
    }
    let likely_cause = if PLAUSIBLE_MILLIVOLT.contains(&(millivolt / 1000.0)) {
        "a thousand times too high, as if microvolt were read as millivolt, or millivolt as volt"
    } else if PLAUSIBLE_MILLIVOLT.contains(&(millivolt * 1000.0)) {
        "a thousand times too low, as if volt were read as millivolt, or millivolt as microvolt"
    } else if millivolt > 5000.0 {
        "a million times too high, as nanovolt or converter steps without their gain are"
    } else if millivolt > 20.0 {
        "far too high, as converter steps without their gain are"
    } else if millivolt > *PLAUSIBLE_MILLIVOLT.end() {
        "strong artefacts, or a wrong gain"
    } else {
        "very low voltage, electrodes without contact, or a wrong gain"
    };
    Some(Notice::ImplausibleAmplitude { millivolt, likely_cause: likely_cause.to_owned() })
}

fn noisy_leads(section: &Section, heights: &[f64]) -> Option<Notice> {
    let leads = Lead::ALL.into_iter().zip(section.leads.iter().zip(heights)).zip(section.flat);
    let noisy: Vec<Lead> = leads
        .filter(|((_, (samples, height)), flat)| !flat && noise(samples) > NOISE_SHARE * **height)
        .map(|((lead, _), _)| lead)
        .collect();
    (!noisy.is_empty()).then_some(Notice::Noisy(noisy))
}

/// Standard deviation of the noise above 31 Hz, in the unit of the samples (500 Hz).
fn noise(samples: &[f64]) -> f64 {
    // Of the variance of white noise, level j holds one part in 2^j.
    let details = wavelet::decompose(samples, 3).details;
    let bands = details.into_iter().zip([0.5, 0.25, 0.125]).map(|(detail, share)| {
        let mut sizes: Vec<f64> = detail.into_iter().map(f64::abs).collect();
        share * (median(&mut sizes) / 0.6745).powi(2)
    });
    bands.sum::<f64>().sqrt()
}

fn inconsistent_limb_leads(section: &Section, heights: &[f64]) -> Option<Notice> {
    let combined = |terms: [(Lead, f64); 3]| -> f64 {
        let mut sum = vec![0.0; section.leads[0].len()];
        for (lead, sign) in terms {
            for (value, sample) in sum.iter_mut().zip(&section.leads[lead.index()]) {
                *value += sign * sample;
            }
        }
        qrs_height(&sum)
    };
    let einthoven = combined([(Lead::I, 1.0), (Lead::II, -1.0), (Lead::III, 1.0)]);
    let goldberger = combined([(Lead::AVR, 1.0), (Lead::AVL, 1.0), (Lead::AVF, 1.0)]);
    let limb = heights[..=Lead::AVF.index()].iter().fold(0.0_f64, |highest, &height| highest.max(height));
    let millivolt = einthoven.max(goldberger);
    (millivolt > INCONSISTENT_SHARE * limb).then_some(Notice::LimbLeadsInconsistent { millivolt })
}

fn interchanged_arms(section: &Section, heights: &[f64]) -> Option<Notice> {
    let (first, sixth) = (Lead::I.index(), Lead::V6.index());
    if section.flat[first] || section.flat[sixth] {
        return None;
    }
    let peaks = beats::r_peaks(section.leads.iter().cloned(), SAMPLING_RATE);
    let first_beat = MeanBeat::of(&section.leads[first], &peaks)?;
    let sixth_beat = MeanBeat::of(&section.leads[sixth], &peaks)?;
    let is_reversed = correlation(&first_beat.samples, &sixth_beat.samples) < UPSIDE_DOWN_CORRELATION
        && first_beat.qrs_direction() < 0.0
        && sixth_beat.qrs_direction() > 0.0
        && first_beat.p_wave() < -P_WAVE_SHARE * heights[first];
    is_reversed.then_some(Notice::ArmElectrodesInterchanged)
}

/// The median of at least three beats of a lead at 500 Hz, from 300 ms before the R peak to 500 ms after it.
struct MeanBeat {
    samples: Vec<f64>,
}

impl MeanBeat {
    const BEFORE: usize = 150;
    const LENGTH: usize = 400;

    fn of(lead: &[f64], peaks: &[usize]) -> Option<MeanBeat> {
        let beats: Vec<&[f64]> = peaks
            .iter()
            .filter_map(|peak| peak.checked_sub(Self::BEFORE))
            .filter_map(|start| lead.get(start..start + Self::LENGTH))
            .collect();
        if beats.len() < 3 {
            return None;
        }
        let at = |sample: usize| median(&mut beats.iter().map(|beat| beat[sample]).collect::<Vec<_>>());
        let mut samples: Vec<f64> = (0..Self::LENGTH).map(at).collect();
        let baseline = median(&mut samples.clone());
        samples.iter_mut().for_each(|sample| *sample -= baseline);
        Some(MeanBeat { samples })
    }

    /// Highest plus lowest sample from 50 ms before the R peak to 100 ms after it: positive for an upright QRS.
    fn qrs_direction(&self) -> f64 {
        let (lowest, highest) = extremes(&self.samples[125..200]);
        lowest + highest
    }

    /// Peak of the P wave (220 to 80 ms before the R peak), negative if upside down, against the PR segment.
    fn p_wave(&self) -> f64 {
        let segment = median(&mut self.samples[100..120].to_vec());
        let (lowest, highest) = extremes(&self.samples[40..110]);
        let (down, up) = (lowest - segment, highest - segment);
        if up > -down { up } else { down }
    }
}

/// Pearson's correlation; 0 where one of the two is constant.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let product = |f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(a, b)| f(a - mean_a, b - mean_b)).sum::<f64>();
    let scale = (product(|a, _| a * a) * product(|_, b| b * b)).sqrt();
    if scale > 0.0 { product(|a, b| a * b) / scale } else { 0.0 }
}

/// The median over stretches of two seconds of highest minus lowest sample, at 500 Hz.
fn qrs_height(lead: &[f64]) -> f64 {
    let stretch = (STRETCH_SECONDS * SAMPLING_RATE) as usize;
    // A rest shorter than a stretch may hold no beat; a shorter recording is all there is.
    let mut heights: Vec<f64> = lead.chunks_exact(stretch.min(lead.len()).max(1)).map(range).collect();
    median(&mut heights)
}

fn range(samples: &[f64]) -> f64 {
    let (lowest, highest) = extremes(samples);
    highest - lowest
}

/// The (upper) median; 0 of nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::synthetic::{Parameters, synthetic};

    fn usual() -> Ecg {
        synthetic(Parameters::default())
    }

    /// The usual ECG after `change` did something to its leads.
    fn changed(change: impl FnOnce(&mut Vec<(Lead, Vec<f32>)>)) -> Ecg {
        let mut leads = usual().leads().to_vec();
        change(&mut leads);
        Ecg::new(leads, 500.0).unwrap()
    }

    fn notices(ecg: &Ecg) -> Vec<Notice> {
        assess(ecg, Window::default())
    }

    #[test]
    fn an_ordinary_ecg_is_no_cause_for_remarks() {
        assert_eq!(notices(&usual()), []);
        let slow = synthetic(Parameters { sampling_rate: 125.0, heart_rate: 45.0, ..Parameters::default() });
        assert_eq!(notices(&slow), []);
    }

    #[test]
    fn flat_lead() {
        let ecg = changed(|leads| leads[8].1.fill(0.2));
        assert_eq!(notices(&ecg), [Notice::FlatLead(Lead::V3)]);
    }

    #[test]
    fn clipped_lead() {
        let ecg = changed(|leads| leads[10].1.iter_mut().for_each(|sample| *sample = sample.clamp(-0.1, 0.4)));
        let [Notice::Clipped { lead: Lead::V5, samples }] = notices(&ecg)[..] else { panic!("{:?}", notices(&ecg)) };
        assert!((100..1500).contains(&samples), "{samples}");
    }

    #[test]
    fn wrong_units() {
        for (factor, cause) in [
            (1000.0, "microvolt"),
            (0.001, "as if volt"),
            (50.0, "gain"),
            (1e6, "nanovolt"),
            (8.0, "artefacts"),
            (0.05, "low voltage"),
        ] {
            let ecg = changed(|leads| {
                leads.iter_mut().flat_map(|(_, samples)| samples).for_each(|sample| *sample *= factor);
            });
            let [Notice::ImplausibleAmplitude { likely_cause, .. }] = &notices(&ecg)[..] else {
                panic!("factor {factor}: {:?}", notices(&ecg))
            };
            assert!(likely_cause.contains(cause), "factor {factor}: {likely_cause}");
        }
    }

    #[test]
    fn standardised_recordings_have_no_amplitude() {
        let mut ecg = changed(|leads| leads.iter_mut().flat_map(|lead| &mut lead.1).for_each(|sample| *sample *= 20.0));
        ecg.amplitude = Amplitude::Standardised;
        assert_eq!(notices(&ecg), [Notice::Standardised]);
    }

    #[test]
    fn noise_is_measured_beneath_the_beats() {
        for deviation in [0.02, 0.1] {
            let quiet = Parameters { noise: deviation, ..Parameters::default() };
            let ecg = synthetic(quiet);
            let lead: Vec<f64> = ecg.lead(Lead::V2).unwrap().iter().map(|&sample| f64::from(sample)).collect();
            // White noise of 0 to 250 Hz, of which 31 to 250 Hz are seven eighths.
            let expected = deviation * (7.0_f64 / 8.0).sqrt();
            assert!((noise(&lead) / expected - 1.0).abs() < 0.1, "{} is not {expected}", noise(&lead));
        }
        let loud = synthetic(Parameters { noise: 0.12, ..Parameters::default() });
        let [Notice::Noisy(leads)] = &notices(&loud)[..] else { panic!("{:?}", notices(&loud)) };
        assert!(leads.len() > 6);
    }

    #[test]
    fn interchanged_arm_electrodes() {
        let ecg = changed(|leads| {
            leads[0].1.iter_mut().for_each(|sample| *sample = -*sample);
            let (before, after) = leads.split_at_mut(2);
            std::mem::swap(&mut before[1].1, &mut after[0].1);
            let (before, after) = leads.split_at_mut(4);
            std::mem::swap(&mut before[3].1, &mut after[0].1);
        });
        assert_eq!(notices(&ecg), [Notice::ArmElectrodesInterchanged]);
    }

    #[test]
    fn limb_leads_that_contradict_each_other() {
        let ecg = changed(|leads| leads[2].1 = leads[9].1.clone());
        let [Notice::LimbLeadsInconsistent { millivolt }] = notices(&ecg)[..] else { panic!("{:?}", notices(&ecg)) };
        assert!(millivolt > 0.2);
    }

    #[test]
    fn a_window_that_cannot_be_taken_is_left_to_prepare() {
        let ecg = Ecg::new(vec![(Lead::I, vec![0.0; 5000])], 500.0).unwrap();
        assert_eq!(notices(&ecg), []);
    }
}
