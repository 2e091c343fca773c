//! The values of a tensor in as many bits as its file gives them.

use half::f16;

/// Values in C order.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    Bits32(Vec<f32>),
    Bits16(Vec<f16>),
    /// Integers, and for each place of the tensor's last axis what a 1 is worth there.
    Bits8 {
        integers: Vec<i8>,
        steps: Vec<f32>,
    },
}

impl Numbers {
    pub fn len(&self) -> usize {
        match self {
            Numbers::Bits32(values) => values.len(),
            Numbers::Bits16(values) => values.len(),
            Numbers::Bits8 { integers, .. } => integers.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no NaN and no infinity among them.
    pub fn are_finite(&self) -> bool {
        match self {
            Numbers::Bits32(values) => values.iter().all(|value| value.is_finite()),
            Numbers::Bits16(values) => values.iter().all(|value| value.is_finite()),
            Numbers::Bits8 { steps, .. } => steps.iter().all(|step| (step * f32::from(i8::MIN)).is_finite()),
        }
    }

    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            Numbers::Bits32(values) => values.clone(),
            Numbers::Bits16(values) => values.iter().map(|value| value.to_f32()).collect(),
            Numbers::Bits8 { integers, steps } => {
                integers.iter().zip(steps.iter().cycle()).map(|(integer, step)| f32::from(*integer) * step).collect()
            }
        }
    }

    pub fn into_f32(self) -> Vec<f32> {
        match self {
            Numbers::Bits32(values) => values,
            fewer => fewer.to_f32(),
        }
    }
}

impl From<Vec<f32>> for Numbers {
    fn from(values: Vec<f32>) -> Numbers {
        Numbers::Bits32(values)
    }
}

impl FromIterator<f32> for Numbers {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Numbers {
        Numbers::Bits32(values.into_iter().collect())
    }
}
