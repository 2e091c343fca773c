//! `ecgnet combine`: trained networks become the network ensemble.

use super::data::{DataOptions, SplitOptions};
use super::device::DeviceOptions;
use super::error::CommandError;
use super::parameters::RUN_CHECKPOINT;
use super::weights::{self, NamedWeights, RUN_SPLIT, RUN_WEIGHTS, Selection};
use super::{output, print, values};
use crate::dataset::{Part, Split, counted};
use crate::network::Architecture;
use crate::network::ensemble::{MEMBERS, combine};
use crate::network::parameter::NamedTensor;
use crate::network::weights::{Calibration, Precision, Weights, WeightsDescription};
use crate::training::calibration::calibrate;
use crate::training::{PreparedExamples, predict};
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Put two trainings of compact and one of resnet18 together to an ensemble, which answers their mean
///
/// The ensemble is calibrated on the validation part, of which the trainings may have seen no more than what chose their
/// best epochs. The folder OUT gets weights.safetensors and split.csv, as a training's would.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  ecgnet combine runs/compact-1 runs/compact-2 runs/resnet18 \\
      --data ptb-xl --raw-only --out runs/ensemble")]
pub struct Options {
    /// Folders that `ecgnet train` wrote, or weights files
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    split: SplitOptions,
    #[command(flatten)]
    device: DeviceOptions,
    /// Folder for the ensemble
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    if [RUN_WEIGHTS, RUN_CHECKPOINT].iter().any(|file| options.out.join(file).exists()) {
        return Err(CommandError::WeightsExist { folder: options.out.clone() });
    }
    output::check_folder(&options.out)?;
    let device = options.device.open()?;
    let members = weights::load(&options.runs, Selection::All)?;
    let mut ensemble = together(members)?;
    let dataset = options.data.open()?;
    let prepared = options.data.prepare(&dataset.records, ensemble.description.preprocessing)?;
    let chosen = options.split.choose(&prepared.records(), &options.data.paths)?;
    let validation = prepared.positions(&chosen.split, Part::Validation, |_| true);
    if validation.is_empty() {
        let (part, wanted) = (Part::Validation.to_string(), "an ECG".to_owned());
        return Err(CommandError::EmptyPart { part, wanted, split: chosen.name });
    }
    let examples = PreparedExamples::new(&prepared.set, validation);
    let predictions = predict(&ensemble.network(&device)?, &examples, BATCH).map_err(CommandError::Input)?;
    ensemble.description.calibration = calibrate(&predictions, &examples.people());
    ensemble.description.training.insert("data".to_owned(), dataset.name.clone().into());
    ensemble.description.training.insert("split".to_owned(), chosen.name.into());
    write(options, &chosen.split, &ensemble)?;
    print(format_args!(
        "ensemble of {}, calibrated on {}",
        MEMBERS.len(),
        counted(predictions.len(), "record", "records")
    ))
}

/// Examples of a batch of the calibration.
const BATCH: usize = 32;

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
    let tensors: [Vec<NamedTensor>; MEMBERS.len()] = members.map(|member| member.weights.tensors);
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

fn write(options: &Options, split: &Split, ensemble: &Weights) -> Result<(), CommandError> {
    std::fs::create_dir_all(&options.out).map_err(CommandError::write(&options.out))?;
    split.write(&options.out.join(RUN_SPLIT))?;
    weights::write(&options.out.join(RUN_WEIGHTS), ensemble, Precision::Bits16)
}
