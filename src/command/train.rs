//! `ecgnet train`: from ECGs to weights.

mod context;
mod run_folder;

use super::data::{Chosen, DataOptions, Prepared, SplitOptions};
use super::device::DeviceOptions;
use super::error::CommandError;
use super::{output, parameters, print, progress, remark, values};
use crate::dataset::{Part, Record};
use crate::network::assembly::Assembly;
use crate::network::trainable::TrainableNetwork;
use crate::network::{Architecture, Target};
use crate::signal::Preprocessing;
use crate::training::{
    CheckpointError, EpochFigures, Observer, PreparedExamples, Recipe, Training, ValidationFigures, run as run_training,
};
use burn::tensor::Device;
use clap::Args;
use context::Context;
use indicatif::ProgressBar;
use run_folder::RunFolder;
use std::path::PathBuf;
use values::RecipeChoice;

/// Train a network
///
/// The folder OUT gets checkpoint.safetensors, metrics.csv and training.svg after every epoch, weights.safetensors (the
/// epoch with the lowest validation loss, calibrated at the end) and split.csv. A training may be killed at any time; the
/// same command with --resume continues it exactly. The same seed gives the same numbers.
#[derive(Debug, Args)]
#[command(after_long_help = after_help())]
pub struct Options {
    /// The network
    #[arg(long, value_parser = values::architecture())]
    network: Architecture,
    /// What it is to estimate; both: two heads on one trunk
    #[arg(long, value_parser = values::target())]
    target: Target,
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    split: SplitOptions,
    /// How to train: default (ours), published, or a JSON file with what is to be otherwise than in ours
    #[arg(long, default_value = "default", value_name = "NAME|FILE", value_parser = values::recipe)]
    recipe: RecipeChoice,
    /// How noise is suppressed: a wavelet step along time, or across leads as in the published code, or a band-pass,
    /// which `voltage` scales alike for everybody [default: voltage; lead with the published recipe]
    #[arg(long, value_parser = values::preprocessing())]
    preprocessing: Option<Preprocessing>,
    /// Start of all random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of epochs [default: the recipe's]
    #[arg(long, value_parser = values::at_least::<1>)]
    epochs: Option<usize>,
    /// ECGs in a batch [default: the recipe's]
    #[arg(long, value_parser = values::at_least::<2>)]
    batch_size: Option<usize>,
    /// Learning rate [default: the recipe's]
    #[arg(long, value_parser = values::positive)]
    learning_rate: Option<f64>,
    #[command(flatten)]
    device: DeviceOptions,
    /// Parameters to begin with: those of a training (its folder or checkpoint), or the published layout as .h5 or
    /// .safetensors; for multiscale also those of a training of resnet18, widened
    #[arg(long, value_name = "PATH")]
    initial: Option<PathBuf>,
    /// Folder of the training
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Continue the training in OUT
    #[arg(long)]
    resume: bool,
}

fn after_help() -> String {
    let recipe = serde_json::to_string_pretty(&Recipe::ours()).unwrap_or_default();
    format!(
        "\
Examples:
  ecgnet train --network compact --target both --data ptb-xl --out runs/compact
  ecgnet train --network compact --target both --data ptb-xl --out runs/compact --resume
  ecgnet train --network resnet18 --target age --data sph --published-split --recipe published \\
      --out runs/published

A recipe of one's own is a JSON file with those of these numbers that are to be otherwise, such as
{{\"epochs\": 40}}. This is the default one; docs/recipes.md says what they mean:
{recipe}"
    )
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    let device = options.device.open()?;
    let folder = RunFolder(options.out.clone());
    if folder.has_checkpoint() && !options.resume {
        return Err(CommandError::TrainingExists { folder: options.out.clone() });
    }
    if options.resume && !folder.has_checkpoint() {
        return Err(CommandError::NothingToResume { folder: options.out.clone() });
    }
    output::check_folder(&options.out)?;
    let dataset = options.data.open()?;
    let prepared = options.data.prepare(&dataset.records, options.preprocessing())?;
    let chosen = options.split.choose(&prepared.records(), &options.data.paths)?;
    let [train, validation] = options.parts(&prepared, &chosen)?;
    let context = Context::new(options, &dataset.name, &prepared, &chosen, [&train, &validation])?;
    let mut training = options.training(&folder, &context, &device)?;
    folder.create(&chosen.split)?;
    remark(chosen.split.check_patients(prepared.set.records()));
    print(context.summary())?;

    let train = PreparedExamples::new(&prepared.set, train);
    let validation = PreparedExamples::new(&prepared.set, validation);
    let mut watch = Watch { folder: &folder, context: &context, bar: ProgressBar::hidden(), failure: None };
    folder.write_curves(&training, &context)?;
    run_training(&mut training, &train, &validation, &mut watch)?;
    if let Some(failure) = watch.failure {
        return Err(failure);
    }
    folder.write_calibrated_weights(&training, &context, &validation, &device)?;
    let best = training.best_figures().map(|best| format!("epoch {}: {}", best.epoch, in_words(&best.validation)));
    print(format_args!("best {}; weights in {}", best.unwrap_or_default(), folder.weights().display()))
}

impl Options {
    fn preprocessing(&self) -> Preprocessing {
        let usual = || if self.recipe.is_published() { Preprocessing::Lead } else { Preprocessing::Voltage };
        self.preprocessing.unwrap_or_else(usual)
    }

    fn recipe(&self) -> Recipe {
        let mut recipe = self.recipe.recipe(self.target);
        recipe.epochs = self.epochs.unwrap_or(recipe.epochs);
        recipe.batch_size = self.batch_size.unwrap_or(recipe.batch_size);
        recipe.learning_rate = self.learning_rate.unwrap_or(recipe.learning_rate);
        // Given parameters know better than the mean of the data.
        recipe.informed_start &= self.initial.is_none();
        recipe
    }

    /// The positions of the records of the train and the validation part that state something to learn.
    fn parts(&self, prepared: &Prepared, chosen: &Chosen) -> Result<[Vec<usize>; 2], CommandError> {
        let states = |record: &Record| self.target.heads().iter().any(|&head| record.states(head));
        let positions = |part: Part| {
            let positions = prepared.positions(&chosen.split, part, states);
            if positions.is_empty() {
                let wanted = values::list(self.target.heads());
                return Err(CommandError::EmptyPart { part: part.to_string(), wanted, split: chosen.name.clone() });
            }
            Ok(positions)
        };
        Ok([positions(Part::Train)?, positions(Part::Validation)?])
    }

    /// The training of the folder where it is to be continued, or a fresh one.
    fn training(&self, folder: &RunFolder, context: &Context, device: &Device) -> Result<Training, CommandError> {
        if self.resume {
            let training = folder.resume(context, device)?;
            remark(format_args!("continuing after epoch {}", training.history().len()));
            return Ok(training);
        }
        let assembly = Assembly::new(self.network, self.target);
        let recipe = self.recipe();
        Ok(match &self.initial {
            None => Training::new(assembly, recipe, self.seed, device),
            Some(path) => {
                let values = parameters::read_any(path, &assembly)?;
                let network = TrainableNetwork::with_values(assembly, values, device);
                Training::with_network(network, recipe, self.seed, device)
            }
        })
    }
}

/// Shows how the training goes and saves it after every epoch.
struct Watch<'a> {
    folder: &'a RunFolder,
    context: &'a Context,
    bar: ProgressBar,
    /// What went wrong besides the checkpoint; ends the training.
    failure: Option<CommandError>,
}

impl Watch<'_> {
    fn save_and_tell(&self, training: &Training, figures: &EpochFigures) -> Result<(), CommandError> {
        self.folder.save(training, self.context)?;
        self.folder.write_curves(training, self.context)?;
        if figures.best {
            self.folder.write_weights(training, self.context)?;
        }
        print(self.line(training, figures))
    }

    /// `epoch  3/30  train 0.5120  validation 0.4983, MAE 9.32 years, AUC 0.912  41 s  best so far, 18 min left`
    fn line(&self, training: &Training, figures: &EpochFigures) -> String {
        let EpochFigures { epoch, train_loss, validation, learning_rate, seconds, best } = figures;
        let epochs = training.recipe().epochs;
        let width = epochs.to_string().len();
        let mut line = format!(
            "epoch {epoch:>width$}/{epochs}  train {train_loss:.4}  validation {}  learning rate {learning_rate:.1e}  {}",
            in_words(validation),
            progress::duration(*seconds),
        );
        if *best {
            line += "  best so far";
        }
        if *epoch < epochs {
            let mean = training.history().iter().map(|figures| figures.seconds).sum::<f64>() / *epoch as f64;
            line += &format!(", at most {} left", progress::duration(mean * (epochs - epoch) as f64));
        }
        line
    }
}

/// The validation figures in words: `loss 0.4983, MAE 9.32 years, AUC 0.912`.
fn in_words(figures: &ValidationFigures) -> String {
    let mut words = format!("loss {:.4}", figures.loss);
    if let Some(mae) = figures.age_mae {
        words += &format!(", MAE {mae:.2} years");
    }
    if let Some(auc) = figures.sex_auc {
        words += &format!(", AUC {auc:.3}");
    }
    words
}

impl Observer for Watch<'_> {
    fn batch(&mut self, epoch: usize, batch: usize, batches: usize, loss: f64) {
        if batch == 1 {
            self.bar = progress::bar(batches, format!("epoch {epoch}"));
        }
        self.bar.set_position(batch as u64);
        self.bar.set_message(format!("loss {loss:.4}"));
    }

    fn validating(&mut self, _epoch: usize) {
        self.bar.set_message("validating");
    }

    fn epoch(&mut self, training: &Training, figures: &EpochFigures) -> Result<bool, CheckpointError> {
        self.bar.finish_and_clear();
        match self.save_and_tell(training, figures) {
            Ok(()) => Ok(true),
            Err(CommandError::Checkpoint(error)) => Err(error),
            // The training goes on though nobody reads any more.
            Err(error) if error.is_closed_pipe() => Ok(true),
            Err(error) => {
                self.failure = Some(error);
                Ok(false)
            }
        }
    }
}
