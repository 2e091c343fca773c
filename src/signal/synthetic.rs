//! A synthetic twelve-lead ECG: for tests, and as the sample that a visitor of the page can try.
//!
//! Nobody's heart beats in it. Five Gaussian waves P, Q, R, S and T (the shape of McSharry et al. 2003) move along
//! fixed directions of the body; Dower's matrix (Dower, Machado and Osborne 1980) projects this heart vector onto I, II
//! and V1 to V6. The remaining limb leads follow from I and II by definition, so that the identities of Einthoven and
//! Goldberger hold for every sample, noise included. Everything is a function of the parameters: the same parameters
//! give the same ECG on every machine up to the rounding of `sin` and `exp`.

use std::f64::consts::TAU;

use crate::ecg::{Ecg, Lead};

/// What a synthetic ECG looks like. Values outside their range are moved to its nearest end, NaN to its lower end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Mean heart rate in beats per minute, 20 to 300.
    pub heart_rate: f64,
    /// Slow (0.25 Hz, breathing) variation of the distance between beats as a share of it, 0 to 0.3.
    pub heart_rate_variation: f64,
    /// Length in seconds, 0.001 to 3600.
    pub seconds: f64,
    /// Sampling rate in Hz, 1 to 100,000.
    pub sampling_rate: f64,
    /// Factor on all waves, 0 to 1000; 1 gives an R wave of about 1.2 mV in lead II.
    pub scale: f64,
    /// Amplitude of the baseline wander in mV, 0 to 100.
    pub wander: f64,
    /// Standard deviation of the white noise of the recorded leads in mV, 0 to 100.
    pub noise: f64,
    /// Start of the noise generator.
    pub seed: u64,
}

impl Default for Parameters {
    /// Ten seconds at 500 Hz, 66 beats per minute, mild noise and baseline wander.
    fn default() -> Parameters {
        Parameters {
            heart_rate: 66.0,
            heart_rate_variation: 0.03,
            seconds: 10.0,
            sampling_rate: 500.0,
            scale: 1.0,
            wander: 0.05,
            noise: 0.01,
            seed: 1,
        }
    }
}

/// One wave of the beat: a Gaussian bump of the heart vector.
struct Wave {
    /// Time of the peak after the R peak, in seconds at 60 beats per minute.
    delay: f64,
    /// Standard deviation in seconds.
    width: f64,
    /// Heart vector at the peak in mV: left, down, back (the X, Y, Z of Frank 1956).
    vector: [f64; 3],
    /// Whether delay and width shrink with the square root of the RR interval, as the QT interval does (Bazett 1920).
    follows_rate: bool,
}

const WAVES: [Wave; 6] = [
    Wave { delay: -0.16, width: 0.022, vector: [0.07, 0.11, -0.02], follows_rate: true },
    Wave { delay: -0.026, width: 0.008, vector: [-0.16, 0.02, -0.30], follows_rate: false },
    Wave { delay: 0.0, width: 0.011, vector: [1.05, 0.80, 0.15], follows_rate: false },
    Wave { delay: 0.020, width: 0.010, vector: [0.10, 0.05, 0.75], follows_rate: false },
    Wave { delay: 0.038, width: 0.010, vector: [-0.18, -0.12, 0.25], follows_rate: false },
    Wave { delay: 0.28, width: 0.050, vector: [0.30, 0.22, -0.20], follows_rate: true },
];

/// Dower's projection of the heart vector (left, down, back) onto the eight independent leads.
const PROJECTION: [(Lead, [f64; 3]); 8] = [
    (Lead::I, [0.632, -0.235, 0.059]),
    (Lead::II, [0.235, 1.066, -0.132]),
    (Lead::V1, [-0.515, 0.157, -0.917]),
    (Lead::V2, [0.044, 0.164, -1.387]),
    (Lead::V3, [0.882, 0.098, -1.277]),
    (Lead::V4, [1.213, 0.127, -0.601]),
    (Lead::V5, [1.125, 0.127, -0.086]),
    (Lead::V6, [0.831, 0.076, 0.230]),
];

impl Parameters {
    fn within_range(self) -> Parameters {
        let limit = |value: f64, low: f64, high: f64| if value.is_nan() { low } else { value.clamp(low, high) };
        Parameters {
            heart_rate: limit(self.heart_rate, 20.0, 300.0),
            heart_rate_variation: limit(self.heart_rate_variation, 0.0, 0.3),
            seconds: limit(self.seconds, 0.001, 3600.0),
            sampling_rate: limit(self.sampling_rate, 1.0, 100_000.0),
            scale: limit(self.scale, 0.0, 1000.0),
            wander: limit(self.wander, 0.0, 100.0),
            noise: limit(self.noise, 0.0, 100.0),
            seed: self.seed,
        }
    }

    /// The times of the R peaks within the recording, in seconds.
    pub fn beats(&self) -> Vec<f64> {
        let parameters = self.within_range();
        let beats = parameters.beats_until(parameters.seconds);
        beats.into_iter().filter(|beat| (0.0..parameters.seconds).contains(beat)).collect()
    }

    /// The R peaks from one beat before the start to one after `end`, whose waves reach into the recording.
    fn beats_until(&self, end: f64) -> Vec<f64> {
        let interval = 60.0 / self.heart_rate;
        let mut beats = vec![-0.6 * interval];
        let mut time = 0.4 * interval;
        while time < end + interval {
            beats.push(time);
            time += interval * (1.0 + self.heart_rate_variation * (TAU * 0.25 * time).sin());
        }
        beats
    }
}

/// The synthetic ECG that `parameters` describe, in millivolt, with all twelve leads.
pub fn synthetic(parameters: Parameters) -> Ecg {
    let parameters = parameters.within_range();
    let samples = ((parameters.seconds * parameters.sampling_rate).round() as usize).max(1);
    let heart = heart_vector(&parameters, samples);
    let mut noise = Noise { state: parameters.seed };
    let mut leads: Vec<(Lead, Vec<f32>)> = PROJECTION
        .iter()
        .enumerate()
        .map(|(electrode, (lead, weights))| {
            let phase = TAU * electrode as f64 / PROJECTION.len() as f64;
            let values = heart.iter().enumerate().map(|(sample, vector)| {
                let time = sample as f64 / parameters.sampling_rate;
                let wave: f64 = weights.iter().zip(vector).map(|(weight, component)| weight * component).sum();
                let wander = parameters.wander * (TAU * 0.15 * time + phase).sin();
                (wave + wander + parameters.noise * noise.next_normal()) as f32
            });
            (*lead, values.collect())
        })
        .collect();
    let (first, second) = (leads[0].1.clone(), leads[1].1.clone());
    let combine = |f: fn(f32, f32) -> f32| first.iter().zip(&second).map(|(&i, &ii)| f(i, ii)).collect();
    let derived = [
        (Lead::III, combine(|i, ii| ii - i)),
        (Lead::AVR, combine(|i, ii| -(i + ii) / 2.0)),
        (Lead::AVL, combine(|i, ii| i - ii / 2.0)),
        (Lead::AVF, combine(|i, ii| ii - i / 2.0)),
    ];
    leads.extend(derived);
    leads.sort_by_key(|(lead, _)| *lead);
    Ecg::new(leads, parameters.sampling_rate).expect("parameters in their range give twelve leads of one length")
}

/// The heart vector in mV at each sample.
fn heart_vector(parameters: &Parameters, samples: usize) -> Vec<[f64; 3]> {
    let mut heart = vec![[0.0; 3]; samples];
    let end = samples as f64 / parameters.sampling_rate;
    let beats = parameters.beats_until(end);
    let usual = 60.0 / parameters.heart_rate;
    for (index, &beat) in beats.iter().enumerate() {
        let interval = beats.get(index + 1).map_or(usual, |next| next - beat);
        for wave in &WAVES {
            let stretch = if wave.follows_rate { interval.sqrt() } else { 1.0 };
            let peak = beat + wave.delay * stretch;
            let width = wave.width * stretch;
            // A Gaussian is below 10^-8 of its height beyond six standard deviations.
            let from = ((peak - 6.0 * width) * parameters.sampling_rate).ceil().max(0.0) as usize;
            let to = ((peak + 6.0 * width) * parameters.sampling_rate).ceil().max(0.0) as usize;
            for (sample, vector) in heart.iter_mut().enumerate().take(to).skip(from) {
                let distance = (sample as f64 / parameters.sampling_rate - peak) / width;
                let height = parameters.scale * (-0.5 * distance * distance).exp();
                for (component, amplitude) in vector.iter_mut().zip(wave.vector) {
                    *component += height * amplitude;
                }
            }
        }
    }
    heart
}

/// White noise from the generator SplitMix64 (Steele, Lea and Flood 2014).
struct Noise {
    state: u64,
}

impl Noise {
    /// Uniform in 0 (inclusive) to 1 (exclusive).
    fn next_uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal, by the method of Box and Muller (1958).
    fn next_normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.next_uniform()).ln()).sqrt();
        radius * (TAU * self.next_uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limb_leads_obey_einthoven_and_goldberger() {
        let ecg = synthetic(Parameters::default());
        assert_eq!((ecg.samples(), ecg.sampling_rate()), (5000, 500.0));
        let lead = |lead| ecg.lead(lead).unwrap();
        for sample in 0..ecg.samples() {
            let [i, ii, iii] = [Lead::I, Lead::II, Lead::III].map(|name| lead(name)[sample]);
            let [avr, avl, avf] = [Lead::AVR, Lead::AVL, Lead::AVF].map(|name| lead(name)[sample]);
            assert!((i + iii - ii).abs() < 1e-6);
            assert!((avr + avl + avf).abs() < 1e-6);
            assert!((avr + (i + ii) / 2.0).abs() < 1e-6);
        }
    }

    #[test]
    fn looks_like_a_normal_ecg() {
        let ecg = synthetic(Parameters { noise: 0.0, wander: 0.0, ..Parameters::default() });
        let beat = (synthetic_beat() * 500.0).round() as usize;
        let at = |lead, sample: usize| ecg.lead(lead).unwrap()[sample];
        assert!((0.8..1.5).contains(&at(Lead::II, beat)), "R wave of lead II: {}", at(Lead::II, beat));
        assert!(at(Lead::AVR, beat) < -0.4);
        assert!(at(Lead::V1, beat + 5) < -0.3, "S wave of V1");
        assert!(at(Lead::V5, beat) > 0.8);
        assert!(at(Lead::II, beat - 75) > 0.05, "P wave");
    }

    fn synthetic_beat() -> f64 {
        Parameters::default().beats()[2]
    }

    #[test]
    fn is_deterministic_and_differs_by_seed() {
        let parameters = Parameters::default();
        assert_eq!(synthetic(parameters), synthetic(parameters));
        assert_ne!(synthetic(parameters), synthetic(Parameters { seed: 2, ..parameters }));
    }

    #[test]
    fn beats_come_at_the_heart_rate() {
        let parameters = Parameters { heart_rate: 90.0, seconds: 60.0, ..Parameters::default() };
        let beats = parameters.beats();
        let rate = 60.0 * (beats.len() - 1) as f64 / (beats[beats.len() - 1] - beats[0]);
        assert!((rate - 90.0).abs() < 1.0, "{rate}");
    }

    #[test]
    fn absurd_parameters_are_moved_into_range() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e300] {
            let ecg = synthetic(Parameters {
                heart_rate: value,
                heart_rate_variation: value,
                seconds: 1.0,
                sampling_rate: value,
                scale: value,
                wander: value,
                noise: value,
                seed: 0,
            });
            assert!(ecg.leads().iter().all(|(_, samples)| samples.iter().all(|sample| sample.is_finite())));
        }
    }
}
