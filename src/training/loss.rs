//! What training makes smaller.

use super::batches::Example;
use super::recipe::AgeLoss;
use crate::ecg::Sex;
use crate::network::AGE_UNIT;
use crate::network::deployed::Outputs;
use burn::tensor::{Device, Tensor, TensorData, activation};

/// Error in years from which on the Huber loss is linear.
const HUBER_YEARS: f64 = 5.0;

/// The sum of the losses of both heads, each the mean over the examples that state the age or the sex.
///
/// The shape is `[1]`. An example without a statement counts nothing; without any statement the loss is zero.
pub(super) fn loss(outputs: &Outputs, examples: &[Example], age_loss: AgeLoss) -> Tensor<1> {
    let age = outputs.age.as_ref().map(|output| age_term(output.clone(), examples, age_loss));
    let sex = outputs.sex.as_ref().map(|output| sex_term(output.clone(), examples));
    match (age, sex) {
        (Some(age), Some(sex)) => age + sex,
        (Some(term), None) | (None, Some(term)) => term,
        (None, None) => unreachable!("a target has at least one head"),
    }
}

fn column(values: Vec<f32>, device: &Device) -> Tensor<2> {
    let rows = values.len();
    Tensor::from_data(TensorData::new(values, [rows, 1]), device)
}

/// The mean of `errors` over the examples that state what they count against.
fn mean_over(errors: Tensor<2>, stated: Vec<bool>) -> Tensor<1> {
    let count = stated.iter().filter(|stated| **stated).count().max(1);
    let weights = stated.into_iter().map(|stated| if stated { 1.0 / count as f32 } else { 0.0 }).collect();
    let weights = column(weights, &errors.device());
    (errors * weights).sum()
}

fn age_term(output: Tensor<2>, examples: &[Example], age_loss: AgeLoss) -> Tensor<1> {
    let ages = examples.iter().map(|example| example.age.unwrap_or(0.0) / AGE_UNIT).collect();
    let difference = output.clone() - column(ages, &output.device());
    let errors = match age_loss {
        AgeLoss::Squared => difference.square(),
        AgeLoss::Huber => {
            let decades = difference.abs() * 10.0;
            let delta = HUBER_YEARS / 10.0;
            let near = decades.clone().clamp_max(delta);
            near.clone().square() / (2.0 * delta) + (decades - near)
        }
    };
    mean_over(errors, examples.iter().map(|example| example.age.is_some()).collect())
}

fn sex_term(logits: Tensor<2>, examples: &[Example]) -> Tensor<1> {
    let device = logits.device();
    let classes = examples.iter().flat_map(|example| match example.sex {
        Some(Sex::Male) => [1.0, 0.0],
        Some(Sex::Female) => [0.0, 1.0],
        None => [0.0, 0.0],
    });
    let classes =
        Tensor::<2>::from_data(TensorData::new(classes.collect::<Vec<f32>>(), [examples.len(), Sex::COUNT]), &device);
    let errors = (activation::log_softmax(logits, 1) * classes).sum_dim(1).neg();
    mean_over(errors, examples.iter().map(|example| example.sex.is_some()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(outputs: Outputs, examples: &[Example], age_loss: AgeLoss) -> f32 {
        loss(&outputs, examples, age_loss).into_scalar::<f32>()
    }

    #[test]
    fn losses_are_their_definitions() {
        let device = Device::flex();
        let example = |age, sex| Example { age, sex };
        let examples =
            [example(Some(50.0), Some(Sex::Female)), example(Some(62.0), None), example(None, Some(Sex::Male))];
        let age = Tensor::from_floats([[0.40], [0.60], [0.99]], &device);
        let sex = Tensor::from_floats([[0.0, 1.0], [3.0, -3.0], [2.0, 0.5]], &device);
        let age_only = Outputs { age: Some(age.clone()), sex: None };
        let squared = (0.1f32.powi(2) + 0.02f32.powi(2)) / 2.0;
        assert!((value(age_only.clone(), &examples, AgeLoss::Squared) - squared).abs() < 1e-6);
        // 10 years off: 0.25 within the first five and 0.5 beyond; 2 years off: 0.2^2 / (2 * 0.5).
        let huber = (0.25 + 0.5 + 0.04) / 2.0;
        assert!((value(age_only, &examples, AgeLoss::Huber) - huber).abs() < 1e-5);
        let entropy = ((1.0 + (-1.0f32).exp()).ln() + (1.0 + (-1.5f32).exp()).ln()) / 2.0;
        let sex_only = Outputs { age: None, sex: Some(sex.clone()) };
        assert!((value(sex_only, &examples, AgeLoss::Huber) - entropy).abs() < 1e-5);
        let both = Outputs { age: Some(age), sex: Some(sex) };
        assert!((value(both, &examples, AgeLoss::Squared) - squared - entropy).abs() < 1e-5);
    }

    #[test]
    fn nothing_stated_counts_nothing() {
        let device = Device::flex();
        let outputs = Outputs { age: Some(Tensor::from_floats([[0.4]], &device)), sex: None };
        assert_eq!(value(outputs, &[Example::default()], AgeLoss::Huber), 0.0);
    }
}
