//! Named sets of all the numbers of a training.

use crate::network::Target;
use serde::{Deserialize, Serialize};

/// Everything that decides how a network is trained, apart from the data and the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    pub name: String,
    pub epochs: usize,
    pub batch_size: usize,
    pub learning_rate: f64,
    /// The head of the age learns at this share of the learning rate: a step of Adam moves every weight alike, and that
    /// of this head moves the age by the sum of hundreds of features.
    pub age_head_share: f64,
    /// Share of the old value that the moving averages of batch normalisations keep at a batch. The fewer batches an
    /// epoch has, the less it should be.
    pub batch_norm_momentum: f64,
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
    /// Every batch is mixed with another order of itself, inputs and losses alike, in proportions drawn from a beta
    /// distribution with this number as both of its parameters (mixup: Zhang et al. 2018).
    pub mixing: Option<f64>,
    /// Each input is a span of this length, at a random place of the ten seconds: other ones every epoch, and cheaper.
    /// Only for networks that average over time; they validate and estimate on the whole.
    pub crop_seconds: Option<f64>,
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

impl Schedule {
    fn check(self) -> Result<(), RecipeError> {
        let shares = match self {
            Schedule::Plateau { factor, minimum, .. } => [("factor", factor), ("minimum", minimum)],
            Schedule::WarmUpCosine { warm_up, last } => [("warm_up", warm_up), ("last", last)],
        };
        match shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            Some((name, value)) => Err(RecipeError::Value { name, value, expected: "between 0 and 1" }),
            None => Ok(()),
        }
    }
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
#[serde(deny_unknown_fields)]
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
    /// Standard deviation of the logarithm of a random gain that all chest leads of an input have in common: bodies, and
    /// where the electrodes are put, differ between hospitals.
    #[serde(default)]
    pub chest_gain: f64,
    /// Share of inputs that are smoothed by a low-pass of a random corner, as devices differ in what they keep.
    #[serde(default)]
    pub smoothing: f64,
    /// Largest standard deviation of the added white noise.
    pub noise: f64,
    /// Largest amplitude of an added slow wave (0.05 to 0.5 Hz), as breathing and electrodes cause.
    pub wander: f64,
}

impl Augmentation {
    fn check(&self) -> Result<(), RecipeError> {
        let probabilities = [
            ("shift", self.shift),
            ("lead_dropout", self.lead_dropout),
            ("span_dropout", self.span_dropout),
            ("smoothing", self.smoothing),
        ];
        let amounts = [
            ("span_seconds", self.span_seconds),
            ("gain", self.gain),
            ("chest_gain", self.chest_gain),
            ("noise", self.noise),
            ("wander", self.wander),
        ];
        let wrong = |name, value, expected| Err(RecipeError::Value { name, value, expected });
        if let Some((name, value)) = probabilities.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return wrong(name, value, "between 0 and 1");
        }
        match amounts.into_iter().find(|(_, value)| !(0.0..f64::MAX).contains(value)) {
            Some((name, value)) => wrong(name, value, "0 or more"),
            None => Ok(()),
        }
    }
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            shift: 1.0,
            lead_dropout: 0.05,
            span_dropout: 0.3,
            span_seconds: 2.0,
            gain: 0.1,
            chest_gain: 0.0,
            smoothing: 0.0,
            noise: 0.1,
            wander: 0.1,
        }
    }
}

/// Why a file is not a recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    #[error("a recipe is a JSON object with some of the numbers that `ecgnet train --help` lists: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{name} is {value}, but must be {expected}")]
    Value { name: &'static str, value: f64, expected: &'static str },
}

impl Recipe {
    /// A recipe of one's own: a JSON object with the numbers that are otherwise than in the default recipe.
    ///
    /// # Errors
    /// Where the text is not such an object, has a name that no recipe has, or a number that is not possible.
    pub fn from_json(name: &str, text: &[u8]) -> Result<Recipe, RecipeError> {
        let changes: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text)?;
        let mut recipe = serde_json::to_value(Recipe::ours())?;
        if let Some(known) = recipe.as_object_mut() {
            known.extend(changes);
        }
        let recipe = Recipe { name: name.to_owned(), ..serde_json::from_value(recipe)? };
        recipe.check().map(|()| recipe)
    }

    /// Whether the numbers can be trained with.
    fn check(&self) -> Result<(), RecipeError> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let checks = [
            ("epochs", self.epochs as f64, self.epochs > 0, "at least 1"),
            ("batch_size", self.batch_size as f64, self.batch_size > 1, "at least 2"),
            ("learning_rate", self.learning_rate, positive(self.learning_rate), "positive"),
            ("age_head_share", self.age_head_share, positive(self.age_head_share), "positive"),
            ("batch_norm_momentum", self.batch_norm_momentum, share(self.batch_norm_momentum), "between 0 and 1"),
            ("weight_decay", self.weight_decay, self.weight_decay >= 0.0, "0 or more"),
            ("epsilon", self.epsilon, positive(self.epsilon), "positive"),
            ("averaging", self.averaging.unwrap_or(0.0), share(self.averaging.unwrap_or(0.0)), "between 0 and 1"),
            ("patience", self.patience.unwrap_or(1) as f64, self.patience != Some(0), "at least 1"),
            ("gradient_norm", self.gradient_norm.unwrap_or(1.0), self.gradient_norm.is_none_or(positive), "positive"),
            ("mixing", self.mixing.unwrap_or(1.0), self.mixing.is_none_or(positive), "positive"),
            (
                "crop_seconds",
                self.crop_seconds.unwrap_or(1.0),
                self.crop_seconds.is_none_or(|s| s >= 1.0),
                "at least 1",
            ),
        ];
        match checks.into_iter().find(|(_, _, possible, _)| !possible) {
            Some((name, value, _, expected)) => Err(RecipeError::Value { name, value, expected }),
            None => self.schedule.check().and(self.augmentation.as_ref().map_or(Ok(()), Augmentation::check)),
        }
    }

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
            age_head_share: 1.0,
            batch_norm_momentum: 0.99,
            schedule: Schedule::Plateau { factor: 0.1, patience: 4, minimum: 1e-6 },
            patience: Some(8),
            weight_decay: 0.0,
            epsilon: 1e-7,
            gradient_norm: None,
            age_loss: AgeLoss::Squared,
            averaging: None,
            augmentation: None,
            mixing: None,
            crop_seconds: None,
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
            age_head_share: 0.1,
            batch_norm_momentum: 0.95,
            schedule: Schedule::WarmUpCosine { warm_up: 0.05, last: 0.01 },
            patience: None,
            weight_decay: 0.02,
            epsilon: 1e-8,
            gradient_norm: Some(5.0),
            age_loss: AgeLoss::Huber,
            averaging: Some(0.995),
            augmentation: Some(Augmentation::default()),
            mixing: None,
            crop_seconds: None,
            informed_start: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_changes_the_default_recipe() {
        let recipe =
            Recipe::from_json("short", br#"{"epochs": 3, "crop_seconds": 2.5, "augmentation": null}"#).unwrap();
        let expected =
            Recipe { name: "short".into(), epochs: 3, crop_seconds: Some(2.5), augmentation: None, ..Recipe::ours() };
        assert_eq!(recipe, expected);
        let whole = serde_json::to_vec(&recipe).unwrap();
        assert_eq!(Recipe::from_json("short", &whole).unwrap(), recipe);
    }

    #[test]
    fn the_documentation_names_every_field() {
        let text = include_str!("../../docs/recipes.md");
        let recipe = serde_json::to_value(Recipe::ours()).unwrap();
        let augmentation = recipe["augmentation"].as_object().unwrap();
        for field in recipe.as_object().unwrap().keys().chain(augmentation.keys()) {
            assert!(text.contains(&format!("`{field}`")), "{field}");
        }
        let example = text.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        assert_eq!(Recipe::from_json("example", example.as_bytes()).unwrap().crop_seconds, Some(2.5));
    }

    #[test]
    fn impossible_recipes_are_refused_by_name() {
        for (text, expected) in [
            ("[]", "JSON object"),
            (r#"{"epoch": 3}"#, "unknown field `epoch`"),
            (r#"{"batch_size": 1}"#, "batch_size is 1, but must be at least 2"),
            (r#"{"learning_rate": -1}"#, "learning_rate"),
            (r#"{"crop_seconds": 0.1}"#, "crop_seconds"),
            (r#"{"gradient_norm": 0}"#, "gradient_norm is 0, but must be positive"),
            (r#"{"patience": 0}"#, "patience"),
            (r#"{"mixing": 0}"#, "mixing is 0, but must be positive"),
            (r#"{"schedule": {"warm-up-cosine": {"warm_up": 2, "last": 0}}}"#, "warm_up is 2"),
        ] {
            let error = Recipe::from_json("x", text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
