//! `ecgnet export`: from a training to the published layout, and from a weights file to ONNX.

use super::error::CommandError;
use super::parameters::Container;
use super::weights::RUN_WEIGHTS;
use super::{parameters, print, values};
use crate::network::weights::Weights;
use crate::network::{Architecture, Target, onnx};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Write the parameters of a training in the published layout, for Keras and others, or a network as an ONNX graph
///
/// In the published layout the parameters are those of the epoch with the lowest validation loss, from the checkpoint of
/// a training. Weights files in the form that estimates cannot be exported so: in them batch normalisation is folded into
/// the convolutions. An ONNX graph is that form; it is made of a weights file or of the one in a training's folder.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  ecgnet export runs/resnet18 --out resnet18.h5
  ecgnet export --network cnn --target age runs/cnn/checkpoint.safetensors --out cnn-age.safetensors
  ecgnet export weights/compact-both.safetensors --out compact.onnx")]
pub struct Options {
    /// The network that it must be
    #[arg(long, value_parser = values::architecture())]
    network: Option<Architecture>,
    /// What the network must estimate
    #[arg(long, value_parser = values::target())]
    target: Option<Target>,
    /// What is written; without it the ending of the file says so
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// A folder that `ecgnet train` wrote, or the checkpoint or the weights in it
    from: PathBuf,
    /// The file to write, usually ending in .h5 (Keras), .safetensors or .onnx
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What an export can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Keras' HDF5, in the published layout
    Keras,
    /// In the published layout
    Safetensors,
    /// A graph of the network as it estimates
    Onnx,
}

impl Format {
    fn of(path: &Path) -> Option<Format> {
        match path.extension()?.to_ascii_lowercase().to_str()? {
            "h5" => Some(Format::Keras),
            "safetensors" => Some(Format::Safetensors),
            "onnx" => Some(Format::Onnx),
            _ => None,
        }
    }
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    let format = options.format.or_else(|| Format::of(&options.out));
    match format.ok_or_else(|| CommandError::Ending { path: options.out.clone() })? {
        Format::Keras => published(options, Container::Keras),
        Format::Safetensors => published(options, Container::Safetensors),
        Format::Onnx => onnx(options),
    }
}

fn published(options: &Options, container: Container) -> Result<(), CommandError> {
    let training = parameters::read_checkpoint(&options.from)?;
    let assembly = training.assembly();
    let found = (assembly.architecture, assembly.target);
    parameters::check_network(&options.from, found, options.network, options.target)?;
    parameters::write_published(&options.out, container, assembly, &training.best_values())?;
    let epoch = training.best_figures().map_or(0, |figures| figures.epoch);
    let (network, target, count) = (assembly.architecture, assembly.target, assembly.published_parameters());
    print(format_args!("{network} for {target}: {count} parameters of epoch {epoch} exported"))
}

fn onnx(options: &Options) -> Result<(), CommandError> {
    let path = if options.from.is_dir() { options.from.join(RUN_WEIGHTS) } else { options.from.clone() };
    let bytes = std::fs::read(&path).map_err(CommandError::read(&path))?;
    let weights = Weights::from_bytes(&bytes).map_err(|source| CommandError::Weights { path: path.clone(), source })?;
    let (network, target) = (weights.description.architecture, weights.description.target);
    parameters::check_network(&path, (network, target), options.network, options.target)?;
    let graph = onnx::write(&weights).map_err(|source| CommandError::Onnx { path, source })?;
    crate::training::replace_file(&options.out, &graph).map_err(CommandError::write(&options.out))?;
    print(format_args!("{network} for {target}: {} bytes of ONNX exported", graph.len()))
}
