//! Confidence intervals by resampling people (Efron and Tibshirani 1993, percentile method).
//!
//! Recordings of one person resemble each other, so people are drawn, each with all their recordings. The generator is
//! seeded and the same on every machine; two networks evaluated on the same recordings meet the same draws.

use std::cmp::Ordering;
use std::collections::HashMap;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::metrics::{Measure, mean, quantile};

/// How the confidence intervals are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bootstrap {
    /// Number of resamples.
    pub replicates: usize,
    /// Seed of the generator.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Bootstrap { replicates: 1000, seed: 1 }
    }
}

/// With fewer people than this, the percentile method covers far less than it says and no interval is given.
const FEWEST_PEOPLE: usize = 10;

/// Share of resamples in which a statistic must be defined for its interval to be given.
const DEFINED_SHARE: f64 = 0.95;

/// Recordings, each with the number of the person it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<T> {
    cases: Vec<T>,
    /// Parallel to `cases`: 0 up to, but without, `people`.
    person: Vec<usize>,
    people: usize,
}

impl<T: Copy> Sample<T> {
    /// Gathers recordings; those with the same patient key belong to one person, those without are people of their own.
    pub fn new<'a>(cases: impl Iterator<Item = (T, Option<&'a str>)>) -> Sample<T> {
        let mut numbers = HashMap::new();
        let mut sample = Sample { cases: Vec::new(), person: Vec::new(), people: 0 };
        for (case, patient) in cases {
            let number = patient.map_or(sample.people, |key| *numbers.entry(key).or_insert(sample.people));
            sample.people = sample.people.max(number + 1);
            sample.cases.push(case);
            sample.person.push(number);
        }
        sample
    }

    /// The recordings.
    pub fn cases(&self) -> &[T] {
        &self.cases
    }

    /// The same people with other values.
    pub fn map<U>(&self, change: impl Fn(T) -> U) -> Sample<U> {
        let cases = self.cases.iter().copied().map(change).collect();
        Sample { cases, person: self.person.clone(), people: self.people }
    }

    /// The same people with their recordings in another order, which resamples keep.
    pub fn sorted_by(&self, order: impl Fn(&T, &T) -> Ordering) -> Sample<T> {
        let mut pairs: Vec<(T, usize)> = self.cases.iter().copied().zip(self.person.iter().copied()).collect();
        pairs.sort_by(|(a, _), (b, _)| order(a, b));
        let (cases, person) = pairs.into_iter().unzip();
        Sample { cases, person, people: self.people }
    }

    /// Draws as many people as there are, with replacement, and puts their recordings into `drawn`.
    fn resample(&self, generator: &mut ChaCha8Rng, drawn: &mut Vec<T>) {
        let mut times = vec![0_usize; self.people];
        for _ in 0..self.people {
            times[generator.random_range(0..self.people)] += 1;
        }
        drawn.clear();
        for (case, &person) in self.cases.iter().zip(&self.person) {
            drawn.extend(std::iter::repeat_n(*case, times[person]));
        }
    }
}

impl Bootstrap {
    /// The statistics of the recordings with their 95 % intervals.
    ///
    /// A statistic gets no interval with fewer than ten people, or where it is undefined in more than 5 % of the
    /// resamples.
    pub fn measure<T: Copy, const K: usize>(
        &self,
        sample: &Sample<T>,
        statistics: impl Fn(&[T]) -> [Option<f64>; K],
    ) -> [Measure; K] {
        let mut replicates: [Vec<f64>; K] = std::array::from_fn(|_| Vec::new());
        if sample.people >= FEWEST_PEOPLE {
            let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
            let mut drawn = Vec::with_capacity(sample.cases.len());
            for _ in 0..self.replicates {
                sample.resample(&mut generator, &mut drawn);
                for (values, value) in replicates.iter_mut().zip(statistics(&drawn)) {
                    values.extend(value);
                }
            }
        }
        let values = statistics(&sample.cases);
        std::array::from_fn(|number| self.interval(values[number], &mut replicates[number]))
    }

    /// The mean of a statistic, and what holds 95 % of it, where only chance decides: `draw` makes every recording anew
    /// from a random number between 0 and 1.
    pub fn by_chance<T: Copy>(
        &self,
        cases: &[T],
        draw: impl Fn(T, f64) -> T,
        statistic: impl Fn(&[T]) -> Option<f64>,
    ) -> Measure {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        let mut replicates: Vec<f64> = (0..self.replicates)
            .filter_map(|_| {
                let drawn: Vec<T> = cases.iter().map(|case| draw(*case, generator.random())).collect();
                statistic(&drawn)
            })
            .collect();
        let mean = mean(replicates.iter().copied());
        self.interval(mean, &mut replicates)
    }

    fn interval(&self, value: Option<f64>, replicates: &mut [f64]) -> Measure {
        let enough = value.is_some() && replicates.len() as f64 >= DEFINED_SHARE * self.replicates as f64;
        if !enough {
            return Measure { value, ..Measure::default() };
        }
        replicates.sort_by(f64::total_cmp);
        Measure { value, low: quantile(replicates, 0.025), high: quantile(replicates, 0.975) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::metrics::mean;
    use super::*;

    fn mean_of(values: &[f64]) -> [Option<f64>; 1] {
        [mean(values.iter().copied())]
    }

    fn numbers(n: usize) -> impl Iterator<Item = f64> {
        (0..n).map(|i| ((i * 37) % 100) as f64)
    }

    fn width(measure: Measure) -> f64 {
        measure.high.unwrap() - measure.low.unwrap()
    }

    #[test]
    fn interval_of_a_mean_agrees_with_the_normal_theory() {
        let sample = Sample::new(numbers(400).map(|value| (value, None)));
        let [measure] = Bootstrap { replicates: 4000, seed: 7 }.measure(&sample, mean_of);
        // Every number from 0 to 99 four times: population standard deviation sqrt((100^2 - 1) / 12).
        let expected = 2.0 * 1.96 * (9999.0_f64 / 12.0 / 400.0).sqrt();
        assert_eq!(measure.value, Some(49.5));
        assert!((width(measure) / expected - 1.0).abs() < 0.05, "{measure:?}, expected width {expected}");
    }

    #[test]
    fn same_seed_same_interval() {
        let sample = Sample::new(numbers(50).map(|value| (value, None)));
        let measure = |seed| Bootstrap { replicates: 200, seed }.measure(&sample, mean_of);
        assert_eq!(measure(3), measure(3));
        assert_ne!(measure(3), measure(4));
    }

    #[test]
    fn copies_of_a_recording_do_not_narrow_the_interval_when_the_patient_is_known() {
        let keys: Vec<String> = (0..100).map(|i| i.to_string()).collect();
        let four_each = || numbers(100).zip(&keys).flat_map(|pair| std::iter::repeat_n(pair, 4));
        let bootstrap = Bootstrap { replicates: 2000, seed: 1 };
        let [once] = bootstrap.measure(&Sample::new(numbers(100).map(|value| (value, None))), mean_of);
        let [clustered] = bootstrap.measure(&Sample::new(four_each().map(|(v, k)| (v, Some(k.as_str())))), mean_of);
        let [naive] = bootstrap.measure(&Sample::new(four_each().map(|(v, _)| (v, None))), mean_of);
        assert_eq!(once, clustered);
        assert!((width(naive) / width(clustered) - 0.5).abs() < 0.05);
    }

    #[test]
    fn few_people_get_no_interval() {
        let sample = Sample::new(numbers(9).map(|value| (value, None)));
        let [measure] = Bootstrap::default().measure(&sample, mean_of);
        assert!(measure.value.is_some() && measure.low.is_none() && measure.high.is_none());
    }

    #[test]
    fn order_of_the_recordings_does_not_change_the_draws() {
        let keyed = Sample::new(numbers(30).map(|value| (value, None)));
        let sorted = keyed.sorted_by(|a, b| a.total_cmp(b));
        let bootstrap = Bootstrap::default();
        let [a] = bootstrap.measure(&keyed, mean_of);
        let [b] = bootstrap.measure(&sorted, mean_of);
        assert!((width(a) - width(b)).abs() < 1e-9);
    }
}
