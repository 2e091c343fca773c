//! Evaluation of networks: figures with confidence intervals, plots, and the report of `ecgnet evaluate`.
//!
//! [`Evaluation::new`] turns plain [`NetworkOutcomes`] into figures; [`Evaluation::write`] writes `report.html` (one
//! self-contained page), `report.md`, `evaluation.json` and `plots/*.svg`; [`Evaluation::summary`] is for the terminal.
//! None of them holds an identifier; [`write_predictions_csv`] does, and writes them only when it is called.
//!
//! # evaluation.json
//!
//! Ages and their errors are in years, shares and probabilities between 0 and 1; the positive class is female. What is
//! undefined is `null`. A *measure* is an object of `value` and the ends of its 95 % interval, `low` and `high`.
//!
//! - `ecgnet_version`: version of the program.
//! - `data_set`: `name`, `split`, `left_out` (each a `reason` and a `count`), `warnings` and `notes`, as the caller gave them.
//! - `population`: `records`, `people` (if known for all records), `mean_age`, `age_sd`, and records stated as `male`
//!   and `female`.
//! - `bootstrap`: `replicates` and `seed` of the intervals.
//! - `networks`, each with
//!   - `label` (unique), `network`, `weights`, `age_coverage` (the share of people that the intervals of the age are
//!     meant to hold), and `left_out`: what could not be compared;
//!   - `age`: `n`; the measures `mae`, `rmse`, `r2`, `pearson_r`, `bias` (mean of predicted minus age), `error_sd`,
//!     `slope` and `intercept` of predicted on chronological age, `interval_coverage` and `interval_width`; and
//!     `trivial`, the same measures for always answering the mean age;
//!   - `mae_difference`, `auc_difference`: measures of the paired difference to the best network;
//!   - `sex`: `n`; the measures `accuracy`, `auc`, `sensitivity`, `specificity`, `brier`,
//!     `expected_calibration_error` and `calibration_error_by_chance`, what that error is for as many people where every
//!     probability is right; `trivial_accuracy` of always answering the more frequent sex;
//!     `classification_report` with `male`, `female`, `macro_average`, `weighted_average` (each `precision`, `recall`,
//!     `f1`, `support`) and `accuracy`; and `confusion`, for stated `male` and `female` the counts `predicted_male` and
//!     `predicted_female`;
//!   - `by_decade` and `by_sex`: lists of `label`, `age` and `sex` as above;
//!   - `roc`: points of `threshold` (`null` at the first), `false_positive_rate` and `true_positive_rate`;
//!   - `calibration`: ten bins `from` - `to` of the probability with `n`, `mean_probability`, and `share_female`, a
//!     measure with Wilson's interval.

#![deny(missing_docs)]

mod bootstrap;
mod content;
mod decade;
mod evaluation;
mod html;
mod markdown;
pub mod metrics;
pub mod plot;
pub(crate) mod table;
mod training_log;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

pub use bootstrap::{Bootstrap, Sample};
pub use evaluation::{DataSet, Evaluation, Group, LeftOut, NetworkEvaluation, NetworkOutcomes, Outcome, Population};
pub use training_log::{Epoch, TrainingLog};

use content::{Content, PLOT_FOLDER};

/// Why a report or a metrics file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file system refused.
    #[error("could not {action} {}: {source}", path.display())]
    File {
        /// What was attempted: `write`, `create`, `open`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A CSV file is not as expected, or could not be written.
    #[error("{}: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// The reason, with line and column.
        source: csv::Error,
    },
    /// The figures could not be put into JSON.
    #[error("the figures could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl ReportError {
    fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ReportError {
        let path = path.to_owned();
        move |source| ReportError::File { action, path, source }
    }
}

impl Evaluation {
    /// Writes `report.html`, `report.md`, `evaluation.json` and `plots/*.svg` into a folder, which is created where it
    /// is missing. Files of an earlier report with the same names are replaced.
    ///
    /// # Errors
    /// Where a file or folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), ReportError> {
        let content = Content::new(self);
        let plots = folder.join(PLOT_FOLDER);
        fs::create_dir_all(&plots).map_err(ReportError::file("create", &plots))?;
        for plot in content.plots() {
            write_file(&plots.join(&plot.file), &plot.svg)?;
        }
        write_file(&folder.join("report.html"), &html::page(&content))?;
        write_file(&folder.join("report.md"), &markdown::page(&content))?;
        write_file(&folder.join("evaluation.json"), &(serde_json::to_string_pretty(self)? + "\n"))
    }

    /// A table for the terminal, one line a network.
    pub fn summary(&self) -> String {
        content::overview(self).to_text()
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), ReportError> {
    fs::write(path, text).map_err(ReportError::file("write", path))
}

/// Writes every single outcome as CSV: `network,weights,id,patient,age,sex,predicted_age,age_low,age_high,
/// probability_female`, empty where unknown. This file holds identifiers.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_predictions_csv(path: &Path, networks: &[NetworkOutcomes]) -> Result<(), ReportError> {
    let failed = |source: csv::Error| ReportError::Csv { path: path.to_owned(), source };
    let mut writer = csv::Writer::from_path(path).map_err(failed)?;
    writer.write_record(PREDICTION_COLUMNS).map_err(failed)?;
    for network in networks {
        for outcome in &network.outcomes {
            writer.write_record(prediction(network, outcome)).map_err(failed)?;
        }
    }
    writer.flush().map_err(ReportError::file("write", path))
}

const PREDICTION_COLUMNS: [&str; 10] =
    ["network", "weights", "id", "patient", "age", "sex", "predicted_age", "age_low", "age_high", "probability_female"];

fn prediction(network: &NetworkOutcomes, outcome: &Outcome) -> [String; 10] {
    let number = |value: Option<f32>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        network.network.clone(),
        network.weights.clone(),
        outcome.id.clone(),
        outcome.patient.clone().unwrap_or_default(),
        number(outcome.age),
        outcome.sex.map(|sex| sex.to_string()).unwrap_or_default(),
        number(outcome.predicted_age),
        number(outcome.age_low),
        number(outcome.age_high),
        number(outcome.probability_female),
    ]
}

#[cfg(test)]
mod tests;
