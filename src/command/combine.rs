//! `ecgnet combine`: trained networks become the network ensemble.

use super::calibrate::CalibrationOptions;
use super::error::CommandError;
use super::weights::{self, NamedWeights, RUN_SPLIT, Selection};
use super::{print, values};
use crate::dataset::counted;
use crate::network::Architecture;
use crate::network::ensemble::{MEMBERS, combine};
use crate::network::parameter::DeployedTensor;
use crate::network::weights::{Calibration, Weights, WeightsDescription};
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Put two trainings of compact, one of resnet18 and one of dnn together to an ensemble, which answers their mean
///
/// The ensemble is calibrated on the validation part, of which the trainings may have seen no more than what chose their
/// best epochs. The folder OUT gets weights.safetensors and split.csv, as a training's would.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  ecgnet combine runs/compact-1 runs/compact-2 runs/resnet18 runs/dnn \\
      --data ptb-xl --raw-only --out runs/ensemble")]
pub struct Options {
    /// Folders that `ecgnet train` wrote, or weights files
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    calibration: CalibrationOptions,
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    options.calibration.check_folder()?;
    let members = weights::load(&options.runs, Selection::All)?;
    let (records, split) = options.calibration.write(together(members)?)?;
    split.write(&options.calibration.out.join(RUN_SPLIT))?;
    let members = MEMBERS.len();
    print(format_args!("ensemble of {members}, calibrated on {}", counted(records, "record", "records")))
}

/// The ensemble without a calibration.
fn together(members: Vec<NamedWeights>) -> Result<Weights, CommandError> {
    let members = in_order(members)?;
    let WeightsDescription { target, preprocessing, .. } = members[0].weights.description;
    for NamedWeights { name, weights: Weights { description, .. }, .. } in &members[1..] {
        if (description.target, description.preprocessing) != (target, preprocessing) {
            let (first, other) = (members[0].name.clone(), name.clone());
            return Err(CommandError::UnlikeMembers { first, other });
        }
    }
    let names = values::list(members.iter().map(|member| &member.name)).replace(", ", " ");
    let trainings: Vec<&Map<String, Value>> =
        members.iter().map(|member| &member.weights.description.training).collect();
    let training = [
        ("command", json!(format!("ecgnet combine {names}"))),
        ("ecgnet", json!(env!("CARGO_PKG_VERSION"))),
        ("members", json!(trainings)),
    ];
    let description = WeightsDescription {
        architecture: Architecture::Ensemble,
        target,
        preprocessing,
        calibration: Calibration::default(),
        training: training.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    };
    let tensors: [Vec<DeployedTensor>; MEMBERS.len()] = members.map(|member| member.weights.tensors);
    Ok(Weights { description, tensors: combine(&tensors, target) })
}

/// The members in the ensemble's order.
fn in_order(mut given: Vec<NamedWeights>) -> Result<[NamedWeights; MEMBERS.len()], CommandError> {
    let architecture = |named: &NamedWeights| named.weights.description.architecture;
    let wrong =
        CommandError::Members { given: values::list(given.iter().map(architecture)), needed: values::list(MEMBERS) };
    // The sort is stable: of one architecture the first one given stays the first.
    given.sort_by_key(|named| MEMBERS.iter().position(|member| *member == architecture(named)));
    let members: Result<[NamedWeights; MEMBERS.len()], _> = given.try_into();
    members.ok().filter(|members| members.each_ref().map(architecture) == MEMBERS).ok_or(wrong)
}
