//! `ecgnet import`: from the published layout to a weights file.

use super::error::CommandError;
use super::values::{self, Bits};
use super::{parameters, print, weights};
use crate::network::assembly::Assembly;
use crate::network::deployed::deploy;
use crate::network::manifest::sha256;
use crate::network::weights::{Calibration, Weights, WeightsDescription};
use crate::network::{Architecture, Target};
use crate::signal::Preprocessing;
use clap::Args;
use std::path::PathBuf;

/// Make a weights file of parameters in the published layout, as Keras saves them
///
/// Such weights have no calibration: their age comes without a range.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  ecgnet import --network resnet18 --target age --preprocessing lead resnet18_age.h5 --out resnet18-age.safetensors
  ecgnet predict --weights resnet18-age.safetensors ecg.hea")]
pub struct Options {
    /// The network that the parameters are of
    #[arg(long, value_parser = values::architecture())]
    network: Architecture,
    /// What the network estimates
    #[arg(long, value_parser = values::target())]
    target: Target,
    /// How the inputs were made that it was trained on; the published ones: lead
    #[arg(long, value_parser = values::preprocessing())]
    preprocessing: Preprocessing,
    /// Bits of a stored value
    #[arg(long, value_enum, default_value = "32")]
    precision: Bits,
    /// The parameters: Keras' HDF5, or safetensors with the published names
    file: PathBuf,
    /// The weights file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    let path = &options.file;
    let bytes = std::fs::read(path).map_err(CommandError::read(path))?;
    let assembly = Assembly::new(options.network, options.target);
    let values = parameters::read_published(path, &bytes, &assembly)?;
    let mut training = serde_json::Map::new();
    training.insert("imported_sha256".to_owned(), sha256(&bytes).into());
    training.insert("ecgnet".to_owned(), env!("CARGO_PKG_VERSION").into());
    let weights = Weights {
        description: WeightsDescription {
            architecture: options.network,
            target: options.target,
            preprocessing: options.preprocessing,
            calibration: Calibration::default(),
            training,
        },
        tensors: deploy(&assembly, &values),
    };
    weights::write(&options.out, &weights, options.precision.into())?;
    let (network, target) = (options.network, options.target);
    print(format_args!("{network} for {target}: {} parameters imported", assembly.published_parameters()))
}
