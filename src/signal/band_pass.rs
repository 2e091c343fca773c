//! The diagnostic band without baseline wander, hum and muscle noise: 0.5 to 40 Hz, without a shift in time.

use super::SAMPLING_RATE;
use biquad::{Biquad, Coefficients, DirectForm2Transposed, Q_BUTTERWORTH_F64, ToHertz, Type};

/// Lower and upper corner in Hz, where half of the amplitude passes.
pub const BAND: [f64; 2] = [0.5, 40.0];

/// So much is mirrored at both ends, for the high-pass to settle in.
const MARGIN: usize = (2.5 * SAMPLING_RATE) as usize;

/// A Butterworth high-pass and low-pass of second order each, forwards and backwards: zero phase (Gustafsson 1996).
///
/// `samples` are those of one lead at [`SAMPLING_RATE`].
pub fn band_pass(samples: &[f64]) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (samples.first(), samples.last()) else { return Vec::new() };
    // The ends are mirrored in both directions, so that the continuation has no jump and no kink.
    let margin = MARGIN.min(samples.len() - 1);
    let before = samples[1..=margin].iter().rev().map(|sample| 2.0 * first - sample);
    let after = samples[samples.len() - 1 - margin..samples.len() - 1].iter().rev().map(|sample| 2.0 * last - sample);
    let mut extended: Vec<f64> = before.chain(samples.iter().copied()).chain(after).collect();
    for _ in 0..2 {
        filter(&mut extended);
        extended.reverse();
    }
    extended[margin..margin + samples.len()].to_vec()
}

fn filter(samples: &mut [f64]) {
    let Some(&start) = samples.first() else { return };
    let corner = |kind, hertz: f64| {
        let coefficients = Coefficients::from_params(kind, SAMPLING_RATE.hz(), hertz.hz(), Q_BUTTERWORTH_F64);
        DirectForm2Transposed::<f64>::new(coefficients.expect("both corners lie below half of the sampling rate"))
    };
    let mut high_pass = corner(Type::HighPass, BAND[0]);
    let mut low_pass = corner(Type::LowPass, BAND[1]);
    for sample in samples {
        // As if the signal had always been at its first value.
        *sample = low_pass.run(high_pass.run(*sample - start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The height of a sine after the filter, ends left out.
    fn gain(hertz: f64) -> f64 {
        let wave = |sample: usize| (std::f64::consts::TAU * hertz * sample as f64 / SAMPLING_RATE).sin();
        let samples: Vec<f64> = (0..20_000).map(wave).collect();
        band_pass(&samples)[5_000..15_000].iter().fold(0.0, |highest: f64, sample| highest.max(sample.abs()))
    }

    #[test]
    fn the_band_passes_and_the_rest_does_not() {
        for (hertz, expected, tolerance) in [
            (0.05, 0.0, 1e-3),
            (0.5, 0.5, 0.01),
            (5.0, 1.0, 0.01),
            (10.0, 1.0, 0.01),
            (40.0, 0.5, 0.01),
            (150.0, 0.0, 0.01),
        ] {
            assert!((gain(hertz) - expected).abs() < tolerance, "{hertz} Hz: {}", gain(hertz));
        }
    }

    #[test]
    fn a_peak_stays_where_it_is() {
        let peak = |sample: usize| (-((sample as f64 - 2500.0) / 8.0).powi(2)).exp();
        let filtered = band_pass(&(0..5000).map(peak).collect::<Vec<f64>>());
        let highest = (0..5000).max_by(|&a, &b| filtered[a].total_cmp(&filtered[b]));
        assert_eq!(highest, Some(2500));
        assert!((1..1000).all(|step| (filtered[2500 - step] - filtered[2500 + step]).abs() < 1e-6));
    }

    #[test]
    fn an_offset_leaves_nothing_and_short_signals_keep_their_length() {
        assert!(band_pass(&[3.0; 700]).iter().all(|sample| sample.abs() < 1e-9));
        for length in [0, 1, 2, 500] {
            assert_eq!(band_pass(&vec![1.0; length]).len(), length);
        }
    }
}
