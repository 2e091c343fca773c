//! A table of twelve columns in microvolt, compared with NumPy 2.4 (`loadtxt`).
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::Lead;
use ecgnet::format::{ReadOptions, open};
use support::shared;

/// First sample, last sample and sum of each column, in the file's microvolt.
const FIRST: [f32; 12] = [19.0, -19.0, -39.0, 0.0, 29.0, -29.0, 9.0, 9.0, 9.0, 9.0, -9.0, -19.0];
const LAST: [f32; 12] = [-29.0, -19.0, 9.0, 24.0, -19.0, -4.0, 19.0, 14.0, 29.0, 48.0, 29.0, -24.0];
const SUMS: [f64; 12] =
    [-14416.0, -3389.0, 10671.0, 8852.0, -12301.0, 3768.0, -20884.0, -23164.0, -26798.0, -29618.0, -25567.0, -20407.0];

#[test]
fn samples_equal_those_of_numpy() {
    let Some(path) = shared("fixtures/text/twelve_columns_uv.txt") else { return };
    let ecg = open(&path, &ReadOptions::default()).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.samples()), (500.0, 5000));
    // Lead order, sampling rate and unit are assumed.
    assert_eq!(ecg.notices.len(), 3, "{:?}", ecg.notices);
    assert!(ecg.notices[2].to_string().contains("µV"));
    for ((lead, samples), expected) in ecg.leads().iter().zip(Lead::ALL) {
        assert_eq!(*lead, expected);
        let microvolt = |sample: f32| (f64::from(sample) * 1000.0).round() as f32;
        assert_eq!(microvolt(samples[0]), FIRST[lead.index()]);
        assert_eq!(microvolt(samples[4999]), LAST[lead.index()]);
        let sum: f64 = samples.iter().map(|&sample| f64::from(sample) * 1000.0).sum();
        assert!((sum - SUMS[lead.index()]).abs() < 0.1, "{lead}: {sum}");
    }
}
