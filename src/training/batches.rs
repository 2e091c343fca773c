//! Batches of examples, prepared on another thread while the network computes.

use super::augmentation::augment;
use super::recipe::Augmentation;
use crate::ecg::Sex;
use crate::network::{INPUT_LEADS, INPUT_SAMPLES};
use crate::signal::WINDOW_SAMPLES;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
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
    pub seed: u64,
}

impl Changes {
    fn apply(&self, index: usize, mut input: Vec<f32>) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(index as u64);
        if let Some(augmentation) = &self.augmentation {
            augment(&mut input, augmentation, &mut random);
        }
        let Some(samples) = self.crop_samples else { return input };
        let start = random.random_range(0..=WINDOW_SAMPLES - samples);
        input[start * INPUT_LEADS..(start + samples) * INPUT_LEADS].to_vec()
    }
}

/// Some inputs in one piece, and what is known of their people.
pub(super) struct Batch {
    pub inputs: Vec<f32>,
    pub examples: Vec<Example>,
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
    Ok(Batch { inputs, examples: indices.iter().map(|&index| examples.example(index)).collect() })
}
