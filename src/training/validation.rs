//! A network's outputs on examples, and the figures that choose the best epoch.

use super::batches::{Example, Examples, stream};
use super::loss::loss;
use super::recipe::AgeLoss;
use crate::ecg::Sex;
use crate::network::AGE_UNIT;
use crate::network::deployed::{DeployedNetwork, Outputs};
use crate::report::metrics::{self, SexCase};
use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// What a network says of one example, before any calibration.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prediction {
    /// Years.
    pub age: Option<f32>,
    pub probability_female: Option<f32>,
}

/// How well a network does on the validation part.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ValidationFigures {
    pub loss: f64,
    /// Mean absolute error of the age in years.
    pub age_mae: Option<f64>,
    /// Area under the ROC curve, women being the positive class.
    pub sex_auc: Option<f64>,
}

/// Runs a network over all examples in order.
///
/// # Errors
/// Where an example cannot be read.
pub fn predict(
    network: &DeployedNetwork,
    examples: &dyn Examples,
    batch_size: usize,
) -> std::io::Result<Vec<Prediction>> {
    let mut predictions = Vec::with_capacity(examples.len());
    for_each_batch(network, examples, batch_size, |outputs, _| predictions.extend(read(outputs)))?;
    Ok(predictions)
}

/// The figures of a network on validation examples.
///
/// # Errors
/// Where an example cannot be read.
pub(super) fn validate(
    network: &DeployedNetwork,
    examples: &dyn Examples,
    batch_size: usize,
    age_loss: AgeLoss,
) -> std::io::Result<ValidationFigures> {
    let mut predictions = Vec::with_capacity(examples.len());
    let mut total = 0.0;
    for_each_batch(network, examples, batch_size, |outputs, batch| {
        total += f64::from(loss(outputs, batch, age_loss).into_scalar::<f32>()) * batch.len() as f64;
        predictions.extend(read(outputs));
    })?;
    let people: Vec<Example> = (0..examples.len()).map(|index| examples.example(index)).collect();
    Ok(figures(total / examples.len().max(1) as f64, &predictions, &people))
}

fn figures(loss: f64, predictions: &[Prediction], people: &[Example]) -> ValidationFigures {
    let pairs = || predictions.iter().zip(people);
    let errors: Vec<f64> = pairs().filter_map(|(said, is)| Some(f64::from((said.age? - is.age?).abs()))).collect();
    let sexes: Vec<SexCase> = pairs()
        .filter_map(|(said, is)| {
            let probability = f64::from(said.probability_female?);
            Some(SexCase { female: is.sex? == Sex::Female, probability })
        })
        .collect();
    let age_mae = (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64);
    ValidationFigures { loss, age_mae, sex_auc: metrics::auc(&sexes) }
}

fn for_each_batch(
    network: &DeployedNetwork,
    examples: &dyn Examples,
    batch_size: usize,
    mut work: impl FnMut(&Outputs, &[Example]),
) -> std::io::Result<()> {
    let order = (0..examples.len()).collect();
    std::thread::scope(|scope| {
        for batch in stream(scope, examples, order, batch_size, None) {
            let batch = batch?;
            work(&network.forward(network.input(batch.inputs)), &batch.examples);
        }
        Ok(())
    })
}

fn read(outputs: &Outputs) -> Vec<Prediction> {
    let values = |tensor: Tensor<2>| tensor.into_data().try_to_vec::<f32>().expect("outputs are of 32-bit floats");
    let ages = outputs.age.clone().map(values);
    let probabilities = outputs.sex.clone().map(|logits| values(activation::softmax(logits, 1)));
    let count = ages.as_ref().map_or(0, Vec::len).max(probabilities.as_ref().map_or(0, |p| p.len() / Sex::COUNT));
    let prediction = |index: usize| Prediction {
        age: ages.as_ref().map(|ages| ages[index] * AGE_UNIT),
        probability_female: probabilities.as_ref().map(|p| p[index * Sex::COUNT + Sex::Female.class()]),
    };
    (0..count).map(prediction).collect()
}
