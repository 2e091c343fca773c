//! An export of SEMA 2.64, compared with a decoding by lxml and NumPy.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::{Lead, Sex};
use support::{ExpectedLead, assert_leads, fixture, person};

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

#[test]
fn samples_and_person_equal_those_by_lxml() {
    let Some(ecg) = fixture("schiller/schiller.xml", 500.0, 4998, &[]) else { return };
    assert_leads(&ecg, LEADS);
    assert_eq!(ecg.person, person("2241428", None, Some(Sex::Male), Some("2006-05-02T14:06:10")));
}
