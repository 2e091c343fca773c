//! `ecgnet release`: from trainings and their evaluation to the folder that the page and `predict` take weights from.

use super::data::DataOptions;
use super::device::DeviceOptions;
use super::error::CommandError;
use super::rounding;
use super::weights::{self, MANIFEST, RUN_WEIGHTS};
use super::{print, remark, values};
use crate::network::Architecture;
use crate::network::manifest::{Entry, Figure, Figures, Manifest, Rounding, sha256};
use crate::network::weights::{Precision, Weights};
use crate::training::replace_file;
use clap::Args;
use serde_json::Value;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Put trained weights into the folder that the page and `predict` take them from
///
/// Writes the weights of each training with 16 bits a value, and manifest.json with their SHA-256 sums, how they came
/// about, and their figures. Weights of the same network in the folder are replaced; other networks stay.
///
/// With --eight-bits, kernels have 8 bits where that changes the age by less than 0.1 years on average and the sex of
/// fewer than 2 people in 1,000, on the test part of the data that are named.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  ecgnet evaluate --data ptb-xl --raw-only --weights runs/cnn runs/compact --out report
  ecgnet release runs/cnn runs/compact --evaluation report/evaluation.json --data-licence 'CC BY 4.0' --out weights")]
pub struct Options {
    /// Folders that `ecgnet train`, `calibrate` or `combine` wrote
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// What `ecgnet evaluate --out` wrote about these weights; several where there were several data sets
    #[arg(long, num_args = 1.., value_name = "FILE")]
    evaluation: Vec<PathBuf>,
    /// The licence of the training data
    #[arg(long, value_name = "TEXT")]
    data_licence: String,
    /// The commit of ECGNet that trained them
    #[arg(long, value_name = "TEXT")]
    commit: Option<String>,
    /// The network that estimates where none is asked for [default: as before, or the first one]
    #[arg(long, value_parser = values::architecture())]
    default: Option<Architecture>,
    /// Store kernels with 8 bits where it makes no difference to the people of these data sets' test parts
    #[arg(long, num_args = 1.., value_name = "PATH")]
    eight_bits: Vec<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
    /// The folder of weights
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    std::fs::create_dir_all(&options.out).map_err(CommandError::write(&options.out))?;
    let evaluations =
        options.evaluation.iter().map(|path| read_evaluation(path)).collect::<Result<Vec<Value>, CommandError>>()?;
    for (path, evaluation) in options.evaluation.iter().zip(&evaluations) {
        if !options.runs.iter().any(|run| figures(evaluation, &name_of(run)).is_some()) {
            return Err(CommandError::OtherEvaluation { path: path.clone() });
        }
    }
    let manifest_path = options.out.join(MANIFEST);
    let before = if manifest_path.is_file() { Some(weights::read_manifest(&options.out)?) } else { None };
    let mut entries = Vec::new();
    for run in &options.runs {
        let entry = release(options, run, &evaluations)?;
        print(format_args!("{} for {}: {:.2} MB", entry.network, entry.target, entry.bytes as f64 / 1e6))?;
        entries.push(entry);
    }
    let mut heads = HashSet::new();
    let of_heads = |entry: &Entry| entry.target.heads().iter().map(|head| (entry.network, *head)).collect::<Vec<_>>();
    if let Some((network, head)) = entries.iter().flat_map(of_heads).find(|pair| !heads.insert(*pair)) {
        return Err(CommandError::HeadTwice { network, head });
    }
    let first = entries[0].network;
    let default = options.default.or(before.as_ref().map(|before| before.default)).unwrap_or(first);
    // New weights for the age alone replace those for both.
    let is_kept = |old: &Entry| !of_heads(old).iter().any(|pair| heads.contains(pair));
    let mut networks: Vec<Entry> =
        before.into_iter().flat_map(|before| before.networks).filter(|old| is_kept(old)).collect();
    networks.extend(entries);
    networks.sort_by_key(|entry| (entry.network, entry.file.clone()));
    let manifest = Manifest { default, networks };
    let text = manifest.to_json();
    // What cannot be read again must not be written.
    Manifest::from_json(text.as_bytes())
        .map_err(|source| CommandError::Manifest { path: manifest_path.clone(), source })?;
    replace_file(&manifest_path, text.as_bytes()).map_err(CommandError::write(&manifest_path))
}

/// Writes one training's weights into the folder.
fn release(options: &Options, run: &Path, evaluations: &[Value]) -> Result<Entry, CommandError> {
    let source = run.join(RUN_WEIGHTS);
    let bytes = std::fs::read(&source).map_err(CommandError::read(&source))?;
    let failed = |source_error| CommandError::Weights { path: source.clone(), source: source_error };
    let weights = Weights::from_bytes(&bytes).map_err(failed)?;
    let (bytes, rounding) = match round(options, &weights).transpose()? {
        Some((bytes, rounding)) => (bytes, Some(rounding)),
        None => (weights.to_bytes(Precision::Bits16).map_err(failed)?, None),
    };
    let description = weights.description;
    let file = format!("{}-{}.safetensors", description.architecture, description.target);
    let path = options.out.join(&file);
    replace_file(&path, &bytes).map_err(CommandError::write(&path))?;
    let name = name_of(run);
    let mut training = description.training;
    training.insert("data_licence".to_owned(), options.data_licence.clone().into());
    training.extend(options.commit.iter().map(|commit| ("commit".to_owned(), commit.clone().into())));
    Ok(Entry {
        network: description.architecture,
        target: description.target,
        file,
        bytes: bytes.len() as u64,
        sha256: sha256(&bytes),
        preprocessing: description.preprocessing,
        training,
        figures: evaluations.iter().filter_map(|evaluation| figures(evaluation, &name)).collect(),
        rounding,
    })
}

/// The weights with 8 bits a value and what that changes; `None` where it is not wanted or changes too much.
fn round(options: &Options, weights: &Weights) -> Option<Result<(Vec<u8>, Rounding), CommandError>> {
    if options.eight_bits.is_empty() {
        return None;
    }
    let measured = || {
        let failed = |source| CommandError::Weights { path: RUN_WEIGHTS.into(), source };
        let bytes = weights.to_bytes(Precision::Bits8).map_err(failed)?;
        let rounded = Weights::from_bytes(&bytes).map_err(failed)?;
        let data = DataOptions::of(options.eight_bits.clone());
        Ok((bytes, rounding::measure(weights, &rounded, &data, &options.device.open()?)?))
    };
    match measured() {
        Ok((_, rounding)) if !rounding::is_negligible(&rounding) => {
            let network = weights.description.architecture;
            let (age, sex) = (rounding.mean_age_change.unwrap_or_default(), rounding.sex_changes.unwrap_or_default());
            remark(format_args!(
                "{network} keeps 16 bits: 8 would change the age by {age:.2} years and the sex of {:.2} %",
                sex * 100.0
            ));
            None
        }
        measured => Some(measured),
    }
}

/// What an evaluation calls the weights of a training.
fn name_of(run: &Path) -> String {
    weights::name_of(&run.join(RUN_WEIGHTS))
}

fn read_evaluation(path: &Path) -> Result<Value, CommandError> {
    let text = std::fs::read(path).map_err(CommandError::read(path))?;
    serde_json::from_slice(&text).map_err(|source| CommandError::Evaluation { path: path.to_owned(), source })
}

/// What an evaluation says of the weights that it calls `name`.
fn figures(evaluation: &Value, name: &str) -> Option<Figures> {
    let networks = evaluation["networks"].as_array()?;
    // Weights for age and for sex that were evaluated as one network are called by both names.
    let is_named =
        |network: &&Value| network["weights"].as_str().is_some_and(|own| own.split(" + ").any(|own| own == name));
    let network = networks.iter().find(is_named)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let figure = |head: &str, name: &str| serde_json::from_value::<Figure>(network[head][name].clone()).ok();
    Some(Figures {
        data: text(&evaluation["data_set"]["name"]),
        split: text(&evaluation["data_set"]["split"]),
        records: evaluation["population"]["records"].as_u64().unwrap_or_default(),
        age_mae: figure("age", "mae"),
        mean_age_mae: network["age"]["trivial"]["mae"]["value"].as_f64(),
        age_interval_coverage: figure("age", "interval_coverage"),
        sex_auc: figure("sex", "auc"),
        sex_accuracy: figure("sex", "accuracy"),
        sex_calibration_error: figure("sex", "expected_calibration_error"),
        sex_calibration_error_by_chance: figure("sex", "calibration_error_by_chance"),
    })
}
