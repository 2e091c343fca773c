//! The folder of weights.

use burn::tensor::Device;
use ecgnet::network::assembly::Assembly;
use ecgnet::network::manifest::{Entry, Manifest};
use ecgnet::network::weights::{Calibration, Precision, Weights, WeightsDescription};
use ecgnet::network::{Architecture, Target};
use ecgnet::signal::Preprocessing;
use ecgnet::training::{Recipe, Training};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use std::error::Error;
use std::path::PathBuf;

/// Writes the folder that the first argument names, with the networks that the others name, or all.
pub fn write(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(arguments.next().ok_or("which folder is to be written?")?);
    let named: Vec<Architecture> = arguments.map(|name| name.parse()).collect::<Result<_, _>>()?;
    let networks = if named.is_empty() { Architecture::ALL.to_vec() } else { named };
    std::fs::create_dir_all(&folder)?;
    let mut entries = Vec::new();
    for &network in &networks {
        let weights = made_up(network);
        let bytes = weights.to_bytes(Precision::Bits16)?;
        let file = format!("{network}.safetensors");
        std::fs::write(folder.join(&file), &bytes)?;
        entries.push(Entry {
            network,
            target: Target::Both,
            file,
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
            preprocessing: weights.description.preprocessing,
            training: weights.description.training,
            figures: Vec::new(),
            rounding: None,
        });
    }
    let manifest = Manifest { default: networks[0], networks: entries };
    Ok(std::fs::write(folder.join("manifest.json"), manifest.to_json())?)
}

fn made_up(network: Architecture) -> Weights {
    let assembly = Assembly::new(network, Target::Both);
    let mut training = Map::new();
    training.insert("made_up".to_owned(), json!(true));
    let description = WeightsDescription {
        architecture: network,
        target: Target::Both,
        preprocessing: Preprocessing::Time,
        calibration: Calibration { age_half_width: Some(15.0), ..Calibration::default() },
        training,
    };
    let mut tensors = Training::new(assembly, Recipe::ours(), 3, &Device::flex()).best_tensors();
    // What an untrained network makes of its input may be next to nothing: no test would see it change.
    for tensor in &mut tensors {
        match tensor.name.as_str() {
            "age.head.bias" => tensor.values = vec![0.3].into(),
            "sex.head.bias" => tensor.values = vec![0.0, 0.5].into(),
            _ => {}
        }
    }
    Weights { description, tensors }
}
