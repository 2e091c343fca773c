//! Plots of an evaluation and of a training run, as self-contained SVG on white paper.
//!
//! Every plot is `None` where there is nothing to draw. None of them holds an identifier.

mod age;
mod canvas;
mod compare;
mod sex;
mod training;

pub use age::{age_errors_by_decade, age_errors_histogram, age_scatter};
pub use compare::{ComparisonRow, comparison};
pub use sex::{RocCurve, confusion_matrix, reliability, roc_curves};
pub use training::training_curves;

/// The name of a network and its number among those of the report, which decides its colour.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// 0 for the first network of the report.
    pub index: usize,
}
