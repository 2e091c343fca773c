//! From a recording to an age and a sex.

use crate::ecg::{Ecg, Notice, Sex};
use crate::network::deployed::{DeployError, DeployedNetwork};
use crate::network::weights::{Calibration, Weights};
use crate::network::{Architecture, Head};
use crate::signal::{self, Input, Preprocessing, SignalError, Window};
use burn::tensor::{Device, Tensor, activation};
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
        let mut estimate = Estimate { network: self.architecture, age: None, sex: None, notices };
        for (part, Input { samples, .. }) in self.parts.iter().zip(inputs) {
            for said in part.run(samples) {
                estimate.age = estimate.age.or(said.age);
                estimate.sex = estimate.sex.or(said.sex);
            }
        }
        Ok(estimate)
    }
}

impl Part {
    /// Runs the network on inputs laid one after the other.
    fn run(&self, inputs: Vec<f32>) -> Vec<Said> {
        let outputs = self.network.forward(self.network.input(inputs));
        let read = |tensor: Tensor<2>| -> Vec<f32> {
            tensor.into_data().try_to_vec().expect("a network's outputs are 32-bit floats")
        };
        let ages = outputs.age.map(read).unwrap_or_default();
        let temperature = self.calibration.sex_temperature;
        let sexes = outputs.sex.map(|logits| read(activation::softmax(logits / temperature, 1))).unwrap_or_default();
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
