//! From a recording to an age and a sex.

use crate::ecg::{Ecg, Notice, Sex};
use crate::network::deployed::{DeployError, DeployedNetwork};
use crate::network::weights::{Calibration, Weights};
use crate::network::{Architecture, Head, INPUT_LEADS, INPUT_SAMPLES};
use crate::signal::{self, Input, Preprocessing, SignalError, Window};
use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;
use std::error::Error;

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

/// Why there is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The graphics device was lost or ran out of memory; the CPU can still estimate.
    #[error("the device failed ({0})")]
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
    pub fn new(weights: Vec<Weights>, device: &Device) -> Result<Estimator, EstimatorError> {
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
            parts.push(Part { network: weights.into_network(device)?, preprocessing, calibration });
        }
        Ok(Estimator { architecture, parts })
    }

    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// Estimates age and sex of one recording.
    ///
    /// A graphics device in a browser cannot be waited for; there, use [`Estimator::estimate_later`].
    ///
    /// # Errors
    /// Where the recording cannot be made a network's input.
    pub fn estimate(&self, ecg: &Ecg, window: Window) -> Result<Estimate, SignalError> {
        let (mut estimate, inputs) = self.prepare(ecg, window)?;
        for (part, Input { samples, .. }) in self.parts.iter().zip(inputs) {
            let outputs = part.network.forward(part.network.input(samples));
            let read = |output: Option<Tensor<2>>| output.map(|output| values(output.into_data())).unwrap_or_default();
            estimate.hear(&part.said(&read(outputs.age), &read(outputs.sex)));
        }
        Ok(estimate)
    }

    /// [`Estimator::estimate`] on any device.
    ///
    /// # Errors
    /// Where the recording cannot be made a network's input or the device fails.
    pub async fn estimate_later(&self, ecg: &Ecg, window: Window) -> Result<Estimate, ComputeError> {
        let (mut estimate, inputs) = self.prepare(ecg, window)?;
        for (part, Input { samples, .. }) in self.parts.iter().zip(inputs) {
            estimate.hear(&part.run(samples).await?);
        }
        Ok(estimate)
    }

    /// Estimates from an input that was prepared elsewhere, [`INPUT_SAMPLES`] times [`INPUT_LEADS`] values with the leads
    /// of a sample side by side, as the weights' preprocessing makes it.
    ///
    /// # Errors
    /// Where the device fails.
    ///
    /// # Panics
    /// Where there are more or fewer values.
    pub async fn estimate_prepared(&self, input: Vec<f32>) -> Result<Estimate, ComputeError> {
        assert_eq!(input.len(), INPUT_SAMPLES * INPUT_LEADS, "values of an input");
        let mut estimate = Estimate { network: self.architecture, age: None, sex: None, notices: Vec::new() };
        for part in &self.parts {
            estimate.hear(&part.run(input.clone()).await?);
        }
        Ok(estimate)
    }

    /// An estimate that says nothing yet, and the input of each part.
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
    fn hear(&mut self, said: &[Said]) {
        for said in said {
            self.age = self.age.or(said.age);
            self.sex = self.sex.or(said.sex);
        }
    }
}

fn values(data: TensorData) -> Vec<f32> {
    data.try_to_vec().expect("a network's outputs are 32-bit floats")
}

impl Part {
    /// Runs the network on inputs laid one after the other.
    async fn run(&self, inputs: Vec<f32>) -> Result<Vec<Said>, ComputeError> {
        let outputs = self.network.forward(self.network.input(inputs));
        // Below the first line burn gives its reasons in words of its own.
        let failed =
            |error: &dyn Error| ComputeError::Device(error.to_string().lines().next().unwrap_or_default().to_owned());
        let mut read = [Vec::new(), Vec::new()];
        for (read, output) in read.iter_mut().zip([outputs.age, outputs.sex]) {
            if let Some(output) = output {
                let data = output.into_data_async().await;
                *read = values(data.map_err(|error| failed(&error))?);
            }
        }
        let [ages, logits] = read;
        Ok(self.said(&ages, &logits))
    }

    /// What the network's outputs mean: ages, and for each recording the logits of male and female.
    fn said(&self, ages: &[f32], logits: &[f32]) -> Vec<Said> {
        let count = ages.len().max(logits.len() / Sex::COUNT);
        let said = |index: usize| Said {
            age: ages.get(index).map(|age| self.age(age * 100.0)),
            sex: logits.chunks_exact(Sex::COUNT).nth(index).map(|logits| self.sex(logits)),
        };
        (0..count).map(said).collect()
    }

    fn sex(&self, logits: &[f32]) -> SexEstimate {
        let temperature = self.calibration.sex_temperature;
        let highest = logits.iter().fold(f32::NEG_INFINITY, |highest, logit| highest.max(*logit));
        let weights: Vec<f32> = logits.iter().map(|logit| ((logit - highest) / temperature).exp()).collect();
        let probability_female = weights[Sex::Female.class()] / weights.iter().sum::<f32>();
        let sex = if probability_female > 0.5 { Sex::Female } else { Sex::Male };
        SexEstimate { sex, probability_female }
    }

    fn age(&self, years: f32) -> AgeEstimate {
        let interval = self.calibration.age_half_width.map(|half| ((years - half).max(0.0), years + half));
        AgeEstimate { years, interval }
    }
}
