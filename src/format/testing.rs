//! A made-up ECG for the tests of the readers, and arbitrary damage to files.

use proptest::prelude::*;

/// Number of leads of [`synthetic`].
pub(super) const LEADS: u64 = 12;

/// Twelve leads in millivolt, on a grid of 1/1000 mV: a beat of about 1 mV every 400 samples, different in each lead.
pub(super) fn synthetic(samples: usize) -> Vec<Vec<f32>> {
    stored(samples).into_iter().map(|lead| lead.into_iter().map(|steps| steps as f32 / 1000.0).collect()).collect()
}

/// The same in whole steps of 1/1000 mV, between -1000 and 1200.
pub(super) fn stored(samples: usize) -> Vec<Vec<i32>> {
    let beat = |sample: usize, lead: i32| match sample % 400 {
        position @ 180..200 => (position as i32 - 180) * (55 - lead),
        position @ 200..220 => (219 - position as i32) * (55 - lead) - lead * 10,
        position @ 280..340 => 150 - (position as i32 - 310).abs() * 5,
        position => (position as i32 * 7 + lead) % 5,
    };
    (0..LEADS as i32).map(|lead| (0..samples).map(|sample| beat(sample, lead)).collect()).collect()
}

/// The same file with a few bytes changed and the end cut off or not.
pub(super) fn damaged(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = file.len();
    // Headers are at the beginning; hit them more often than the samples.
    let position = prop_oneof![3 => 0..length.min(2048), 1 => 0..length];
    let changes = proptest::collection::vec((position, any::<u8>()), 0..6);
    (changes, prop_oneof![Just(length), 0..length]).prop_map(move |(changes, length)| {
        let mut file = file.clone();
        for (position, byte) in changes {
            file[position] = byte;
        }
        file.truncate(length);
        file
    })
}
