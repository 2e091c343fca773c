//! From a recording to an age and a sex.

use crate::ecg::{Ecg, Notice, Sex};
use crate::network::deployed::{DeployError, DeployedNetwork};
use crate::network::weights::{Calibration, Weights};
use crate::network::{Architecture, Head};
use crate::signal::{self, Input, Preprocessing, SignalError, Window};
use burn::tensor::{Device, Tensor, TensorData, activation};
use serde::Serialize;

/// What a network says of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    pub network: Architecture,
    pub age: Option<AgeEstimate>,
    pub sex: Option<SexEstimate>,
    /// What a person should know about the recording and what was done to it.
    pub notices: Vec<Notice>,
}

/// An age in years.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AgeEstimate {
    pub years: f32,
    /// The interval that is meant to hold the stated share of people, where the weights say how wide it must be.
    pub interval: Option<(f32, f32)>,
}

/// A sex with its probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SexEstimate {
    /// The more probable of the two; male at exactly one half.
    pub sex: Sex,
    pub probability_female: f32,
}

/// Why an estimator cannot be made of weights.
#[derive(Debug, thiserror::Error)]
pub enum EstimatorError {
    #[error("no weights were given")]
    NoWeights,
    #[error("the weights are of different networks, {0} and {1}; give one network's at a time")]
    DifferentNetworks(Architecture, Architecture),
    #[error("two of the weights estimate the {0}; give one of them")]
    HeadTwice(Head),
    #[error(transparent)]
    Deploy(#[from] DeployError),
}

/// Why nothing could be computed of a recording.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// A graphics card that is lost or out of memory; another device may do.
    #[error("the device that computes has failed: {0}")]
    Device(String),
}

/// A network on a device with its calibration.
///
/// A network's age and sex may come from two weights files, trained apart, or from one with both heads.
pub struct Estimator {
    architecture: Architecture,
    parts: Vec<Part>,
}

struct Part {
    network: DeployedNetwork,
    preprocessing: Preprocessing,
    calibration: Calibration,
}

/// The outputs of one part for one recording, calibrated.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    age: Option<AgeEstimate>,
    sex: Option<SexEstimate>,
}

impl Estimator {
    /// Puts one network's weights on a device.
    ///
    /// # Errors
    /// Where there are none, they are of several networks, estimate the same thing twice, or are damaged.
    pub fn new(weights: &[Weights], device: &Device) -> Result<Estimator, EstimatorError> {
        let architecture = weights.first().ok_or(EstimatorError::NoWeights)?.description.architecture;
        let mut heads: Vec<Head> = Vec::new();
        let mut parts = Vec::new();
        for weights in weights {
            let description = &weights.description;
            if description.architecture != architecture {
                return Err(EstimatorError::DifferentNetworks(architecture, description.architecture));
            }
            for &head in description.target.heads() {
                if heads.contains(&head) {
                    return Err(EstimatorError::HeadTwice(head));
                }
                heads.push(head);
            }
            let (preprocessing, calibration) = (description.preprocessing, description.calibration.clone());
            parts.push(Part { network: weights.network(device)?, preprocessing, calibration });
        }
        Ok(Estimator { architecture, parts })
    }

    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// Estimates age and sex of one recording.
    ///
    /// # Errors
    /// Where the recording cannot be made a network's input.
    pub fn estimate(&self, ecg: &Ecg, window: Window) -> Result<Estimate, SignalError> {
        let (mut estimate, inputs) = self.prepare(ecg, window)?;
        for (part, Input { samples, .. }) in self.parts.iter().zip(inputs) {
            let answers = part.run(samples);
            let [ages, sexes] = answers.map(|answer| answer.map(|tensor| values(tensor.into_data())));
            estimate.add(part.said(ages, sexes));
        }
        Ok(estimate)
    }

    /// As [`Estimator::estimate`], without blocking: in a browser the answer of a graphics card cannot be waited for.
    ///
    /// # Errors
    /// Where the recording cannot be made a network's input, or the device fails.
    pub async fn estimate_later(&self, ecg: &Ecg, window: Window) -> Result<Estimate, ComputeError> {
        let (mut estimate, inputs) = self.prepare(ecg, window)?;
        for (part, Input { samples, .. }) in self.parts.iter().zip(inputs) {
            let [ages, sexes] = part.run(samples);
            estimate.add(part.said(later(ages).await?, later(sexes).await?));
        }
        Ok(estimate)
    }

    /// The inputs of the parts, and an estimate that knows the notices only.
    fn prepare(&self, ecg: &Ecg, window: Window) -> Result<(Estimate, Vec<Input>), SignalError> {
        let quality = signal::quality::assess(ecg, window);
        let mut inputs = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            inputs.push(signal::prepare(ecg, part.preprocessing, window)?);
        }
        let mut notices = inputs.first().map(|input| input.notices.clone()).unwrap_or_default();
        for notice in quality {
            if !notices.contains(&notice) {
                notices.push(notice);
            }
        }
        Ok((Estimate { network: self.architecture, age: None, sex: None, notices }, inputs))
    }
}

impl Estimate {
    /// Adds what a part says of what nobody has said anything of yet.
    fn add(&mut self, said: Vec<Said>) {
        for said in said {
            self.age = self.age.or(said.age);
            self.sex = self.sex.or(said.sex);
        }
    }
}

fn values(data: TensorData) -> Vec<f32> {
    data.try_to_vec().expect("a network's outputs are 32-bit floats")
}

async fn later(answer: Option<Tensor<2>>) -> Result<Option<Vec<f32>>, ComputeError> {
    match answer {
        Some(tensor) => {
            let data = tensor.into_data_async().await;
            Ok(Some(values(data.map_err(|error| ComputeError::Device(error.to_string()))?)))
        }
        None => Ok(None),
    }
}

impl Part {
    /// Runs the network on inputs laid one after the other: ages, and probabilities of the sexes.
    fn run(&self, inputs: Vec<f32>) -> [Option<Tensor<2>>; 2] {
        let outputs = self.network.forward(self.network.input(inputs));
        let temperature = self.calibration.sex_temperature;
        [outputs.age, outputs.sex.map(|logits| activation::softmax(logits / temperature, 1))]
    }

    fn said(&self, ages: Option<Vec<f32>>, sexes: Option<Vec<f32>>) -> Vec<Said> {
        let (ages, sexes) = (ages.unwrap_or_default(), sexes.unwrap_or_default());
        let count = ages.len().max(sexes.len() / Sex::COUNT);
        let said = |index: usize| Said {
            age: ages.get(index).map(|age| self.age(age * 100.0)),
            sex: sexes.get(index * Sex::COUNT + Sex::Female.class()).map(|probability| sex(*probability)),
        };
        (0..count).map(said).collect()
    }

    fn age(&self, years: f32) -> AgeEstimate {
        let interval = self.calibration.age_half_width.map(|half| ((years - half).max(0.0), years + half));
        AgeEstimate { years, interval }
    }
}

fn sex(probability_female: f32) -> SexEstimate {
    let sex = if probability_female > 0.5 { Sex::Female } else { Sex::Male };
    SexEstimate { sex, probability_female }
}
