//! A weights file that arrives in parts: decoded and summed up on the way, trusted once it is whole.

use super::manifest::Entry;
use super::weights::{Weights, WeightsError, WeightsReader};
use sha2::{Digest, Sha256};

/// A file of a manifest on its way.
#[derive(Debug)]
pub struct Arrival<'a> {
    entry: &'a Entry,
    received: u64,
    sum: Sha256,
    /// What is damaged usually cannot be decoded either; that it is damaged says more.
    reader: Result<WeightsReader, WeightsError>,
}

/// Why what has arrived is not what the manifest states.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    #[error("{found} bytes came of {expected}")]
    Length { found: u64, expected: u64 },
    #[error("the SHA-256 sum is not the one that is stated")]
    Sum,
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl<'a> Arrival<'a> {
    /// Of the file nothing has come yet.
    pub fn of(entry: &'a Entry) -> Self {
        Self { entry, received: 0, sum: Sha256::new(), reader: Ok(WeightsReader::default()) }
    }

    /// Bytes that have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes the next bytes; of more than the file has nothing is kept.
    pub fn push(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        if self.is_too_long() {
            return;
        }
        self.sum.update(bytes);
        if let Ok(reader) = &mut self.reader
            && let Err(error) = reader.push(bytes)
        {
            self.reader = Err(error);
        }
    }

    /// Whether more has come than the file has: no more is wanted.
    pub fn is_too_long(&self) -> bool {
        self.received > self.entry.bytes
    }

    /// The weights, once everything has come.
    ///
    /// # Errors
    /// Where it is not the file that the manifest states, or that file is none of weights.
    pub fn finish(self) -> Result<Weights, ArrivalError> {
        let Self { entry, received: found, sum, reader } = self;
        if found != entry.bytes {
            return Err(ArrivalError::Length { found, expected: entry.bytes });
        }
        if !entry.has_sum(&sum.finalize()) {
            return Err(ArrivalError::Sum);
        }
        Ok(reader?.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::parameter::DeployedTensor;
    use crate::network::weights::{Calibration, Precision, WeightsDescription};
    use crate::network::{Architecture, Target};
    use crate::signal::Preprocessing;

    fn weights() -> Weights {
        let tensor = |name: &str, shape: &[usize]| DeployedTensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: (0..shape.iter().product()).map(|index| index as f32 * 0.5 - 1.0).collect(),
        };
        let description = WeightsDescription {
            architecture: Architecture::Cnn,
            target: Target::Both,
            preprocessing: Preprocessing::Voltage,
            calibration: Calibration::default(),
            training: serde_json::Map::new(),
        };
        Weights { description, tensors: vec![tensor("a.bias", &[3]), tensor("a.kernel", &[2, 1, 2, 3])] }
    }

    fn entry(bytes: &[u8]) -> Entry {
        let stated = serde_json::json!({
            "network": "cnn", "target": "both", "file": "a", "bytes": bytes.len(), "preprocessing": "voltage",
            "sha256": crate::network::manifest::sha256(bytes)
        });
        serde_json::from_value(stated).unwrap()
    }

    fn arrived(entry: &Entry, bytes: &[u8], part: usize) -> Result<Weights, ArrivalError> {
        let mut arrival = Arrival::of(entry);
        bytes.chunks(part).for_each(|bytes| arrival.push(bytes));
        arrival.finish()
    }

    #[test]
    fn parts_of_any_size_make_the_same_weights() {
        for precision in [Precision::Bits8, Precision::Bits16, Precision::Bits32] {
            let bytes = weights().to_bytes(precision).unwrap();
            let whole = Weights::from_bytes(&bytes).unwrap();
            if precision != Precision::Bits8 {
                let values = |weights: &Weights| weights.tensors.iter().map(DeployedTensor::to_f32).collect::<Vec<_>>();
                assert_eq!((&whole.description, values(&whole)), (&weights().description, values(&weights())));
            }
            for part in [1, 2, 7, 64, bytes.len()] {
                assert_eq!(arrived(&entry(&bytes), &bytes, part).unwrap(), whole);
            }
        }
    }

    #[test]
    fn what_is_damaged_is_called_so_wherever_it_is() {
        let bytes = weights().to_bytes(Precision::Bits16).unwrap();
        let entry = entry(&bytes);
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x41;
            assert!(matches!(arrived(&entry, &damaged, 16), Err(ArrivalError::Sum)), "{position}");
        }
        for length in [0, 1, 9, bytes.len() - 1] {
            let cut = arrived(&entry, &bytes[..length], 16);
            assert!(matches!(cut, Err(ArrivalError::Length { found, .. }) if found == length as u64));
        }
        let longer = [bytes.as_slice(), &[0; 40]].concat();
        assert!(matches!(arrived(&entry, &longer, 16), Err(ArrivalError::Length { .. })));
        assert!(Weights::from_bytes(&longer).is_err());
        assert!(Weights::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn what_is_meant_but_no_weights_file_says_why() {
        for text in [&b"{}"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff and more", b"\x02\0\0\0\0\0\0\0{}"] {
            assert!(matches!(arrived(&entry(text), text, 5), Err(ArrivalError::Weights(_))), "{text:?}");
        }
    }
}
