//! The metrics file of a training run: one row an epoch.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::ReportError;

/// One row of the metrics file. A column that is empty, missing or not finite is `None`: a network for age has no AUC.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Epoch {
    /// Number of the epoch.
    pub epoch: u32,
    /// Loss on the training set.
    #[serde(default)]
    pub train_loss: Option<f64>,
    /// Loss on the validation set.
    #[serde(default)]
    pub validation_loss: Option<f64>,
    /// Mean absolute error of the age on the validation set, in years.
    #[serde(default)]
    pub validation_mae: Option<f64>,
    /// Area under the ROC curve for sex on the validation set.
    #[serde(default)]
    pub validation_auc: Option<f64>,
    /// Learning rate of the epoch.
    #[serde(default)]
    pub learning_rate: Option<f64>,
}

/// The epochs of a training run, in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrainingLog {
    /// In ascending order of their numbers.
    pub epochs: Vec<Epoch>,
}

impl TrainingLog {
    /// A log of epochs in any order.
    pub fn new(mut epochs: Vec<Epoch>) -> TrainingLog {
        for epoch in &mut epochs {
            epoch.forget_what_is_not_finite();
        }
        epochs.sort_by_key(|epoch| epoch.epoch);
        TrainingLog { epochs }
    }

    /// Reads a CSV file with the columns
    /// `epoch,train_loss,validation_loss,validation_mae,validation_auc,learning_rate`; others are ignored.
    ///
    /// # Errors
    /// Where the file cannot be read, or a row has no whole number as its epoch or something else than a number.
    pub fn read(path: &Path) -> Result<TrainingLog, ReportError> {
        let file = std::fs::File::open(path).map_err(ReportError::file("open", path))?;
        TrainingLog::parse(file).map_err(|source| ReportError::Csv { path: path.to_owned(), source })
    }

    /// Reads the same from any source.
    ///
    /// # Errors
    /// The CSV reader's, which names the line and the column.
    pub fn parse(source: impl Read) -> Result<TrainingLog, csv::Error> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
        Ok(TrainingLog::new(reader.deserialize().collect::<Result<_, _>>()?))
    }

    /// The epoch of the lowest validation loss.
    pub fn best_epoch(&self) -> Option<u32> {
        let losses = self.epochs.iter().filter_map(|epoch| Some((epoch.validation_loss?, epoch.epoch)));
        losses.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, epoch)| epoch)
    }

    /// The epochs whose learning rate is less than half of that before: a schedule's steps, not its slow decay.
    pub fn learning_rate_drops(&self) -> impl Iterator<Item = u32> + '_ {
        self.epochs.windows(2).filter_map(|pair| {
            let (before, after) = (pair[0].learning_rate?, pair[1].learning_rate?);
            (after < before * 0.5).then_some(pair[1].epoch)
        })
    }
}

impl Epoch {
    fn forget_what_is_not_finite(&mut self) {
        let Epoch { epoch: _, train_loss, validation_loss, validation_mae, validation_auc, learning_rate } = self;
        for value in [train_loss, validation_loss, validation_mae, validation_auc, learning_rate] {
            *value = value.filter(|value| value.is_finite());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "epoch,train_loss,validation_loss,validation_mae,validation_auc,learning_rate\n\
        1, 0.9, 0.8, 12.0, , 0.001\n2,0.5,0.6,9.5,,0.001\n3,0.4,NaN,9.9,,0.0001\n";

    #[test]
    fn empty_and_nan_cells_are_none() {
        let log = TrainingLog::parse(LOG.as_bytes()).unwrap();
        assert_eq!(log.epochs.len(), 3);
        assert_eq!(log.epochs[2].validation_loss, None);
        assert!(log.epochs.iter().all(|epoch| epoch.validation_auc.is_none()));
        assert_eq!(log.best_epoch(), Some(2));
        assert_eq!(log.learning_rate_drops().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn columns_may_be_missing_or_added() {
        let log = TrainingLog::parse("seconds,epoch,train_loss\n3,1,0.5\n".as_bytes()).unwrap();
        assert_eq!(log.epochs[0].train_loss, Some(0.5));
        assert_eq!(log.best_epoch(), None);
    }

    #[test]
    fn text_in_place_of_a_number_names_the_line() {
        let error = TrainingLog::parse("epoch,train_loss\n1,0.5\n2,lots\n".as_bytes()).unwrap_err();
        assert!(error.to_string().contains("line: 3"), "{error}");
    }
}
