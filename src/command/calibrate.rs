//! `ecgnet calibrate`: weights learn from people whose age and sex are known how far to believe themselves.

use super::data::{DataOptions, SplitOptions};
use super::device::DeviceOptions;
use super::error::CommandError;
use super::parameters::RUN_CHECKPOINT;
use super::weights::{self, RUN_WEIGHTS, Selection};
use super::{output, print};
use crate::dataset::{Part, Split, counted};
use crate::network::weights::{Precision, Weights};
use crate::training::calibration::{calibrate, years_too_few};
use crate::training::{PreparedExamples, predict};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Calibrate trained weights anew, for instance on the patients of one hospital
///
/// The age, the interval around it and the probability of the sex are made to suit the validation part of the data: what
/// the age is wrong by on average is added to it, where 30 people or more have a known age. All else of the network stays
/// as it is. The folder OUT gets weights.safetensors.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  ecgnet calibrate weights/compact-both.safetensors --data hospital.csv --by-patient 1 --out runs/hospital")]
pub struct Options {
    /// A folder that `ecgnet train` wrote, or a weights file
    weights: PathBuf,
    #[command(flatten)]
    calibration: CalibrationOptions,
}

/// On whom to calibrate, and where the weights go.
#[derive(Debug, Args)]
pub struct CalibrationOptions {
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    split: SplitOptions,
    #[command(flatten)]
    device: DeviceOptions,
    /// Folder for the weights
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    options.calibration.check_folder()?;
    let mut loaded = weights::load(std::slice::from_ref(&options.weights), Selection::One(None))?;
    let named = loaded.pop().filter(|_| loaded.is_empty());
    let named = named.ok_or_else(|| CommandError::SeveralWeights { path: options.weights.clone() })?;
    let network = named.weights.description.architecture;
    let (records, _) = options.calibration.write(named.weights)?;
    print(format_args!("{network}, calibrated on {}", counted(records, "record", "records")))
}

impl CalibrationOptions {
    /// Refuses a folder that already holds weights, before there is work to be lost.
    pub fn check_folder(&self) -> Result<(), CommandError> {
        if [RUN_WEIGHTS, RUN_CHECKPOINT].iter().any(|file| self.out.join(file).exists()) {
            return Err(CommandError::WeightsExist { folder: self.out.clone() });
        }
        output::check_folder(&self.out)
    }

    /// Calibrates weights on the validation part and writes them; says on how many records, and the split.
    pub fn write(&self, mut weights: Weights) -> Result<(usize, Split), CommandError> {
        let device = self.device.open()?;
        let dataset = self.data.open()?;
        let prepared = self.data.prepare(&dataset.records, weights.description.preprocessing)?;
        let chosen = self.split.choose(&prepared.records(), &self.data.paths)?;
        let validation = prepared.positions(&chosen.split, Part::Validation, |_| true);
        if validation.is_empty() {
            let (part, wanted) = (Part::Validation.to_string(), "an ECG".to_owned());
            return Err(CommandError::EmptyPart { part, wanted, split: chosen.name });
        }
        let examples = PreparedExamples::new(&prepared.set, validation);
        let mut predictions = predict(&weights.network(&device)?, &examples, BATCH).map_err(CommandError::Input)?;
        let people = examples.people();
        let added = years_too_few(&predictions, &people).unwrap_or(0.0);
        weights.add_years(added);
        predictions.iter_mut().filter_map(|prediction| prediction.age.as_mut()).for_each(|age| *age += added);
        let description = &mut weights.description;
        description.calibration = calibrate(&predictions, &people);
        let on = json!({
            "data": dataset.name, "split": chosen.name, "records": predictions.len(), "added_years": added,
        });
        description.training.insert("calibration".to_owned(), on);
        std::fs::create_dir_all(&self.out).map_err(CommandError::write(&self.out))?;
        weights::write(&self.out.join(RUN_WEIGHTS), &weights, Precision::Bits16)?;
        Ok((predictions.len(), chosen.split))
    }
}

/// Examples of a batch.
const BATCH: usize = 32;
