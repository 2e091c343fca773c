//! Times steps of a training on made-up inputs, everything included that happens in a real one; prints JSON.
//!
//! usage: training_step NETWORK BATCH STEPS

use burn::tensor::Device;
use ecgnet::ecg::Sex;
use ecgnet::network::assembly::Assembly;
use ecgnet::network::{Architecture, Target};
use ecgnet::training::{
    CheckpointError, EpochFigures, Example, Examples, Observer, Recipe, Training, TrainingError, run,
};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use std::time::Instant;

/// Noise, and ages and sexes that have nothing to do with it.
struct Noise {
    inputs: Vec<f32>,
    count: usize,
}

impl Examples for Noise {
    fn len(&self) -> usize {
        self.count
    }

    fn example(&self, index: usize) -> Example {
        let sex = if index.is_multiple_of(2) { Sex::Female } else { Sex::Male };
        Example { age: Some(20.0 + (index % 60) as f32), sex: Some(sex) }
    }

    fn copy_into(&self, index: usize, input: &mut [f32]) -> std::io::Result<()> {
        let start = index % 16 * 60;
        input.copy_from_slice(&self.inputs[start..start + input.len()]);
        Ok(())
    }
}

struct StopWatch {
    last: Instant,
    seconds: Vec<f64>,
    steps: usize,
}

impl Observer for StopWatch {
    fn batch(&mut self, _: usize, _: usize, _: usize, _: f64) {
        self.seconds.push(self.last.elapsed().as_secs_f64());
        self.last = Instant::now();
        // Only the steps are wanted: the validation after them is not.
        if self.seconds.len() > self.steps {
            let seconds = &self.seconds[1..];
            println!("{}", serde_json::json!({ "runtime": "ECGNet", "seconds": seconds }));
            std::process::exit(0);
        }
    }

    fn validating(&mut self, _: usize) {}

    fn epoch(&mut self, _: &Training, _: &EpochFigures) -> Result<bool, CheckpointError> {
        Ok(true)
    }
}

fn main() -> Result<(), TrainingError> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [network, batch, steps] = arguments.as_slice() else {
        // `cargo test --benches` and a plain `cargo bench` come here.
        eprintln!("usage: training_step NETWORK BATCH STEPS");
        return Ok(());
    };
    let architecture: Architecture = network.parse().expect("a network");
    let (batch, steps): (usize, usize) = (batch.parse().expect("a number"), steps.parse().expect("a number"));
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let inputs = (0..5120 * 12 + 16 * 60).map(|_| random.random_range(-1.0f32..1.0)).collect();
    let examples = Noise { inputs, count: batch * (steps + 1) };
    let recipe = Recipe { batch_size: batch, ..Recipe::published(Target::Age) };
    let mut training = Training::new(Assembly::new(architecture, Target::Age), recipe, 1, &Device::flex());
    let mut watch = StopWatch { last: Instant::now(), seconds: Vec::new(), steps };
    run(&mut training, &examples, &examples, &mut watch)
}
