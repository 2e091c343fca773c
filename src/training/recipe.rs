//! Named sets of all the numbers of a training.

use crate::network::Target;
use serde::{Deserialize, Serialize};

/// Everything that decides how a network is trained, apart from the data and the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub name: String,
    pub epochs: usize,
    pub batch_size: usize,
    pub learning_rate: f64,
    /// The heads learn at this share of the learning rate: a step of Adam moves every weight alike, and that of a head
    /// moves the age by the sum of hundreds of features.
    pub head_share: f64,
    pub schedule: Schedule,
    /// Training ends after this many epochs in a row without a better validation loss.
    pub patience: Option<usize>,
    /// Decoupled weight decay of kernels (Loshchilov and Hutter 2019); 0 makes AdamW plain Adam.
    pub weight_decay: f64,
    /// Epsilon of Adam's denominator.
    pub epsilon: f64,
    /// Gradients with a larger norm over all parameters are scaled down to it.
    pub gradient_norm: Option<f64>,
    pub age_loss: AgeLoss,
    /// Weights of the moving average of all parameters that is validated and kept instead of the last ones; the share
    /// that the average keeps at a step.
    pub averaging: Option<f64>,
    pub augmentation: Option<Augmentation>,
    /// Whether the heads start at the mean age and the share of women in the training data, whatever the features.
    pub informed_start: bool,
}

/// How the learning rate changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Multiplied by `factor` after `patience` epochs without a better validation loss, down to `minimum`.
    Plateau { factor: f64, patience: usize, minimum: f64 },
    /// Rises linearly during the first share `warm_up` of all steps, then falls like a cosine to the share `last`.
    WarmUpCosine { warm_up: f64, last: f64 },
}

/// How a wrong age is counted. The network's output is the age in units of 100 years.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgeLoss {
    /// The mean squared error in (100 years)².
    Squared,
    /// The error in units of 10 years, squared near zero and linear beyond 5 years (Huber 1964).
    Huber,
}

/// Random changes of an input that leave age and sex alone. Amounts are those of inputs with unit variance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Share of inputs rotated in time by a random number of samples.
    pub shift: f64,
    /// For each lead, the probability that it is set to zero (never all of them).
    pub lead_dropout: f64,
    /// Share of inputs in which one span of up to `span_seconds` is set to zero in all leads.
    pub span_dropout: f64,
    pub span_seconds: f64,
    /// Standard deviation of each lead's random gain around 1.
    pub gain: f64,
    /// Largest standard deviation of the added white noise.
    pub noise: f64,
    /// Largest amplitude of an added slow wave (0.05 to 0.5 Hz), as breathing and electrodes cause.
    pub wander: f64,
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            shift: 1.0,
            lead_dropout: 0.05,
            span_dropout: 0.3,
            span_seconds: 2.0,
            gain: 0.1,
            noise: 0.1,
            wander: 0.1,
        }
    }
}

impl Recipe {
    /// The names that [`Recipe::named`] knows.
    pub const NAMES: [&str; 2] = ["default", "published"];

    /// A recipe by its name.
    pub fn named(name: &str, target: Target) -> Option<Recipe> {
        match name {
            "default" => Some(Recipe::ours()),
            "published" => Some(Recipe::published(target)),
            _ => None,
        }
    }

    /// The published training: Adam with Keras' defaults, batches of 16, the squared error of age / 100 for 32 epochs or
    /// cross-entropy for 30, a tenth of the learning rate after 4 epochs without a better validation loss, the end
    /// after 8. With both heads, which the publication has not, it runs for 32.
    pub fn published(target: Target) -> Recipe {
        Recipe {
            name: "published".into(),
            epochs: if target == Target::Sex { 30 } else { 32 },
            batch_size: 16,
            learning_rate: 1e-3,
            head_share: 1.0,
            schedule: Schedule::Plateau { factor: 0.1, patience: 4, minimum: 1e-6 },
            patience: Some(8),
            weight_decay: 0.0,
            epsilon: 1e-7,
            gradient_norm: None,
            age_loss: AgeLoss::Squared,
            averaging: None,
            augmentation: None,
            informed_start: false,
        }
    }

    /// Ours: AdamW with warm-up and cosine, augmentation, averaged weights.
    pub fn ours() -> Recipe {
        Recipe {
            name: "default".into(),
            epochs: 30,
            batch_size: 32,
            learning_rate: 1e-3,
            head_share: 0.1,
            schedule: Schedule::WarmUpCosine { warm_up: 0.05, last: 0.01 },
            patience: None,
            weight_decay: 0.02,
            epsilon: 1e-8,
            gradient_norm: Some(5.0),
            age_loss: AgeLoss::Huber,
            averaging: Some(0.995),
            augmentation: Some(Augmentation::default()),
            informed_start: true,
        }
    }
}
