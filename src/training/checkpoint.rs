//! A training on disk: one safetensors file that `--resume` goes on from exactly.

use super::optimiser::{Moments, Optimiser};
use super::session::{State, Training};
use crate::network::assembly::Assembly;
use crate::network::parameter::NamedTensor;
use crate::network::trainable::{TrainableNetwork, download, upload};
use crate::network::weights::{Precision, WeightsError, read_metadata_entry, read_tensors, write_tensors};
use crate::network::{Architecture, Target};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The metadata entry with everything that is not a tensor.
const METADATA_KEY: &str = "ecgnet-checkpoint";

#[derive(Serialize, Deserialize)]
struct Header {
    architecture: Architecture,
    target: Target,
    state: State,
    /// Number of optimiser steps of each parameter that has moved.
    optimiser_steps: HashMap<String, usize>,
    /// What the caller wants to find again, such as the data the training ran on.
    context: serde_json::Value,
}

/// Why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} is not a checkpoint of ECGNet: {source}")]
    Format { path: PathBuf, source: WeightsError },
    #[error("{path} is not a checkpoint of ECGNet: its description cannot be read: {source}")]
    Header { path: PathBuf, source: serde_json::Error },
    #[error("{path} is a damaged checkpoint: tensor {name} is missing or has another size")]
    Tensor { path: PathBuf, name: String },
}

impl Training {
    /// Writes a checkpoint; an older one at the path is replaced only when the new one is complete.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: &Path, context: &serde_json::Value) -> Result<(), CheckpointError> {
        let names: Vec<&str> = self.assembly().parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let mut tensors = Vec::new();
        let mut add = |kind: &str, name: &str, values: Vec<f32>| {
            tensors.push(NamedTensor { name: format!("{kind}/{name}"), shape: vec![values.len()], values });
        };
        for (kind, values) in
            [("value", Some(&self.network.values)), ("average", self.average.as_ref()), ("best", self.best.as_ref())]
        {
            for (name, value) in names.iter().zip(values.into_iter().flatten()) {
                add(kind, name, download(value));
            }
        }
        let mut optimiser_steps = HashMap::new();
        for (name, moments) in names.iter().zip(self.optimiser.moments()) {
            let Some(Moments { first, second, steps }) = moments else { continue };
            add("first-moment", name, first);
            add("second-moment", name, second);
            optimiser_steps.insert((*name).to_owned(), steps);
        }
        let header = Header {
            architecture: self.assembly().architecture,
            target: self.assembly().target,
            state: self.state.clone(),
            optimiser_steps,
            context: context.clone(),
        };
        let header =
            serde_json::to_string(&header).map_err(|source| CheckpointError::Header { path: path.into(), source })?;
        let bytes = write_tensors(&tensors, Precision::Bits32, HashMap::from([(METADATA_KEY.to_owned(), header)]))
            .map_err(|source| CheckpointError::Format { path: path.into(), source })?;
        replace_file(path, &bytes).map_err(|source| CheckpointError::File { path: path.into(), source })
    }

    /// Reads a checkpoint and the context it was saved with.
    ///
    /// # Errors
    /// Where the file cannot be read or is not a whole checkpoint.
    pub fn load(path: &Path, device: &Device) -> Result<(Training, serde_json::Value), CheckpointError> {
        let bytes = std::fs::read(path).map_err(|source| CheckpointError::File { path: path.into(), source })?;
        let format = |source| CheckpointError::Format { path: path.into(), source };
        let header = read_metadata_entry(&bytes, METADATA_KEY).map_err(format)?;
        let header: Header =
            serde_json::from_str(&header).map_err(|source| CheckpointError::Header { path: path.into(), source })?;
        let tensors = read_tensors(&bytes).map_err(format)?;
        let mut tensors: HashMap<String, Vec<f32>> =
            tensors.into_iter().map(|tensor| (tensor.name, tensor.values)).collect();

        let assembly = Assembly::new(header.architecture, header.target);
        let mut take = |kind: &str| -> Result<Vec<Vec<f32>>, CheckpointError> {
            let values = assembly.parameters.iter().map(|parameter| {
                let name = format!("{kind}/{}", parameter.name);
                let values = tensors.remove(&name).filter(|values| values.len() == parameter.values());
                values.ok_or(CheckpointError::Tensor { path: path.into(), name })
            });
            values.collect()
        };
        let values = take("value")?;
        let optional = |values: Result<Vec<Vec<f32>>, CheckpointError>, wanted: bool| match wanted {
            true => {
                values.map(|values| Some(values.into_iter().map(|values| upload(values, device)).collect::<Vec<_>>()))
            }
            false => Ok(None),
        };
        let average = optional(take("average"), header.state.recipe.averaging.is_some())?;
        let best = optional(take("best"), header.state.progress.best.is_some())?;
        let mut moments = Vec::new();
        for parameter in &assembly.parameters {
            let Some(&steps) = header.optimiser_steps.get(&parameter.name) else {
                moments.push(None);
                continue;
            };
            let mut moment = |kind: &str| {
                let name = format!("{kind}/{}", parameter.name);
                let values = tensors.remove(&name).filter(|values| values.len() == parameter.values());
                values.ok_or(CheckpointError::Tensor { path: path.into(), name })
            };
            moments.push(Some(Moments { first: moment("first-moment")?, second: moment("second-moment")?, steps }));
        }
        let mut optimiser = Optimiser::new(&header.state.recipe, assembly.parameters.len());
        optimiser.restore(moments, device);
        let network = TrainableNetwork::with_values(assembly, values, device);
        let mut training = Training::with_network(network, header.state.recipe.clone(), header.state.seed, device);
        training.restore(average, best, optimiser, header.state);
        Ok((training, header.context))
    }
}

/// Writes a file so that a kill leaves either the old one or the new one.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = std::fs::File::create(&partial)?;
    std::io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}
