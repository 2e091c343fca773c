//! What each layer of a network takes on a device: `benches/native/gpu.py`, which `make bench-gpu` starts, reads it.
//!
//! usage: layers cpu|wgpu|wgpu16 BATCH WEIGHTS...
//!
//! Each layer runs again and again on the input that it has in the network, and is waited for once. A line of JSON for each
//! network says what the device is and, of each layer in the order of running, the milliseconds of one run, the
//! multiplications with additions, and the bytes that it has to read and write.

use burn::tensor::{Device, Tensor};
use ecgnet::network::deployed::{Onlooker, Operation};
use ecgnet::network::operation::bytes;
use ecgnet::network::place::{Place, Storage};
use ecgnet::network::weights::Weights;
use ecgnet::network::{INPUT_LEADS, INPUT_SAMPLES};
use serde_json::{Value, json};
use std::error::Error;
use std::time::Instant;

/// Milliseconds for which a layer is run.
const ENOUGH: f64 = 50.0;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [device, batch, weights @ ..] = arguments.as_slice() else {
        // `cargo test --benches` and a plain `cargo bench` come here.
        eprintln!("usage: layers cpu|wgpu|wgpu16 BATCH WEIGHTS...");
        return Ok(());
    };
    let (place, name) = match device.as_str() {
        "cpu" => (Place::from(&Device::flex()), "processor".to_owned()),
        "wgpu16" => gpu(Storage::Bits16)?,
        _ => gpu(Storage::Bits32)?,
    };
    let batch: usize = batch.parse()?;
    for path in weights {
        let weights = Weights::from_bytes(&std::fs::read(path)?)?;
        let architecture = weights.description.architecture;
        let network = weights.into_network(place.clone())?;
        let wave = |index: usize| (index as f32 * 0.37).sin();
        let input = network.input((0..batch * INPUT_SAMPLES * INPUT_LEADS).map(wave).collect());
        let mut layers = Layers { device: &place.device, timed: Vec::new(), failure: None };
        network.forward_watched(input, &mut layers);
        let Layers { timed, failure, .. } = layers;
        match failure {
            Some(failure) => return Err(failure.into()),
            None => println!(
                "{}",
                json!({ "device": name, "network": architecture.name(), "batch": batch, "layers": timed })
            ),
        }
    }
    Ok(())
}

#[cfg(feature = "wgpu")]
fn gpu(storage: Storage) -> Result<(Place, String), Box<dyn Error>> {
    let gpu = ecgnet::device::gpu()?;
    Ok((Place { storage, ..Place::from(&gpu.device) }, gpu.name))
}

#[cfg(not(feature = "wgpu"))]
fn gpu(_: Storage) -> Result<(Place, String), Box<dyn Error>> {
    Err("this benchmark was built without the feature wgpu".into())
}

struct Layers<'a> {
    device: &'a Device,
    timed: Vec<Value>,
    failure: Option<String>,
}

impl Layers<'_> {
    /// Milliseconds of so many runs.
    fn runs(&mut self, count: usize, work: &dyn Fn() -> Tensor<3>) -> f64 {
        let start = Instant::now();
        for _ in 0..count {
            work();
        }
        if let Err(error) = self.device.sync() {
            self.failure.get_or_insert(format!("{error:?}"));
        }
        start.elapsed().as_secs_f64() * 1000.0
    }
}

impl Onlooker for Layers<'_> {
    fn operation(&mut self, operation: &Operation<'_>, work: &dyn Fn() -> Tensor<3>) -> Tensor<3> {
        let output = work();
        // What was asked before, shaders that have to be compiled among it, is not this layer's time.
        self.runs(1, work);
        let waiting = self.runs(0, work);
        let mut count = 1;
        let mut took = self.runs(count, work);
        while took < ENOUGH && count < 1 << 16 {
            count *= 2;
            took = self.runs(count, work);
        }
        let milliseconds = (took - waiting).max(0.0) / count as f64;
        self.timed.push(json!({
            "layer": operation.name,
            "ms": milliseconds,
            "multiplications": operation.multiplications,
            "bytes": operation.read + bytes(&output),
        }));
        output
    }
}
