//! AdamW over a network's parameters, with its state open to checkpoints.

use super::recipe::Recipe;
use crate::network::Head;
use crate::network::parameter::{ParameterSpecification, Role};
use crate::network::trainable::{download, upload};
use burn::optim::{AdamW, AdamWConfig, AdamWState, Optimizer};
use burn::tensor::{Device, Tensor};

/// Adam's averages of one parameter's gradients and of their squares, and the number of steps that made them.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    pub steps: usize,
}

/// AdamW (Loshchilov and Hutter 2019) with one state for each parameter; kernels decay, the rest does not.
pub struct Optimiser {
    decaying: AdamW,
    plain: AdamW,
    gradient_norm: Option<f64>,
    age_head_share: f64,
    states: Vec<Option<AdamWState<1>>>,
}

impl Optimiser {
    pub fn new(recipe: &Recipe, parameters: usize) -> Self {
        let config = AdamWConfig::new().with_epsilon(recipe.epsilon as f32);
        Self {
            decaying: config.clone().with_weight_decay(recipe.weight_decay as f32).build(),
            plain: config.with_weight_decay(0.0).build(),
            gradient_norm: recipe.gradient_norm,
            age_head_share: recipe.age_head_share,
            states: vec![None; parameters],
        }
    }

    /// Moves every parameter that has a gradient.
    pub fn step(
        &mut self,
        learning_rate: f64,
        parameters: &[ParameterSpecification],
        values: &mut [Tensor<1>],
        gradients: Vec<Option<Tensor<1>>>,
    ) {
        let scale = self.gradient_norm.map(|largest| clipping(&gradients, largest));
        for (id, gradient) in gradients.into_iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let gradient = match &scale {
                Some(scale) => gradient * scale.clone(),
                None => gradient,
            };
            let decays = matches!(parameters[id].role, Role::Kernel { .. });
            let adam = if decays { &self.decaying } else { &self.plain };
            let share = if parameters[id].is_of_head(Head::Age) { self.age_head_share } else { 1.0 };
            let (value, state) = adam.step(learning_rate * share, values[id].clone(), gradient, self.states[id].take());
            values[id] = value;
            self.states[id] = state;
        }
    }

    /// The state of each parameter.
    pub fn moments(&self) -> Vec<Option<Moments>> {
        let moments = self.states.iter().map(|state| {
            let momentum = &state.as_ref()?.momentum;
            Some(Moments {
                first: download(&momentum.moment_1),
                second: download(&momentum.moment_2),
                steps: momentum.time,
            })
        });
        moments.collect()
    }

    /// Goes on from states that [`Optimiser::moments`] returned.
    pub fn restore(&mut self, moments: Vec<Option<Moments>>, device: &Device) {
        let states = moments.into_iter().map(|moments| {
            let Moments { first, second, steps } = moments?;
            let (moment_1, moment_2) = (upload(first, device), upload(second, device));
            let momentum = burn::optim::AdaptiveMomentumState { time: steps, moment_1, moment_2, max_moment_2: None };
            Some(AdamWState::new(momentum))
        });
        self.states = states.collect();
    }
}

/// The factor, as a tensor of one value, that brings the norm of all gradients together down to `largest`.
fn clipping(gradients: &[Option<Tensor<1>>], largest: f64) -> Tensor<1> {
    let squares = gradients.iter().flatten().map(|gradient| gradient.clone().square().sum()).collect();
    let norm = Tensor::cat(squares, 0).sum().sqrt();
    (norm + 1e-12).recip().mul_scalar(largest).clamp_max(1.0)
}
