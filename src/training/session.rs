//! The epochs of a training.

use super::batches::{Batch, Changes, Example, Examples, Mixture, shuffled, stream};
use super::checkpoint::CheckpointError;
use super::loss::loss;
use super::optimiser::Optimiser;
use super::recipe::Recipe;
use super::schedule::Progress;
use super::validation::{ValidationFigures, validate};
use crate::ecg::Sex;
use crate::network::assembly::Assembly;
use crate::network::deployed::{DeployError, DeployedNetwork, deploy};
use crate::network::parameter::DeployedTensor;
use crate::network::trainable::{TrainableNetwork, download, upload};
use crate::network::{AGE_UNIT, Architecture, Head, INPUT_LEADS};
use crate::signal::{SAMPLING_RATE, WINDOW_SAMPLES};
use burn::tensor::{Device, Tensor, TensorData};
use rand_distr::Beta;
use serde::{Deserialize, Serialize};

/// Examples of a validation batch; larger than those of training since no gradients are kept.
const VALIDATION_BATCH: usize = 32;

/// A training between two epochs.
pub struct Training {
    pub(super) network: TrainableNetwork,
    /// The network for the recipe's crops; `None` where it trains on whole inputs.
    crops: Option<Assembly>,
    /// The moving average of the network's values, where the recipe asks for one.
    pub(super) average: Option<Vec<Tensor<1>>>,
    /// The values that had the lowest validation loss.
    pub(super) best: Option<Vec<Tensor<1>>>,
    pub(super) optimiser: Optimiser,
    pub(super) state: State,
    pub(super) device: Device,
}

/// What a checkpoint says besides tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub recipe: Recipe,
    pub seed: u64,
    /// Number of epochs done.
    pub epoch: usize,
    /// Number of steps done.
    pub step: usize,
    pub progress: Progress,
    pub history: Vec<EpochFigures>,
}

/// The figures of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochFigures {
    /// From 1.
    pub epoch: usize,
    /// Mean loss of the training batches, augmented as they were.
    pub train_loss: f64,
    pub validation: ValidationFigures,
    /// Of the last step.
    pub learning_rate: f64,
    pub seconds: f64,
    /// Whether the validation loss is the lowest so far.
    pub best: bool,
}

/// Watches a training.
pub trait Observer {
    /// A batch of the epoch is done; `loss` is its loss.
    fn batch(&mut self, epoch: usize, batch: usize, batches: usize, loss: f64);

    /// The epoch's batches are done and validation begins.
    fn validating(&mut self, epoch: usize);

    /// An epoch is done; the place to save a checkpoint. Returning false ends the training.
    ///
    /// # Errors
    /// Whatever goes wrong in saving ends the training.
    fn epoch(&mut self, training: &Training, figures: &EpochFigures) -> Result<bool, CheckpointError>;
}

/// Why a training ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    #[error("there is no example in the {0} part")]
    NoExamples(&'static str),
    #[error("there is one example in the training part, but batch normalisation needs two or more at a time")]
    OneExample,
    #[error("no example of the {part} part states the {head}, which the training is for")]
    NothingStated { part: &'static str, head: Head },
    #[error(
        "the recipe trains on crops, but {0} needs all samples of an input at once; leave crop_seconds out, or train \
         resnet18, multiscale or compact"
    )]
    Crops(Architecture),
    #[error("an input cannot be read: {0}")]
    Input(#[from] std::io::Error),
    #[error("the loss of epoch {epoch} is not a finite number; a lower learning rate may help")]
    Diverged { epoch: usize },
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Deploy(#[from] DeployError),
}

impl Training {
    /// A training before its first epoch. `device` is one without gradients.
    pub fn new(assembly: Assembly, recipe: Recipe, seed: u64, device: &Device) -> Self {
        let network = TrainableNetwork::new(assembly, seed, device);
        Self::with_network(network, recipe, seed, device)
    }

    /// A training that begins with given parameters, such as imported ones.
    pub fn with_network(network: TrainableNetwork, recipe: Recipe, seed: u64, device: &Device) -> Self {
        let optimiser = Optimiser::new(&recipe, network.values.len());
        let crops = crop_samples(&recipe).and_then(|samples| network.assembly.for_samples(samples));
        let state = State { recipe, seed, epoch: 0, step: 0, progress: Progress::default(), history: Vec::new() };
        Self { network, crops, average: None, best: None, optimiser, state, device: device.clone() }
    }

    /// Goes on from what a checkpoint holds.
    pub(super) fn restore(
        &mut self,
        average: Option<Vec<Tensor<1>>>,
        best: Option<Vec<Tensor<1>>>,
        optimiser: Optimiser,
        state: State,
    ) {
        (self.average, self.best, self.optimiser, self.state) = (average, best, optimiser, state);
    }

    pub fn assembly(&self) -> &Assembly {
        &self.network.assembly
    }

    pub fn recipe(&self) -> &Recipe {
        &self.state.recipe
    }

    pub fn seed(&self) -> u64 {
        self.state.seed
    }

    /// The figures of all epochs so far.
    pub fn history(&self) -> &[EpochFigures] {
        &self.state.history
    }

    /// The figures of the epoch with the lowest validation loss.
    pub fn best_figures(&self) -> Option<&EpochFigures> {
        let (_, best) = self.state.progress.best?;
        self.state.history.iter().find(|figures| figures.epoch == best)
    }

    /// The values of the parameters at the epoch with the lowest validation loss; the current ones before the first.
    pub fn best_values(&self) -> Vec<Vec<f32>> {
        let values = self.best.as_ref().or(self.average.as_ref()).unwrap_or(&self.network.values);
        values.iter().map(download).collect()
    }

    /// The tensors of the best epoch's network in deployment form.
    pub fn best_tensors(&self) -> Vec<DeployedTensor> {
        deploy(self.assembly(), &self.best_values())
    }

    /// The current network (or its average) as it would estimate.
    fn deployed(&self) -> Result<DeployedNetwork, DeployError> {
        let values = self.average.clone().unwrap_or_else(|| self.network.values.clone());
        let network = TrainableNetwork { assembly: self.network.assembly.clone(), values };
        let tensors = deploy(&network.assembly, &network.read_values());
        DeployedNetwork::new(network.assembly.architecture, network.assembly.target, tensors, &self.device)
    }

    /// One step on one batch; returns its loss.
    fn train_batch(&mut self, batch: Batch, learning_rate: f64) -> f64 {
        let recordings = batch.examples.len();
        let shape = [recordings, batch.inputs.len() / (recordings * INPUT_LEADS), INPUT_LEADS];
        let input = Tensor::<3>::from_data(TensorData::new(batch.inputs, shape), &self.device.clone().autodiff());
        let pass = self.network.forward_as(self.crops.as_ref().unwrap_or(&self.network.assembly), input);
        let against = |examples: &[Example]| loss(&pass.outputs, examples, self.state.recipe.age_loss);
        let loss = match &batch.mixture {
            None => against(&batch.examples),
            Some(Mixture { share, others }) => against(&batch.examples) * *share + against(others) * (1.0 - share),
        };
        let value = f64::from(loss.clone().into_scalar::<f32>());
        let gradients = pass.gradients(loss);
        self.network.update_moving_averages(&pass, self.state.recipe.batch_norm_momentum);
        let TrainableNetwork { assembly, values } = &mut self.network;
        self.optimiser.step(learning_rate, &assembly.parameters, values, gradients);
        self.state.step += 1;
        self.update_average();
        value
    }

    /// Moves the average towards the current values; the first steps count more than later ones.
    fn update_average(&mut self) {
        let Some(keep) = self.state.recipe.averaging else { return };
        let steps = self.state.step as f64;
        let keep = keep.min((1.0 + steps) / (10.0 + steps));
        let values = &self.network.values;
        self.average = Some(match self.average.take() {
            None => values.clone(),
            Some(average) => {
                average.into_iter().zip(values).map(|(old, new)| old * keep + new.clone() * (1.0 - keep)).collect()
            }
        });
    }

    /// Sets the heads' biases to the mean age and the share of women of the examples, and their kernels to zero: drawn at
    /// random they would turn the untrained features into ages hundreds of years off, which takes epochs to unlearn.
    fn inform_heads(&mut self, examples: &dyn Examples) {
        let people: Vec<_> = (0..examples.len()).map(|index| examples.example(index)).collect();
        for (head, convolution) in &self.network.assembly.heads {
            let Some(bias) = convolution.bias else { continue };
            let values = match head {
                Head::Age => {
                    let ages: Vec<f32> = people.iter().filter_map(|person| person.age).collect();
                    vec![ages.iter().sum::<f32>() / AGE_UNIT / ages.len().max(1) as f32]
                }
                Head::Sex => {
                    let count = |sex| people.iter().filter(|person| person.sex == Some(sex)).count() as f32;
                    let (male, female) = (count(Sex::Male) + 1.0, count(Sex::Female) + 1.0);
                    vec![(male / (male + female)).ln(), (female / (male + female)).ln()]
                }
            };
            let kernel = &mut self.network.values[convolution.kernel];
            *kernel = kernel.zeros_like();
            self.network.values[bias] = upload(values, &self.device);
        }
    }

    /// The seed of an epoch's random numbers of one kind.
    fn epoch_seed(&self, epoch: usize, kind: u64) -> u64 {
        self.state.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add((epoch as u64) << 8).wrapping_add(kind)
    }

    /// Trains one epoch; returns the mean loss and the last learning rate.
    fn epoch(
        &mut self,
        epoch: usize,
        examples: &dyn Examples,
        observer: &mut dyn Observer,
    ) -> Result<(f64, f64), TrainingError> {
        self.device.seed(self.epoch_seed(epoch, 0));
        let recipe = self.state.recipe.clone();
        let mut order = shuffled(examples.len(), self.state.seed, epoch);
        let batches = batches(examples.len(), recipe.batch_size);
        // A last batch of one example has no statistics to normalise by.
        if order.len() % recipe.batch_size == 1 {
            order.pop();
        }
        let changes = Changes {
            augmentation: recipe.augmentation,
            crop_samples: crop_samples(&recipe),
            // The recipe's check refuses what no distribution has.
            mixing: recipe.mixing.and_then(|parameter| Beta::new(parameter, parameter).ok()),
            seed: self.epoch_seed(epoch, 1),
        };
        let mut total = 0.0;
        let mut learning_rate = recipe.learning_rate;
        std::thread::scope(|scope| {
            let stream = stream(scope, examples, order, recipe.batch_size, Some(changes));
            for (number, batch) in (1..).zip(stream) {
                let progress = &self.state.progress;
                learning_rate = progress.learning_rate(&recipe, self.state.step, batches * recipe.epochs);
                let loss = self.train_batch(batch?, learning_rate);
                if !loss.is_finite() {
                    return Err(TrainingError::Diverged { epoch });
                }
                total += loss;
                observer.batch(epoch, number, batches, loss);
            }
            Ok((total / batches as f64, learning_rate))
        })
    }
}

/// Samples of a crop, as far as that is shorter than the whole window.
fn crop_samples(recipe: &Recipe) -> Option<usize> {
    let samples = (recipe.crop_seconds? * SAMPLING_RATE).round().max(1.0) as usize;
    (samples < WINDOW_SAMPLES).then_some(samples)
}

/// Number of batches of an epoch.
fn batches(examples: usize, batch_size: usize) -> usize {
    examples / batch_size + usize::from(examples % batch_size > 1)
}

/// Trains until the recipe's epochs or its patience are at an end.
///
/// # Errors
/// Where a part has too few examples or none that states what is to be estimated, an input cannot be read, the loss is
/// not a finite number, or the observer fails.
pub fn run(
    training: &mut Training,
    train: &dyn Examples,
    validation: &dyn Examples,
    observer: &mut dyn Observer,
) -> Result<(), TrainingError> {
    for (part, examples) in [("training", train), ("validation", validation)] {
        check(part, examples, training.assembly().target.heads())?;
    }
    if train.len() == 1 {
        return Err(TrainingError::OneExample);
    }
    if crop_samples(training.recipe()).is_some() && training.crops.is_none() {
        return Err(TrainingError::Crops(training.assembly().architecture));
    }
    if training.state.epoch == 0 && training.recipe().informed_start {
        training.inform_heads(train);
    }
    while training.state.epoch < training.recipe().epochs
        && !training.state.progress.is_over(&training.state.recipe, training.state.epoch)
    {
        let start = std::time::Instant::now();
        let epoch = training.state.epoch + 1;
        let (train_loss, learning_rate) = training.epoch(epoch, train, observer)?;
        observer.validating(epoch);
        let age_loss = training.recipe().age_loss;
        let validation = validate(&training.deployed()?, validation, VALIDATION_BATCH, age_loss)?;
        if !validation.loss.is_finite() {
            return Err(TrainingError::Diverged { epoch });
        }
        let best = training.state.progress.note(&training.state.recipe, epoch, validation.loss);
        if best {
            training.best = Some(training.average.clone().unwrap_or_else(|| training.network.values.clone()));
        }
        let seconds = start.elapsed().as_secs_f64();
        let figures = EpochFigures { epoch, train_loss, validation, learning_rate, seconds, best };
        training.state.epoch = epoch;
        training.state.history.push(figures);
        if !observer.epoch(training, &figures)? {
            break;
        }
    }
    Ok(())
}

fn check(part: &'static str, examples: &dyn Examples, heads: &[Head]) -> Result<(), TrainingError> {
    if examples.is_empty() {
        return Err(TrainingError::NoExamples(part));
    }
    for &head in heads {
        let states = |index| {
            let example = examples.example(index);
            match head {
                Head::Age => example.age.is_some(),
                Head::Sex => example.sex.is_some(),
            }
        };
        if !(0..examples.len()).any(states) {
            return Err(TrainingError::NothingStated { part, head });
        }
    }
    Ok(())
}
