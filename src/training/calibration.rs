//! What the validation people say about how far a network's outputs can be believed.
//!
//! The age interval is that of split conformal prediction (Vovk et al. 2005, Lei et al. 2018): its half-width is the
//! distance of the validation person at rank ceil((n + 1) coverage), so that it holds at least that share of further
//! people like these. The distance is that of the person's age from a line, on which networks that draw the young and
//! the old towards the middle rise by less than a year with every year of age. A line of slope 1 would hold the right
//! share of people of every *estimated* age, but too few of the young and the old; the regression of the estimate on
//! the age the right share of every *true* age, but too few of the extreme estimates. Its slope is therefore that of
//! the reduced major axis between the two, the ratio of the standard deviations (Kermack and Haldane 1950).
//!
//! The sex is calibrated by temperature (Guo et al. 2017).

use super::batches::Example;
use super::validation::Prediction;
use crate::ecg::Sex;
use crate::network::weights::Calibration;

/// Below this slope the network says too little of the age for a line to be drawn through its estimates.
const SMALLEST_SLOPE: f64 = 0.5;

/// Of fewer people the mean error says too little: it would be off by two years and more.
const FEWEST_TO_CENTRE: usize = 30;

/// Temperatures are looked for between the inverse of this and this. A network that errs nowhere on few people would
/// otherwise be told to be certain.
const LARGEST_TEMPERATURE: f64 = 10.0;

/// Probabilities nearer to 0 and 1 are rounded to single precision beyond use.
const SMALLEST_PROBABILITY: f64 = 1e-7;

/// A calibrated prediction. Ages are in years.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Calibrated {
    pub age: Option<f32>,
    pub age_interval: Option<(f32, f32)>,
    pub probability_female: Option<f32>,
}

/// The calibration that suits predictions for people whose age and sex are known.
///
/// There is no age interval where there are too few people for the coverage, and the temperature is 1 unless there are
/// women and men.
pub fn calibrate(predictions: &[Prediction], people: &[Example]) -> Calibration {
    let ages = known_ages(predictions, people);
    let sexes: Vec<(f64, bool)> = predictions
        .iter()
        .zip(people)
        .filter_map(|(said, is)| Some((logit(f64::from(said.probability_female?)), is.sex? == Sex::Female)))
        .collect();
    let plain = Calibration::default();
    let (slope, offset) = reduced_major_axis(&ages);
    let distances = ages.iter().map(|(said, is)| (said - offset) / slope - is).map(f32::abs).collect();
    Calibration {
        age_half_width: conformal_quantile(distances, plain.age_coverage.into()),
        age_slope: slope,
        age_offset: offset,
        sex_temperature: temperature(&sexes).map_or(plain.sex_temperature, |temperature| temperature as f32),
        ..plain
    }
}

/// The years by which the ages of these people exceed the predicted ones on average; `None` for too few people.
pub fn years_too_few(predictions: &[Prediction], people: &[Example]) -> Option<f32> {
    let ages = known_ages(predictions, people);
    let sum: f64 = ages.iter().map(|(said, is)| f64::from(is - said)).sum();
    (ages.len() >= FEWEST_TO_CENTRE).then(|| (sum / ages.len() as f64) as f32)
}

/// A prediction in the light of a calibration.
pub fn calibrated(prediction: Prediction, calibration: &Calibration) -> Calibrated {
    let cooled = |probability: f32| {
        let logit = logit(f64::from(probability)) / f64::from(calibration.sex_temperature);
        (1.0 / (1.0 + (-logit).exp())) as f32
    };
    Calibrated {
        age: prediction.age,
        age_interval: prediction.age.and_then(|age| calibration.age_interval(age)),
        probability_female: prediction.probability_female.map(cooled),
    }
}

/// (predicted, known) ages in years.
fn known_ages(predictions: &[Prediction], people: &[Example]) -> Vec<(f32, f32)> {
    let ages = predictions.iter().zip(people).filter_map(|(said, is)| said.age.zip(is.age));
    ages.filter(|(said, is)| said.is_finite() && is.is_finite()).collect()
}

/// Slope and offset of the line through (network's age, age) pairs; slope 1 where they have no spread.
fn reduced_major_axis(ages: &[(f32, f32)]) -> (f32, f32) {
    let mean =
        |of: fn(&(f32, f32)) -> f32| ages.iter().map(|pair| f64::from(of(pair))).sum::<f64>() / ages.len() as f64;
    let (said, is) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let spread = |of: fn(&(f32, f32)) -> f32, mean: f64| {
        ages.iter().map(|pair| (f64::from(of(pair)) - mean).powi(2)).sum::<f64>()
    };
    let slope = (spread(|pair| pair.0, said) / spread(|pair| pair.1, is)).sqrt();
    if !slope.is_finite() {
        return (1.0, 0.0);
    }
    let slope = slope.clamp(SMALLEST_SLOPE, 1.0);
    (slope as f32, (said - slope * is) as f32)
}

/// The smallest error that is not below a share `coverage` of one more error than there are.
fn conformal_quantile(mut errors: Vec<f32>, coverage: f64) -> Option<f32> {
    errors.sort_by(f32::total_cmp);
    // The coverage is kept in single precision, where 0.9 is slightly more than 0.9.
    let rank = ((errors.len() + 1) as f64 * coverage - 1e-6).ceil() as usize;
    errors.get(rank.checked_sub(1)?).copied()
}

fn logit(probability: f64) -> f64 {
    let probability = probability.clamp(SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY);
    (probability / (1.0 - probability)).ln()
}

/// The temperature with the lowest mean log-loss of (logit of female, whether female); `None` unless both sexes are
/// there. The loss is convex in the inverse temperature, so that it has one minimum on the logarithmic scale too.
fn temperature(cases: &[(f64, bool)]) -> Option<f64> {
    let women = cases.iter().filter(|(_, female)| *female).count();
    if women == 0 || women == cases.len() {
        return None;
    }
    let loss = |log_temperature: f64| {
        let inverse = (-log_temperature).exp();
        let against = |(logit, female): &(f64, bool)| if *female { -logit * inverse } else { logit * inverse };
        cases.iter().map(|case| softplus(against(case))).sum::<f64>()
    };
    let limit = LARGEST_TEMPERATURE.ln();
    Some(golden_section_minimum(-limit, limit, loss).exp())
}

/// ln(1 + exp(x)) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The place of the minimum of a function with one minimum (Kiefer 1953).
fn golden_section_minimum(mut low: f64, mut high: f64, function: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (function(left), function(right));
    while high - low > 1e-6 {
        if at_left < at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = function(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = function(right);
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conformal_rank_counts_one_more_person() {
        let errors = |count: u32| (1..=count).map(|error| error as f32).collect::<Vec<_>>();
        // ceil(0.9 x 10) = 9, ceil(0.9 x 20) = 18, ceil(0.9 x 101) = 91.
        for (count, rank) in [(9, 9.0), (19, 18.0), (100, 91.0)] {
            assert_eq!(conformal_quantile(errors(count), f64::from(0.9_f32)), Some(rank));
        }
        assert_eq!(conformal_quantile(errors(8), 0.9), None);
        assert_eq!(conformal_quantile(Vec::new(), 0.9), None);
    }

    #[test]
    fn the_temperature_undoes_overconfidence() {
        // Of the people at each probability, that share is female: calibrated as it is.
        let honest: Vec<(f64, bool)> = (1..20)
            .flat_map(|twentieth| {
                let probability = f64::from(twentieth) / 20.0;
                (0..20).map(move |person| (logit(probability), person < twentieth))
            })
            .collect();
        for factor in [0.5, 1.0, 3.0] {
            let exaggerated: Vec<_> = honest.iter().map(|(logit, female)| (logit * factor, *female)).collect();
            let found = temperature(&exaggerated).unwrap();
            assert!((found - factor).abs() < 1e-4, "{factor}: {found}");
        }
        assert_eq!(temperature(&[(1.0, true), (2.0, true)]), None);
        let certain = temperature(&[(1.0, true), (-2.0, false)]).unwrap();
        assert!((certain - 1.0 / LARGEST_TEMPERATURE).abs() < 1e-4);
    }

    #[test]
    fn predictions_are_calibrated() {
        let calibration = Calibration { age_half_width: Some(20.0), sex_temperature: 2.0, ..Calibration::default() };
        let prediction = Prediction { age: Some(15.0), probability_female: Some(0.9) };
        let said = calibrated(prediction, &calibration);
        assert_eq!((said.age, said.age_interval), (Some(15.0), Some((0.0, 35.0))));
        // Half the log-odds of 9 : 1 are 3 : 1.
        assert!((said.probability_female.unwrap() - 0.75).abs() < 1e-6);
        assert_eq!(calibrated(Prediction::default(), &calibration), Calibrated::default());
    }

    #[test]
    fn the_interval_follows_a_network_that_draws_towards_the_middle() {
        // Ages from 20 to 90, of which the network keeps 0.8 of the distance to 50, six years wrong one way or the other.
        let people: Vec<Example> = (0..710).map(|n| Example { age: Some(20.0 + n as f32 / 10.0), sex: None }).collect();
        let said = |(n, person): (usize, &Example)| {
            let error = if n % 2 == 0 { 6.0 } else { -6.0 };
            Prediction { age: person.age.map(|age| 50.0 + 0.8 * (age - 50.0) + error), probability_female: None }
        };
        let predictions: Vec<Prediction> = people.iter().enumerate().map(said).collect();
        let calibration = calibrate(&predictions, &people);
        // sqrt(0.8^2 + 6^2 / variance of the ages)
        let slope = (0.64_f32 + 36.0 / (71.0 * 71.0 / 12.0)).sqrt();
        assert!((calibration.age_slope - slope).abs() < 1e-3, "{}", calibration.age_slope);
        let holds = |(said, is): (&Prediction, &Example)| {
            let (low, high) = calibration.age_interval(said.age.unwrap()).unwrap();
            (low..=high).contains(&is.age.unwrap())
        };
        let held = predictions.iter().zip(&people).filter(|pair| holds(*pair)).count();
        assert!((held as f32 / 710.0 - 0.9).abs() < 0.01, "{held} of 710");
    }

    #[test]
    fn the_mean_error_of_few_people_says_nothing() {
        let said = Prediction { age: Some(50.0), probability_female: None };
        let people = |count: u8| -> Vec<Example> {
            (0..count).map(|n| Example { age: Some(50.0 + f32::from(n % 3)), sex: None }).collect()
        };
        assert_eq!(years_too_few(&[said; 29], &people(29)), None);
        assert_eq!(years_too_few(&[said; 30], &people(30)), Some(1.0));
        assert_eq!(years_too_few(&[Prediction::default(); 30], &people(30)), None);
    }

    #[test]
    fn only_people_who_are_known_count() {
        let said = Prediction { age: Some(50.0), probability_female: Some(0.5) };
        let unknown = Example::default();
        assert_eq!(calibrate(&[said; 20], &[unknown; 20]), Calibration::default());
        let known = Example { age: Some(43.0), sex: Some(Sex::Male) };
        assert_eq!(calibrate(&[said; 20], &[known; 20]).age_half_width, Some(7.0));
    }
}
