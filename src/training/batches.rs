//! Batches of examples, prepared on another thread while the network computes.

use super::augmentation::augment;
use super::recipe::Augmentation;
use crate::ecg::Sex;
use crate::network::{INPUT_LEADS, INPUT_SAMPLES};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
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
    augmentation: Option<(Augmentation, u64)>,
) -> Receiver<std::io::Result<Batch>> {
    let (sender, receiver) = sync_channel(2);
    scope.spawn(move || {
        for indices in order.chunks(batch_size) {
            // The receiver is gone where the training has ended early.
            if sender.send(read(examples, indices, augmentation)).is_err() {
                break;
            }
        }
    });
    receiver
}

fn read(
    examples: &dyn Examples,
    indices: &[usize],
    augmentation: Option<(Augmentation, u64)>,
) -> std::io::Result<Batch> {
    let mut inputs = vec![0.0; indices.len() * INPUT_VALUES];
    for (input, &index) in inputs.chunks_exact_mut(INPUT_VALUES).zip(indices) {
        examples.copy_into(index, input)?;
        if let Some((augmentation, seed)) = augmentation {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(index as u64);
            augment(input, &augmentation, &mut random);
        }
    }
    Ok(Batch { inputs, examples: indices.iter().map(|&index| examples.example(index)).collect() })
}
