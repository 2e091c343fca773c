//! A real array in Fortran order, compared with NumPy 2.4.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::{Lead, Notice};
use ecgnet::format::{ReadOptions, Unit, open};
use support::shared;

#[test]
fn an_array_in_fortran_order() {
    let Some(path) = shared("fixtures/npy/00009_hr.npy") else { return };
    let ecg = open(&path, &ReadOptions::default()).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.samples()), (500.0, 5000));
    assert_eq!(ecg.lead(Lead::I).unwrap()[0], -0.12);
    assert_eq!(ecg.lead(Lead::V6).unwrap()[4999], 0.07);
    let sum = |samples: &[f32]| samples.iter().map(|&sample| f64::from(sample)).sum::<f64>();
    assert!((sum(ecg.lead(Lead::V1).unwrap()) - 8.870_000_206_283_294).abs() < 1e-9);
    let total: f64 = ecg.leads().iter().map(|(_, samples)| sum(samples)).sum();
    assert!((total + 128.556_000_475_422_48).abs() < 1e-9, "{total}");
    assert!(ecg.notices.contains(&Notice::LeadOrderAssumed(Lead::ALL.to_vec())));
    assert!(ecg.notices.contains(&Notice::SamplingRateAssumed { assumed: 500.0 }));
    assert!(
        ecg.notices.iter().any(|notice| matches!(notice, Notice::UnitAssumed { assumed } if assumed.starts_with("mV")))
    );
}

#[test]
fn nothing_is_assumed_that_is_stated() {
    let Some(path) = shared("fixtures/npy/00009_hr.npy") else { return };
    let options =
        ReadOptions { unit: Some(Unit::Millivolt), sampling_rate: Some(500.0), lead_order: Some(Lead::ALL.to_vec()) };
    assert_eq!(open(&path, &options).unwrap().notices, []);
}
