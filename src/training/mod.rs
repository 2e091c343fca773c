//! Training: examples in, weights out.
//!
//! [`Training`] holds everything that changes from epoch to epoch, so that a checkpoint of it continues exactly where it
//! was; [`run`] goes through the epochs and tells an [`Observer`] how it goes. All random numbers come from the seed, the
//! epoch and the example: the same seed gives the same numbers, after a resumed kill too.

mod augmentation;
mod batches;
pub mod calibration;
mod checkpoint;
mod loss;
mod optimiser;
mod prepared;
pub mod recipe;
mod schedule;
mod session;
mod validation;

pub use batches::{Example, Examples};
pub use checkpoint::CheckpointError;
pub(crate) use checkpoint::replace_file;
pub use prepared::PreparedExamples;
pub use recipe::Recipe;
pub use session::{EpochFigures, Observer, Training, TrainingError, run};
pub use validation::{Prediction, ValidationFigures, predict};
