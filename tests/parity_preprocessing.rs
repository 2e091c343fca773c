//! The network's input equals that of the published preprocessing, computed with PyWavelets and NumPy.
#![cfg(not(target_arch = "wasm32"))]

use std::path::{Path, PathBuf};

use ecgnet::format::{ReadOptions, open};
use ecgnet::signal::{INPUT_SAMPLES, LEADS, Preprocessing, Window, prepare};

/// The reference was computed in single precision, which alone accounts for 2e-5.
const LARGEST_DIFFERENCE: f32 = 3e-5;

fn shared() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("ECGNET_SHARED").map_or_else(beside, PathBuf::from)
}

/// The values of a NumPy file of little-endian single-precision numbers in C order.
fn read_npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(bytes.starts_with(b"\x93NUMPY\x01"), "{} is not a NumPy file, version 1", path.display());
    let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8_lossy(&bytes[10..end]);
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"), "{header}");
    bytes[end..].chunks_exact(4).map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]])).collect()
}

fn assert_parity(preprocessing: Preprocessing) {
    for record in [2, 5] {
        let path = shared().join(format!("data/sph/A0000{record}.h5"));
        if !path.exists() {
            eprintln!("skipped: {} is absent", path.display());
            continue;
        }
        let ecg = open(&path, &ReadOptions::default()).unwrap();
        let input = prepare(&ecg, preprocessing, Window::default()).unwrap();
        let expected = read_npy(&shared().join(format!("golden/preprocessed_{preprocessing}_SPH0000{record}.npy")));
        assert_eq!(expected.len(), INPUT_SAMPLES * LEADS);
        assert_eq!(input.samples.len(), expected.len());
        let differences = input.samples.iter().zip(&expected).map(|(value, expected)| (value - expected).abs());
        let largest = differences.fold(0.0_f32, f32::max);
        assert!(largest < LARGEST_DIFFERENCE, "{preprocessing}, record {record}: largest difference {largest}");
    }
}

#[test]
fn along_time() {
    assert_parity(Preprocessing::Time);
}

#[test]
fn across_leads() {
    assert_parity(Preprocessing::Lead);
}
