//! Some of the records of a cache as examples.

use super::batches::{Example, Examples};
use crate::dataset::PreparedSet;

/// Records of a [`PreparedSet`] in an order of one's own.
#[derive(Debug)]
pub struct PreparedExamples<'a> {
    set: &'a PreparedSet,
    positions: Vec<usize>,
}

impl<'a> PreparedExamples<'a> {
    /// The records of `set` at the given positions.
    ///
    /// # Panics
    /// Where a position is not one of the set's.
    pub fn new(set: &'a PreparedSet, positions: Vec<usize>) -> Self {
        assert!(positions.iter().all(|&position| position < set.len()), "positions are those of the set");
        Self { set, positions }
    }

    /// What is known of the people, in order.
    pub fn people(&self) -> Vec<Example> {
        (0..self.len()).map(|index| self.example(index)).collect()
    }
}

impl Examples for PreparedExamples<'_> {
    fn len(&self) -> usize {
        self.positions.len()
    }

    fn example(&self, index: usize) -> Example {
        let record = self.set.record(self.positions[index]);
        Example { age: record.age, sex: record.sex }
    }

    fn copy_into(&self, index: usize, input: &mut [f32]) -> std::io::Result<()> {
        self.set.copy_into(self.positions[index], input).map_err(std::io::Error::other)
    }
}
