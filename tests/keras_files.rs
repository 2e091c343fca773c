//! Files that Keras wrote, made by `tests/keras/make_reference.py` in the folder `ECGNET_KERAS_FILES`: every tensor
//! must have the values that the rule of `golden/models.json` gives it. Each network is then written for Keras to the
//! same folder, as `NETWORK.TARGET.ecgnet.h5`, for `tests/keras/check_export.py`.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use ecgnet::network::keras::{KerasError, read, write};
use ecgnet::network::parameter::NamedTensor;
use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{filled, shared};

/// Networks in the order of `golden/models.json`, and targets with the outputs of their heads.
const NETWORKS: [&str; 4] = ["cnn", "dnn", "resnet18", "multiscale"];
const TARGETS: [(&str, usize); 2] = [("age", 1), ("sex", 2)];

/// The values of tensor `stream` by the rule.
fn fill(name: &str, shape: &[usize], stream: u64) -> Vec<f32> {
    let count = shape.iter().product();
    let fan_in: usize = shape[..shape.len() - 1].iter().product();
    let (centre, scale) = match name.rsplit('.').next() {
        Some("kernel") => (0.0, (6.0 / fan_in as f64).sqrt() as f32),
        Some("gamma") => (1.0, 0.1),
        Some("moving_variance") => (1.0, 0.2),
        _ => (0.0, 0.1),
    };
    filled(stream, count).map(|u| centre + scale * u).collect()
}

/// The published tensors of a network, filled by the rule.
fn reference(golden: &Value, network: &str, outputs: usize) -> Vec<NamedTensor> {
    let tensors: Vec<(String, Vec<usize>)> =
        serde_json::from_value(golden["models"][network]["tensors"].clone()).unwrap();
    let tensors = (0..).zip(tensors).map(|(stream, (name, mut shape))| {
        if name.starts_with("head.") {
            *shape.last_mut().unwrap() = outputs;
        }
        NamedTensor { values: fill(&name, &shape, stream), name, shape }
    });
    tensors.collect()
}

fn shapes(tensors: &[NamedTensor]) -> Vec<(String, Vec<usize>)> {
    tensors.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect()
}

/// The files of a network and target in the folder, but for the ones written here.
fn files(folder: &Path, network: &str, target: &str) -> Vec<PathBuf> {
    let start = format!("{network}.{target}.");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.filter(|path| name(path).starts_with(&start) && !name(path).ends_with(".ecgnet.h5")).collect()
}

#[test]
fn files_of_keras_are_read_and_files_for_keras_written() {
    let Some(folder) = std::env::var_os("ECGNET_KERAS_FILES").map(PathBuf::from) else {
        eprintln!("skipped: ECGNET_KERAS_FILES is not set (see tests/keras/make_reference.py)");
        return;
    };
    let Some(golden) = shared("golden/models.json") else { return };
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let mut found = 0;
    for network in NETWORKS {
        for (target, outputs) in TARGETS {
            let files = files(&folder, network, target);
            if files.is_empty() {
                eprintln!("skipped: no files of {network} {target} in {}", folder.display());
                continue;
            }
            let expected = reference(&golden, network, outputs);
            let shapes = shapes(&expected);
            for path in files {
                let tensors = read(&std::fs::read(&path).unwrap(), &shapes);
                let tensors = tensors.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                assert_eq!(tensors.len(), expected.len());
                for (tensor, expected) in tensors.iter().zip(&expected) {
                    assert!(tensor == expected, "{}: {} has other values", path.display(), expected.name);
                }
                found += 1;
            }
            let export = write(&expected).unwrap();
            assert!(read(&export, &shapes).unwrap() == expected);
            std::fs::write(folder.join(format!("{network}.{target}.ecgnet.h5")), export).unwrap();
        }
    }
    assert!(found > 0, "there are no files in {}", folder.display());
}

#[test]
fn files_of_another_network_are_refused() {
    let Some(golden) = shared("golden/models.json") else { return };
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(golden).unwrap()).unwrap();
    let networks = ["cnn", "dnn"].map(|network| reference(&golden, network, 1));
    for (written, wanted) in [(0, 1), (1, 0)] {
        let error = read(&write(&networks[written]).unwrap(), &shapes(&networks[wanted])).unwrap_err();
        assert!(matches!(error, KerasError::OtherLayers { .. }), "{error}");
    }
}
