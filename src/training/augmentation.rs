//! Random changes of an input that leave age and sex alone.

use super::recipe::Augmentation;
use crate::signal::{LEADS, SAMPLING_RATE, WINDOW_SAMPLES};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

/// I, II, III, aVR, aVL and aVF come before the chest leads.
const LIMB_LEADS: usize = 6;

/// Corners of the low-pass, in Hz, from which one is drawn.
const SMOOTHING_CORNER: [f64; 2] = [15.0, 80.0];

/// Changes the first [`WINDOW_SAMPLES`] samples of an input (all leads of a sample side by side) in place.
///
/// What was zero because a recording is short counts as signal here; the padding after the window stays zero.
pub fn augment(input: &mut [f32], augmentation: &Augmentation, random: &mut impl Rng) {
    let Augmentation { shift, lead_dropout, span_dropout, span_seconds, gain, chest_gain, smoothing, noise, wander } =
        *augmentation;
    let window = &mut input[..WINDOW_SAMPLES * LEADS];
    if random.random_bool(shift) {
        window.rotate_left(random.random_range(0..WINDOW_SAMPLES) * LEADS);
    }
    let mut gains = lead_gains(gain, lead_dropout, random);
    // What is not asked for draws nothing, so that recipes without it remain what they were.
    if chest_gain > 0.0 {
        let logarithm: f64 = StandardNormal.sample(random);
        gains[LIMB_LEADS..].iter_mut().for_each(|gain| *gain *= (chest_gain * logarithm).exp() as f32);
    }
    if smoothing > 0.0 && random.random_bool(smoothing) {
        let [low, high] = SMOOTHING_CORNER.map(f64::ln);
        smooth(window, random.random_range(low..high).exp());
    }
    let deviation = noise as f32 * random.random::<f32>();
    let waves: [SlowWave; LEADS] = std::array::from_fn(|_| SlowWave::random(wander, random));
    for (sample, values) in window.chunks_exact_mut(LEADS).enumerate() {
        for ((value, gain), wave) in values.iter_mut().zip(&gains).zip(&waves) {
            let error: f32 = StandardNormal.sample(random);
            if *gain != 0.0 {
                *value = *value * gain + error * deviation + wave.at(sample);
            } else {
                *value = 0.0;
            }
        }
    }
    if random.random_bool(span_dropout) {
        let longest = (span_seconds * SAMPLING_RATE) as usize;
        let length = random.random_range(0..=longest.min(WINDOW_SAMPLES));
        let start = random.random_range(0..=WINDOW_SAMPLES - length);
        window[start * LEADS..(start + length) * LEADS].fill(0.0);
    }
}

/// A random gain for each lead, zero for those that are dropped; one lead at least stays.
fn lead_gains(deviation: f64, dropout: f64, random: &mut impl Rng) -> [f32; LEADS] {
    let spared = random.random_range(0..LEADS);
    std::array::from_fn(|lead| {
        let error: f32 = StandardNormal.sample(random);
        let dropped = random.random_bool(dropout) && lead != spared;
        if dropped { 0.0 } else { (1.0 + deviation as f32 * error).max(0.1) }
    })
}

/// A low-pass of first order with its corner at so many Hz, forwards and backwards, so that nothing moves in time.
fn smooth(window: &mut [f32], corner: f64) {
    let share = (1.0 - (-std::f64::consts::TAU * corner / SAMPLING_RATE).exp()) as f32;
    let mut level: [f32; LEADS] = std::array::from_fn(|lead| window[lead]);
    let mut follow = |values: &mut [f32]| {
        for (value, level) in values.iter_mut().zip(&mut level) {
            *level += share * (*value - *level);
            *value = *level;
        }
    };
    window.chunks_exact_mut(LEADS).for_each(&mut follow);
    window.chunks_exact_mut(LEADS).rev().for_each(&mut follow);
}

struct SlowWave {
    amplitude: f32,
    radians_per_sample: f32,
    phase: f32,
}

impl SlowWave {
    fn random(largest: f64, random: &mut impl Rng) -> Self {
        let hertz = random.random_range(0.05f32..0.5);
        let turn = std::f32::consts::TAU;
        Self {
            amplitude: largest as f32 * random.random::<f32>(),
            radians_per_sample: turn * hertz / SAMPLING_RATE as f32,
            phase: random.random_range(0.0..turn),
        }
    }

    fn at(&self, sample: usize) -> f32 {
        self.amplitude * (self.phase + self.radians_per_sample * sample as f32).sin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::INPUT_SAMPLES;
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    const NONE: Augmentation = Augmentation {
        shift: 0.0,
        lead_dropout: 0.0,
        span_dropout: 0.0,
        span_seconds: 0.0,
        gain: 0.0,
        chest_gain: 0.0,
        smoothing: 0.0,
        noise: 0.0,
        wander: 0.0,
    };

    fn input() -> Vec<f32> {
        let wave = |index: usize| ((index / LEADS) as f32 * 0.02 + (index % LEADS) as f32).sin() * 1.4;
        (0..INPUT_SAMPLES * LEADS).map(|index| if index < WINDOW_SAMPLES * LEADS { wave(index) } else { 0.0 }).collect()
    }

    #[test]
    fn same_seed_same_change_and_padding_stays() {
        let run = |seed: u64| {
            let mut values = input();
            augment(&mut values, &Augmentation::default(), &mut ChaCha8Rng::seed_from_u64(seed));
            values
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert!(run(3)[WINDOW_SAMPLES * LEADS..].iter().all(|value| *value == 0.0));
        assert!(run(4).iter().all(|value| value.is_finite() && value.abs() < 10.0));
    }

    #[test]
    fn smoothing_halves_a_wave_at_its_corner_and_moves_nothing() {
        let corner = 20.0;
        let wave =
            |index: usize| (std::f64::consts::TAU * corner * (index / LEADS) as f64 / SAMPLING_RATE).sin() as f32;
        let mut values: Vec<f32> = (0..WINDOW_SAMPLES * LEADS).map(wave).collect();
        smooth(&mut values, corner);
        // The middle, where the ends are forgotten; a digital filter of first order is not quite the analogue one.
        let middle = values.iter().enumerate().skip(1000 * LEADS).take(3000 * LEADS);
        for (index, value) in middle {
            assert!((value - 0.5 * wave(index)).abs() < 0.05, "{index}");
        }
    }

    #[test]
    fn chest_leads_share_their_gain() {
        let before = input();
        let mut values = before.clone();
        let only = Augmentation { chest_gain: 0.5, ..NONE };
        augment(&mut values, &only, &mut ChaCha8Rng::seed_from_u64(7));
        let ratio = |lead: usize| values[100 * LEADS + lead] / before[100 * LEADS + lead];
        assert_eq!([ratio(0), ratio(5)], [1.0, 1.0]);
        assert!((ratio(6) - ratio(11)).abs() < 1e-5 && (ratio(6) - 1.0).abs() > 0.01, "{}", ratio(6));
    }

    #[test]
    fn nothing_asked_for_nothing_changed() {
        let mut values = input();
        augment(&mut values, &NONE, &mut ChaCha8Rng::seed_from_u64(7));
        assert_eq!(values, input());
    }
}
