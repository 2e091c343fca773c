//! Which of the records that are evaluated a network already knows from its training.

use super::data;
use super::weights::{NamedWeights, RUN_SPLIT, RUN_WEIGHTS};
use crate::dataset::{Part, Record, Split, counted};
use crate::network::Head;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::PathBuf;

/// The records that are evaluated, and those that they were chosen from.
pub struct Evaluated<'a> {
    /// The name of the data set.
    pub name: &'a str,
    pub usable: &'a [Record],
    pub chosen: &'a [Record],
    pub data: &'a [PathBuf],
    /// Whether a split was named, of whose test part these records are.
    pub is_stated_test: bool,
}

/// What the weights saw of the records in their training, a sentence for each doubt; none where they saw nothing.
pub fn warnings(named: &NamedWeights, evaluated: &Evaluated<'_>) -> Vec<String> {
    let NamedWeights { name, weights, .. } = named;
    let training = &weights.description.training;
    let is_this = |name: &str| plain(name) == plain(evaluated.name);
    let mut stored = beside(named);
    let mut warnings = Vec::new();
    for training in std::iter::once(training).chain(members(training)) {
        let text = |key: &str| training.get(key).and_then(Value::as_str).unwrap_or_default();
        let (data, split) = (text("data"), text("split"));
        let remade = || {
            let split = data::split_called(split, evaluated.usable, evaluated.data)?;
            is_as_large(&split, training, weights.description.target.heads(), evaluated).then_some(split)
        };
        match stored.take().or_else(|| is_this(data).then(remade).flatten()) {
            Some(split) => warnings.extend(of_parts(&split, evaluated).map(|counts| match is_this(data) {
                true => format!("{name}: {}.", counts.in_words("were trained on", "were in its validation part")),
                false => {
                    let parts =
                        ["training", "validation"].map(|part| format!("are called like ones of its {part} part"));
                    let counts = counts.in_words(&parts[0], &parts[1]);
                    format!("{name}: {counts}; it was trained on a data set with another name, {data}.")
                }
            })),
            None if !is_this(data) || evaluated.is_stated_test => {}
            None => warnings.push(format!(
                "{name} was trained on a data set of this name, and which records of it are not known here ({split}): \
                 it may have been trained on these. --split takes the split.csv of its training."
            )),
        }
    }
    warnings.dedup();
    // Whoever was learned from need not be told apart from whoever the weights were calibrated on.
    if warnings.is_empty() {
        warnings.extend(calibrated_on(name, training, evaluated));
    }
    warnings
}

/// How many of the records the weights were calibrated on, where that was done after their training.
fn calibrated_on(name: &str, training: &Map<String, Value>, evaluated: &Evaluated<'_>) -> Option<String> {
    let calibration = training.get("calibration")?;
    if plain(calibration["data"].as_str()?) != plain(evaluated.name) {
        return None;
    }
    let split = data::split_called(calibration["split"].as_str()?, evaluated.usable, evaluated.data)?;
    let validation: HashSet<&str> = split.part(Part::Validation).iter().map(String::as_str).collect();
    let count = evaluated.chosen.iter().filter(|record| validation.contains(record.id.as_str())).count();
    let of = counted(evaluated.chosen.len(), "ECG", "ECGs");
    (count > 0).then(|| format!("{name}: {count} of {of} were calibrated on."))
}

/// A data set's name as it is compared: folders of one data set are called `ptb-xl`, `PTBXL`, `ptbxl`.
fn plain(name: &str) -> String {
    name.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "")
}

/// The split in the folder of the training.
fn beside(named: &NamedWeights) -> Option<Split> {
    let is_run = named.path.file_name().is_some_and(|name| name == RUN_WEIGHTS);
    is_run.then(|| Split::read(&named.path.with_file_name(RUN_SPLIT)).ok()).flatten()
}

/// The trainings of an ensemble's members.
fn members(training: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    training.get("members").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// Whether the training part that was drawn again can be that of the training: it is drawn otherwise from other records.
fn is_as_large(split: &Split, training: &Map<String, Value>, heads: &[Head], evaluated: &Evaluated<'_>) -> bool {
    if training.get("split").and_then(Value::as_str).is_none_or(|name| !name.contains("by patient")) {
        return true;
    }
    let states = |record: &Record| heads.iter().any(|&head| record.states(head));
    let positions = split.positions(Part::Train, evaluated.usable);
    let records = positions.into_iter().filter(|&position| states(&evaluated.usable[position])).count();
    training.get("train").is_some_and(|train| train["records"].as_u64() == Some(records as u64))
}

/// How many of the records are in the parts that a training sees.
struct Counts {
    train: usize,
    validation: usize,
    of: usize,
}

impl Counts {
    fn in_words(&self, train: &str, validation: &str) -> String {
        let of = counted(self.of, "ECG", "ECGs");
        match (self.train, self.validation) {
            (train_count, 0) => format!("{train_count} of {of} {train}"),
            (0, count) => format!("{count} of {of} {validation}"),
            (train_count, count) => format!("{train_count} of {of} {train}, and {count} {validation}"),
        }
    }
}

/// `None` where none is in either part.
fn of_parts(split: &Split, evaluated: &Evaluated<'_>) -> Option<Counts> {
    let count = |part: Part| {
        let ids: HashSet<&str> = split.part(part).iter().map(String::as_str).collect();
        evaluated.chosen.iter().filter(|record| ids.contains(record.id.as_str())).count()
    };
    let counts = Counts { train: count(Part::Train), validation: count(Part::Validation), of: evaluated.chosen.len() };
    (counts.train + counts.validation > 0).then_some(counts)
}
