//! What a training was started with: kept in its checkpoint, to be compared at `--resume`, and told in its weights.

use super::Options;
use super::values;
use crate::command::data::{Chosen, Prepared};
use crate::command::error::CommandError;
use crate::command::parameters;
use crate::dataset::{Record, counted};
use crate::network::manifest::sha256;
use crate::network::{Architecture, Target};
use crate::signal::Preprocessing;
use crate::training::{Recipe, Training};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::fmt;

/// Everything that decides the numbers of a training, besides the device. No path of this machine is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    pub network: Architecture,
    pub target: Target,
    /// Names of the data sets.
    pub data: String,
    pub split: String,
    /// SHA-256 over the ids, ages and sexes of the records of both parts, in order.
    pub records_sha256: String,
    pub train: Counts,
    pub validation: Counts,
    pub preprocessing: Preprocessing,
    pub raw_only: bool,
    pub recipe: Recipe,
    pub seed: u64,
    /// SHA-256 of the file with the first parameters.
    pub initial_sha256: Option<String>,
}

/// How many records, of how many people where the person of every record is stated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub records: usize,
    pub people: Option<usize>,
}

impl Counts {
    fn of<'r>(records: impl Iterator<Item = &'r Record>) -> Counts {
        let patients: Vec<Option<&str>> = records.map(|record| record.patient.as_deref()).collect();
        let people: Option<HashSet<&str>> = patients.iter().copied().collect();
        Counts { records: patients.len(), people: people.map(|people| people.len()) }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&counted(self.records, "record", "records"))?;
        match self.people {
            Some(people) => write!(f, " of {}", counted(people, "person", "people")),
            None => Ok(()),
        }
    }
}

impl Context {
    pub fn new(
        options: &Options,
        data: &str,
        prepared: &Prepared,
        chosen: &Chosen,
        parts: [&[usize]; 2],
    ) -> Result<Context, CommandError> {
        let records = |part: usize| parts[part].iter().map(|&position| prepared.set.record(position));
        let initial = options.initial.as_deref().map(|path| {
            let file = parameters::file_of(path);
            std::fs::read(&file).map_err(CommandError::read(file))
        });
        Ok(Context {
            network: options.network,
            target: options.target,
            data: data.to_owned(),
            split: chosen.name.clone(),
            records_sha256: sum_over([records(0).collect(), records(1).collect()]),
            train: Counts::of(records(0)),
            validation: Counts::of(records(1)),
            preprocessing: options.preprocessing(),
            raw_only: options.data.raw_only(),
            recipe: options.recipe(),
            seed: options.seed,
            initial_sha256: initial.transpose()?.map(|bytes| sha256(&bytes)),
        })
    }

    pub fn summary(&self) -> String {
        let Context { network, target, data, split, recipe, seed, .. } = self;
        let parts = [("train", self.train), ("validation", self.validation)];
        let parts = values::list(parts.map(|(part, counts)| format!("{part} {counts}")));
        format!("{network} for {target}, recipe {}, seed {seed}\n{data} ({split}): {parts}", recipe.name)
    }

    pub fn to_json(&self) -> Value {
        // Of plain names, numbers and texts there is nothing that JSON cannot hold.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What is otherwise than in a context read from a checkpoint, each on a line; empty where nothing is.
    pub fn differences(&self, before: &Value) -> String {
        let mut lines = String::new();
        compare("", before, &self.to_json(), &mut lines);
        lines
    }

    /// The command that repeats the training, with the names of the data sets and the checksum of given parameters for
    /// their paths.
    fn command(&self, defaults: &Recipe) -> String {
        let Context { network, target, data, preprocessing, recipe, seed, .. } = self;
        let mut command = format!(
            "ecgnet train --network {network} --target {target} --data {data} --recipe {} --preprocessing {preprocessing} \
             --seed {seed}",
            recipe.name
        );
        if self.raw_only {
            command += " --raw-only";
        }
        if let Some(sha256) = &self.initial_sha256 {
            command += &format!(" --initial {sha256}");
        }
        if recipe.epochs != defaults.epochs {
            command += &format!(" --epochs {}", recipe.epochs);
        }
        if recipe.batch_size != defaults.batch_size {
            command += &format!(" --batch-size {}", recipe.batch_size);
        }
        if recipe.learning_rate != defaults.learning_rate {
            command += &format!(" --learning-rate {}", recipe.learning_rate);
        }
        command
    }

    /// What a weights file says of its training.
    pub fn description(&self, training: &Training) -> Map<String, Value> {
        let defaults = Recipe::named(&self.recipe.name, self.target).unwrap_or_else(|| self.recipe.clone());
        let best = training.best_figures();
        let entries = [
            ("command", json!(self.command(&defaults))),
            ("ecgnet", json!(env!("CARGO_PKG_VERSION"))),
            ("data", json!(self.data)),
            ("split", json!(self.split)),
            ("train", json!(self.train)),
            ("validation", json!(self.validation)),
            ("recipe", json!(self.recipe)),
            ("seed", json!(self.seed)),
            ("initial_sha256", json!(self.initial_sha256)),
            ("epochs", json!(training.history().len())),
            ("best_epoch", json!(best.map(|figures| figures.epoch))),
            ("validation_figures", json!(best.map(|figures| figures.validation))),
        ];
        entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn sum_over(parts: [Vec<&Record>; 2]) -> String {
    let parts = parts
        .map(|records| records.iter().map(|record| json!([record.id, record.age, record.sex])).collect::<Vec<Value>>());
    sha256(json!(parts).to_string().as_bytes())
}

fn compare(name: &str, before: &Value, now: &Value, lines: &mut String) {
    if let (Value::Object(before), Value::Object(now)) = (before, now) {
        let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        for key in names {
            let value = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
            let separator = if name.is_empty() { "" } else { "." };
            compare(&format!("{name}{separator}{key}"), &value(before), &value(now), lines);
        }
    } else if before != now {
        *lines += &match name {
            "records_sha256" => "\n  the records of the parts, or their ages and sexes, are others".to_owned(),
            name => format!("\n  {name} was {before} and is {now}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named() {
        let mut lines = String::new();
        let before = json!({"seed": 1, "recipe": {"epochs": 30, "name": "default"}, "records_sha256": "a"});
        let now =
            json!({"seed": 2, "recipe": {"epochs": 3, "name": "default"}, "records_sha256": "b", "raw_only": true});
        compare("", &before, &now, &mut lines);
        let lines: Vec<&str> = lines.trim_start_matches('\n').lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "raw_only was null and is true",
                "recipe.epochs was 30 and is 3",
                "the records of the parts, or their ages and sexes, are others",
                "seed was 1 and is 2"
            ]
        );
    }
}
