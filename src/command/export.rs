//! `ecgnet export`: from a training to the published layout.

use super::error::CommandError;
use super::{parameters, print, values};
use crate::network::{Architecture, Target};
use clap::Args;
use std::path::PathBuf;

/// Write the parameters of a training in the published layout, for Keras and others
///
/// The parameters are those of the epoch with the lowest validation loss. Weights files in the form that estimates
/// cannot be exported: in them batch normalisation is folded into the convolutions.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  ecgnet export runs/resnet18 --out resnet18.h5
  ecgnet export --network cnn --target age runs/cnn/checkpoint.safetensors --out cnn-age.safetensors")]
pub struct Options {
    /// The network that it must be
    #[arg(long, value_parser = values::architecture())]
    network: Option<Architecture>,
    /// What the network must estimate
    #[arg(long, value_parser = values::target())]
    target: Option<Target>,
    /// A folder that `ecgnet train` wrote, or the checkpoint in it
    from: PathBuf,
    /// The file to write, ending in .h5 (Keras) or .safetensors
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    let training = parameters::read_checkpoint(&options.from)?;
    let assembly = training.assembly();
    parameters::check_network(&options.from, assembly, options.network, options.target)?;
    parameters::write_published(&options.out, assembly, &training.best_values())?;
    let epoch = training.best_figures().map_or(0, |figures| figures.epoch);
    let (network, target, count) = (assembly.architecture, assembly.target, assembly.published_parameters());
    print(format_args!("{network} for {target}: {count} parameters of epoch {epoch} exported"))
}
