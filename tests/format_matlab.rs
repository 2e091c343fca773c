//! A record of CODE-15 % as a MATLAB file, compared with scipy 1.17.1.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::Lead;
use ecgnet::format::{ReadOptions, open};
use support::shared;

const FIRST: [f64; 12] = [
    -8.7946571e-2,
    -9.7718416e-3,
    7.8174733e-2,
    5.8631048e-2,
    -7.8174733e-2,
    3.9087366e-2,
    7.0084392e-19,
    -3.9087366e-2,
    7.0537299e-19,
    -8.4946119e-19,
    -9.7718416e-3,
    -3.9087366e-2,
];

const SUMS: [f64; 12] = [
    11.188431247127255,
    1.0938372946259278,
    -10.094593693538627,
    7.406066705866067,
    17.281208806020004,
    2.4836486232215975,
    -6.366745771181968,
    4.011799885429809,
    -7.6035715033112865,
    -3.881869141583593,
    3.9833654318204026,
    7.72426336643457,
];

#[test]
fn samples_equal_those_of_scipy() {
    let Some(path) = shared("fixtures/mat/code_15_1238362.mat") else { return };
    let ecg = open(&path, &ReadOptions::default()).unwrap();
    // The file has the rate, but neither unit nor leads.
    assert_eq!((ecg.sampling_rate(), ecg.samples()), (400.0, 2934));
    assert_eq!(ecg.notices.len(), 2, "{:?}", ecg.notices);
    assert!(ecg.notices[1].to_string().contains("mV"));
    assert_eq!((ecg.person.age, ecg.person.sex, ecg.person.recorded_at.as_deref()), (None, None, None));
    for ((lead, samples), expected) in ecg.leads().iter().zip(Lead::ALL) {
        assert_eq!(*lead, expected);
        assert_eq!(samples[0], FIRST[lead.index()] as f32);
        let sum: f64 = samples.iter().map(|&sample| f64::from(sample)).sum();
        assert!((sum - SUMS[lead.index()]).abs() < 1e-9, "{lead}: {sum}");
    }
    let last = *ecg.lead(Lead::V6).unwrap().last().unwrap();
    assert!((last + 0.004_714_72).abs() < 1e-8, "{last}");
}
