//! Numbers as the page says them.

use crate::ecg::{Ecg, Notice, Sex};
use crate::estimate::AgeEstimate;
use crate::network::Architecture;
use crate::network::manifest::{Figure, Figures};
use serde::Serialize;
use std::borrow::Cow;

/// Something known of a recording, with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
pub struct Fact {
    pub name: Cow<'static, str>,
    pub value: String,
}

/// What a recording's file says and what was measured in it.
pub fn facts(ecg: &Ecg, heart_rate: Option<f64>) -> Vec<Fact> {
    let fact = |name: &'static str, value: Option<String>| value.map(|value| Fact { name: name.into(), value });
    let person = &ecg.person;
    [
        fact("Heart rate", heart_rate.map(|rate| format!("{rate:.0} per minute"))),
        fact("Length", Some(length(ecg.seconds()))),
        fact("Sampling rate", Some(format!("{} Hz", tidy(ecg.sampling_rate())))),
        fact("Recorded", person.recorded_at.as_ref().map(|time| time.replace('T', " "))),
        fact("Identifier", person.id.clone()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `10.0 s`, `4 min 5 s`.
pub fn length(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round();
    format!("{:.0} min {:.0} s", (whole / 60.0).floor(), whole % 60.0)
}

/// `57 years`.
pub fn years(age: f32) -> String {
    format!("{age:.0} years")
}

/// The interval of an age: `43 to 71`.
pub fn range(age: &AgeEstimate) -> Option<String> {
    age.interval.map(|(low, high)| format!("{low:.0} to {high:.0}"))
}

/// What the interval of an age means, of which that share of people is meant to be within.
pub fn interval(age: &AgeEstimate, coverage: f32) -> Option<String> {
    let (low, high) = age.interval?;
    Some(format!("For {:.0} of 100 people the age lies between {low:.0} and {high:.0}.", coverage * 100.0))
}

/// An estimated age beside the one that the file states.
pub fn age_comparison(estimated: f32, stated: f32) -> String {
    // Of the rounded numbers that are shown, so that the sum is right.
    let difference = estimated.round() - stated.round();
    let unit = if difference.abs() == 1.0 { "year" } else { "years" };
    let says = format!("The file says {}", years(stated));
    match difference {
        difference if difference > 0.0 => format!("{says}; the estimate is {difference:.0} {unit} older."),
        difference if difference < 0.0 => format!("{says}; the estimate is {:.0} {unit} younger.", -difference),
        _ => format!("{says}, like the estimate."),
    }
}

/// An estimated sex beside the one that the file states.
pub fn sex_comparison(estimated: Sex, stated: Sex) -> String {
    match estimated == stated {
        true => format!("The file says {stated}, like the estimate."),
        false => format!("The file says {stated}; the estimate differs."),
    }
}

/// Whether a notice casts doubt on the recording, rather than saying what was done to it.
pub fn is_warning(notice: &Notice) -> bool {
    match notice {
        Notice::FlatLead(_)
        | Notice::MissingSamples { .. }
        | Notice::ShorterThanWindow { .. }
        | Notice::ImplausibleAmplitude { .. }
        | Notice::Clipped { .. }
        | Notice::Noisy(_)
        | Notice::ArmElectrodesInterchanged
        | Notice::LimbLeadsInconsistent { .. } => true,
        Notice::LimbLeadsDerived(_)
        | Notice::WindowChosen { .. }
        | Notice::Resampled { .. }
        | Notice::Standardised
        | Notice::UnitAssumed { .. }
        | Notice::SamplingRateAssumed { .. }
        | Notice::LeadOrderAssumed(_)
        | Notice::File(_) => false,
    }
}

/// What a network reached on one data set, with the ends of the 95 % confidence intervals.
pub fn figures(figures: &Figures) -> Vec<Fact> {
    let fact = |name: &'static str, figure: Option<Figure>, say: fn(f64) -> String| {
        let Figure { value, low, high } = figure?;
        let range = match (low, high) {
            (Some(low), Some(high)) => format!(" ({} to {})", say(low), say(high)),
            _ => String::new(),
        };
        Some(Fact { name: name.into(), value: say(value) + &range })
    };
    let trivial = figures.mean_age_mae.map(|value| Figure { value, low: None, high: None });
    [
        fact("Mean error of the age in years", figures.age_mae, |years| format!("{years:.1}")),
        fact("The same of always guessing the mean age", trivial, |years| format!("{years:.1}")),
        fact("Ages within the interval", figures.age_interval_coverage, percent),
        fact("Correct sex", figures.sex_accuracy, percent),
        fact("Area under the curve of the sex", figures.sex_auc, |area| format!("{area:.3}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The people that figures are of.
pub fn population(figures: &Figures) -> String {
    format!("{}, {}: {} recordings", figures.data, figures.split, figures.records)
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Which network computed where, and for how long.
pub fn computed(network: Architecture, device: &str, milliseconds: f64) -> String {
    format!("{network}, {device}, {milliseconds:.0} ms")
}

/// A probability in per cent, which is never said to be none or certainty.
pub fn probability(probability: f32) -> String {
    match probability * 100.0 {
        percent if percent < 1.0 => "below 1 %".to_owned(),
        percent if percent > 99.0 => "over 99 %".to_owned(),
        percent => format!("{percent:.0} %"),
    }
}

/// `Female`.
pub fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "Male",
        Sex::Female => "Female",
    }
}

/// `8.9 MB`.
pub fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// A message as a sentence: its first letter large, a full stop at its end. File names keep their first letter.
pub fn sentence(message: &str) -> String {
    let first_word = message.split(' ').next().unwrap_or_default();
    let mut letters = message.chars();
    let begun = match letters.next() {
        Some(first) if first_word.chars().all(char::is_alphabetic) => first.to_uppercase().chain(letters).collect(),
        _ => message.to_owned(),
    };
    if begun.ends_with(['.', '!', '?']) { begun } else { begun + "." }
}

/// At most three decimals, without zeros at the end.
fn tidy(number: f64) -> String {
    let rounded = (number * 1000.0).round() / 1000.0;
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::synthetic::{Parameters, synthetic};

    #[test]
    fn numbers_are_said_with_the_digits_that_they_deserve() {
        assert_eq!(length(9.998), "10.0 s");
        assert_eq!(length(245.2), "4 min 5 s");
        assert_eq!(length(119.9), "2 min 0 s");
        assert_eq!(years(56.61), "57 years");
        let age = AgeEstimate { years: 57.0, interval: Some((43.2, 70.8)) };
        assert_eq!(interval(&age, 0.9).unwrap(), "For 90 of 100 people the age lies between 43 and 71.");
        assert_eq!(range(&age).unwrap(), "43 to 71");
        assert_eq!(computed(Architecture::Cnn, "CPU", 12.3), "cnn, CPU, 12 ms");
        assert_eq!(interval(&AgeEstimate { interval: None, ..age }, 0.9), None);
        for (value, expected) in [(0.0, "below 1 %"), (0.5, "50 %"), (0.98, "98 %"), (0.999, "over 99 %")] {
            assert_eq!(probability(value), expected);
        }
        assert_eq!(size(8_912_345), "8.9 MB");
    }

    #[test]
    fn an_estimate_is_compared_with_what_the_file_states() {
        for (estimated, stated, expected) in [
            (57.4, 74.0, "The file says 74 years; the estimate is 17 years younger."),
            (57.6, 57.0, "The file says 57 years; the estimate is 1 year older."),
            (57.4, 57.0, "The file says 57 years, like the estimate."),
        ] {
            assert_eq!(age_comparison(estimated, stated), expected);
        }
        assert_eq!(sex_comparison(Sex::Male, Sex::Female), "The file says female; the estimate differs.");
    }

    #[test]
    fn doubts_are_told_from_remarks() {
        assert!(is_warning(&Notice::ArmElectrodesInterchanged));
        assert!(!is_warning(&Notice::Resampled { from: 250.0, to: 500.0 }));
    }

    #[test]
    fn figures_are_said_with_their_intervals() {
        let text = r#"{ "data": "PTB-XL", "split": "fold 9", "records": 384, "sex_accuracy": { "value": 0.876 },
            "age_mae": { "value": 8.14, "low": 7.5, "high": 8.9 } }"#;
        let said: Figures = serde_json::from_str(text).unwrap();
        assert_eq!(population(&said), "PTB-XL, fold 9: 384 recordings");
        let values: Vec<String> = figures(&said).into_iter().map(|fact| fact.value).collect();
        assert_eq!(values, ["8.1 (7.5 to 8.9)", "88 %"]);
    }

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("lead V1 is flat"), "Lead V1 is flat.");
        assert_eq!(sentence("a.hea is empty (0 bytes)"), "a.hea is empty (0 bytes).");
        assert_eq!(sentence("Look here."), "Look here.");
        assert_eq!(sentence(""), ".");
    }

    #[test]
    fn what_a_file_does_not_say_is_left_out() {
        let ecg = synthetic(Parameters { sampling_rate: 257.0, ..Parameters::default() });
        let names = |facts: Vec<Fact>| facts.into_iter().map(|fact| fact.name.into_owned()).collect::<Vec<_>>();
        assert_eq!(names(facts(&ecg, None)), ["Length", "Sampling rate"]);
        assert_eq!(facts(&ecg, Some(66.4))[0].value, "66 per minute");
        assert_eq!(tidy(257.0) + " " + &tidy(249.999_96) + " " + &tidy(128.333_333), "257 250 128.333");
    }
}
