//! The core, in a browser (`make test-core`) and natively: every network with weights and an input that a rule makes up,
//! on the processor and, in the browser, on WebGPU. What is expected was computed natively on the processor, which agrees
//! with TensorFlow on the same rule (`parity_networks.rs`; there is no other `compact` than ours).

mod support;

use burn::tensor::{Device, TensorData};
use ecgnet::ecg::Ecg;
use ecgnet::format::{NamedFiles, ReadOptions, read};
use ecgnet::network::assembly::Assembly;
use ecgnet::network::deployed::{DeployedNetwork, Outputs, deploy};
use ecgnet::network::parameter::{DeployedTensor, NamedTensor};
#[cfg(target_arch = "wasm32")]
use ecgnet::network::place::Storage;
use ecgnet::network::place::{Kernels, Place};
use ecgnet::network::weights::{Calibration, Precision, Weights, WeightsDescription};
use ecgnet::network::{Architecture, INPUT_LEADS, INPUT_SAMPLES, Target};
use ecgnet::signal::synthetic::{Parameters, synthetic};
use ecgnet::signal::{Preprocessing, Window, beats, prepare};
use support::filled;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test as test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Largest difference from what is expected, relative to it or, where that is small, to 1.
const TOLERANCE: f32 = 1e-4;

/// The same where weights and activations have 16 bits.
#[cfg(target_arch = "wasm32")]
const TOLERANCE_IN_16_BITS: f32 = 5e-3;

/// Age / 100 years and probability of a woman.
const EXPECTED: [(Architecture, f32, f32); 5] = [
    (Architecture::Cnn, -0.040_603_43, 0.513_070_7),
    (Architecture::Dnn, 0.568_486, 0.000_174_051_75),
    (Architecture::Resnet18, -1.976_043, 0.877_633_87),
    (Architecture::Multiscale, 1.566_135_2, 0.906_313_84),
    (Architecture::Compact, 3.436_918_5, 0.075_445_89),
];

/// The same of kernels in 8 bits, packed and not.
const TOLERANCE_OF_PACKED: f32 = 1e-5;

/// The tensors of a network, in their published order filled by the rule of `golden/models.json`.
fn tensors(architecture: Architecture) -> Vec<DeployedTensor> {
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
    let values = assembly.from_published(&tensors).unwrap();
    deploy(&assembly, &values)
}

/// What a network of such tensors says of an input that the rule makes up.
fn outputs(architecture: Architecture, place: Place) -> Outputs {
    outputs_of(&DeployedNetwork::new(architecture, Target::Both, tensors(architecture), place).unwrap())
}

fn outputs_of(network: &DeployedNetwork) -> Outputs {
    let mut input: Vec<f32> = filled(1_000_000, INPUT_SAMPLES * INPUT_LEADS).map(|u| 0.5 * u).collect();
    input[5000 * INPUT_LEADS..].fill(0.0);
    network.forward(network.input(input))
}

/// What is wrong with an age and the logits of a sex.
fn wrong(
    (architecture, age, female): (Architecture, f32, f32),
    said: [TensorData; 2],
    tolerance: f32,
) -> Option<String> {
    let [said_age, logits] = said.map(|data| data.try_to_vec::<f32>().unwrap());
    let said_female = 1.0 / (1.0 + (logits[0] - logits[1]).exp());
    let differs =
        (said_age[0] - age).abs() > tolerance * age.abs().max(1.0) || (said_female - female).abs() > tolerance;
    differs.then(|| format!("{architecture}: {} and {said_female}, expected {age} and {female}", said_age[0]))
}

#[test]
fn every_network_says_the_same_everywhere() {
    let mut different = Vec::new();
    for kernels in [Kernels::Ready, Kernels::Packed] {
        for expected in EXPECTED {
            let place = Place { kernels, ..Place::from(&Device::flex()) };
            let Outputs { age, sex } = outputs(expected.0, place);
            different.extend(wrong(expected, [age, sex].map(|output| output.unwrap().into_data()), TOLERANCE));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn kernels_of_8_and_16_bits_say_the_same_packed() {
    let architecture = Architecture::Resnet18;
    let description = WeightsDescription {
        architecture,
        target: Target::Both,
        preprocessing: Preprocessing::Voltage,
        calibration: Calibration::default(),
        training: serde_json::Map::new(),
    };
    let weights = Weights { description, tensors: tensors(architecture) };
    for precision in [Precision::Bits8, Precision::Bits16] {
        let weights = Weights::from_bytes(&weights.to_bytes(precision).unwrap()).unwrap();
        let [ready, packed] = [Kernels::Ready, Kernels::Packed].map(|kernels| {
            let Outputs { age, sex } =
                outputs_of(&weights.network(Place { kernels, ..Place::from(&Device::flex()) }).unwrap());
            [age, sex].map(|output| output.unwrap().into_data().try_to_vec::<f32>().unwrap()).concat()
        });
        for (packed, ready) in packed.iter().zip(&ready) {
            assert!((packed - ready).abs() <= TOLERANCE_OF_PACKED * ready.abs().max(1.0), "{packed}, ready {ready}");
        }
    }
}

#[cfg(target_arch = "wasm32")]
#[test]
async fn every_network_says_the_same_on_webgpu() {
    let gpu = ecgnet::device::open_gpu().await.expect("webdriver.json gives the browser an adapter");
    let mut different = Vec::new();
    for (storage, tolerance) in [(Storage::Bits32, TOLERANCE), (Storage::Bits16, TOLERANCE_IN_16_BITS)] {
        for expected in EXPECTED {
            // The large ones take minutes; natively they are compared in 16 bits too.
            if storage == Storage::Bits16 && !matches!(expected.0, Architecture::Cnn | Architecture::Compact) {
                continue;
            }
            let Outputs { age, sex } = outputs(expected.0, Place { storage, ..Place::from(&gpu.device) });
            let age = age.unwrap().into_data_async().await.unwrap();
            let sex = sex.unwrap().into_data_async().await.unwrap();
            different.extend(wrong(expected, [age, sex], tolerance));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn a_recording_is_read_and_prepared() {
    let ecg = read("a.hea", &wfdb().0, &NamedFiles::from([("a.dat".to_owned(), wfdb().1)]), &ReadOptions::default());
    let ecg = ecg.unwrap();
    assert_eq!((ecg.leads().len(), ecg.samples()), (12, 5000));
    let rate = beats::detect_within(&ecg, 0.0..10.0).heart_rate().unwrap();
    assert!((rate - 66.0).abs() < 2.0, "{rate}");
    for preprocessing in Preprocessing::ALL {
        let input = prepare(&ecg, preprocessing, Window::default()).unwrap();
        assert_eq!(input.samples.len(), INPUT_SAMPLES * INPUT_LEADS);
        assert!(input.samples.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn what_is_no_recording_is_refused() {
    let error = read("a.pdf", b"%PDF-1.7", &NamedFiles::new(), &ReadOptions::default()).unwrap_err();
    assert_eq!(error.code(), "unknown-format");
}

/// Header and signals of the synthetic ECG.
fn wfdb() -> (Vec<u8>, Vec<u8>) {
    let ecg: Ecg = synthetic(Parameters::default());
    let signals: String = ecg.leads().iter().map(|(lead, _)| format!("a.dat 16 1000/mV 16 0 0 0 0 {lead}\n")).collect();
    let header = format!("a 12 {} {}\n{signals}", ecg.sampling_rate(), ecg.samples());
    let values = (0..ecg.samples()).flat_map(|at| ecg.leads().iter().map(move |(_, samples)| samples[at]));
    (header.into_bytes(), values.flat_map(|value| ((value * 1000.0).round() as i16).to_le_bytes()).collect())
}
