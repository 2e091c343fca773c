//! One recording in three formats: SCP-ECG, DICOM and HL7 aECG say the same.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::ecg::{Ecg, Lead};
use ecgnet::format::{ReadOptions, open};
use support::shared;

/// Rounding of single precision, in millivolt.
const ROUNDING: f32 = 1e-6;

#[test]
fn three_formats_say_the_same() {
    let read = |file: &str| Some(open(&shared(&format!("fixtures/{file}"))?, &ReadOptions::default()).unwrap());
    let Some(scp) = read("scp/example.scp") else { return };
    let Some(dicom) = read("dicom/example.dcm") else { return };
    let Some(hl7) = read("hl7-aecg/example.xml") else { return };
    let day = |ecg: &Ecg| ecg.person.recorded_at.as_deref().map(|at| at[..10].to_owned());
    for other in [&dicom, &hl7] {
        assert_eq!(other.sampling_rate(), scp.sampling_rate());
        assert_eq!(other.samples(), scp.samples());
        assert_eq!(other.person.sex, scp.person.sex);
        assert_eq!(day(other), day(&scp));
        for lead in Lead::ALL {
            let pairs = other.lead(lead).unwrap().iter().zip(scp.lead(lead).unwrap());
            let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(largest <= ROUNDING, "{lead}: {largest} mV");
        }
    }
}
