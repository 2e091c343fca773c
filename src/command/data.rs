//! `--data` and the split: what is learned from, and what is tested.

use super::error::CommandError;
use super::{progress, remark, values};
use crate::dataset::split::{self, Folds, Shares};
use crate::dataset::{Concern, Dataset, Part, PreparedSet, Record, Source, Split, sph, summary_of};
use crate::ecg::Amplitude;
use crate::report::LeftOut;
use crate::signal::{Preprocessing, Window};
use clap::Args;
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct DataOptions {
    /// Folders or tables of ECGs: SPH, PTB-XL, a PhysioNet Challenge, a CSV table with a column `file`, or any folder
    ///
    /// A table may also have the columns age (years), sex (a word such as female or M, no number), patient (the same text
    /// for the same person), group (train, validation or test, or a fold) and id (unique).
    #[arg(long = "data", required = true, num_args = 1.., value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Leave out records that their publisher has already filtered and standardised
    #[arg(long)]
    raw_only: bool,
    /// Folder for the decoded records [default: a folder `ecgnet` among the user's caches, or ECGNET_CACHE]
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
}

#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub struct SplitOptions {
    /// A table `id,part` with the parts train, validation and test
    #[arg(long, value_name = "FILE")]
    split: Option<PathBuf>,
    /// The folds of each part, as TRAIN/VALIDATION/TEST, such as 1-7/8/9
    #[arg(long, value_name = "FOLDS", value_parser = values::folds)]
    folds: Option<Folds>,
    /// Draw the parts (64, 16 and 20 %) by this seed, nobody being in two
    #[arg(long, value_name = "SEED")]
    by_patient: Option<u32>,
    /// The split of the publication, for SPH with its whole metadata.csv
    #[arg(long, alias = "published")]
    published_split: bool,
}

/// What the split of the publication is called.
const PUBLISHED: &str = "published split of SPH";

/// The seed of the split by patient where the data have neither folds nor groups.
const USUAL_SEED: u32 = 1;

/// A split and what to call it.
#[derive(Debug)]
pub struct Chosen {
    pub split: Split,
    pub name: String,
    /// All records that the split was drawn from, where these are more than those with files.
    pub drawn_from: Option<Vec<Record>>,
}

impl Chosen {
    fn new(split: Split, name: impl Into<String>) -> Chosen {
        Chosen { split, name: name.into(), drawn_from: None }
    }
}

/// Decoded records, of which some may be unwanted.
#[derive(Debug)]
pub struct Prepared {
    pub set: PreparedSet,
    raw_only: bool,
}

impl DataOptions {
    /// All records of these folders and tables, in the usual cache.
    pub fn of(paths: Vec<PathBuf>) -> DataOptions {
        DataOptions { paths, raw_only: false, cache: None }
    }

    /// Whether standardised records are left out.
    pub fn raw_only(&self) -> bool {
        self.raw_only
    }

    /// Opens the data and says what there is.
    pub fn open(&self) -> Result<Dataset, CommandError> {
        let mut dataset = Dataset::open_all(&self.paths)?;
        remark(dataset.summary());
        if self.raw_only {
            dataset.records.retain(|record| record.amplitude != Amplitude::Standardised);
        }
        Ok(dataset)
    }

    /// Decodes and preprocesses all records, or finds that done.
    pub fn prepare(&self, records: &[Record], preprocessing: Preprocessing) -> Result<Prepared, CommandError> {
        let folder = self.cache.clone().unwrap_or_else(usual_cache);
        let bar = progress::bar(records.len(), "decoding");
        let progress = |done: usize, _: usize| bar.set_position(done as u64);
        let set = PreparedSet::open_or_build(&folder, records, preprocessing, Window::default(), progress);
        bar.finish_and_clear();
        let prepared = Prepared { set: set?, raw_only: self.raw_only };
        if !prepared.set.left_out().is_empty() {
            remark(summary_of(prepared.set.left_out()));
        }
        Ok(prepared)
    }
}

impl Prepared {
    fn is_wanted(&self, record: &Record) -> bool {
        !(self.raw_only && record.amplitude == Amplitude::Standardised)
    }

    /// The records that may be used, with what their files state of the people.
    pub fn records(&self) -> Vec<Record> {
        self.set.records().iter().filter(|record| self.is_wanted(record)).cloned().collect()
    }

    /// The positions in the set of a part's records for which `wanted` holds.
    pub fn positions(&self, split: &Split, part: Part, wanted: impl Fn(&Record) -> bool) -> Vec<usize> {
        let mut positions = split.positions(part, self.set.records());
        positions.retain(|&position| {
            let record = self.set.record(position);
            self.is_wanted(record) && wanted(record)
        });
        positions
    }
}

impl SplitOptions {
    /// Whether the command line says how to split.
    pub fn is_given(&self) -> bool {
        self.split.is_some() || self.folds.is_some() || self.by_patient.is_some() || self.published_split
    }

    /// The split that is asked for, or else the one that the data offer.
    pub fn choose(&self, records: &[Record], data: &[PathBuf]) -> Result<Chosen, CommandError> {
        if let Some(path) = &self.split {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            return Ok(Chosen::new(Split::read(path)?, format!("split file {file}")));
        }
        if let Some(folds) = &self.folds {
            let name = format!("folds {}", values::folds_in_words(folds));
            return Ok(Chosen::new(split::by_fold(records, folds)?.0, name));
        }
        if let Some(seed) = self.by_patient {
            return by_patient(records, seed);
        }
        if self.published_split { published(data) } else { offered(records) }
    }
}

/// The split that is called so, made again of the same data; `None` where the name does not say how it was made.
pub fn split_called(name: &str, records: &[Record], data: &[PathBuf]) -> Option<Split> {
    if let Some(folds) = name.strip_prefix("folds ") {
        let mut folds = values::folds(folds).ok()?;
        // Of the data there may be only some folds here.
        let is_present = |fold: &String| records.iter().any(|record| record.group.as_ref() == Some(fold));
        for part in [&mut folds.train, &mut folds.validation, &mut folds.test] {
            part.retain(is_present);
        }
        return Some(split::by_fold(records, &folds).ok()?.0);
    }
    let chosen = match name.strip_prefix("by patient, seed ") {
        Some(seed) => by_patient(records, seed.parse().ok()?),
        None if name == PUBLISHED => published(data),
        None => offered(records),
    };
    chosen.ok().filter(|chosen| chosen.name == name).map(|chosen| chosen.split)
}

/// Whether the data say themselves which records are for testing.
pub fn offers_parts(records: &[Record]) -> bool {
    records.iter().any(|record| record.group.is_some())
}

fn by_patient(records: &[Record], seed: u32) -> Result<Chosen, CommandError> {
    let split = split::by_patient(records, Shares::default(), seed)?;
    Ok(Chosen::new(split, format!("by patient, seed {seed}")))
}

/// The published split, drawn from the whole table of SPH.
fn published(data: &[PathBuf]) -> Result<Chosen, CommandError> {
    let tables = data.iter().map(|path| if path.is_dir() { path.join("metadata.csv") } else { path.clone() });
    let Some(rows) = tables.filter(|path| path.is_file()).find_map(|path| sph::read_metadata(&path).ok()) else {
        return Err(CommandError::NoSphTable(values::list(data.iter().map(|path| path.display()))));
    };
    let chosen = Chosen::new(split::published(&rows)?, PUBLISHED);
    Ok(Chosen { drawn_from: Some(rows), ..chosen })
}

/// The split that the data offer: folds 1 to 9 or named groups where there are any, else by patient. Data sets of
/// several kinds are split each in its own way.
fn offered(records: &[Record]) -> Result<Chosen, CommandError> {
    let sources: BTreeSet<Source> = records.iter().map(|record| record.source).collect();
    let mut joined = Split::default();
    let mut names = Vec::new();
    for source in sources {
        let own: Vec<Record> = records.iter().filter(|record| record.source == source).cloned().collect();
        let Chosen { split, name, .. } = offered_by_one(&own)?;
        joined.train.extend(split.train);
        joined.validation.extend(split.validation);
        joined.test.extend(split.test);
        names.push((source, name));
    }
    let name = match names.as_slice() {
        [(_, name)] => name.clone(),
        names => names.iter().map(|(source, name)| format!("{source}: {name}")).collect::<Vec<_>>().join("; "),
    };
    Ok(Chosen::new(joined, name))
}

fn offered_by_one(records: &[Record]) -> Result<Chosen, CommandError> {
    let groups: BTreeSet<&str> = records.iter().filter_map(|record| record.group.as_deref()).collect();
    if groups.is_empty() {
        return by_patient(records, USUAL_SEED);
    }
    if groups.iter().any(|group| Part::from_label(group).is_some()) {
        return Ok(Chosen::new(split::by_group(records)?.0, "groups of the table"));
    }
    let folds = Folds::default();
    if ![&folds.train, &folds.validation, &folds.test].into_iter().flatten().all(|fold| groups.contains(fold.as_str()))
    {
        let present = values::list(groups.iter().take(12));
        return Err(CommandError::UnknownGroups { present });
    }
    let name = format!("folds {}", values::folds_in_words(&folds));
    Ok(Chosen::new(split::by_fold(records, &folds)?.0, name))
}

/// The records that cannot be used, by reason: those that the tables leave out and those that cannot be decoded.
pub fn left_out(dataset: &Dataset, prepared: &Prepared) -> Vec<LeftOut> {
    let mut reasons: Vec<LeftOut> = Vec::new();
    let mut add = |reason: String, count: usize| match reasons.iter_mut().find(|known| known.reason == reason) {
        Some(known) => known.count += count,
        None => reasons.push(LeftOut { reason, count }),
    };
    for entry in dataset.left_out.iter().chain(prepared.set.left_out()) {
        if entry.reason.concern() == Concern::Record {
            add(entry.reason.group(), entry.records);
        }
    }
    reasons
}

/// The user's folder of caches, wherever the system keeps it.
fn usual_cache() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || {
        let below = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        std::env::home_dir().map(|home| home.join(below))
    };
    let caches = || variable("XDG_CACHE_HOME").or_else(|| variable("LOCALAPPDATA")).or_else(home);
    let own = || caches().unwrap_or_else(std::env::temp_dir).join("ecgnet");
    variable("ECGNET_CACHE").unwrap_or_else(own)
}
