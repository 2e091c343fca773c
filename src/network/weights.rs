//! Weights files: a network in its deployed form with what it needs to know of its training, as safetensors.
//!
//! The tensors are those of [`super::deployed::deploy`], 32- or 16-bit floats; the metadata entry `ecgnet` is a
//! [`Description`](WeightsDescription) in JSON. Any safetensors reader can open such a file.

use super::deployed::{DeployError, DeployedNetwork};
use super::parameter::NamedTensor;
use super::{Architecture, Target};
use crate::signal::Preprocessing;
use burn::tensor::Device;
use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The metadata entry with the [`WeightsDescription`].
pub(super) const METADATA_KEY: &str = "ecgnet";

/// How a network's age and probability become an estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Half the width, in years, of the interval around the age that held the stated share of validation people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub age_half_width: Option<f32>,
    /// The share of people that the interval is meant to hold.
    pub age_coverage: f32,
    /// The logit of the sex is divided by this (Guo et al. 2017).
    pub sex_temperature: f32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { age_half_width: None, age_coverage: 0.9, sex_temperature: 1.0 }
    }
}

/// What travels with the tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightsDescription {
    pub architecture: Architecture,
    pub target: Target,
    /// How the inputs of the training were made; an estimate follows it.
    pub preprocessing: Preprocessing,
    #[serde(default)]
    pub calibration: Calibration,
    /// How the weights came about: the command, the data, the epochs, the figures on validation data.
    #[serde(default)]
    pub training: serde_json::Map<String, serde_json::Value>,
}

/// A weights file.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    pub description: WeightsDescription,
    pub tensors: Vec<NamedTensor>,
}

/// How many bits a stored value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Bits16,
    Bits32,
}

/// Why bytes are not a weights file.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("not a safetensors file, or a damaged one: {0}")]
    Container(#[from] safetensors::SafeTensorError),
    #[error(
        "a safetensors file without the entry `{0}`: not written by ECGNet for this purpose (parameters in the \
         published layout are imported with `ecgnet import`)"
    )]
    NoDescription(&'static str),
    #[error("the entry `{METADATA_KEY}` cannot be read: {0}")]
    Description(#[from] serde_json::Error),
    #[error("tensor {name} has the type {found:?}; 16- and 32-bit floats are known")]
    Type { name: String, found: Dtype },
    #[error(transparent)]
    Deploy(#[from] DeployError),
}

impl Weights {
    /// Reads a weights file.
    ///
    /// # Errors
    /// Where the bytes are not a weights file. Whether the tensors make the network is checked by [`Weights::network`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Weights, WeightsError> {
        let description = read_metadata_entry(bytes, METADATA_KEY)?;
        Ok(Weights { description: serde_json::from_str(&description)?, tensors: read_tensors(bytes)? })
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// Where a tensor's values do not fill its shape.
    pub fn to_bytes(&self, precision: Precision) -> Result<Vec<u8>, WeightsError> {
        let description = serde_json::to_string(&self.description)?;
        write_tensors(&self.tensors, precision, HashMap::from([(METADATA_KEY.to_owned(), description)]))
    }

    /// The network on a device.
    ///
    /// # Errors
    /// Where the tensors do not make the described network.
    pub fn network(&self, device: &Device) -> Result<DeployedNetwork, DeployError> {
        let WeightsDescription { architecture, target, .. } = self.description;
        DeployedNetwork::new(architecture, target, &self.tensors, device)
    }
}

/// One entry of a safetensors file's metadata.
///
/// # Errors
/// Where the bytes are not safetensors or have no such entry.
pub fn read_metadata_entry(bytes: &[u8], key: &'static str) -> Result<String, WeightsError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let entry = header.metadata().as_ref().and_then(|entries| entries.get(key));
    entry.cloned().ok_or(WeightsError::NoDescription(key))
}

/// All tensors of a safetensors file, as 32-bit floats.
///
/// # Errors
/// Where the bytes are not safetensors, or a tensor has another type than 16- or 32-bit floats.
pub fn read_tensors(bytes: &[u8]) -> Result<Vec<NamedTensor>, WeightsError> {
    let file = SafeTensors::deserialize(bytes)?;
    let tensors = file.iter().map(|(name, view)| {
        let values = match view.dtype() {
            Dtype::F32 => {
                let numbers = view.data().chunks_exact(4);
                numbers.map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect()
            }
            Dtype::F16 => {
                let numbers = view.data().chunks_exact(2);
                numbers.map(|bytes| f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()).collect()
            }
            found => return Err(WeightsError::Type { name: name.to_owned(), found }),
        };
        Ok(NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), values })
    });
    tensors.collect()
}

/// The bytes of a safetensors file.
///
/// # Errors
/// Where a tensor's values do not fill its shape.
pub fn write_tensors(
    tensors: &[NamedTensor],
    precision: Precision,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>, WeightsError> {
    let encode = |tensor: &NamedTensor| -> Vec<u8> {
        let values = tensor.values.iter();
        match precision {
            Precision::Bits32 => values.flat_map(|value| value.to_le_bytes()).collect(),
            Precision::Bits16 => values.flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        }
    };
    let dtype = match precision {
        Precision::Bits16 => Dtype::F16,
        Precision::Bits32 => Dtype::F32,
    };
    let encoded: Vec<Vec<u8>> = tensors.iter().map(encode).collect();
    let mut views = Vec::with_capacity(tensors.len());
    for (tensor, data) in tensors.iter().zip(&encoded) {
        views.push((tensor.name.as_str(), TensorView::new(dtype, tensor.shape.clone(), data)?));
    }
    Ok(safetensors::serialize(views, Some(metadata))?)
}
