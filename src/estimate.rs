//! From a recording to an age and a sex.

use crate::ecg::{Ecg, Notice, Sex};
use crate::network::deployed::{DeployError, DeployedNetwork, Outputs};
use crate::network::place::Place;
use crate::network::weights::{Calibration, Weights};
use crate::network::{AGE_UNIT, Architecture, Head, INPUT_LEADS, INPUT_SAMPLES};
use crate::signal::{self, Preprocessing, SignalError, Window};
use burn::tensor::{Tensor, TensorData};
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
    /// Features, or an input, that came from elsewhere.
    #[error("what was computed elsewhere is of another network")]
    OtherNetwork,
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

/// A recording as a network reads it.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// For each of the weights [`INPUT_SAMPLES`] times [`INPUT_LEADS`] values.
    pub inputs: Vec<Vec<f32>>,
    /// It says nothing yet.
    estimate: Estimate,
}

/// The outputs of one part for one recording, calibrated.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    age: Option<AgeEstimate>,
    sex: Option<SexEstimate>,
}

impl Estimator {
    /// Puts one network's weights in a place, which may be a device.
    ///
    /// # Errors
    /// Where there are none, they are of several networks, estimate the same thing twice, or are damaged.
    pub fn new(weights: Vec<Weights>, place: impl Into<Place>) -> Result<Estimator, EstimatorError> {
        let architecture = weights.first().ok_or(EstimatorError::NoWeights)?.description.architecture;
        let mut heads: Vec<Head> = Vec::new();
        let place = place.into();
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
            parts.push(Part { network: weights.into_network(place.clone())?, preprocessing, calibration });
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
        let Prepared { inputs, mut estimate } = self.prepare(ecg, window, &signal::quality::assess(ecg, window))?;
        for (part, input) in self.parts.iter().zip(inputs) {
            let outputs = part.network.forward(part.network.input(input));
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
        self.run(self.prepare(ecg, window, &signal::quality::assess(ecg, window))?).await
    }

    /// What the network says of a prepared recording.
    ///
    /// # Errors
    /// Where the device fails.
    pub async fn run(&self, prepared: Prepared) -> Result<Estimate, ComputeError> {
        let Prepared { inputs, mut estimate } = prepared;
        for (part, input) in self.parts.iter().zip(inputs) {
            estimate.hear(&part.run(input).await?);
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

    /// Makes a recording the network's input; `quality` is what [`signal::quality::assess`] says of it.
    ///
    /// The result can be computed by [`Estimator::run`]; or in parts, and by several estimators of the same weights, by
    /// [`Estimator::features`], and then be concluded by [`Estimator::conclude`].
    ///
    /// # Errors
    /// Where the recording cannot be made a network's input.
    pub fn prepare(&self, ecg: &Ecg, window: Window, quality: &[Notice]) -> Result<Prepared, SignalError> {
        let mut inputs = Vec::with_capacity(self.parts.len());
        let mut notices = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            let input = signal::prepare(ecg, part.preprocessing, window)?;
            inputs.push(input.samples);
            if index == 0 {
                notices = input.notices;
            }
        }
        for notice in quality {
            if !notices.contains(notice) {
                notices.push(notice.clone());
            }
        }
        Ok(Prepared { inputs, estimate: Estimate { network: self.architecture, age: None, sex: None, notices } })
    }

    /// What each of the network's branches costs, which can be computed apart: the more, the longer it takes.
    pub fn branch_costs(&self) -> Vec<u64> {
        self.parts.first().map(|part| part.network.branch_costs()).unwrap_or_default()
    }

    /// What some of the branches find in prepared inputs that follow each other: the features of each branch, first
    /// those of the first weights.
    ///
    /// # Errors
    /// Where the device fails, or there is another number of weights or no such branch.
    pub async fn features(&self, inputs: &[f32], branches: &[usize]) -> Result<Vec<Vec<f32>>, ComputeError> {
        let count = self.branch_costs().len();
        if inputs.len() != self.parts.len() * INPUT_SAMPLES * INPUT_LEADS
            || branches.iter().any(|&branch| branch >= count)
        {
            return Err(ComputeError::OtherNetwork);
        }
        let mut features = Vec::with_capacity(self.parts.len() * branches.len());
        for (part, input) in self.parts.iter().zip(inputs.chunks_exact(INPUT_SAMPLES * INPUT_LEADS)) {
            for found in part.network.features(part.network.input(input.to_vec()), branches) {
                features.push(read_later(found).await?);
            }
        }
        Ok(features)
    }

    /// The estimate of a prepared recording from what [`Estimator::features`] found in each share of the branches, one
    /// share after the other.
    ///
    /// # Errors
    /// Where the device fails, or the features are not those of every branch.
    pub async fn conclude(
        &self,
        prepared: Prepared,
        shares: &[Vec<usize>],
        features: Vec<Vec<f32>>,
    ) -> Result<Estimate, ComputeError> {
        let mut of_parts = vec![vec![Vec::new(); self.branch_costs().len()]; self.parts.len()];
        let mut features = features.into_iter();
        for share in shares {
            for part in &mut of_parts {
                for branch in share {
                    let found = part.get_mut(*branch).zip(features.next());
                    let (place, values) = found.ok_or(ComputeError::OtherNetwork)?;
                    *place = values;
                }
            }
        }
        let Prepared { mut estimate, .. } = prepared;
        for (part, features) in self.parts.iter().zip(of_parts) {
            estimate.hear(&part.conclude(features).await?);
        }
        Ok(estimate)
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
    // Features may be in 16 bits.
    data.convert::<f32>().try_to_vec().expect("a network's outputs are floats")
}

async fn read_later<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ComputeError> {
    // Below the first line burn gives its reasons in words of its own.
    let failed =
        |error: &dyn Error| ComputeError::Device(error.to_string().lines().next().unwrap_or_default().to_owned());
    tensor.into_data_async().await.map(values).map_err(|error| failed(&error))
}

impl Part {
    /// Runs the network on inputs laid one after the other.
    async fn run(&self, inputs: Vec<f32>) -> Result<Vec<Said>, ComputeError> {
        self.read(self.network.forward(self.network.input(inputs))).await
    }

    /// Runs the heads on what each branch found in one recording.
    async fn conclude(&self, features: Vec<Vec<f32>>) -> Result<Vec<Said>, ComputeError> {
        if features.iter().map(Vec::len).sum::<usize>() != self.network.feature_count() {
            return Err(ComputeError::OtherNetwork);
        }
        let row = |values: Vec<f32>| {
            let width = values.len();
            Tensor::from_data(TensorData::new(values, [1, 1, width]), self.network.device())
        };
        self.read(self.network.conclude(features.into_iter().map(row).collect())).await
    }

    async fn read(&self, outputs: Outputs) -> Result<Vec<Said>, ComputeError> {
        let mut read = [Vec::new(), Vec::new()];
        for (read, output) in read.iter_mut().zip([outputs.age, outputs.sex]) {
            if let Some(output) = output {
                *read = read_later(output).await?;
            }
        }
        let [ages, logits] = read;
        Ok(self.said(&ages, &logits))
    }

    /// What the network's outputs mean: ages, and for each recording the logits of male and female.
    fn said(&self, ages: &[f32], logits: &[f32]) -> Vec<Said> {
        let count = ages.len().max(logits.len() / Sex::COUNT);
        let said = |index: usize| Said {
            age: ages.get(index).map(|age| self.age(age * AGE_UNIT)),
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
        AgeEstimate { years, interval: self.calibration.age_interval(years) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Target;
    use crate::network::assembly::Assembly;
    use crate::network::deployed::deploy;
    use crate::network::weights::WeightsDescription;
    use crate::signal::synthetic::{Parameters, synthetic};
    use burn::tensor::Device;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// The processor has done all when it answers.
    fn now<T>(work: impl Future<Output = T>) -> T {
        match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("the processor does not wait"),
        }
    }

    /// Values that only their position decides (Knuth's multiplicative hash), as small as those of a trained network.
    fn made_up(architecture: Architecture, target: Target) -> Weights {
        let assembly = Assembly::new(architecture, target);
        let hash = |index: usize| index.wrapping_mul(2_654_435_761) & 0xffff;
        let values = assembly.parameters.iter().enumerate().map(|(position, parameter)| {
            let around = if parameter.name.ends_with("variance") { 1.0 } else { 0.0 };
            let count = parameter.values();
            let small = |index: usize| (hash(position * 7919 + index) as f32 / 65_536.0 - 0.5) * 0.1;
            (0..count).map(|index| around + small(index)).collect()
        });
        let description = WeightsDescription {
            architecture,
            target,
            preprocessing: Preprocessing::BandPass,
            calibration: Calibration::default(),
            training: serde_json::Map::new(),
        };
        Weights { description, tensors: deploy(&assembly, &values.collect::<Vec<_>>()) }
    }

    #[test]
    fn branches_that_are_computed_apart_say_what_they_say_together() {
        let ecg = synthetic(Parameters::default());
        let apart = [Target::Age, Target::Sex].map(|target| made_up(Architecture::Cnn, target));
        for (weights, branches) in [
            (vec![made_up(Architecture::Multiscale, Target::Both)], 3),
            (vec![made_up(Architecture::Compact, Target::Both)], 1),
            (apart.to_vec(), 1),
        ] {
            let estimator = Estimator::new(weights, &Device::flex()).unwrap();
            assert_eq!(estimator.branch_costs().len(), branches);
            let together = estimator.estimate(&ecg, Window::default()).unwrap();
            assert!(together.age.is_some() && together.sex.is_some());
            // The last branch, then the others.
            let shares = [vec![branches - 1], (0..branches - 1).collect()];
            let prepared = estimator.prepare(&ecg, Window::default(), &together.notices).unwrap();
            let inputs = prepared.inputs.concat();
            let features = shares.iter().flat_map(|share| now(estimator.features(&inputs, share)).unwrap()).collect();
            assert_eq!(now(estimator.conclude(prepared, &shares, features)).unwrap(), together);
        }
    }

    #[test]
    fn features_of_another_network_are_refused() {
        let estimator = Estimator::new(vec![made_up(Architecture::Compact, Target::Both)], &Device::flex()).unwrap();
        let prepared = estimator.prepare(&synthetic(Parameters::default()), Window::default(), &[]).unwrap();
        let refused = |result| matches!(result, Err(ComputeError::OtherNetwork));
        assert!(refused(now(estimator.features(&prepared.inputs[0], &[1])).map(|_| ())));
        assert!(refused(now(estimator.features(&[0.0], &[0])).map(|_| ())));
        let features = now(estimator.features(&prepared.inputs[0], &[0])).unwrap();
        let concluded =
            |shares: &[Vec<usize>], features| now(estimator.conclude(prepared.clone(), shares, features)).map(|_| ());
        assert!(refused(concluded(&[vec![0]], vec![vec![0.0]])));
        assert!(refused(concluded(&[vec![0]], Vec::new())));
        assert!(refused(concluded(&[vec![0], vec![1]], [features.clone(), features.clone()].concat())));
        assert!(concluded(&[vec![0]], features).is_ok());
    }
}
