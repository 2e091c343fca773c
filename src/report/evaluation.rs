//! All figures of an evaluation, from the outcomes of its networks.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::bootstrap::{Bootstrap, Sample};
use super::decade;
use super::metrics::{self, AgeCase, AgeMetrics, CalibrationBin, Measure, Moments, RocPoint, SexCase, SexMetrics};
use super::training_log::TrainingLog;
use crate::ecg::{AGES, Sex};

/// What is known of one ECG and what a network estimated from it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Identifies the recording within the data set; never written into a report.
    pub id: String,
    /// Identifies the person, where known; recordings of one person are resampled together.
    pub patient: Option<String>,
    /// Stated age in years.
    pub age: Option<f32>,
    /// Stated sex.
    pub sex: Option<Sex>,
    /// Estimated age in years.
    pub predicted_age: Option<f32>,
    /// Lower end of the age interval stated with the estimate, in years.
    pub age_low: Option<f32>,
    /// Upper end of that interval, in years.
    pub age_high: Option<f32>,
    /// Estimated probability of female, 0 to 1.
    pub probability_female: Option<f32>,
}

/// The outcomes of one network with one set of weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkOutcomes {
    /// Name of the network, such as `resnet18`.
    pub network: String,
    /// What the weights are called.
    pub weights: String,
    /// The share of people that the intervals of the age are meant to hold, where that is known.
    pub age_coverage: Option<f64>,
    /// One for each recording; every network is expected to have met the same recordings.
    pub outcomes: Vec<Outcome>,
}

/// Recordings which did not take part, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Why, in a few words.
    pub reason: String,
    /// Number of recordings.
    pub count: usize,
}

/// What was evaluated on.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DataSet {
    /// Name of the data set.
    pub name: String,
    /// Which part of it, such as `fold 10` or `test, split by patient`.
    pub split: String,
    /// Recordings that never reached the networks.
    pub left_out: Vec<LeftOut>,
    /// Why the figures may say less than they seem to, a sentence each; they stand first in the report.
    pub warnings: Vec<String>,
    /// Further remarks for the reader, a sentence each.
    pub notes: Vec<String>,
}

/// The people behind the recordings.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Population {
    /// Number of recordings.
    pub records: usize,
    /// Number of people; `None` unless the person of every recording is known.
    pub people: Option<usize>,
    /// Mean of the stated ages, in years.
    pub mean_age: Option<f64>,
    /// Sample standard deviation (n - 1) of the stated ages, in years.
    pub age_sd: Option<f64>,
    /// Recordings stated as male.
    pub male: usize,
    /// Recordings stated as female.
    pub female: usize,
}

/// The figures of some of the recordings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The decade (`40-49`, `90+`) or the sex (`male`, `female`).
    pub label: String,
    /// Figures of the age; the trivial predictor still answers the mean age of all.
    pub age: AgeMetrics,
    /// Figures of the sex.
    pub sex: SexMetrics,
}

/// The figures of one network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkEvaluation {
    /// Name of the network, with that of its weights where a network is evaluated more than once.
    pub label: String,
    /// Name of the network.
    pub network: String,
    /// What the weights are called.
    pub weights: String,
    /// The share of people that the intervals of the age are meant to hold.
    pub age_coverage: Option<f64>,
    /// Recordings that this network was given but that could not be compared, for age or for sex.
    pub left_out: Vec<LeftOut>,
    /// Figures of the age.
    pub age: AgeMetrics,
    /// MAE minus that of the network with the lowest, in years, over the recordings that both estimated (paired
    /// bootstrap); undefined for that network itself.
    pub mae_difference: Measure,
    /// Figures of the sex.
    pub sex: SexMetrics,
    /// AUC minus that of the network with the highest, likewise.
    pub auc_difference: Measure,
    /// The same by decade of stated age, youngest first; decades without a recording are absent.
    pub by_decade: Vec<Group>,
    /// The same by stated sex, male first.
    pub by_sex: Vec<Group>,
    /// Points of the ROC curve; empty unless both sexes are there.
    pub roc: Vec<RocPoint>,
    /// Reliability of the probability of female, in ten bins.
    pub calibration: Vec<CalibrationBin>,
    /// What the plots draw; without any identifier, and not part of the JSON.
    #[serde(skip)]
    pub age_cases: Vec<AgeCase>,
}

/// Everything that `ecgnet evaluate` found. Holds no identifier of a person or of a recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Version of this program.
    pub ecgnet_version: &'static str,
    /// What was evaluated on.
    pub data_set: DataSet,
    /// The people behind the recordings.
    pub population: Population,
    /// How the intervals were made.
    pub bootstrap: Bootstrap,
    /// One entry a network, in the order given.
    pub networks: Vec<NetworkEvaluation>,
    /// Training runs to draw beside the figures, with their names; not part of the JSON.
    #[serde(skip)]
    pub training_logs: Vec<(String, TrainingLog)>,
}

impl Evaluation {
    /// Computes every figure. The population is that of the first network's outcomes.
    ///
    /// Ages that no person can have, probabilities outside 0 to 1 and numbers that are not finite count as missing.
    pub fn new(data_set: DataSet, networks: &[NetworkOutcomes], bootstrap: Bootstrap) -> Evaluation {
        let labels = labels(networks);
        let mut evaluated: Vec<NetworkEvaluation> = networks
            .iter()
            .zip(labels)
            .map(|(network, label)| NetworkEvaluation::new(network, label, &bootstrap))
            .collect();
        add_differences(&mut evaluated, networks, &bootstrap);
        Evaluation {
            ecgnet_version: env!("CARGO_PKG_VERSION"),
            data_set,
            population: networks.first().map(|network| Population::new(&network.outcomes)).unwrap_or_default(),
            bootstrap,
            networks: evaluated,
            training_logs: Vec::new(),
        }
    }

    /// The network with the lowest MAE of the age.
    pub fn best_for_age(&self) -> Option<usize> {
        best(&self.networks, |network| network.age.figures.mae.value.map(|mae| -mae))
    }

    /// The network with the highest AUC of the sex.
    pub fn best_for_sex(&self) -> Option<usize> {
        best(&self.networks, |network| network.sex.figures.auc.value)
    }
}

/// The first network with the highest score.
fn best(networks: &[NetworkEvaluation], score: impl Fn(&NetworkEvaluation) -> Option<f64>) -> Option<usize> {
    let scores = networks.iter().enumerate().filter_map(|(number, network)| Some((number, score(network)?)));
    scores.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(number, _)| number)
}

/// A name of its own for each network: its own where that is unique, with the weights or a number where not.
fn labels(networks: &[NetworkOutcomes]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut label = |network: &NetworkOutcomes| {
        let alone = networks.iter().filter(|other| other.network == network.network).count() == 1;
        let name = if alone { network.network.clone() } else { format!("{} ({})", network.network, network.weights) };
        let numbered = (2..).map(|number| format!("{name} #{number}"));
        let unique = std::iter::once(name.clone()).chain(numbered).find(|candidate| !taken.contains(candidate));
        let unique = unique.unwrap_or(name);
        taken.insert(unique.clone());
        unique
    };
    networks.iter().map(&mut label).collect()
}

impl Population {
    fn new(outcomes: &[Outcome]) -> Population {
        let patients: Option<HashSet<&str>> = outcomes.iter().map(|outcome| outcome.patient.as_deref()).collect();
        let ages = Moments::new(outcomes.iter().filter_map(Outcome::usable_age));
        let stated = |sex| outcomes.iter().filter(|outcome| outcome.sex == Some(sex)).count();
        Population {
            records: outcomes.len(),
            people: patients.map(|patients| patients.len()),
            mean_age: ages.mean,
            age_sd: ages.sample_deviation(),
            male: stated(Sex::Male),
            female: stated(Sex::Female),
        }
    }
}

impl Outcome {
    fn usable_age(&self) -> Option<f64> {
        self.age.map(f64::from).filter(|age| AGES.contains(&(*age as f32)))
    }

    fn estimated_age(&self) -> Option<f64> {
        self.predicted_age.map(f64::from).filter(|age| age.is_finite())
    }

    fn usable_probability(&self) -> Option<f64> {
        self.probability_female.map(f64::from).filter(|probability| (0.0..=1.0).contains(probability))
    }

    fn age_case(&self) -> Option<AgeCase> {
        let interval = self.age_low.zip(self.age_high).map(|(low, high)| (f64::from(low), f64::from(high)));
        let usable = |(low, high): &(f64, f64)| low.is_finite() && high.is_finite() && low <= high;
        Some(AgeCase { age: self.usable_age()?, predicted: self.estimated_age()?, interval: interval.filter(usable) })
    }

    fn sex_case(&self) -> Option<SexCase> {
        Some(SexCase { female: self.sex? == Sex::Female, probability: self.usable_probability()? })
    }
}

/// The usable cases of some outcomes, with their people.
fn sample<'a, T: Copy>(outcomes: impl Iterator<Item = &'a Outcome>, case: impl Fn(&Outcome) -> Option<T>) -> Sample<T> {
    Sample::new(outcomes.filter_map(|outcome| Some((case(outcome)?, outcome.patient.as_deref()))))
}

impl NetworkEvaluation {
    fn new(network: &NetworkOutcomes, label: String, bootstrap: &Bootstrap) -> NetworkEvaluation {
        let outcomes = &network.outcomes;
        let ages = sample(outcomes.iter(), Outcome::age_case);
        let sexes = sample(outcomes.iter(), Outcome::sex_case);
        let mean_age = metrics::mean(ages.cases().iter().map(|case| case.age));
        let group = |label: String, belongs: &dyn Fn(&Outcome) -> bool| {
            let members: Vec<&Outcome> = outcomes.iter().filter(|outcome| belongs(outcome)).collect();
            let age = sample(members.iter().copied(), Outcome::age_case);
            let sex = sample(members.iter().copied(), Outcome::sex_case);
            (!members.is_empty()).then(|| Group {
                label,
                age: AgeMetrics::new(&age, mean_age, bootstrap),
                sex: SexMetrics::new(&sex, bootstrap),
            })
        };
        let in_decade = |number: usize| {
            group(decade::label(number), &|outcome| outcome.usable_age().map(decade::of) == Some(number))
        };
        let of_sex = |sex: Sex| group(sex.to_string(), &|outcome| outcome.sex == Some(sex));
        NetworkEvaluation {
            label,
            network: network.network.clone(),
            weights: network.weights.clone(),
            age_coverage: network.age_coverage,
            left_out: left_out(outcomes),
            age: AgeMetrics::new(&ages, mean_age, bootstrap),
            mae_difference: Measure::default(),
            sex: SexMetrics::new(&sexes, bootstrap),
            auc_difference: Measure::default(),
            by_decade: (0..decade::COUNT).filter_map(in_decade).collect(),
            by_sex: [Sex::Male, Sex::Female].into_iter().filter_map(of_sex).collect(),
            roc: metrics::roc(sexes.cases()),
            calibration: metrics::calibration(sexes.cases()),
            age_cases: ages.cases().to_vec(),
        }
    }
}

/// Counts what could not be compared. A recording can be missing for age and still count for sex.
fn left_out(outcomes: &[Outcome]) -> Vec<LeftOut> {
    type Missing = fn(&Outcome) -> bool;
    let reasons: [(&str, Missing); 4] = [
        ("age: not stated, or one that no person can have", |outcome| outcome.usable_age().is_none()),
        ("age: not estimated", |outcome| outcome.usable_age().is_some() && outcome.estimated_age().is_none()),
        ("sex: not stated as male or female", |outcome| outcome.sex.is_none()),
        ("sex: not estimated", |outcome| outcome.sex.is_some() && outcome.usable_probability().is_none()),
    ];
    let count = |(reason, missing): (&str, Missing)| LeftOut {
        reason: reason.to_owned(),
        count: outcomes.iter().filter(|outcome| missing(outcome)).count(),
    };
    reasons.into_iter().map(count).filter(|left_out| left_out.count > 0).collect()
}

/// Compares every network with the best one on the recordings that both estimated.
fn add_differences(evaluated: &mut [NetworkEvaluation], networks: &[NetworkOutcomes], bootstrap: &Bootstrap) {
    let best_age = best(evaluated, |network| network.age.figures.mae.value.map(|mae| -mae));
    let best_sex = best(evaluated, |network| network.sex.figures.auc.value);
    let mae = |cases: &mut dyn Iterator<Item = AgeCase>| metrics::mean(cases.map(|case| case.error().abs()));
    let auc = |cases: &mut dyn Iterator<Item = SexCase>| metrics::auc(&cases.collect::<Vec<_>>());
    for (number, (evaluation, network)) in evaluated.iter_mut().zip(networks).enumerate() {
        if let Some(best) = best_age.filter(|&best| best != number) {
            evaluation.mae_difference = difference(network, &networks[best], Outcome::age_case, mae, bootstrap);
        }
        if let Some(best) = best_sex.filter(|&best| best != number) {
            evaluation.auc_difference = difference(network, &networks[best], Outcome::sex_case, auc, bootstrap);
        }
    }
}

/// A statistic of one network minus that of another, over the recordings (by `id`) that both estimated.
fn difference<T: Copy>(
    network: &NetworkOutcomes,
    other: &NetworkOutcomes,
    case: fn(&Outcome) -> Option<T>,
    statistic: impl Fn(&mut dyn Iterator<Item = T>) -> Option<f64>,
    bootstrap: &Bootstrap,
) -> Measure {
    let others: HashMap<&str, T> =
        other.outcomes.iter().filter_map(|outcome| Some((outcome.id.as_str(), case(outcome)?))).collect();
    let both = |outcome: &Outcome| Some((case(outcome)?, *others.get(outcome.id.as_str())?));
    let [difference] = bootstrap.measure(&sample(network.outcomes.iter(), both), |pairs| {
        let own = statistic(&mut pairs.iter().map(|pair| pair.0));
        let other = statistic(&mut pairs.iter().map(|pair| pair.1));
        [own.zip(other).map(|(own, other)| own - other)]
    });
    difference
}
