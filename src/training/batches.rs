//! Batches of examples, prepared on another thread while the network computes.

use super::augmentation::augment;
use super::recipe::Augmentation;
use crate::ecg::Sex;
use crate::network::{INPUT_LEADS, INPUT_SAMPLES};
use crate::signal::WINDOW_SAMPLES;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Beta, Distribution};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

/// What is known of the person of one example.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Example {
    /// Years.
    pub age: Option<f32>,
    pub sex: Option<Sex>,
}

/// Inputs with what is known of their people.
pub trait Examples: Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn example(&self, index: usize) -> Example;

    /// Writes the input, [`INPUT_SAMPLES`] x [`INPUT_LEADS`] values, the leads of a sample side by side.
    ///
    /// # Errors
    /// Where the input cannot be read.
    fn copy_into(&self, index: usize, input: &mut [f32]) -> std::io::Result<()>;
}

/// Values of one input.
pub(super) const INPUT_VALUES: usize = INPUT_SAMPLES * INPUT_LEADS;

/// How the inputs of a training differ from epoch to epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changes {
    pub augmentation: Option<Augmentation>,
    /// Only so many samples of an input are kept, from a random one of its window on.
    pub crop_samples: Option<usize>,
    /// The beta distribution that the share of an input in a mixture is drawn from.
    pub mixing: Option<Beta<f64>>,
    pub seed: u64,
}

impl Changes {
    fn apply(&self, index: usize, mut input: Vec<f32>) -> Vec<f32> {
        let mut random = self.random(index as u64);
        if let Some(augmentation) = &self.augmentation {
            augment(&mut input, augmentation, &mut random);
        }
        let Some(samples) = self.crop_samples else { return input };
        let start = random.random_range(0..=WINDOW_SAMPLES - samples);
        input[start * INPUT_LEADS..(start + samples) * INPUT_LEADS].to_vec()
    }

    /// Mixes every input of the batch that begins with the example `first` with the next one, the last with the first.
    fn mix(&self, first: usize, batch: Batch) -> Batch {
        let Some(distribution) = &self.mixing else { return batch };
        let share = distribution.sample(&mut self.random(!(first as u64))) as f32;
        let Batch { inputs, examples, .. } = batch;
        let values = inputs.len() / examples.len();
        let others = inputs[values..].iter().chain(&inputs[..values]);
        let mixed = inputs.iter().zip(others).map(|(input, other)| input * share + other * (1.0 - share)).collect();
        let others = examples[1..].iter().chain(&examples[..1]).copied().collect();
        Batch { inputs: mixed, examples, mixture: Some(Mixture { share, others }) }
    }

    fn random(&self, stream: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(stream);
        random
    }
}

/// Some inputs in one piece, and what is known of their people.
pub(super) struct Batch {
    pub inputs: Vec<f32>,
    pub examples: Vec<Example>,
    /// Where the inputs are mixtures of two.
    pub mixture: Option<Mixture>,
}

/// What else is in the inputs of a batch.
pub(super) struct Mixture {
    /// The share that is of the batch's own examples.
    pub share: f32,
    /// What is known of the people of the rest, in the order of the inputs.
    pub others: Vec<Example>,
}

/// The order of the examples in an epoch.
pub(super) fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(epoch as u64);
    order.shuffle(&mut random);
    order
}

/// Reads the examples in the given order, changes them if asked to, and hands them over in batches.
pub(super) fn stream<'scope, 'data: 'scope>(
    scope: &'scope Scope<'scope, 'data>,
    examples: &'data dyn Examples,
    order: Vec<usize>,
    batch_size: usize,
    changes: Option<Changes>,
) -> Receiver<std::io::Result<Batch>> {
    let (sender, receiver) = sync_channel(2);
    scope.spawn(move || {
        for indices in order.chunks(batch_size) {
            // The receiver is gone where the training has ended early.
            if sender.send(read(examples, indices, changes)).is_err() {
                break;
            }
        }
    });
    receiver
}

fn read(examples: &dyn Examples, indices: &[usize], changes: Option<Changes>) -> std::io::Result<Batch> {
    let mut inputs = Vec::with_capacity(indices.len() * INPUT_VALUES);
    for &index in indices {
        let mut input = vec![0.0; INPUT_VALUES];
        examples.copy_into(index, &mut input)?;
        inputs.extend(match &changes {
            Some(changes) => changes.apply(index, input),
            None => input,
        });
    }
    let examples = indices.iter().map(|&index| examples.example(index)).collect();
    let batch = Batch { inputs, examples, mixture: None };
    Ok(match (&changes, indices.first()) {
        (Some(changes), Some(&first)) => changes.mix(first, batch),
        _ => batch,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two values for each of three people of 30, 40 and 50 years.
    fn batch() -> Batch {
        let examples = [30.0, 40.0, 50.0].map(|age| Example { age: Some(age), sex: None }).to_vec();
        Batch { inputs: vec![3.0, -3.0, 4.0, -4.0, 5.0, -5.0], examples, mixture: None }
    }

    fn mixed(seed: u64) -> Batch {
        let mixing = Beta::new(0.4, 0.4).ok();
        Changes { augmentation: None, crop_samples: None, mixing, seed }.mix(0, batch())
    }

    #[test]
    fn inputs_and_people_are_mixed_alike() {
        for seed in 0..20 {
            let Batch { inputs, examples, mixture } = mixed(seed);
            let Mixture { share, others } = mixture.unwrap();
            assert!((0.0..=1.0).contains(&share));
            assert_eq!(examples, batch().examples);
            for ((input, example), other) in inputs.chunks(2).zip(&examples).zip(&others) {
                let age = example.age.unwrap() * share + other.age.unwrap() * (1.0 - share);
                assert!((input[0] - age / 10.0).abs() < 1e-5 && (input[1] + age / 10.0).abs() < 1e-5);
            }
        }
        assert_eq!(mixed(1).inputs, mixed(1).inputs);
        assert_ne!(mixed(1).inputs, mixed(2).inputs);
    }
}
