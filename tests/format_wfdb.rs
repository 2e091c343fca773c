//! WFDB records as PTB-XL and the PhysioNet/CinC Challenge 2020 publish them, compared with the Python library wfdb 4.3.1.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use std::path::Path;

use ecgnet::ecg::{Amplitude, Ecg, Lead, Sex};
use ecgnet::format::{NamedFiles, NoCompanions, ReadOptions, open, read};
use support::shared;

/// What the Python library reads: the first sample and the sum of each lead, in millivolt.
struct Expected {
    record: &'static str,
    extension: &'static str,
    sampling_rate: f64,
    samples: usize,
    first: [f32; 12],
    sums: [f64; 12],
}

const EXPECTED: [Expected; 4] = [
    Expected {
        record: "00001_lr",
        extension: "dat",
        sampling_rate: 100.0,
        samples: 1000,
        first: [-0.119, -0.055, 0.064, 0.086, -0.091, 0.004, -0.069, -0.031, 0.0, -0.026, -0.039, -0.079],
        sums: [1.508, 0.723, -0.778, -1.113, 1.211, 0.007, -1.709, 6.999, -1.777, -4.089, -0.557, 0.832],
    },
    Expected {
        record: "00002_hr",
        extension: "dat",
        sampling_rate: 500.0,
        samples: 5000,
        first: [-0.015, 0.12, 0.135, -0.053, -0.075, 0.127, -0.105, 0.07, 0.115, 0.16, 0.06, 0.065],
        sums: [-17.863, -17.16, 0.734, 17.529, -9.284, -8.311, 22.419, 63.058, 60.372, 4.753, 15.615, 1.959],
    },
    Expected {
        record: "A0001",
        extension: "mat",
        sampling_rate: 500.0,
        samples: 7500,
        first: [0.028, 0.007, -0.021, -0.017, 0.024, -0.007, -0.29, -0.204, -0.096, -0.112, -0.596, -0.016],
        sums: [-1.716, 2.029, 3.745, 3.68, -2.664, -1.499, 0.39, 0.157, -2.555, 0.049, -0.321, -3.112],
    },
    Expected {
        record: "E00001",
        extension: "mat",
        sampling_rate: 500.0,
        samples: 5000,
        first: [0.136, 0.087, -0.048, -0.112, 0.092, 0.019, -0.039, 0.058, 0.087, 0.097, 0.087, 0.078],
        sums: [
            299.203, 131.617, -167.195, -215.487, 233.129, -17.384, -120.292, 108.386, 107.047, 169.991, 152.59,
            156.877,
        ],
    },
];

fn open_record(path: &Path) -> Ecg {
    open(path, &ReadOptions::default()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sum(samples: &[f32]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample)).sum()
}

#[test]
fn samples_equal_those_of_the_python_library() {
    for expected in &EXPECTED {
        let Some(header) = shared(&format!("fixtures/wfdb/{}.hea", expected.record)) else { return };
        let ecg = open_record(&header);
        assert_eq!((ecg.sampling_rate(), ecg.samples()), (expected.sampling_rate, expected.samples));
        assert_eq!(ecg.amplitude, Amplitude::Millivolt);
        assert_eq!(ecg.notices, [], "{}", expected.record);
        for ((lead, samples), expected_lead) in ecg.leads().iter().zip(Lead::ALL) {
            assert_eq!(*lead, expected_lead);
            assert_eq!(samples[0], expected.first[lead.index()], "{} {lead}", expected.record);
            assert!((sum(samples) - expected.sums[lead.index()]).abs() < 1e-3, "{} {lead}", expected.record);
        }
    }
}

#[test]
fn a_record_is_found_by_each_of_its_names() {
    for expected in &EXPECTED {
        let Some(header) = shared(&format!("fixtures/wfdb/{}.hea", expected.record)) else { return };
        let ecg = open_record(&header);
        assert_eq!(open_record(&header.with_extension("")), ecg);
        assert_eq!(open_record(&header.with_extension(expected.extension)), ecg);
        // The page: several files dropped together, in memory.
        let signal_file = format!("{}.{}", expected.record, expected.extension);
        let names = [format!("{}.hea", expected.record), signal_file.clone()];
        let load = |name: &String| (name.clone(), std::fs::read(header.with_file_name(name)).unwrap());
        let dropped: NamedFiles = names.iter().map(load).collect();
        for name in &names {
            assert_eq!(read(name, &dropped[name], &dropped, &ReadOptions::default()).unwrap(), ecg);
        }
        let error = read(&signal_file, &dropped[&signal_file], &NoCompanions, &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains(&names[0]), "{error}");
    }
}

#[test]
fn the_person_is_read_from_the_comments() {
    let Some(folder) = shared("fixtures/wfdb") else { return };
    let person = open_record(&folder.join("A0001.hea")).person;
    // The name of the record is not that of a person.
    assert_eq!((person.id, person.age, person.sex), (None, Some(74.0), Some(Sex::Male)));
    assert_eq!(person.recorded_at.as_deref(), Some("2020-05-12T12:33:59"));
    let person = open_record(&folder.join("E00001.hea")).person;
    assert_eq!((person.age, person.sex), (None, Some(Sex::Female)));
    let person = open_record(&folder.join("00001_lr.hea")).person;
    assert_eq!((person.age, person.sex, person.recorded_at), (None, None, None));
}

#[test]
fn all_records_of_the_challenge() {
    let Some(folder) = shared("data/challenge") else { return };
    let (mut records, mut samples, mut total, mut highest, mut women, mut ages) = (0, 0, 0.0, 0.0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "hea") {
            continue;
        }
        let ecg = open_record(&path);
        assert_eq!(ecg.notices, [], "{}", path.display());
        records += 1;
        samples += ecg.samples();
        women += usize::from(ecg.person.sex == Some(Sex::Female));
        ages += usize::from(ecg.person.age.is_some());
        for (_, lead) in ecg.leads() {
            total += sum(lead);
            highest += f64::from(lead.iter().fold(0.0f32, |highest, sample| highest.max(sample.abs())));
        }
    }
    assert_eq!((records, samples, women, ages), (116, 732_149, 55, 113));
    assert!((total - 331.182_836).abs() < 1e-2, "{total}");
    assert!((highest - 1_451.534_549).abs() < 1e-2, "{highest}");
}
