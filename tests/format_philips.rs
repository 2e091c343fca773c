//! A recording of each version, compared with the Python package sierraecg 0.4.0 (and its pulse cut off).
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::{Lead, Notice, Sex};
use support::{ExpectedLead, assert_leads, fixture, person};

const VERSION_1_03: &[ExpectedLead] = &[
    (Lead::I, 0.24, -0.06, 4.075, 0.87),
    (Lead::II, 0.585, -0.105, 8.81, 0.625),
    (Lead::III, 0.345, -0.045, 9.765, 0.975),
    (Lead::AVR, -0.415, 0.09, 1.62, 0.475),
    (Lead::AVL, -0.055, -0.015, -9.2, 0.905),
    (Lead::AVF, 0.465, -0.075, 1.115, 0.6),
    (Lead::V1, 0.165, 0.005, 3.54, 0.765),
    (Lead::V2, 0.225, 0.0, 11.74, 0.605),
    (Lead::V3, 0.25, -0.02, 10.165, 0.36),
    (Lead::V4, 0.245, -0.025, 9.32, 0.35),
    (Lead::V5, 0.225, -0.045, 7.36, 0.6),
    (Lead::V6, 0.14, -0.04, 6.795, 0.8),
];

const VERSION_1_04: &[ExpectedLead] = &[
    (Lead::I, 0.05, -0.01, 167.46, 0.25),
    (Lead::II, -0.02, 0.01, 337.75, 0.975),
    (Lead::III, -0.07, 0.02, 163.4, 0.78),
    (Lead::AVR, -0.01, 0.0, -249.47, 0.6),
    (Lead::AVL, 0.06, -0.015, -3.985, 0.32),
    (Lead::AVF, -0.045, 0.015, 247.15, 0.865),
    (Lead::V1, -0.53, -0.195, -1939.285, 1.275),
    (Lead::V2, 2.115, 1.025, 7606.685, 2.12),
    (Lead::V3, -17.225, -4.47, -49664.665, 17.225),
    (Lead::V4, 0.84, 0.575, 3784.32, 1.975),
    (Lead::V5, -0.115, -0.075, -373.175, 0.96),
    (Lead::V6, 0.205, 0.07, 820.045, 0.855),
];

#[test]
fn samples_equal_those_by_sierraecg() {
    let cut = |samples: usize| {
        Notice::File(format!("the calibration pulse at the end, {samples} samples of each lead, was cut off"))
    };
    let Some(ecg) = fixture("philips/sierra_1_03.xml", 500.0, 5264, &[cut(236)]) else { return };
    assert_leads(&ecg, VERSION_1_03);
    assert_eq!(ecg.person, person("1112010721168bdc", Some(50.0), Some(Sex::Male), Some("2011-12-01T07:27:34")));
    let Some(ecg) = fixture("philips/sierra_1_04.xml", 500.0, 5300, &[cut(200)]) else { return };
    assert_leads(&ecg, VERSION_1_04);
    assert_eq!(ecg.person, person("9999", Some(32.0), Some(Sex::Female), Some("2008-12-23T19:44:46")));
}
