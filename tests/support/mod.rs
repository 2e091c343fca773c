//! What several tests need: the reference files beside the repository, and its rule for made-up numbers.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

use ecgnet::ecg::{Ecg, Lead, Person, Sex};

/// A file or folder of the reference data, or `None`, said on stderr, where that data is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("ECGNET_SHARED") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
    };
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: the reference data {} is absent (set ECGNET_SHARED)", path.display());
    None
}

/// `count` numbers between -1 and 1 of the given stream: the top 24 bits of splitmix64, as `golden/models.json` says.
pub fn filled(stream: u64, count: usize) -> impl Iterator<Item = f32> {
    (0..count as u64).map(move |index| {
        let bits = splitmix64((stream << 32) + index) >> 40;
        (bits as f64 / f64::from(1 << 23) - 1.0) as f32
    })
}

fn splitmix64(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The values of a NumPy file of little-endian 32-bit floats in C order, version 1.
pub fn read_npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let header = u16::from_le_bytes([bytes[8], bytes[9]]) as usize;
    assert!(String::from_utf8_lossy(&bytes[..10 + header]).contains("'<f4', 'fortran_order': False"));
    bytes[10 + header..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// A lead by an independent reader: its first and last sample, the sum and the largest absolute value, in millivolt.
pub type ExpectedLead = (Lead, f64, f64, f64, f64);

/// Compares the leads, in their order, with those by an independent reader, which were written with six digits or more.
pub fn assert_leads(ecg: &Ecg, expected: &[ExpectedLead]) {
    assert!(ecg.leads().iter().map(|(lead, _)| lead).eq(expected.iter().map(|(lead, ..)| lead)));
    for ((lead, samples), (_, first, last, sum, highest)) in ecg.leads().iter().zip(expected) {
        let samples: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
        let close = |a: f64, b: f64, within: f64| assert!((a - b).abs() <= within, "lead {lead}: {a}, expected {b}");
        close(samples[0], *first, 2e-6);
        close(samples[samples.len() - 1], *last, 2e-6);
        // Each sample is rounded to 32 bits.
        close(samples.iter().sum(), *sum, 1e-3 + sum.abs() * 1e-6);
        close(samples.iter().fold(0.0, |highest, sample| highest.max(sample.abs())), *highest, 1e-5 * highest.max(1.0));
    }
}

/// A file of the reference data, its size and its notices checked; `None` where it is absent.
#[cfg(not(target_arch = "wasm32"))]
pub fn fixture(path: &str, sampling_rate: f64, samples: usize, notices: &[ecgnet::ecg::Notice]) -> Option<Ecg> {
    let ecg = ecgnet::format::open(&shared(&format!("fixtures/{path}"))?, &Default::default()).unwrap();
    assert_eq!((ecg.sampling_rate(), ecg.samples()), (sampling_rate, samples));
    assert_eq!(ecg.notices, notices);
    Some(ecg)
}

pub fn person(id: &str, age: Option<f32>, sex: Option<Sex>, recorded_at: Option<&str>) -> Person {
    Person { id: Some(id.to_owned()), age, sex, recorded_at: recorded_at.map(str::to_owned) }
}

/// The checksum CRC-CCITT, bit by bit as the standards describe it.
pub fn crc_ccitt(bytes: &[u8]) -> u16 {
    let mut crc = 0xffff_u16;
    for byte in bytes {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
        }
    }
    crc
}
