//! Every network, both heads, on the weights and inputs of `golden/models.json`, which TensorFlow computed.
#![cfg(not(target_arch = "wasm32"))]

mod support;

use burn::tensor::{Device, Tensor, activation};
use ecgnet::network::assembly::Assembly;
use ecgnet::network::deployed::{DeployedNetwork, deploy};
use ecgnet::network::parameter::NamedTensor;
#[cfg(gpu)]
use ecgnet::network::place::Storage;
use ecgnet::network::place::{Kernels, Place};
use ecgnet::network::{Architecture, Head, INPUT_LEADS, INPUT_SAMPLES, Target};
use serde_json::Value;
use support::{filled, shared};

/// Largest allowed difference, relative to the reference value or, where that is small, to 1.
const TOLERANCE: f64 = 1e-4;

/// The same where a graphics card holds weights and activations in 16 bits, whose last place is 1e-3 of a number.
#[cfg(gpu)]
const TOLERANCE_IN_16_BITS: f64 = 2e-2;

/// Fills a tensor by the rule of `golden/models.json`.
fn fill(name: &str, shape: &[usize], stream: u64) -> Vec<f32> {
    let count = shape.iter().product();
    let rule: Box<dyn Fn(f32) -> f32> = match name.rsplit('.').next().expect("names have parts") {
        "kernel" => {
            let fan_in: usize = shape[..shape.len() - 1].iter().product();
            let scale = (6.0 / fan_in as f64).sqrt() as f32;
            Box::new(move |u| u * scale)
        }
        "gamma" => Box::new(|u| 1.0 + 0.1 * u),
        "moving_variance" => Box::new(|u| 1.0 + 0.2 * u),
        _ => Box::new(|u| 0.1 * u),
    };
    filled(stream, count).map(rule).collect()
}

/// Inputs 1 and 2, made by the rule, and input 3, a real ECG.
fn inputs(third: Vec<f32>) -> Vec<f32> {
    let values = INPUT_SAMPLES * INPUT_LEADS;
    let mut inputs: Vec<f32> = filled(1_000_000, 2 * values).map(|u| 0.5 * u).collect();
    for input in inputs.chunks_exact_mut(values) {
        input[5000 * INPUT_LEADS..].fill(0.0);
    }
    inputs.extend(third);
    inputs
}

#[test]
fn outputs_equal_the_published_networks() {
    let ready = Place::from(&Device::flex());
    outputs_equal_on(&ready, TOLERANCE);
    outputs_equal_on(&Place { kernels: Kernels::Packed, ..ready }, TOLERANCE);
}

#[cfg(gpu)]
#[test]
fn outputs_equal_the_published_networks_on_a_gpu() {
    match burn_cubecl::cubecl::future::block_on(ecgnet::device::open_gpu()) {
        Ok(gpu) => {
            println!("on {} (software: {})", gpu.name, gpu.is_software);
            let place = |storage| Place { storage, ..Place::from(&gpu.device) };
            outputs_equal_on(&place(Storage::Bits32), TOLERANCE);
            outputs_equal_on(&place(Storage::Bits16), TOLERANCE_IN_16_BITS);
        }
        Err(ecgnet::device::GpuError::NoAdapter(reason)) => eprintln!("skipped: no graphics adapter ({reason})"),
        Err(error) => panic!("{error}"),
    }
}

fn outputs_equal_on(place: &Place, tolerance: f64) {
    let Some(folder) = shared("golden") else { return };
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("models.json")).unwrap()).unwrap();
    let inputs = inputs(support::read_npy(&folder.join("preprocessed_time_SPH00002.npy")));
    for architecture in Architecture::PUBLISHED {
        let mut largest = 0.0f64;
        let model = &golden["models"][architecture.name()];
        let tensors: Vec<(String, Vec<usize>)> = serde_json::from_value(model["tensors"].clone()).unwrap();
        for (head, target) in [(Head::Age, Target::Age), (Head::Sex, Target::Sex)] {
            let reference = &model[head.to_string().as_str()];
            let assembly = Assembly::new(architecture, target);
            assert_eq!(assembly.published_parameters() as u64, reference["parameters"].as_u64().unwrap());
            let tensors: Vec<NamedTensor> = (0..)
                .zip(&tensors)
                .map(|(stream, (name, shape))| {
                    let mut shape = shape.clone();
                    if name.starts_with("head.") {
                        *shape.last_mut().unwrap() = head.outputs();
                    }
                    NamedTensor { name: name.clone(), values: fill(name, &shape, stream), shape }
                })
                .collect();
            let values = assembly.from_published(&tensors).unwrap();
            assert_eq!(assembly.to_published(&values).len(), tensors.len());
            let names = |tensors: &[NamedTensor]| tensors.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&assembly.to_published(&values)), names(&tensors), "{architecture}: published order");

            let deployed = deploy(&assembly, &values);
            let network = DeployedNetwork::new(architecture, target, deployed, place.clone()).unwrap();
            let outputs = network.forward(network.input(inputs.clone()));
            let outputs = match head {
                Head::Age => outputs.age.unwrap(),
                Head::Sex => outputs.sex.unwrap(),
            };
            // Off the device: an estimate takes its softmax there too.
            let outputs = Tensor::<2>::from_data(outputs.into_data(), &Device::flex());
            let outputs = if head == Head::Sex { activation::softmax(outputs, 1) } else { outputs };
            let outputs: Vec<f32> = outputs.into_data().try_to_vec().unwrap();
            let expected: Vec<Vec<f64>> = serde_json::from_value(reference["outputs"].clone()).unwrap();
            for (output, expected) in outputs.iter().zip(expected.iter().flatten()) {
                let difference = (f64::from(*output) - expected).abs() / expected.abs().max(1.0);
                largest = largest.max(difference);
                assert!(difference < tolerance, "{architecture} {head}: {output} is not {expected}");
            }
        }
        println!("{architecture}, {:?}, {:?}: differs by {largest:.1e} at most", place.storage, place.kernels);
    }
}
