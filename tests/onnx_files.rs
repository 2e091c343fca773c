//! Every network as an ONNX file, checked and run in Python: ECGNET_ONNX_PYTHON names a Python with `onnx` and
//! `onnxruntime`. What is expected is what the network says here, which agrees with TensorFlow (`parity_networks.rs`).
#![cfg(not(target_arch = "wasm32"))]

mod support;

use burn::tensor::{Device, activation};
use ecgnet::network::assembly::Assembly;
use ecgnet::network::deployed::deploy;
use ecgnet::network::parameter::NamedTensor;
use ecgnet::network::weights::{Calibration, Weights, WeightsDescription};
use ecgnet::network::{Architecture, INPUT_LEADS, INPUT_SAMPLES, Target, onnx};
use ecgnet::signal::Preprocessing;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use support::filled;

const RECORDINGS: usize = 2;

/// Weights with tensors filled by the rule of `golden/models.json`.
fn weights(architecture: Architecture) -> Weights {
    let assembly = Assembly::new(architecture, Target::Both);
    let zeros: Vec<Vec<f32>> = assembly.parameters.iter().map(|parameter| vec![0.0; parameter.values()]).collect();
    let fill = |(stream, tensor): (u64, NamedTensor)| {
        let fan_in: usize = tensor.shape[..tensor.shape.len() - 1].iter().product();
        let rule = |u: f32| match tensor.name.rsplit('.').next() {
            Some("kernel") => u * (6.0 / fan_in as f64).sqrt() as f32,
            Some("gamma") => 1.0 + 0.1 * u,
            Some("moving_variance") => 1.0 + 0.2 * u,
            _ => 0.1 * u,
        };
        let count = tensor.shape.iter().product();
        NamedTensor { values: filled(stream, count).map(rule).collect(), ..tensor.clone() }
    };
    let tensors: Vec<NamedTensor> = (0..).zip(assembly.to_published(&zeros)).map(fill).collect();
    let description = WeightsDescription {
        architecture,
        target: Target::Both,
        preprocessing: Preprocessing::Time,
        calibration: Calibration { sex_temperature: 1.5, ..Calibration::default() },
        training: serde_json::Map::new(),
    };
    Weights { description, tensors: deploy(&assembly, &assembly.from_published(&tensors).unwrap()) }
}

#[test]
fn onnx_runtime_says_the_same() {
    let Some(python) = std::env::var_os("ECGNET_ONNX_PYTHON") else {
        eprintln!("skipped: ECGNET_ONNX_PYTHON is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut input: Vec<f32> = filled(1_000_000, RECORDINGS * INPUT_SAMPLES * INPUT_LEADS).map(|u| 0.5 * u).collect();
    for recording in input.chunks_exact_mut(INPUT_SAMPLES * INPUT_LEADS) {
        recording[5000 * INPUT_LEADS..].fill(0.0);
    }
    let input_file = folder.path().join("input.f32");
    std::fs::write(&input_file, input.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()).unwrap();

    let networks: Vec<_> = Architecture::ALL
        .into_iter()
        .map(|architecture| {
            let weights = weights(architecture);
            let file = folder.path().join(format!("{architecture}.onnx"));
            std::fs::write(&file, onnx::write(&weights).unwrap()).unwrap();
            let network = weights.network(&Device::flex()).unwrap();
            let outputs = network.forward(network.input(input.clone()));
            let sex = outputs.sex.unwrap() / weights.description.calibration.sex_temperature;
            let rows = |tensor: burn::tensor::Tensor<2>| -> Vec<Vec<f32>> {
                let width = tensor.dims()[1];
                let values: Vec<f32> = tensor.into_data().try_to_vec().unwrap();
                values.chunks_exact(width).map(<[f32]>::to_vec).collect()
            };
            let outputs =
                json!({ "age": rows(outputs.age.unwrap() * 100.0), "sex": rows(activation::softmax(sex, 1)) });
            json!({ "file": file, "outputs": outputs })
        })
        .collect();
    let cases = folder.path().join("cases.json");
    std::fs::write(&cases, json!({ "input": input_file, "networks": networks }).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/check_export.py");
    let status = Command::new(python).arg(script).arg(cases).status().unwrap();
    assert!(status.success());
}
