//! The discrete wavelet transform with the symlet of eight vanishing moments, as PyWavelets computes it.
//!
//! [`decompose`] and [`Decomposition::reconstruct`] equal `pywt.wavedec` and `pywt.waverec` with `wavelet="sym8"` and
//! `mode="symmetric"` to rounding. One level turns n samples into floor((n + 15) / 2) approximation and as many
//! detail coefficients: the samples are mirrored at both ends (the outermost one repeated), convolved with a low-pass
//! and a high-pass filter of 16 taps, and every second value is kept. The next level does the same to the
//! approximation. At 500 Hz the detail of level j holds about 250 / 2^j to 500 / 2^j Hz:
//!
//! | level | Hz | holds | in the published step |
//! |---|---|---|---|
//! | 1, 2, 3 | 31 to 250 | muscle noise, mains hum | set to zero |
//! | 4 to 8 | 1 to 31 | P wave, QRS complex, T wave | kept |
//! | 9, 10 | 0.25 to 1 | baseline wander | set to zero |
//! | approximation | below 0.25 | offset, slow drift | kept |
//!
//! [`suppress_noise`] is that step along time, [`across_leads`] the same step as the published code runs it, along the
//! twelve leads of one instant.
//!
//! PyWavelets warns that ten levels are more than a signal of 5000 samples supports (eight are), let alone one of
//! twelve: the coarse coefficients then only hold mirrored samples. It computes them all the same, and so does this
//! module; a signal of any length, even of one sample, can be taken apart to any level and put together again.

use std::sync::OnceLock;

use crate::ecg::Lead;

use super::resample::dot;

/// Levels of the published decomposition.
pub const LEVELS: usize = 10;

/// The levels whose detail the published step sets to zero, 1 being the finest.
pub const SUPPRESSED_LEVELS: [usize; 5] = [10, 9, 3, 2, 1];

const TAPS: usize = 16;

/// The decomposition low-pass filter of sym8, `pywt.Wavelet("sym8").dec_lo` (Daubechies 1992, table 6.3).
const LOW_PASS: [f64; TAPS] = [
    -0.0033824159510061256,
    -0.0005421323317911481,
    0.03169508781149298,
    0.007607487324917605,
    -0.1432942383508097,
    -0.061273359067658524,
    0.4813596512583722,
    0.7771857517005235,
    0.3644418948353314,
    -0.05194583810770904,
    -0.027219029917056003,
    0.049137179673607506,
    0.003808752013890615,
    -0.01495225833704823,
    -0.0003029205147213668,
    0.0018899503327594609,
];

/// The low-pass filter back to front with every other sign turned: the quadrature mirror high-pass filter.
const HIGH_PASS: [f64; TAPS] = {
    let mut filter = [0.0; TAPS];
    let mut tap = 0;
    while tap < TAPS {
        let sign = if tap % 2 == 0 { -1.0 } else { 1.0 };
        filter[tap] = sign * LOW_PASS[TAPS - 1 - tap];
        tap += 1;
    }
    filter
};

const LOW_PASS_REVERSED: [f64; TAPS] = reversed(LOW_PASS);
const HIGH_PASS_REVERSED: [f64; TAPS] = reversed(HIGH_PASS);

const fn reversed(filter: [f64; TAPS]) -> [f64; TAPS] {
    let mut reversed = [0.0; TAPS];
    let mut tap = 0;
    while tap < TAPS {
        reversed[tap] = filter[TAPS - 1 - tap];
        tap += 1;
    }
    reversed
}

/// The wavelet coefficients of a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// Coefficients of the coarsest low-pass band.
    pub approximation: Vec<f64>,
    /// Detail coefficients; `details[0]` belongs to level 1, the finest (PyWavelets lists the coarsest first).
    pub details: Vec<Vec<f64>>,
    /// Number of samples of the signal.
    length: usize,
}

/// Takes `samples` apart into `levels` detail bands and the approximation that remains.
pub fn decompose(samples: &[f64], levels: usize) -> Decomposition {
    let mut approximation = samples.to_vec();
    let mut details = Vec::with_capacity(levels);
    for _ in 0..levels {
        let (coarse, detail) = analyse(&approximation);
        approximation = coarse;
        details.push(detail);
    }
    Decomposition { approximation, details, length: samples.len() }
}

impl Decomposition {
    /// Puts the bands together again: as many samples as were taken apart, the same ones if no band was changed.
    pub fn reconstruct(&self) -> Vec<f64> {
        let mut samples = self.approximation.clone();
        for detail in self.details.iter().rev() {
            // A level of odd length comes back with one sample too many.
            samples.truncate(detail.len());
            samples = synthesise(&samples, detail);
        }
        samples.truncate(self.length);
        samples
    }

    /// Sets the detail of `level` (1 = finest) to zero.
    pub fn suppress(&mut self, level: usize) {
        if let Some(detail) = level.checked_sub(1).and_then(|index| self.details.get_mut(index)) {
            detail.fill(0.0);
        }
    }
}

/// The published noise suppression: ten levels, those of [`SUPPRESSED_LEVELS`] set to zero.
///
/// Linear, and keeps constants. Along time at 500 Hz it removes muscle noise, mains hum and baseline wander.
pub fn suppress_noise(samples: &[f64]) -> Vec<f64> {
    let mut decomposition = decompose(samples, LEVELS);
    for level in SUPPRESSED_LEVELS {
        decomposition.suppress(level);
    }
    decomposition.reconstruct()
}

/// [`suppress_noise`] run along the leads instead of along time: one fixed linear map of twelve values.
///
/// Row `i`, column `j` says how much of lead `j` goes into lead `i`. Each row sums to 1, as the step keeps constants.
pub fn across_leads() -> &'static [[f64; Lead::ALL.len()]; Lead::ALL.len()] {
    static MAP: OnceLock<[[f64; Lead::ALL.len()]; Lead::ALL.len()]> = OnceLock::new();
    MAP.get_or_init(|| {
        let mut map = [[0.0; Lead::ALL.len()]; Lead::ALL.len()];
        for column in 0..Lead::ALL.len() {
            let mut unit = [0.0; Lead::ALL.len()];
            unit[column] = 1.0;
            for (row, value) in map.iter_mut().zip(suppress_noise(&unit)) {
                row[column] = value;
            }
        }
        map
    })
}

/// One level down: approximation and detail.
fn analyse(samples: &[f64]) -> (Vec<f64>, Vec<f64>) {
    if samples.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let count = (samples.len() + TAPS - 1) / 2;
    let length = samples.len() as isize;
    let mut extended = Vec::with_capacity(samples.len() + 2 * TAPS);
    extended.extend((2 - TAPS as isize..0).map(|position| mirrored(samples, position)));
    extended.extend_from_slice(samples);
    extended.extend((length..length + TAPS as isize).map(|position| mirrored(samples, position)));
    let windows = || extended.windows(TAPS).step_by(2).take(count);
    let band = |filter: &[f64; TAPS]| windows().map(|window| dot(window, filter)).collect();
    (band(&LOW_PASS_REVERSED), band(&HIGH_PASS_REVERSED))
}

/// One level up: 2 n - 14 samples from n coefficients of each band. The transpose of [`analyse`] inside the signal.
fn synthesise(approximation: &[f64], detail: &[f64]) -> Vec<f64> {
    let length = (2 * detail.len() + 2).saturating_sub(TAPS);
    let mut spread = vec![0.0; 2 * detail.len() + TAPS];
    for (index, (coarse, fine)) in approximation.iter().zip(detail).enumerate() {
        let target = &mut spread[2 * index..2 * index + TAPS];
        for ((value, low), high) in target.iter_mut().zip(&LOW_PASS_REVERSED).zip(&HIGH_PASS_REVERSED) {
            *value += coarse * low + fine * high;
        }
    }
    spread.drain(..TAPS - 2);
    spread.truncate(length);
    spread
}

/// The sample at any position of the signal continued by mirror images of itself, each of which repeats its ends.
fn mirrored(samples: &[f64], position: isize) -> f64 {
    let length = samples.len() as isize;
    let folded = position.rem_euclid(2 * length);
    samples[if folded < length { folded } else { 2 * length - 1 - folded } as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: [f64; 7] = [0.5, -1.0, 2.0, 0.25, 3.0, -0.75, 1.5];

    fn assert_close(actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len());
        for (position, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            assert!((actual - expected).abs() < 1e-12, "value {position}: {actual} is not {expected}");
        }
    }

    /// `pywt.wavedec(x, "sym8", level=2)` of PyWavelets 1.8.0.
    #[test]
    fn decomposition_equals_pywavelets() {
        let decomposition = decompose(&SHORT, 2);
        assert_close(
            &decomposition.approximation,
            &[
                2.3331929913151916,
                0.20464316979829317,
                2.0203589909302435,
                2.335926779668471,
                0.6753352198494168,
                1.5196839282590977,
                1.940045694154844,
                2.280161349587813,
                -0.3722771399772448,
                1.1068685202810886,
                1.9953344680131329,
                2.333192991315192,
                0.20464316979829303,
            ],
        );
        assert_close(
            &decomposition.details[1],
            &[
                0.45615462858391903,
                -0.25367826173120944,
                0.4100665105892815,
                0.7945135567148719,
                -1.4620518645499792,
                0.6018172804654912,
                -0.41090820457484406,
                0.47157195106260097,
                0.7413270511665685,
                -0.1537824111951546,
                -1.1950302365554437,
                0.45615462858391903,
                -0.25367826173120955,
            ],
        );
        assert_close(
            &decomposition.details[0],
            &[
                -1.0774890779317559,
                -2.537920353299206,
                -1.4082403222413185,
                -0.7736080612481072,
                1.9084334005918133,
                1.5782187872961737,
                2.3106056268208115,
                -1.0774890779317559,
                -2.5379203532992065,
                -1.4082403222413187,
                -0.7736080612481073,
            ],
        );
    }

    /// The published step in PyWavelets, whose `waverec` returns an eighth value for these seven.
    #[test]
    fn noise_suppression_equals_pywavelets() {
        let expected = [
            0.6357771412372399,
            0.7369693121549082,
            0.8545523815860919,
            0.9842366228030738,
            1.1016865989285614,
            1.1860787563634172,
            1.2113316389137923,
        ];
        assert_close(&suppress_noise(&SHORT), &expected);

        let wave = |hertz: f64, sample: usize| (std::f64::consts::TAU * hertz * sample as f64 / 500.0).sin();
        let samples: Vec<f64> =
            (0..5000).map(|s| wave(5.0, s) + 0.5 * wave(50.0, s) + 2.0 * wave(0.3, s) + 1.0).collect();
        let suppressed = suppress_noise(&samples);
        let picked: Vec<f64> = [0, 1, 777, 2500, 4998, 4999].iter().map(|&s| suppressed[s]).collect();
        let expected = [
            2.4063891724521898,
            2.3828660344196364,
            -0.4063583830585853,
            1.3643730745960643,
            -0.0045914637577974425,
            0.020038853901408915,
        ];
        assert_close(&picked, &expected);
    }

    /// The published step over the rows of a unit matrix in PyWavelets: rows 0 and 7 are columns of the map.
    #[test]
    fn map_across_leads_equals_pywavelets() {
        let column = |index: usize| across_leads().iter().map(|row| row[index]).collect::<Vec<_>>();
        let first = [
            0.21786461713222938,
            0.18695597913163903,
            0.15048272743849903,
            0.11138658205052673,
            0.0728359804963063,
            0.0368683631357974,
            0.00794518236113222,
            -0.009614133651439476,
            -0.01721250899711827,
            -0.017747050206493187,
            -0.01325110672052717,
            -0.00647155884265291,
        ];
        assert_close(&column(0), &first);
        let eighth = [
            0.005320212554503948,
            0.02426556725954601,
            0.04542789122291617,
            0.0676953675580549,
            0.0892666728385817,
            0.10880540245218065,
            0.1240251553680676,
            0.13266645007118608,
            0.13562358063429222,
            0.13475935394577204,
            0.13100605468293677,
            0.12567627992227473,
        ];
        assert_close(&column(7), &eighth);
        for row in across_leads() {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9, "a constant stays");
        }
    }

    #[test]
    fn any_length_comes_back_from_any_number_of_levels() {
        for length in (0..40).chain([5000, 5001]) {
            let samples: Vec<f64> = (0..length).map(|s| ((s * s * 7) % 11) as f64 - 5.0).collect();
            for levels in [0, 1, 2, 10] {
                let returned = decompose(&samples, levels).reconstruct();
                assert_eq!(returned.len(), length);
                for (sample, expected) in returned.iter().zip(&samples) {
                    assert!((sample - expected).abs() < 1e-9, "{length} samples, {levels} levels");
                }
            }
        }
    }

    #[test]
    fn levels_that_do_not_exist_cannot_be_suppressed() {
        let mut decomposition = decompose(&SHORT, 2);
        decomposition.suppress(0);
        decomposition.suppress(3);
        assert_close(&decomposition.reconstruct(), &SHORT);
    }
}
