//! The folder of a training.

use super::context::Context;
use crate::command::error::CommandError;
use crate::command::evaluate::RUN_METRICS;
use crate::command::parameters::RUN_CHECKPOINT;
use crate::command::weights::{self, RUN_SPLIT, RUN_WEIGHTS};
use crate::dataset::Split;
use crate::network::weights::{Calibration, Precision, Weights, WeightsDescription};
use crate::report::{Epoch, TrainingLog, plot};
use crate::training::calibration::calibrate;
use crate::training::{EpochFigures, PreparedExamples, Training, predict, replace_file};
use burn::tensor::Device;
use std::path::PathBuf;

const COLUMNS: [&str; 7] =
    ["epoch", "train_loss", "validation_loss", "validation_mae", "validation_auc", "learning_rate", "seconds"];

/// Examples of a batch of the calibration.
const BATCH: usize = 32;

pub struct RunFolder(pub PathBuf);

impl RunFolder {
    fn checkpoint(&self) -> PathBuf {
        self.0.join(RUN_CHECKPOINT)
    }

    pub fn weights(&self) -> PathBuf {
        self.0.join(RUN_WEIGHTS)
    }

    pub fn has_checkpoint(&self) -> bool {
        self.checkpoint().exists()
    }

    /// Makes the folder, where it is missing, and writes who is in which part.
    pub fn create(&self, split: &Split) -> Result<(), CommandError> {
        std::fs::create_dir_all(&self.0).map_err(CommandError::write(&self.0))?;
        Ok(split.write(&self.0.join(RUN_SPLIT))?)
    }

    /// The training at its last checkpoint, if it was started as this one would be.
    pub fn resume(&self, context: &Context, device: &Device) -> Result<Training, CommandError> {
        let (training, before) = Training::load(&self.checkpoint(), device)?;
        let differences = context.differences(&before);
        if differences.is_empty() {
            Ok(training)
        } else {
            Err(CommandError::OtherTraining { folder: self.0.clone(), differences })
        }
    }

    pub fn save(&self, training: &Training, context: &Context) -> Result<(), CommandError> {
        Ok(training.save(&self.checkpoint(), &context.to_json())?)
    }

    /// Writes the figures of all epochs so far, as a table and as a plot.
    pub fn write_curves(&self, training: &Training, context: &Context) -> Result<(), CommandError> {
        let history = training.history();
        let path = self.0.join(RUN_METRICS);
        replace_file(&path, &metrics(history)).map_err(CommandError::write(&path))?;
        let log = TrainingLog::new(history.iter().map(epoch).collect());
        let title = format!("{} for {}", context.network, context.target);
        let Some(svg) = plot::training_curves(&title, &log) else { return Ok(()) };
        let path = self.0.join("training.svg");
        replace_file(&path, svg.as_bytes()).map_err(CommandError::write(&path))
    }

    /// Writes the best epoch's weights, not yet calibrated.
    pub fn write_weights(&self, training: &Training, context: &Context) -> Result<(), CommandError> {
        weights::write(&self.weights(), &best_weights(training, context), Precision::Bits16)
    }

    /// Writes the best epoch's weights with the calibration that suits the validation part.
    pub fn write_calibrated_weights(
        &self,
        training: &Training,
        context: &Context,
        validation: &PreparedExamples<'_>,
        device: &Device,
    ) -> Result<(), CommandError> {
        let mut weights = best_weights(training, context);
        let predictions = predict(&weights.network(device)?, validation, BATCH).map_err(CommandError::Input)?;
        weights.description.calibration = calibrate(&predictions, &validation.people());
        weights::write(&self.weights(), &weights, Precision::Bits16)
    }
}

fn best_weights(training: &Training, context: &Context) -> Weights {
    let description = WeightsDescription {
        architecture: context.network,
        target: context.target,
        preprocessing: context.preprocessing,
        calibration: Calibration::default(),
        training: context.description(training),
    };
    Weights { description, tensors: training.best_tensors() }
}

fn metrics(history: &[EpochFigures]) -> Vec<u8> {
    let mut text = COLUMNS.join(",") + "\n";
    for figures in history {
        let optional = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let EpochFigures { epoch, train_loss, validation, learning_rate, seconds, .. } = figures;
        let (loss, mae, auc) = (validation.loss, optional(validation.age_mae), optional(validation.sex_auc));
        text += &format!("{epoch},{train_loss},{loss},{mae},{auc},{learning_rate},{seconds:.3}\n");
    }
    text.into_bytes()
}

fn epoch(figures: &EpochFigures) -> Epoch {
    Epoch {
        epoch: u32::try_from(figures.epoch).unwrap_or(u32::MAX),
        train_loss: Some(figures.train_loss),
        validation_loss: Some(figures.validation.loss),
        validation_mae: figures.validation.age_mae,
        validation_auc: figures.validation.sex_auc,
        learning_rate: Some(figures.learning_rate),
    }
}
