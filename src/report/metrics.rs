//! Figures of merit for estimated age and sex.
//!
//! The definitions are those of scikit-learn where it has one. Whatever is undefined for the people at hand (nobody, a
//! single class, everybody of one age) is `None`, never NaN. Ages are in years, probabilities and shares between 0 and
//! 1, and the positive class is female.

use serde::Serialize;

use super::bootstrap::{Bootstrap, Sample};

/// A figure with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Measure {
    /// The figure itself; `None` where it is undefined.
    pub value: Option<f64>,
    /// Lower end of the interval; `None` where no interval can be given.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

/// One recording with a known and an estimated age.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgeCase {
    /// Chronological age in years.
    pub age: f64,
    /// Estimated age in years.
    pub predicted: f64,
    /// The interval that was stated with the estimate, in years.
    pub interval: Option<(f64, f64)>,
}

impl AgeCase {
    /// Predicted minus chronological age, in years.
    pub fn error(&self) -> f64 {
        self.predicted - self.age
    }
}

/// One recording with a known sex and an estimated probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SexCase {
    /// Whether the stated sex is female.
    pub female: bool,
    /// Estimated probability of female, 0 to 1.
    pub probability: f64,
}

impl SexCase {
    /// The decision: the class with the larger probability, and class 0 (male) at exactly 0.5, as `argmax` has it.
    pub fn predicted_female(&self) -> bool {
        self.probability > 0.5
    }
}

/// How well ages are estimated.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AgeFigures {
    /// Mean absolute error, in years.
    pub mae: Measure,
    /// Root of the mean squared error, in years.
    pub rmse: Measure,
    /// Coefficient of determination, 1 - squared error / squared deviation of the ages from their mean.
    pub r2: Measure,
    /// Pearson's correlation of predicted and chronological age.
    pub pearson_r: Measure,
    /// Mean of predicted minus chronological age, in years.
    pub bias: Measure,
    /// Sample standard deviation (n - 1) of predicted minus chronological age, in years.
    pub error_sd: Measure,
    /// Slope of the least-squares line of predicted on chronological age; below 1 it shows regression to the mean.
    pub slope: Measure,
    /// Predicted age at which that line meets age 0, in years.
    pub intercept: Measure,
    /// Share of the stated age intervals that hold the chronological age.
    pub interval_coverage: Measure,
    /// Mean width of the stated age intervals, in years.
    pub interval_width: Measure,
}

/// [`AgeFigures`] of some people, beside those of a predictor that knows nothing about the ECG.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct AgeMetrics {
    /// Number of recordings with a known and an estimated age.
    pub n: usize,
    /// The network's figures.
    #[serde(flatten)]
    pub figures: AgeFigures,
    /// The figures of always answering the mean age of all people evaluated.
    pub trivial: AgeFigures,
}

impl AgeMetrics {
    /// Computes the figures; `mean_age` in years is what the trivial predictor answers.
    pub fn new(sample: &Sample<AgeCase>, mean_age: Option<f64>, bootstrap: &Bootstrap) -> AgeMetrics {
        let trivial = mean_age
            .map(|predicted| age_figures(&sample.map(|case| AgeCase { predicted, interval: None, ..case }), bootstrap));
        AgeMetrics {
            n: sample.cases().len(),
            figures: age_figures(sample, bootstrap),
            trivial: trivial.unwrap_or_default(),
        }
    }
}

fn age_figures(sample: &Sample<AgeCase>, bootstrap: &Bootstrap) -> AgeFigures {
    let [mae, rmse, r2, pearson_r, bias, error_sd, slope, intercept, interval_coverage, interval_width] =
        bootstrap.measure(sample, age_statistics);
    AgeFigures { mae, rmse, r2, pearson_r, bias, error_sd, slope, intercept, interval_coverage, interval_width }
}

/// The statistics in the order of the fields of [`AgeFigures`].
fn age_statistics(cases: &[AgeCase]) -> [Option<f64>; 10] {
    let ages = Moments::new(cases.iter().map(|case| case.age));
    let predicted = Moments::new(cases.iter().map(|case| case.predicted));
    let errors = Moments::new(cases.iter().map(AgeCase::error));
    let absolute = mean(cases.iter().map(|case| case.error().abs()));
    let squared = mean(cases.iter().map(|case| case.error().powi(2)));

    let covariance = match (ages.mean, predicted.mean) {
        // Rounding must not give a constant a slope.
        (Some(_), Some(_)) if predicted.squares == 0.0 => Some(0.0),
        (Some(age), Some(other)) => mean(cases.iter().map(|case| (case.age - age) * (case.predicted - other))),
        _ => None,
    };
    let slope = covariance.zip(ages.variance()).map(|(covariance, variance)| covariance / variance);
    let correlation = covariance
        .zip(ages.variance().zip(predicted.variance()))
        .map(|(covariance, (a, b))| (covariance / (a * b).sqrt()).clamp(-1.0, 1.0));
    let intercept = slope.zip(ages.mean.zip(predicted.mean)).map(|(slope, (age, other))| other - slope * age);
    let intervals = || cases.iter().filter_map(|case| case.interval.map(|(low, high)| (case.age, low, high)));

    [
        absolute,
        squared.map(f64::sqrt),
        squared.zip(ages.variance()).map(|(squared, variance)| 1.0 - squared / variance),
        correlation,
        errors.mean,
        errors.sample_deviation(),
        slope,
        intercept,
        mean(intervals().map(|(age, low, high)| f64::from(u8::from((low..=high).contains(&age))))),
        mean(intervals().map(|(_, low, high)| high - low)),
    ]
}

/// How well sex is estimated, with female as the positive class.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SexFigures {
    /// Share of recordings whose sex is estimated as stated, deciding at a probability of 0.5.
    pub accuracy: Measure,
    /// Area under the receiver operating characteristic: the probability that a woman's recording gets a higher
    /// probability of female than a man's, ties counting one half (Mann-Whitney).
    pub auc: Measure,
    /// Share of women's recordings estimated as female.
    pub sensitivity: Measure,
    /// Share of men's recordings estimated as male.
    pub specificity: Measure,
    /// Mean squared difference of the probability and the truth (Brier 1950); 0.25 is what a constant 0.5 gets.
    pub brier: Measure,
    /// Expected calibration error over ten equal bins of the probability of female. No interval is given: resampling
    /// adds noise to each bin, so the bootstrap would be biased upwards.
    pub expected_calibration_error: Measure,
    /// What [`SexFigures::expected_calibration_error`] is on average, and in 95 % of all cases, for as many people whose
    /// probabilities are exactly right: few people fill a bin unevenly.
    pub calibration_error_by_chance: Measure,
}

/// [`SexFigures`] of some people with their classification report and confusion matrix.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SexMetrics {
    /// Number of recordings with a known and an estimated sex.
    pub n: usize,
    /// The network's figures.
    #[serde(flatten)]
    pub figures: SexFigures,
    /// Accuracy of always answering the more frequent sex.
    pub trivial_accuracy: Option<f64>,
    /// Precision, recall, F1 and support of each class.
    pub classification_report: ClassificationReport,
    /// Counts by stated and estimated sex.
    pub confusion: Confusion,
}

impl SexMetrics {
    /// Computes the figures.
    pub fn new(sample: &Sample<SexCase>, bootstrap: &Bootstrap) -> SexMetrics {
        // In order of probability, so that every replicate is so too and costs no sorting.
        let sample = sample.sorted_by(|a, b| a.probability.total_cmp(&b.probability));
        let [accuracy, auc, sensitivity, specificity, brier] = bootstrap.measure(&sample, sex_statistics);
        let calibration_error_by_chance = bootstrap.by_chance(
            sample.cases(),
            |case, random| SexCase { female: random < case.probability, ..case },
            expected_calibration_error,
        );
        let expected_calibration_error =
            Measure { value: expected_calibration_error(sample.cases()), ..Measure::default() };
        let confusion = Confusion::new(sample.cases());
        let [males, females] = confusion.stated();
        SexMetrics {
            n: sample.cases().len(),
            figures: SexFigures {
                accuracy,
                auc,
                sensitivity,
                specificity,
                brier,
                expected_calibration_error,
                calibration_error_by_chance,
            },
            trivial_accuracy: share(males.max(females), males + females),
            classification_report: ClassificationReport::new(&confusion),
            confusion,
        }
    }
}

/// The bootstrapped statistics in the order of the fields of [`SexFigures`].
fn sex_statistics(cases: &[SexCase]) -> [Option<f64>; 5] {
    let confusion = Confusion::new(cases);
    let [male, female] = confusion.recall();
    let brier = mean(cases.iter().map(|case| (case.probability - f64::from(u8::from(case.female))).powi(2)));
    [confusion.accuracy(), auc(cases), female, male, brier]
}

/// Area under the ROC curve by the Mann-Whitney statistic; `None` unless both classes are there.
pub fn auc(cases: &[SexCase]) -> Option<f64> {
    let mut sorted = cases.to_vec();
    sorted.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let (mut males, mut females, mut wins) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.probability == b.probability) {
        let women = tied.iter().filter(|case| case.female).count() as f64;
        let men = tied.len() as f64 - women;
        wins += women * (males + men / 2.0);
        males += men;
        females += women;
    }
    (males > 0.0 && females > 0.0).then(|| wins / (males * females))
}

/// Counts of recordings by stated sex (`male`, `female`: the rows) and estimated sex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Confusion {
    /// Stated as male.
    pub male: ConfusionRow,
    /// Stated as female.
    pub female: ConfusionRow,
}

/// One row of [`Confusion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ConfusionRow {
    /// Estimated as male.
    pub predicted_male: usize,
    /// Estimated as female.
    pub predicted_female: usize,
}

impl Confusion {
    /// Counts the decisions.
    pub fn new(cases: &[SexCase]) -> Confusion {
        let mut confusion = Confusion::default();
        for case in cases {
            let row = if case.female { &mut confusion.female } else { &mut confusion.male };
            *(if case.predicted_female() { &mut row.predicted_female } else { &mut row.predicted_male }) += 1;
        }
        confusion
    }

    /// The counts as a matrix: rows stated, columns estimated, each male then female.
    pub fn matrix(&self) -> [[usize; 2]; 2] {
        [self.male, self.female].map(|row| [row.predicted_male, row.predicted_female])
    }

    /// Recordings stated as male and as female.
    pub fn stated(&self) -> [usize; 2] {
        self.matrix().map(|row| row[0] + row[1])
    }

    fn predicted(&self) -> [usize; 2] {
        let [male, female] = self.matrix();
        [male[0] + female[0], male[1] + female[1]]
    }

    fn right(&self) -> [usize; 2] {
        [self.male.predicted_male, self.female.predicted_female]
    }

    fn accuracy(&self) -> Option<f64> {
        share(self.right().iter().sum(), self.stated().iter().sum())
    }

    fn recall(&self) -> [Option<f64>; 2] {
        let (right, stated) = (self.right(), self.stated());
        [0, 1].map(|class| share(right[class], stated[class]))
    }
}

/// scikit-learn's `classification_report` with `zero_division=nan`: what is undefined for a class does not take part in
/// the averages.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ClassificationReport {
    /// The class male.
    pub male: ClassScores,
    /// The class female.
    pub female: ClassScores,
    /// Share of right decisions.
    pub accuracy: Option<f64>,
    /// Mean over the two classes.
    pub macro_average: ClassScores,
    /// Mean over the two classes, weighted by their support.
    pub weighted_average: ClassScores,
}

/// One row of [`ClassificationReport`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ClassScores {
    /// Share of the recordings estimated as this class that are of it.
    pub precision: Option<f64>,
    /// Share of the recordings of this class that are estimated as it.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<f64>,
    /// Number of recordings of this class.
    pub support: usize,
}

impl ClassificationReport {
    /// Derives the report from the counts.
    pub fn new(confusion: &Confusion) -> ClassificationReport {
        let (right, stated, predicted) = (confusion.right(), confusion.stated(), confusion.predicted());
        let recall = confusion.recall();
        let classes = [0, 1].map(|class| ClassScores {
            precision: share(right[class], predicted[class]),
            recall: recall[class],
            f1: share(2 * right[class], stated[class] + predicted[class]),
            support: stated[class],
        });
        let [male, female] = classes;
        ClassificationReport {
            male,
            female,
            accuracy: confusion.accuracy(),
            macro_average: average(&classes, |_| 1.0),
            weighted_average: average(&classes, |class| class.support as f64),
        }
    }
}

fn average(classes: &[ClassScores; 2], weight: impl Fn(&ClassScores) -> f64) -> ClassScores {
    let over = |score: fn(&ClassScores) -> Option<f64>| {
        let defined = || classes.iter().filter_map(|class| score(class).map(|value| (value, weight(class))));
        let total: f64 = defined().map(|(_, weight)| weight).sum();
        (total > 0.0).then(|| defined().map(|(value, weight)| value * weight).sum::<f64>() / total)
    };
    ClassScores {
        precision: over(|class| class.precision),
        recall: over(|class| class.recall),
        f1: over(|class| class.f1),
        support: classes.iter().map(|class| class.support).sum(),
    }
}

/// One point of a receiver operating characteristic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    /// Recordings with at least this probability count as female; `None` for the point where none does.
    pub threshold: Option<f64>,
    /// Share of men's recordings that count as female.
    pub false_positive_rate: f64,
    /// Share of women's recordings that count as female.
    pub true_positive_rate: f64,
}

/// The points of the ROC curve from (0, 0) to (1, 1), without those halfway on the straight line between their
/// neighbours (scikit-learn's `roc_curve`). Empty unless both classes are there.
pub fn roc(cases: &[SexCase]) -> Vec<RocPoint> {
    let mut sorted = cases.to_vec();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    // (threshold, false positives, true positives)
    let mut steps: Vec<(Option<f64>, i64, i64)> = vec![(None, 0, 0)];
    let (mut males, mut females) = (0, 0);
    for tied in sorted.chunk_by(|a, b| a.probability == b.probability) {
        let women = tied.iter().filter(|case| case.female).count() as i64;
        females += women;
        males += tied.len() as i64 - women;
        steps.push((Some(tied[0].probability), males, females));
    }
    if males == 0 || females == 0 {
        return Vec::new();
    }
    let step_to = |at: usize| (steps[at].1 - steps[at - 1].1, steps[at].2 - steps[at - 1].2);
    // scikit-learn looks for bends before it adds the point (0, 0), so the first point after that always stays.
    let stays = |at: usize| at < 2 || at + 1 == steps.len() || step_to(at) != step_to(at + 1);
    let kept = steps.iter().enumerate().filter(|(at, _)| stays(*at));
    kept.map(|(_, &(threshold, false_positives, true_positives))| RocPoint {
        threshold,
        false_positive_rate: false_positives as f64 / males as f64,
        true_positive_rate: true_positives as f64 / females as f64,
    })
    .collect()
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Lower edge of the estimated probability of female; not part of the bin, except for 0.
    pub from: f64,
    /// Upper edge; part of the bin.
    pub to: f64,
    /// Number of recordings.
    pub n: usize,
    /// Mean estimated probability of female.
    pub mean_probability: Option<f64>,
    /// Share of women among them, with Wilson's score interval (Wilson 1927).
    pub share_female: Measure,
}

/// Number of equal bins of the probability in [`calibration`].
const CALIBRATION_BINS: usize = 10;

/// Ten equal bins of the estimated probability of female (scikit-learn's `calibration_curve`, empty bins included).
pub fn calibration(cases: &[SexCase]) -> Vec<CalibrationBin> {
    let edge = |number: usize| number as f64 / CALIBRATION_BINS as f64;
    let bin = |number: usize| {
        let (from, to) = (edge(number), edge(number + 1));
        let inside = |p: f64| p <= to && (p > from || number == 0);
        let members: Vec<&SexCase> = cases.iter().filter(|case| inside(case.probability)).collect();
        let women = members.iter().filter(|case| case.female).count();
        CalibrationBin {
            from,
            to,
            n: members.len(),
            mean_probability: mean(members.iter().map(|case| case.probability)),
            share_female: wilson(women, members.len()),
        }
    };
    (0..CALIBRATION_BINS).map(bin).collect()
}

fn expected_calibration_error(cases: &[SexCase]) -> Option<f64> {
    let gaps = calibration(cases).into_iter().filter_map(|bin| {
        let gap = (bin.mean_probability? - bin.share_female.value?).abs();
        Some(gap * bin.n as f64)
    });
    (!cases.is_empty()).then(|| gaps.sum::<f64>() / cases.len() as f64)
}

/// A share with its 95 % score interval (Wilson 1927).
fn wilson(hits: usize, n: usize) -> Measure {
    let Some(value) = share(hits, n) else { return Measure::default() };
    const Z: f64 = 1.959_963_984_540_054;
    let n = n as f64;
    let scale = 1.0 + Z * Z / n;
    let centre = (value + Z * Z / (2.0 * n)) / scale;
    let half = Z * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
    Measure { value: Some(value), low: Some((centre - half).max(0.0)), high: Some((centre + half).min(1.0)) }
}

/// Mean and spread of some numbers.
pub(super) struct Moments {
    n: usize,
    pub mean: Option<f64>,
    /// Sum of the squared deviations from the mean; exactly 0 where all numbers are equal.
    squares: f64,
}

impl Moments {
    pub fn new(values: impl Iterator<Item = f64> + Clone) -> Moments {
        let first = values.clone().next();
        let mean = mean(values.clone());
        // Rounding of the mean must not give equal numbers a spread.
        let constant = values.clone().all(|value| Some(value) == first);
        let squares = match mean {
            Some(mean) if !constant => values.clone().map(|value| (value - mean).powi(2)).sum(),
            _ => 0.0,
        };
        Moments { n: values.count(), mean, squares }
    }

    /// Population variance, unless it is 0.
    fn variance(&self) -> Option<f64> {
        (self.squares > 0.0).then(|| self.squares / self.n as f64)
    }

    /// Standard deviation with n - 1; `None` for fewer than two numbers.
    pub fn sample_deviation(&self) -> Option<f64> {
        (self.n > 1).then(|| (self.squares / (self.n - 1) as f64).sqrt())
    }
}

/// The mean, unless there is nothing to take it of.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

/// The quantile of ascending numbers, linear between neighbours (NumPy's default, type 7 of Hyndman and Fan 1996).
pub(super) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let position = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let below = sorted.get(position.floor() as usize)?;
    let above = sorted.get(position.ceil() as usize)?;
    Some(below + (above - below) * position.fract())
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values: scikit-learn 1.9 and SciPy 1.17 on these twelve made-up people; intervals are predicted +- 8.
    const AGES: [f64; 12] = [23., 31., 38., 44., 47., 52., 58., 61., 66., 73., 79., 88.];
    const PREDICTED: [f64; 12] = [30.5, 28., 41.25, 39., 55.5, 50., 63., 57.75, 60., 70.5, 71., 76.];
    const FEMALE: [u8; 12] = [1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1];
    const PROBABILITY: [f64; 12] = [0.9, 0.2, 0.8, 0.4, 0.4, 0.75, 0.1, 0.625, 0.95, 0.3, 0.4, 0.55];

    fn age_cases() -> Vec<AgeCase> {
        let case = |(age, predicted)| AgeCase { age, predicted, interval: Some((predicted - 8.0, predicted + 8.0)) };
        AGES.into_iter().zip(PREDICTED).map(case).collect()
    }

    fn sex_cases() -> Vec<SexCase> {
        let case = |(female, probability)| SexCase { female: female == 1, probability };
        FEMALE.into_iter().zip(PROBABILITY).map(case).collect()
    }

    fn alone<T: Copy>(cases: Vec<T>) -> Sample<T> {
        Sample::new(cases.into_iter().map(|case| (case, None)))
    }

    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.expect("a value");
        assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
    }

    #[test]
    fn age_figures_are_those_of_scikit_learn() {
        let metrics = AgeMetrics::new(&alone(age_cases()), Some(55.0), &Bootstrap::default());
        let figures = &metrics.figures;
        assert_eq!(metrics.n, 12);
        close(figures.mae.value, 5.5);
        close(figures.rmse.value, 6.210709835974199);
        close(figures.r2.value, 0.8907798489853704);
        close(figures.pearson_r.value, 0.9578668614407566);
        close(figures.bias.value, -1.4583333333333333);
        close(figures.error_sd.value, 6.305511057556691);
        close(figures.slope.value, 0.7796720151014629);
        close(figures.intercept.value, 10.659705836086204);
        close(figures.interval_coverage.value, 0.8333333333333334);
        close(figures.interval_width.value, 16.0);
    }

    #[test]
    fn trivial_figures_are_those_of_the_mean_age() {
        let trivial = AgeMetrics::new(&alone(age_cases()), Some(55.0), &Bootstrap::default()).trivial;
        close(trivial.mae.value, 15.833333333333334);
        close(trivial.rmse.value, 18.792729090439916);
        close(trivial.r2.value, 0.0);
        close(trivial.error_sd.value, 19.628365374445405);
        close(trivial.slope.value, 0.0);
        assert_eq!(trivial.pearson_r, Measure::default());
        assert_eq!(trivial.interval_coverage, Measure::default());
    }

    #[test]
    fn sex_figures_are_those_of_scikit_learn() {
        let metrics = SexMetrics::new(&alone(sex_cases()), &Bootstrap::default());
        close(metrics.figures.accuracy.value, 0.75);
        close(metrics.figures.auc.value, 0.8857142857142857);
        close(metrics.figures.brier.value, 0.14401041666666667);
        close(metrics.figures.expected_calibration_error.value, 0.2562499999999999);
        close(metrics.figures.sensitivity.value, 0.7142857142857143);
        close(metrics.figures.specificity.value, 0.8);
        close(metrics.trivial_accuracy, 7.0 / 12.0);
        assert_eq!(metrics.confusion.matrix(), [[4, 1], [2, 5]]);
    }

    #[test]
    fn classification_report_is_that_of_scikit_learn() {
        let report = ClassificationReport::new(&Confusion::new(&sex_cases()));
        let rows = [report.male, report.female, report.macro_average, report.weighted_average];
        let expected = [
            [0.6666666667, 0.8000000000, 0.7272727273, 5.0],
            [0.8333333333, 0.7142857143, 0.7692307692, 7.0],
            [0.7500000000, 0.7571428571, 0.7482517483, 12.0],
            [0.7638888889, 0.7500000000, 0.7517482517, 12.0],
        ];
        for (row, expected) in rows.iter().zip(expected) {
            let actual = [row.precision, row.recall, row.f1, Some(row.support as f64)];
            for (actual, expected) in actual.into_iter().zip(expected) {
                assert!((actual.unwrap() - expected).abs() < 1e-9, "{row:?}");
            }
        }
        close(report.accuracy, 0.75);
    }

    #[test]
    fn undefined_scores_take_no_part_in_the_averages() {
        // Four women, one of them taken for a man; scikit-learn with zero_division=nan.
        let confusion = Confusion {
            female: ConfusionRow { predicted_male: 1, predicted_female: 3 },
            male: ConfusionRow::default(),
        };
        let report = ClassificationReport::new(&confusion);
        assert_eq!(report.male.recall, None);
        close(report.macro_average.precision, 0.5);
        close(report.macro_average.recall, 0.75);
        close(report.macro_average.f1, 3.0 / 7.0);
        close(report.weighted_average.f1, 6.0 / 7.0);
    }

    #[test]
    fn roc_points_are_those_of_scikit_learn() {
        let points = roc(&sex_cases());
        let false_positive: Vec<f64> = points.iter().map(|point| point.false_positive_rate).collect();
        let true_positive: Vec<f64> = points.iter().map(|point| (point.true_positive_rate * 7.0).round()).collect();
        let thresholds: Vec<Option<f64>> = points.iter().map(|point| point.threshold).collect();
        assert_eq!(false_positive, [0.0, 0.0, 0.0, 0.2, 0.2, 0.4, 1.0]);
        assert_eq!(true_positive, [0.0, 1.0, 4.0, 4.0, 5.0, 7.0, 7.0]);
        assert_eq!(thresholds, [None, Some(0.95), Some(0.75), Some(0.625), Some(0.55), Some(0.4), Some(0.1)]);
    }

    #[test]
    fn area_under_the_roc_points_is_the_mann_whitney_statistic() {
        let points = roc(&sex_cases());
        let trapezium = |pair: &[RocPoint]| {
            let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
            width * (pair[1].true_positive_rate + pair[0].true_positive_rate) / 2.0
        };
        close(Some(points.windows(2).map(trapezium).sum()), auc(&sex_cases()).unwrap());
    }

    #[test]
    fn calibration_bins_are_those_of_scikit_learn() {
        let bins = calibration(&sex_cases());
        assert_eq!(bins.iter().map(|bin| bin.n).collect::<Vec<_>>(), [1, 1, 1, 3, 0, 1, 1, 2, 1, 1]);
        close(bins[3].share_female.value, 2.0 / 3.0);
        close(bins[7].mean_probability, 0.775);
        assert_eq!(bins[4].mean_probability, None);
    }

    #[test]
    fn wilson_interval_is_that_of_scipy() {
        let measure = wilson(7, 10);
        close(measure.low, 0.39677814746114526);
        close(measure.high, 0.892208732593699);
    }

    #[test]
    fn right_probabilities_miss_by_what_chance_alone_would() {
        // Of 400 people with a probability of one half the share of women has a mean deviation of sqrt(2 / pi) times the
        // standard deviation, 0.5 / sqrt(400) (de Moivre 1733).
        let cases = vec![SexCase { female: true, probability: 0.5 }; 400];
        let figures = SexMetrics::new(&alone(cases), &Bootstrap { replicates: 4000, seed: 1 }).figures;
        let chance = figures.calibration_error_by_chance;
        let expected = (2.0 / std::f64::consts::PI).sqrt() * 0.025;
        assert!((chance.value.unwrap() / expected - 1.0).abs() < 0.05, "{chance:?}");
        assert!((chance.high.unwrap() / (2.24 * 0.025) - 1.0).abs() < 0.05, "{chance:?}");
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        let sorted = [1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.5, 9.0];
        close(quantile(&sorted, 0.025), 1.0);
        close(quantile(&sorted, 0.975), 8.5625);
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn degenerate_people_give_none_and_no_panic() {
        let bootstrap = Bootstrap::default();
        let nobody = AgeMetrics::new(&alone(Vec::new()), None, &bootstrap);
        assert_eq!(nobody, AgeMetrics::default());
        assert_eq!(SexMetrics::new(&alone(Vec::new()), &bootstrap).figures, SexFigures::default());
        assert!(roc(&[]).is_empty());

        let same_age = age_cases().into_iter().map(|case| AgeCase { age: 40.1, ..case }).collect();
        let figures = AgeMetrics::new(&alone(same_age), Some(40.1), &bootstrap).figures;
        assert_eq!((figures.r2.value, figures.pearson_r.value, figures.slope.value), (None, None, None));
        assert!(figures.mae.value.is_some());

        let women = sex_cases().into_iter().filter(|case| case.female).collect();
        let metrics = SexMetrics::new(&alone(women), &bootstrap);
        assert_eq!((metrics.figures.auc.value, metrics.figures.specificity.value), (None, None));
        assert_eq!(metrics.trivial_accuracy, Some(1.0));
    }
}
