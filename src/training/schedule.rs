//! The learning rate of each step, and when to stop.

use super::recipe::{Recipe, Schedule};
use serde::{Deserialize, Serialize};

/// What the past epochs' validation losses have led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The lowest validation loss so far and the epoch (from 1) that reached it.
    pub best: Option<(f64, usize)>,
    /// The learning rate that a plateau schedule has come down to, as a share of the first.
    pub plateau_share: f64,
    /// Epochs since the last improvement or the last reduction of the learning rate.
    plateau_wait: usize,
}

impl Default for Progress {
    fn default() -> Self {
        Self { best: None, plateau_share: 1.0, plateau_wait: 0 }
    }
}

impl Progress {
    /// Takes note of an epoch's validation loss; says whether it is the best so far.
    pub fn note(&mut self, recipe: &Recipe, epoch: usize, loss: f64) -> bool {
        let better = loss.is_finite() && self.best.is_none_or(|(best, _)| loss < best);
        if better {
            self.best = Some((loss, epoch));
            self.plateau_wait = 0;
            return true;
        }
        self.plateau_wait += 1;
        if let Schedule::Plateau { factor, patience, minimum } = recipe.schedule
            && self.plateau_wait >= patience
        {
            self.plateau_share = (self.plateau_share * factor).max(minimum / recipe.learning_rate);
            self.plateau_wait = 0;
        }
        false
    }

    /// Whether the recipe's patience is at an end after `epoch` epochs.
    pub fn is_over(&self, recipe: &Recipe, epoch: usize) -> bool {
        let since = epoch - self.best.map_or(0, |(_, best)| best);
        recipe.patience.is_some_and(|patience| since >= patience)
    }

    /// The learning rate of step `step` (from 0) of `steps` in the whole training.
    pub fn learning_rate(&self, recipe: &Recipe, step: usize, steps: usize) -> f64 {
        match recipe.schedule {
            Schedule::Plateau { .. } => recipe.learning_rate * self.plateau_share,
            Schedule::WarmUpCosine { warm_up, last } => {
                let warm_up = (warm_up * steps as f64).max(1.0);
                let step = step as f64 + 1.0;
                if step < warm_up {
                    return recipe.learning_rate * step / warm_up;
                }
                let way = ((step - warm_up) / (steps as f64 - warm_up).max(1.0)).min(1.0);
                let share = last + (1.0 - last) * 0.5 * (1.0 + (std::f64::consts::PI * way).cos());
                recipe.learning_rate * share
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Target;

    #[test]
    fn published_schedule_is_that_of_keras() {
        // ReduceLROnPlateau(patience=4, factor=0.1, min_lr=1e-6) and EarlyStopping(patience=8) on a made-up history.
        let recipe = Recipe::published(Target::Age);
        let mut progress = Progress::default();
        let losses = [5.0, 4.0, 4.1, 4.2, 4.0, 4.3, 3.9, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0];
        let mut rates = Vec::new();
        for (epoch, loss) in (1..).zip(losses) {
            rates.push(progress.learning_rate(&recipe, 0, 1));
            progress.note(&recipe, epoch, loss);
            assert_eq!(progress.is_over(&recipe, epoch), epoch >= 15, "epoch {epoch}");
        }
        let expected = [1e-3; 6].into_iter().chain([1e-4; 5]).chain([1e-5; 4]);
        for (epoch, (rate, expected)) in (1..).zip(rates.into_iter().zip(expected)) {
            assert!((rate / expected - 1.0).abs() < 1e-9, "epoch {epoch}: {rate} is not {expected}");
        }
        assert_eq!(progress.best, Some((3.9, 7)));
    }

    #[test]
    fn cosine_rises_and_falls() {
        let recipe = Recipe::ours();
        let progress = Progress::default();
        let rates: Vec<f64> = (0..1000).map(|step| progress.learning_rate(&recipe, step, 1000)).collect();
        let top = rates.iter().copied().fold(0.0, f64::max);
        assert!((top - recipe.learning_rate).abs() < 1e-12);
        assert!(rates[..49].is_sorted() && rates[50..].is_sorted_by(|a, b| a >= b));
        assert!((rates[999] / recipe.learning_rate - 0.01).abs() < 1e-6);
    }
}
