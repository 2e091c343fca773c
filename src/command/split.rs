//! `ecgnet split`: who is learned from, and who is tested.

use super::data::{DataOptions, SplitOptions};
use super::error::CommandError;
use super::print;
use crate::dataset::{Part, Record, Source, Split};
use crate::ecg::Sex;
use crate::report::table::Table;
use crate::signal::Preprocessing;
use clap::Args;
use std::collections::HashSet;
use std::path::PathBuf;

/// Divide records into train, validation and test, and say how many people are on more than one side
///
/// Without one of --folds, --by-patient, --published-split and --split, the data decide: folds 1-7/8/9 of PTB-XL, the groups
/// of a table, else by patient. An existing split given with --split is counted and checked.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  ecgnet split --data ptb-xl --out split.csv
  ecgnet split --data sph --published-split --out published.csv
  ecgnet split --data clinic.csv --by-patient 1 --out split.csv
  ecgnet split --data clinic.csv --split split.csv")]
pub struct Options {
    #[command(flatten)]
    data: DataOptions,
    #[command(flatten)]
    split: SplitOptions,
    /// The table `id,part` to write
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<(), CommandError> {
    let mut records = options.data.open()?.records;
    // Files without a table state their patients themselves; to be known, these must be read.
    let is_silent =
        |record: &Record| record.patient.is_none() && matches!(record.source, Source::Folder | Source::Table);
    if records.iter().any(is_silent) {
        records = options.data.prepare(&records, Preprocessing::Time)?.records();
    }
    let chosen = options.split.choose(&records, &options.data.paths)?;
    print(format_args!("{}\n", chosen.name))?;
    print(counts(&chosen.split, &records).to_text())?;
    print(chosen.split.check_patients(chosen.drawn_from.as_deref().unwrap_or(&records)))?;
    if let Some(path) = &options.out {
        chosen.split.write(path)?;
        print(format_args!("written to {}", path.display()))?;
    }
    Ok(())
}

/// One row a part.
fn counts(split: &Split, records: &[Record]) -> Table {
    let row = |part: Part| {
        let members: Vec<&Record> =
            split.positions(part, records).into_iter().map(|position| &records[position]).collect();
        let patients: HashSet<&str> = members.iter().filter_map(|record| record.patient.as_deref()).collect();
        let ages: Vec<f32> = members.iter().filter_map(|record| record.age).collect();
        let mean_age = ages.iter().sum::<f32>() / ages.len() as f32;
        let of_sex = |sex| members.iter().filter(|record| record.sex == Some(sex)).count();
        vec![
            part.to_string(),
            split.part(part).len().to_string(),
            members.len().to_string(),
            patients.len().to_string(),
            if ages.is_empty() { "-".to_owned() } else { format!("{mean_age:.1}") },
            of_sex(Sex::Female).to_string(),
            of_sex(Sex::Male).to_string(),
        ]
    };
    Table {
        caption: "Parts".to_owned(),
        columns: vec!["part", "ids", "records there", "patients", "mean age", "female", "male"],
        rows: Part::ALL.into_iter().map(row).collect(),
        reference_rows: 0,
    }
}
