//! Files with all the parameters of a network: checkpoints, and the published layout as safetensors or Keras' HDF5.

use super::error::CommandError;
use super::weights::RUN_WEIGHTS;
use crate::network::assembly::Assembly;
use crate::network::keras;
use crate::network::parameter::{NamedTensor, ParameterId};
use crate::network::weights::{Precision, Weights, WeightsError, read_tensors, write_tensors};
use crate::network::widening::widened;
use crate::network::{Architecture, Target};
use crate::training::{CheckpointError, Training};
use burn::tensor::Device;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a training leaves in its folder.
pub const RUN_CHECKPOINT: &str = "checkpoint.safetensors";

/// The first bytes of an HDF5 file.
pub const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Reads a network's values from a file in the published layout.
pub fn read_published(path: &Path, bytes: &[u8], assembly: &Assembly) -> Result<Vec<Vec<f32>>, CommandError> {
    let tensors = if bytes.starts_with(HDF5) {
        keras::read(bytes, &published_shapes(assembly))
            .map_err(|source| CommandError::Keras { path: path.into(), source })?
    } else if Weights::from_bytes(bytes).is_ok() {
        return Err(CommandError::Folded { path: path.into() });
    } else {
        read_tensors(bytes).map_err(|source| CommandError::Weights { path: path.into(), source })?
    };
    assembly.from_published(&tensors).map_err(|source| CommandError::Published { path: path.into(), source })
}

/// Reads a network's values from a checkpoint (those of its best epoch), a run folder or a file in the published layout;
/// those of multiscale also from a checkpoint of resnet18.
pub fn read_any(path: &Path, assembly: &Assembly) -> Result<Vec<Vec<f32>>, CommandError> {
    match read_checkpoint(path) {
        Ok(training) => {
            let found = (training.assembly().architecture, training.assembly().target);
            if found == (Architecture::Resnet18, assembly.target)
                && assembly.architecture == Architecture::Multiscale
                && let Some(values) = widened(training.assembly(), &training.best_values(), assembly)
            {
                return Ok(values);
            }
            check_network(path, found, Some(assembly.architecture), Some(assembly.target))?;
            Ok(training.best_values())
        }
        Err(CommandError::Checkpoint(CheckpointError::Format { .. })) => {
            let bytes = std::fs::read(path).map_err(CommandError::read(path))?;
            read_published(path, &bytes, assembly)
        }
        Err(error) => Err(error),
    }
}

/// The file itself, or the checkpoint in a run folder; where there is none, as in that of an ensemble, its weights.
pub fn file_of(path: &Path) -> PathBuf {
    let inside = [RUN_CHECKPOINT, RUN_WEIGHTS].map(|file| path.join(file));
    match inside {
        _ if !path.is_dir() => path.to_owned(),
        [checkpoint, weights] if !checkpoint.exists() && weights.exists() => weights,
        [checkpoint, _] => checkpoint,
    }
}

/// Reads a checkpoint or that of a run folder.
pub fn read_checkpoint(path: &Path) -> Result<Training, CommandError> {
    let path = file_of(path);
    let error = match Training::load(&path, &Device::flex()) {
        Ok((training, _)) => return Ok(training),
        Err(error) => error,
    };
    let is_other = matches!(error, CheckpointError::Format { source: WeightsError::NoDescription(_), .. });
    match folded(&path).filter(|_| is_other) {
        Some(Architecture::Ensemble) => Err(CommandError::NotPublished { path }),
        Some(_) => Err(CommandError::Folded { path }),
        None => Err(error.into()),
    }
}

/// The network of a weights file, if it is one.
fn folded(path: &Path) -> Option<Architecture> {
    Some(Weights::from_bytes(&std::fs::read(path).ok()?).ok()?.description.architecture)
}

/// Checks that a file is of the network that was asked for.
pub fn check_network(
    path: &Path,
    found: (Architecture, Target),
    network: Option<Architecture>,
    target: Option<Target>,
) -> Result<(), CommandError> {
    let expected = (network.unwrap_or(found.0), target.unwrap_or(found.1));
    if expected == found {
        return Ok(());
    }
    let words = |(network, target): (Architecture, Target)| format!("{network} for {target}");
    Err(CommandError::OtherNetwork { path: path.into(), found: words(found), expected: words(expected) })
}

/// A kind of file that holds the published layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// HDF5.
    Keras,
    Safetensors,
}

/// Writes values in the published layout.
pub fn write_published(
    path: &Path,
    container: Container,
    assembly: &Assembly,
    values: &[Vec<f32>],
) -> Result<(), CommandError> {
    let tensors = assembly.to_published(values);
    let bytes = match container {
        Container::Keras => keras_bytes(path, &tensors)?,
        Container::Safetensors => write_tensors(&tensors, Precision::Bits32, HashMap::new())
            .map_err(|source| CommandError::Weights { path: path.into(), source })?,
    };
    crate::training::replace_file(path, &bytes).map_err(CommandError::write(path))
}

fn keras_bytes(path: &Path, tensors: &[NamedTensor]) -> Result<Vec<u8>, CommandError> {
    keras::write(tensors).map_err(|source| CommandError::Keras { path: PathBuf::from(path), source })
}

/// Names and shapes of all tensors in the published layout, in its order.
fn published_shapes(assembly: &Assembly) -> Vec<(String, Vec<usize>)> {
    let shape = |id: ParameterId| {
        let parameter = &assembly.parameters[id];
        (assembly.published_name(&parameter.name), parameter.published_shape.clone())
    };
    assembly.published_order().into_iter().map(shape).collect()
}
