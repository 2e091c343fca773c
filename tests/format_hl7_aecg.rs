//! The example of the standard and one with altered identity, compared with a decoding by lxml and NumPy.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::{Lead, Sex};
use support::{ExpectedLead, assert_leads, fixture, person};

const LEADS: &[ExpectedLead] = &[
    (Lead::I, -0.005, -0.0325, -12.3025, 0.415),
    (Lead::II, -0.0175, -0.0175, -10.21, 0.6675),
    (Lead::V1, 0.1075, 0.0275, -5.7475, 1.465),
    (Lead::V2, 0.1375, 0.02, -6.62, 1.9275),
    (Lead::V3, 0.1, 0.0325, -7.7975, 1.63),
    (Lead::V4, 0.07, 0.015, -6.2475, 0.8875),
    (Lead::V5, 0.0575, -0.05, -7.5225, 0.5875),
    (Lead::V6, -0.0225, -0.0375, -4.405, 0.9725),
    (Lead::III, -0.0125, 0.015, 2.0925, 0.9075),
    (Lead::AVR, 0.01, 0.025, 11.08, 0.34),
    (Lead::AVL, 0.0025, -0.0225, -6.8025, 0.6325),
    (Lead::AVF, -0.015, 0.0, -3.925, 0.775),
];

#[test]
fn samples_and_person_equal_those_by_lxml() {
    for (name, id) in [("example.xml", "SBJ-123"), ("fda_subject1_0.xml", "subject1")] {
        let Some(ecg) = fixture(&format!("hl7-aecg/{name}"), 500.0, 5000, &[]) else { return };
        assert_leads(&ecg, LEADS);
        // The reported age of 46 is what the file says, though its dates of birth and recording make 49.
        assert_eq!(ecg.person, person(id, Some(46.0), Some(Sex::Male), Some("2002-11-22T09:10:00")));
    }
}
