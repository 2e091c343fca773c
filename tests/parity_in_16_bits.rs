//! The trained networks with weights and activations in 16 bits on a graphics adapter, against 32 bits on the processor, on
//! real recordings: within what the page allows before it takes 32 bits (`src/web/device.rs`).
#![cfg(all(gpu, not(target_arch = "wasm32")))]

mod support;

use ecgnet::device::{GpuError, gpu};
use ecgnet::estimate::{Estimate, Estimator};
use ecgnet::format::{ReadOptions, open};
use ecgnet::network::manifest::Manifest;
use ecgnet::network::place::{Place, Storage};
use ecgnet::network::weights::Weights;
use ecgnet::signal::Window;
use std::path::Path;
use support::shared;

const YEARS: f32 = 0.05;
const PROBABILITY: f32 = 0.002;

/// Of the PhysioNet Challenge 2020.
const RECORDINGS: [&str; 20] = [
    "A0001", "A0002", "A0003", "A0004", "A0005", "A0006", "A0007", "A0008", "A0009", "A0010", "E00001", "E00002",
    "E00003", "E00004", "E00005", "E00006", "E00007", "E00008", "E00009", "E00010",
];

#[test]
fn trained_networks_say_the_same_in_16_bits() {
    let gpu = match gpu() {
        Ok(gpu) => gpu,
        Err(GpuError::NoAdapter(reason)) => return eprintln!("skipped: no graphics adapter ({reason})"),
        Err(error) => panic!("{error}"),
    };
    let Some(recordings) = shared("data/challenge") else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights");
    let Ok(manifest) = std::fs::read_to_string(folder.join("manifest.json")) else {
        return eprintln!("skipped: there are no trained weights");
    };
    let manifest: Manifest = serde_json::from_str(&manifest).unwrap();
    for entry in &manifest.networks {
        let weights = Weights::from_bytes(&std::fs::read(folder.join(&entry.file)).unwrap()).unwrap();
        let in_bits = |place: Place| Estimator::new(vec![weights.clone()], place).unwrap();
        let exact = in_bits(Place::from(&burn::tensor::Device::flex()));
        let packed = in_bits(Place { storage: Storage::Bits16, ..Place::from(&gpu.device) });
        let (mut years, mut probability) = (0.0f32, 0.0f32);
        for name in RECORDINGS {
            let ecg = open(&recordings.join(name).with_extension("hea"), &ReadOptions::default()).unwrap();
            let of = |estimator: &Estimator| said(&estimator.estimate(&ecg, Window::default()).unwrap());
            let (exact, packed) = (of(&exact), of(&packed));
            years = years.max((exact.0 - packed.0).abs());
            probability = probability.max((exact.1 - packed.1).abs());
        }
        println!("{}: {years:.4} years and {probability:.5} at most", entry.network);
        assert!(years <= YEARS && probability <= PROBABILITY, "{}: {years} years, {probability}", entry.network);
    }
}

fn said(estimate: &Estimate) -> (f32, f32) {
    (estimate.age.unwrap().years, estimate.sex.unwrap().probability_female)
}
