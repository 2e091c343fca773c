//! An export of SEMA 2.64, compared with a decoding by lxml and NumPy.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::{Ecg, Lead, Notice, Person, Sex};
use ecgnet::format::{ReadOptions, open};
use support::{ExpectedLead, assert_leads, shared};

const LEADS: &[ExpectedLead] = &[
    (Lead::I, -0.025, 1.0, 92.65, 1.135),
    (Lead::II, -0.175, 0.0, 1684.04, 0.83),
    (Lead::III, -0.15, -1.0, 1591.39, 1.58),
    (Lead::AVR, 0.1, -0.5, -889.443, 0.567),
    (Lead::AVL, 0.063, 1.0, -750.428, 1.185),
    (Lead::AVF, -0.162, -0.5, 1636.64, 1.192),
    (Lead::V1, 1.855, 1.05, 2314.53, 2.31),
    (Lead::V2, 0.56, 1.61, 802.215, 1.755),
    (Lead::V3, -0.045, 1.605, 597.945, 1.605),
    (Lead::V4, -0.145, 0.465, 1561.98, 0.63),
    (Lead::V5, 0.12, 0.0, 2549.475, 0.885),
    (Lead::V6, -0.215, 0.0, 1037.825, 0.475),
];

/// The fixture, its size and its notices checked; `None` where it is absent.
fn fixture(name: &str, sampling_rate: f64, samples: usize, notices: &[Notice]) -> Option<Ecg> {
    let ecg = open(&shared(&format!("fixtures/schiller/{name}"))?, &ReadOptions::default()).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.samples()), (sampling_rate, samples));
    assert_eq!(ecg.notices, notices);
    Some(ecg)
}

fn person(id: &str, age: Option<f32>, sex: Option<Sex>, recorded_at: Option<&str>) -> Person {
    Person { id: Some(id.to_owned()), age, sex, recorded_at: recorded_at.map(str::to_owned) }
}

#[test]
fn samples_and_person_equal_those_by_lxml() {
    let Some(ecg) = fixture("schiller.xml", 500.0, 4998, &[]) else { return };
    assert_leads(&ecg, LEADS);
    assert_eq!(ecg.person, person("2241428", None, Some(Sex::Male), Some("2006-05-02T14:06:10")));
}
