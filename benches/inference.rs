//! A network that takes turns with other runtimes: `benches/native/run.py`, which `make bench` starts, drives it.
//!
//! usage: inference WEIGHTS INPUT [BATCH [cpu|wgpu|wgpu16]]
//!
//! INPUT holds the 32-bit floats of one prepared recording; a batch has it several times. The first line that is printed says how long loading and the
//! first inference took, and their result; each line read after that is a number of milliseconds to estimate for, at
//! least once, and is answered by how long every inference took.

use burn::tensor::{Device, Tensor, activation};
use ecgnet::network::deployed::DeployedNetwork;
use ecgnet::network::place::{Place, Storage};
use ecgnet::network::weights::Weights;
use std::error::Error;
use std::io::BufRead;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [weights, input, options @ ..] = arguments.as_slice() else {
        // `cargo test --benches` and a plain `cargo bench` come here.
        eprintln!("usage: inference WEIGHTS INPUT [BATCH [cpu|wgpu|wgpu16]]");
        return Ok(());
    };
    let batch = options.first().map_or(Ok(1), |batch| batch.parse())?;
    let place = match options.get(1).map(String::as_str) {
        Some("wgpu") => gpu(Storage::Bits32)?,
        Some("wgpu16") => gpu(Storage::Bits16)?,
        _ => Place::from(&Device::flex()),
    };
    let input: Vec<f32> =
        std::fs::read(input)?.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let input = input.repeat(batch);
    let start = Instant::now();
    let network = Weights::from_bytes(&std::fs::read(weights)?)?.into_network(place)?;
    let load = milliseconds(start.elapsed());
    let start = Instant::now();
    let (age, female) = estimate(&network, &input)?;
    let first = milliseconds(start.elapsed());
    println!("{}", serde_json::json!({ "load_ms": load, "first_ms": first, "age": age, "female": female }));
    for line in std::io::stdin().lock().lines() {
        let end = Instant::now() + Duration::from_millis(line?.trim().parse()?);
        let mut times = Vec::new();
        while times.is_empty() || Instant::now() < end {
            let start = Instant::now();
            estimate(&network, &input)?;
            times.push(milliseconds(start.elapsed()));
        }
        println!("{}", serde_json::json!(times));
    }
    Ok(())
}

#[cfg(feature = "wgpu")]
fn gpu(storage: Storage) -> Result<Place, Box<dyn Error>> {
    Ok(Place { storage, ..Place::from(&ecgnet::device::gpu()?.device) })
}

#[cfg(not(feature = "wgpu"))]
fn gpu(_: Storage) -> Result<Place, Box<dyn Error>> {
    Err("this benchmark was built without the feature wgpu".into())
}

/// Age in years and probability of a woman of the first recording.
fn estimate(network: &DeployedNetwork, input: &[f32]) -> Result<(f32, f32), Box<dyn Error>> {
    let outputs = network.forward(network.input(input.to_vec()));
    let values = |output: Option<Tensor<2>>| -> Result<Vec<f32>, Box<dyn Error>> {
        Ok(output.ok_or("weights for both age and sex are needed")?.into_data().try_to_vec()?)
    };
    let female = values(outputs.sex.map(|logits| activation::softmax(logits, 1)))?[1];
    Ok((values(outputs.age)?[0] * 100.0, female))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
