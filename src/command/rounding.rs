//! What storing weights with fewer bits does to the estimates.

use super::data::{DataOptions, SplitOptions};
use super::error::CommandError;
use crate::dataset::Part;
use crate::network::manifest::Rounding;
use crate::network::weights::Weights;
use crate::training::{Prediction, PreparedExamples, predict};
use burn::tensor::Device;

/// The mean change of the age in years, and the share of people whose sex changes, below which weights may be rounded.
const LARGEST_AGE_CHANGE: f64 = 0.1;
const LARGEST_SEX_CHANGE: f64 = 0.002;

const BATCH: usize = 32;

/// Whether people would not notice.
pub fn is_negligible(rounding: &Rounding) -> bool {
    rounding.mean_age_change.is_none_or(|change| change < LARGEST_AGE_CHANGE)
        && rounding.sex_changes.is_none_or(|share| share < LARGEST_SEX_CHANGE)
}

/// Compares rounded weights with what they were on the test part of the data, or on all where that has no parts.
pub fn measure(
    original: &Weights,
    rounded: &Weights,
    data: &DataOptions,
    device: &Device,
) -> Result<Rounding, CommandError> {
    let dataset = data.open()?;
    let prepared = data.prepare(&dataset.records, original.description.preprocessing)?;
    let chosen = SplitOptions::default().choose(&prepared.records(), &data.paths)?;
    let positions = prepared.positions(&chosen.split, Part::Test, |_| true);
    if positions.is_empty() {
        let (part, wanted) = (Part::Test.to_string(), "an ECG".to_owned());
        return Err(CommandError::EmptyPart { part, wanted, split: chosen.name });
    }
    let examples = PreparedExamples::new(&prepared.set, positions);
    let said = |weights: &Weights| {
        let network = weights.network(device)?;
        predict(&network, &examples, BATCH).map_err(CommandError::Input)
    };
    Ok(compare(&said(original)?, &said(rounded)?, &dataset.name))
}

fn compare(before: &[Prediction], after: &[Prediction], data: &str) -> Rounding {
    let pairs = || before.iter().zip(after);
    let ages: Vec<f64> = pairs().filter_map(|(b, a)| Some(f64::from((b.age? - a.age?).abs()))).collect();
    let is_female = |prediction: &Prediction| prediction.probability_female.map(|probability| probability > 0.5);
    let sexes: Vec<bool> = pairs().filter_map(|(b, a)| Some(is_female(b)? != is_female(a)?)).collect();
    let share = |count: f64, of: usize| (of > 0).then(|| count / of as f64);
    Rounding {
        data: data.to_owned(),
        records: before.len() as u64,
        mean_age_change: share(ages.iter().sum(), ages.len()),
        sex_changes: share(sexes.iter().filter(|changed| **changed).count() as f64, sexes.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_where_there_is_an_estimate() {
        let prediction = |age, probability_female| Prediction { age, probability_female };
        let before = [prediction(Some(50.0), Some(0.4)), prediction(Some(20.0), None)];
        let after = [prediction(Some(50.5), Some(0.6)), prediction(Some(20.0), None)];
        let rounding = compare(&before, &after, "clinic");
        assert_eq!((rounding.mean_age_change, rounding.sex_changes), (Some(0.25), Some(1.0)));
        assert!(!is_negligible(&rounding) && is_negligible(&compare(&before, &before, "clinic")));
        assert_eq!(compare(&[], &[], "clinic").mean_age_change, None);
    }
}
