//! Who is learned from, who decides when to stop, and who is tested.
//!
//! [`published`] repeats the split of the publication to the record; it was drawn by record, and some people are on
//! both sides. [`by_patient`] and PTB-XL's folds ([`by_fold`]) keep people apart; [`Split::check_patients`] counts
//! those who are not.

use super::Record;
use super::left_out::{counted, with_thousands};
use super::numpy_random::LegacyRandom;
use super::table::lines_late;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// The three parts of a [`Split`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Train,
    Validation,
    Test,
}

impl Part {
    pub const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

    /// Reads `train`, `validation`, `test` and their usual abbreviations in any case.
    pub fn from_label(label: &str) -> Option<Part> {
        match label.trim().to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Part::Train),
            "validation" | "valid" | "val" | "dev" => Some(Part::Validation),
            "test" | "testing" => Some(Part::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        })
    }
}

/// Why a split cannot be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    #[error(
        "the published split needs SPH's whole table with {PUBLISHED_RECORDS} normal ECGs, there are {found}; \
         give all rows of metadata.csv, also those whose file is not there"
    )]
    NotAllOfSph { found: usize },
    #[error("record {id}: its age or sex is not known, but the published split is drawn by them")]
    UnknownPerson { id: String },
    #[error("the shares {0} of train, validation and test must be between 0 and 1, the first not 0, and add up to 1")]
    Shares(String),
    #[error("{} cannot be put into {parts} parts; check the patient identifiers", counted(*.patients, "patient", "patients"))]
    TooFewPatients { patients: usize, parts: usize },
    #[error("{} cannot be put into {parts} parts", counted(*.records, "record", "records"))]
    TooFewRecords { records: usize, parts: usize },
    #[error("no record is in fold {fold}; there are: {present}")]
    NoSuchFold { fold: String, present: String },
    #[error("fold {fold} is to be both {first} and {second}; a fold can be one only")]
    FoldTwice { fold: String, first: Part, second: Part },
    #[error(
        "no record is in the group {part}; the column `group` must say train, validation or test and has: {present}"
    )]
    NoSuchGroup { part: Part, present: String },
    #[error("{path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path}, line {line}: {problem}")]
    Row { path: PathBuf, line: u64, problem: String },
}

/// The ids of the records of each part, in order. No id is in two parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    pub train: Vec<String>,
    pub validation: Vec<String>,
    pub test: Vec<String>,
}

impl Split {
    pub fn part(&self, part: Part) -> &[String] {
        match part {
            Part::Train => &self.train,
            Part::Validation => &self.validation,
            Part::Test => &self.test,
        }
    }

    fn part_mut(&mut self, part: Part) -> &mut Vec<String> {
        match part {
            Part::Train => &mut self.train,
            Part::Validation => &mut self.validation,
            Part::Test => &mut self.test,
        }
    }

    /// All ids with their part: train, then validation, then test.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Part)> {
        Part::ALL.into_iter().flat_map(|part| self.part(part).iter().map(move |id| (id.as_str(), part)))
    }

    /// The positions in `records` of one part's records, in the order of the split.
    ///
    /// Ids without a record, such as those of files that could not be decoded, are passed over.
    pub fn positions(&self, part: Part, records: &[Record]) -> Vec<usize> {
        let positions: HashMap<&str, usize> =
            records.iter().enumerate().map(|(position, record)| (record.id.as_str(), position)).collect();
        self.part(part).iter().filter_map(|id| positions.get(id.as_str()).copied()).collect()
    }

    /// Looks for patients with records in more than one part.
    pub fn check_patients(&self, records: &[Record]) -> PatientCheck {
        let by_id: HashMap<&str, &Record> = records.iter().map(|record| (record.id.as_str(), record)).collect();
        let mut of_patient: BTreeMap<&str, Vec<(&str, Part)>> = BTreeMap::new();
        let mut check = PatientCheck::default();
        for (id, part) in self.iter() {
            let Some(record) = by_id.get(id) else { continue };
            check.records += 1;
            match &record.patient {
                Some(patient) => of_patient.entry(patient).or_default().push((id, part)),
                None => check.without_patient += 1,
            }
        }
        check.patients = of_patient.len();
        for (patient, ids) in of_patient {
            let parts: BTreeSet<Part> = ids.iter().map(|(_, part)| *part).collect();
            if parts.len() > 1 {
                let ids = ids.into_iter().map(|(id, part)| (id.to_owned(), part)).collect();
                check.overlaps.push(Overlap { patient: patient.to_owned(), ids });
            }
        }
        check
    }

    /// Reads a table `id,part` with the parts train, validation and test.
    ///
    /// # Errors
    /// Where the file cannot be read, a column is missing, an id stands there twice or a part has another name; the
    /// line is named.
    pub fn read(path: &Path) -> Result<Split, SplitError> {
        let row_error = |line, problem| SplitError::Row { path: path.to_owned(), line, problem };
        let text = std::fs::read(path).map_err(|source| SplitError::File { path: path.to_owned(), source })?;
        let lines_late = lines_late(text.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default());
        let csv_error = |error: csv::Error| {
            let line = error.position().map_or(0, csv::Position::line) + lines_late;
            match error.into_kind() {
                csv::ErrorKind::Io(source) => SplitError::File { path: path.to_owned(), source },
                kind => row_error(line, format!("not two fields of UTF-8 text: {kind:?}")),
            }
        };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_slice());
        let header: Vec<String> = reader.headers().map_err(csv_error)?.iter().map(str::to_lowercase).collect();
        if header != ["id", "part"] {
            return Err(row_error(1, format!("the columns must be `id,part`, they are `{}`", header.join(","))));
        }
        let mut split = Split::default();
        let mut seen = HashSet::new();
        for row in reader.records() {
            let row = row.map_err(csv_error)?;
            let line = row.position().map_or(0, csv::Position::line) + lines_late;
            let (id, label) = (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
            let part = Part::from_label(label).ok_or_else(|| {
                row_error(line, format!("the part `{label}` is not known; write train, validation or test"))
            })?;
            if id.is_empty() {
                return Err(row_error(line, "the id is empty".to_owned()));
            }
            if !seen.insert(id.to_owned()) {
                return Err(row_error(line, format!("the id `{id}` stands in an earlier line too; keep one")));
            }
            split.part_mut(part).push(id.to_owned());
        }
        Ok(split)
    }

    /// Writes a table `id,part` that [`Split::read`] reads.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), SplitError> {
        let file_error = |source| SplitError::File { path: path.to_owned(), source };
        let mut writer = csv::Writer::from_path(path).map_err(|error| file_error(error.into()))?;
        writer.write_record(["id", "part"]).map_err(|error| file_error(error.into()))?;
        for (id, part) in self.iter() {
            writer.write_record([id, &part.to_string()]).map_err(|error| file_error(error.into()))?;
        }
        writer.flush().map_err(file_error)
    }

    /// Puts records into parts, in their order; those without a part are in none.
    fn assigned<'r>(records: impl IntoIterator<Item = (&'r Record, Option<Part>)>) -> Split {
        let mut split = Split::default();
        for (record, part) in records {
            if let Some(part) = part {
                split.part_mut(part).push(record.id.clone());
            }
        }
        split
    }
}

/// A patient with records in more than one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    pub patient: String,
    /// All records of the patient with their parts.
    pub ids: Vec<(String, Part)>,
}

/// What [`Split::check_patients`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatientCheck {
    /// Records of the split that were looked at.
    pub records: usize,
    /// Records whose patient is not stated: nothing can be said of them.
    pub without_patient: usize,
    /// Different patients.
    pub patients: usize,
    pub overlaps: Vec<Overlap>,
}

impl PatientCheck {
    /// How many records of a part belong to people who also have a record in another one.
    pub fn shared_records(&self, part: Part) -> usize {
        self.overlaps.iter().flat_map(|overlap| &overlap.ids).filter(|(_, of)| *of == part).count()
    }

    /// How many test records belong to people who also have a record in train or validation.
    pub fn seen_test_records(&self) -> usize {
        self.shared_records(Part::Test)
    }
}

impl fmt::Display for PatientCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patients = with_thousands(self.patients);
        match self.overlaps.len() {
            0 if self.records == 0 => f.write_str("no record of the split is there")?,
            // Where nobody is known there is nothing to be said of them.
            0 if self.patients == 0 && self.without_patient > 0 => {}
            0 => write!(f, "no patient of {patients} is in more than one part")?,
            count => write!(
                f,
                "{} of {patients} {} in more than one part, with {} of the test records",
                with_thousands(count),
                if count == 1 { "patients is" } else { "patients are" },
                with_thousands(self.seen_test_records())
            )?,
        }
        if self.without_patient > 0 {
            let separator = if self.patients == 0 { "" } else { "; " };
            let [without, all] = [self.without_patient, self.records].map(with_thousands);
            write!(f, "{separator}of {without} of {all} records the patient is not stated")?;
        }
        Ok(())
    }
}

/// Normal ECGs in SPH's `metadata.csv`, from which the published split is drawn.
const PUBLISHED_RECORDS: usize = 13_903;
/// The AHA code of a normal ECG.
const NORMAL: &str = "1";
const PUBLISHED_SEED: u32 = 1;
const PUBLISHED_DEVELOPMENT_SHARE: f64 = 0.8;
const PUBLISHED_VALIDATION_SHARE: f64 = 0.2;

/// The published split of SPH, record by record and in the published order.
///
/// Of the records whose only diagnosis is "normal ECG", 80 % of each group of age and sex are drawn for train and
/// validation, of which 20 % are for validation. `rows` are all rows of the table, see
/// [`read_metadata`](super::sph::read_metadata). The split was drawn by record: 134 test records belong to people who
/// also have one in train or validation.
///
/// # Errors
/// Where `rows` are not all rows of the table, or an age or sex is unknown.
pub fn published(rows: &[Record]) -> Result<Split, SplitError> {
    let normal: Vec<&Record> = rows.iter().filter(|record| record.diagnoses == [NORMAL]).collect();
    if normal.len() != PUBLISHED_RECORDS {
        return Err(SplitError::NotAllOfSph { found: normal.len() });
    }
    drawn_as_published(&normal)
}

fn drawn_as_published(normal: &[&Record]) -> Result<Split, SplitError> {
    let groups = normal.iter().map(|record| published_group(record)).collect::<Result<Vec<_>, _>>()?;
    let all: Vec<usize> = (0..normal.len()).collect();
    let (development, test) = sampled(&all, &groups, PUBLISHED_DEVELOPMENT_SHARE);
    let (validation, train) = sampled(&development, &groups, PUBLISHED_VALIDATION_SHARE);
    let [train, validation, test] =
        [train, validation, test].map(|part| part.into_iter().map(|position| normal[position].id.clone()).collect());
    Ok(Split { train, validation, test })
}

/// The published age bands (up to 25, 50, 75, above), men before women.
fn published_group(record: &Record) -> Result<(usize, usize), SplitError> {
    let (Some(age), Some(sex)) = (record.age, record.sex) else {
        return Err(SplitError::UnknownPerson { id: record.id.clone() });
    };
    Ok((sex.class(), [25.0, 50.0, 75.0].iter().filter(|limit| age > **limit).count()))
}

/// pandas' `DataFrame.sample(frac=share, random_state=1)` in each group, ascending; then the rest in the given order.
fn sampled(positions: &[usize], groups: &[(usize, usize)], share: f64) -> (Vec<usize>, Vec<usize>) {
    let mut members: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for position in positions {
        members.entry(groups[*position]).or_default().push(*position);
    }
    let mut sample = Vec::new();
    for members in members.values() {
        // Python rounds halves to the even number.
        let size = (share * members.len() as f64).round_ties_even() as usize;
        let chosen = LegacyRandom::new(PUBLISHED_SEED).choice(members.len(), size);
        sample.extend(chosen.into_iter().map(|number| members[number]));
    }
    let taken: HashSet<usize> = sample.iter().copied().collect();
    let rest = positions.iter().copied().filter(|position| !taken.contains(position)).collect();
    (sample, rest)
}

/// How much of the data each part gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    pub train: f64,
    pub validation: f64,
    pub test: f64,
}

impl Default for Shares {
    /// The shares of the published split.
    fn default() -> Self {
        Shares { train: 0.64, validation: 0.16, test: 0.2 }
    }
}

impl Shares {
    fn checked(self) -> Result<[f64; 3], SplitError> {
        let shares = [self.train, self.validation, self.test];
        let valid = shares.iter().all(|share| (0.0..=1.0).contains(share)) && self.train > 0.0;
        if valid && (shares.iter().sum::<f64>() - 1.0).abs() < 1e-6 {
            Ok(shares)
        } else {
            Err(SplitError::Shares(shares.map(|share| share.to_string()).join(", ")))
        }
    }
}

/// A split in which nobody is in two parts, with every decade of age and both sexes in every part as far as possible.
///
/// A record without a patient identifier counts as a person of its own. The same records and seed give the same
/// split, in whatever order the records come. The ids of a part are in the order of `records`.
///
/// # Errors
/// Where the shares are no shares, or there are fewer patients than parts.
pub fn by_patient(records: &[Record], shares: Shares, seed: u32) -> Result<Split, SplitError> {
    let shares = shares.checked()?;
    let patients = patients_of(records);
    let parts = shares.iter().filter(|share| **share > 0.0).count();
    if patients.len() < parts {
        let is_any_known = records.iter().any(|record| record.patient.is_some());
        return Err(match patients.len() {
            patients if is_any_known => SplitError::TooFewPatients { patients, parts },
            records => SplitError::TooFewRecords { records, parts },
        });
    }
    let mut strata: BTreeMap<Stratum, Vec<&Vec<usize>>> = BTreeMap::new();
    for positions in patients.values() {
        strata.entry(stratum(records, positions)).or_default().push(positions);
    }
    let mut random = LegacyRandom::new(seed);
    let mut overall = Filling::default();
    let mut part_of: Vec<Option<Part>> = vec![None; records.len()];
    for patients in strata.values() {
        let mut shuffled: Vec<_> = random.permutation(patients.len()).into_iter().map(|at| patients[at]).collect();
        // People with many records first: those with one then even the parts out.
        shuffled.sort_by_key(|positions| std::cmp::Reverse(positions.len()));
        let mut within = Filling::default();
        for positions in shuffled {
            let part = neediest(&shares, &within, &overall, positions.len());
            within.add(part, positions.len());
            overall.add(part, positions.len());
            positions.iter().for_each(|position| part_of[*position] = Some(part));
        }
    }
    Ok(Split::assigned(records.iter().zip(part_of)))
}

/// The positions of each person's records. People are sorted by identifier, so that the order of records is of no
/// consequence.
fn patients_of(records: &[Record]) -> BTreeMap<(bool, &str), Vec<usize>> {
    let mut patients: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
    for (position, record) in records.iter().enumerate() {
        let person = record.patient.as_deref().map_or((false, record.id.as_str()), |patient| (true, patient));
        patients.entry(person).or_default().push(position);
    }
    patients
}

/// The decade of age and the class of sex.
type Stratum = (Option<u32>, Option<usize>);

/// The stratum of a person with several records: the youngest age, and male where the records contradict each other.
fn stratum(records: &[Record], positions: &[usize]) -> Stratum {
    let ages = positions.iter().filter_map(|position| records[*position].age);
    let sexes = positions.iter().filter_map(|position| records[*position].sex);
    (ages.map(|age| (age / 10.0) as u32).min(), sexes.map(|sex| sex.class()).min())
}

/// How many records each part has.
#[derive(Default)]
struct Filling([usize; 3]);

impl Filling {
    fn add(&mut self, part: Part, records: usize) {
        self.0[part as usize] += records;
    }

    /// How many records a part lacks once `coming` more have been given out.
    fn lack(&self, part: Part, share: f64, coming: usize) -> f64 {
        let all: usize = self.0.iter().sum();
        share * (all + coming) as f64 - self.0[part as usize] as f64
    }
}

/// The part that lacks most records, within the stratum and over all strata.
fn neediest(shares: &[f64; 3], within: &Filling, overall: &Filling, coming: usize) -> Part {
    let lack = |part: Part| {
        let share = shares[part as usize];
        within.lack(part, share, coming) + overall.lack(part, share, coming)
    };
    let wanted = Part::ALL.into_iter().filter(|part| shares[*part as usize] > 0.0);
    wanted.reduce(|best, part| if lack(part) > lack(best) { part } else { best }).unwrap_or(Part::Train)
}

/// The folds of each part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    pub train: Vec<String>,
    pub validation: Vec<String>,
    pub test: Vec<String>,
}

impl Default for Folds {
    /// Folds 1 to 7 of PTB-XL for training, 8 for validation and 9 for testing; 10 stays untouched.
    fn default() -> Self {
        let text = |folds: std::ops::RangeInclusive<u32>| folds.map(|fold| fold.to_string()).collect();
        Folds { train: text(1..=7), validation: text(8..=8), test: text(9..=9) }
    }
}

/// A split by [`Record::group`], and whether it keeps patients apart. Records in no fold of the three are in no part.
///
/// # Errors
/// Where a fold is in two parts, or has no record.
pub fn by_fold(records: &[Record], folds: &Folds) -> Result<(Split, PatientCheck), SplitError> {
    let present: BTreeSet<&str> = records.iter().filter_map(|record| record.group.as_deref()).collect();
    let mut part_of: HashMap<&str, Part> = HashMap::new();
    for (part, folds) in Part::ALL.into_iter().zip([&folds.train, &folds.validation, &folds.test]) {
        for fold in folds {
            if !present.contains(fold.as_str()) {
                return Err(SplitError::NoSuchFold { fold: fold.clone(), present: listed(&present) });
            }
            match part_of.insert(fold, part) {
                Some(first) if first != part => {
                    return Err(SplitError::FoldTwice { fold: fold.clone(), first, second: part });
                }
                _ => {}
            }
        }
    }
    Ok(by_group_name(records, |group| part_of.get(group).copied()))
}

/// A split by [`Record::group`] where it says train, validation or test, and whether it keeps patients apart.
///
/// # Errors
/// Where no record is for training. Validation and test may be empty.
pub fn by_group(records: &[Record]) -> Result<(Split, PatientCheck), SplitError> {
    let (split, check) = by_group_name(records, Part::from_label);
    if split.train.is_empty() {
        let present = records.iter().filter_map(|record| record.group.as_deref()).collect();
        return Err(SplitError::NoSuchGroup { part: Part::Train, present: listed(&present) });
    }
    Ok((split, check))
}

fn by_group_name(records: &[Record], part_of: impl Fn(&str) -> Option<Part>) -> (Split, PatientCheck) {
    let split = Split::assigned(records.iter().map(|record| (record, record.group.as_deref().and_then(&part_of))));
    let check = split.check_patients(records);
    (split, check)
}

fn listed(names: &BTreeSet<&str>) -> String {
    const SHOWN: usize = 12;
    if names.is_empty() {
        return "none".to_owned();
    }
    let text = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{text}, and {} more", names.len() - SHOWN) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Source;
    use crate::ecg::{Amplitude, Sex};

    fn record(id: &str, patient: Option<&str>, age: f32, sex: Sex, group: Option<&str>) -> Record {
        Record {
            id: id.to_owned(),
            file: PathBuf::from(id),
            age: Some(age),
            sex: Some(sex),
            patient: patient.map(str::to_owned),
            group: group.map(str::to_owned),
            diagnoses: vec![NORMAL.to_owned()],
            source: Source::Table,
            amplitude: Amplitude::Millivolt,
        }
    }

    /// `count` records of about two thirds as many people, ages 18 to 97, both sexes.
    fn clinic(count: usize) -> Vec<Record> {
        let person = |n: usize| n * 2 / 3;
        let sex = |n: usize| if person(n) % 5 < 2 { Sex::Male } else { Sex::Female };
        (0..count)
            .map(|n| {
                let age = 18.0 + (person(n) * 7 % 80) as f32;
                record(&format!("r{n}"), Some(&format!("p{}", person(n))), age, sex(n), None)
            })
            .collect()
    }

    fn assert_partition(split: &Split, records: &[Record]) {
        let ids: Vec<&str> = split.iter().map(|(id, _)| id).collect();
        let unique: HashSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "an id is in two parts");
        assert_eq!(unique, records.iter().map(|record| record.id.as_str()).collect());
    }

    #[test]
    fn patients_stay_on_one_side_and_every_record_is_used() {
        let records = clinic(3000);
        for seed in 0..5 {
            let split = by_patient(&records, Shares::default(), seed).unwrap();
            assert_partition(&split, &records);
            let check = split.check_patients(&records);
            assert_eq!((check.overlaps.len(), check.patients), (0, 2000));
            for (part, share) in Part::ALL.into_iter().zip([0.64, 0.16, 0.2]) {
                let records_of_part = split.part(part).len() as f64;
                assert!((records_of_part - share * 3000.0).abs() < 8.0, "{part}: {records_of_part}");
            }
        }
    }

    #[test]
    fn every_decade_and_sex_is_shared_out() {
        let records = clinic(6000);
        let split = by_patient(&records, Shares { train: 0.5, validation: 0.25, test: 0.25 }, 3).unwrap();
        let mut counts: BTreeMap<(u32, usize), [usize; 3]> = BTreeMap::new();
        for part in Part::ALL {
            for position in split.positions(part, &records) {
                let record = &records[position];
                let key = ((record.age.unwrap() / 10.0) as u32, record.sex.unwrap().class());
                counts.entry(key).or_default()[part as usize] += 1;
            }
        }
        assert!(counts.len() > 12);
        for (stratum, [train, validation, test]) in counts {
            let all = (train + validation + test) as f64;
            assert!((train as f64 - all / 2.0).abs() <= 3.0, "{stratum:?}: {train} of {all}");
            assert!(validation.abs_diff(test) <= 4, "{stratum:?}: {validation}, {test}");
        }
    }

    #[test]
    fn the_order_of_records_does_not_matter_but_the_seed_does() {
        let records = clinic(300);
        let mut reversed = records.clone();
        reversed.reverse();
        let sorted = |split: Split| [split.train, split.validation, split.test].map(BTreeSet::from_iter);
        let of = |records: &[Record], seed| sorted(by_patient(records, Shares::default(), seed).unwrap());
        assert_eq!(of(&records, 1), of(&reversed, 1));
        assert_ne!(of(&records, 1), of(&records, 2));
    }

    #[test]
    fn records_without_patient_or_age_are_people_of_their_own() {
        let mut records: Vec<Record> = (0..40).map(|n| record(&n.to_string(), None, 50.0, Sex::Male, None)).collect();
        records.iter_mut().take(20).for_each(|record| (record.age, record.sex) = (None, None));
        let split = by_patient(&records, Shares { train: 0.5, validation: 0.0, test: 0.5 }, 1).unwrap();
        assert_partition(&split, &records);
        assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (20, 0, 20));
        let check = split.check_patients(&records);
        assert_eq!(check.to_string(), "of 40 of 40 records the patient is not stated");
        let error = by_patient(&records[..2], Shares::default(), 1).unwrap_err();
        assert_eq!(error.to_string(), "2 records cannot be put into 3 parts");
    }

    #[test]
    fn impossible_requests_are_refused() {
        let records =
            vec![record("a", Some("p"), 50.0, Sex::Male, None), record("b", Some("p"), 51.0, Sex::Male, None)];
        let shares = |train, validation, test| Shares { train, validation, test };
        let error = by_patient(&records, Shares::default(), 1).unwrap_err();
        assert!(matches!(error, SplitError::TooFewPatients { patients: 1, parts: 3 }));
        for wrong in [shares(0.5, 0.2, 0.2), shares(0.0, 0.5, 0.5), shares(1.5, -0.5, 0.0), shares(f64::NAN, 0.0, 1.0)]
        {
            assert!(matches!(by_patient(&records, wrong, 1), Err(SplitError::Shares(_))));
        }
        assert_eq!(by_patient(&records, shares(1.0, 0.0, 0.0), 1).unwrap().train, ["a", "b"]);
        assert!(matches!(published(&records), Err(SplitError::NotAllOfSph { found: 2 })));
    }

    /// Drawn with pandas: groups of 4 men up to 25 and 6 women from 26 to 50, `sample(frac=0.8, random_state=1)`.
    #[test]
    fn groups_are_drawn_one_after_the_other() {
        let men = (0..4).map(|n| record(&format!("m{n}"), None, 20.0, Sex::Male, None));
        let women = (0..6).map(|n| record(&format!("f{n}"), None, 40.0, Sex::Female, None));
        let records: Vec<Record> = women.chain(men).collect();
        let split = drawn_as_published(&records.iter().collect::<Vec<_>>()).unwrap();
        assert_partition(&split, &records);
        assert_eq!(split.test, ["f5", "m1"]);
        assert_eq!(split.validation, ["m3", "f4"]);
        assert_eq!(split.train, ["m2", "m0", "f2", "f1", "f0", "f3"]);
    }

    #[test]
    fn folds_are_parts_and_overlaps_are_reported() {
        let records = vec![
            record("1", Some("a"), 50.0, Sex::Male, Some("1")),
            record("2", Some("b"), 50.0, Sex::Male, Some("2")),
            record("3", Some("a"), 50.0, Sex::Male, Some("3")),
            record("4", None, 50.0, Sex::Male, Some("3")),
            record("5", None, 50.0, Sex::Male, Some("10")),
        ];
        let folds = |train: &[&str], validation: &str, test: &str| Folds {
            train: train.iter().map(|fold| (*fold).to_owned()).collect(),
            validation: vec![validation.to_owned()],
            test: vec![test.to_owned()],
        };
        let (split, check) = by_fold(&records, &folds(&["1"], "2", "3")).unwrap();
        assert_eq!(
            (split.train, split.validation, split.test),
            (vec!["1".into()], vec!["2".into()], vec!["3".into(), "4".into()])
        );
        assert_eq!(check.overlaps.len(), 1);
        assert_eq!(check.overlaps[0].ids, [("1".into(), Part::Train), ("3".into(), Part::Test)]);
        assert_eq!(check.seen_test_records(), 1);
        let text = "1 of 2 patients is in more than one part, with 1 of the test records; \
            of 1 of 4 records the patient is not stated";
        assert_eq!(check.to_string(), text);
        assert!(matches!(by_fold(&records, &folds(&["1"], "2", "9")), Err(SplitError::NoSuchFold { .. })));
        assert!(matches!(by_fold(&records, &folds(&["1", "2"], "2", "3")), Err(SplitError::FoldTwice { .. })));
    }

    #[test]
    fn named_groups_are_parts() {
        let named = |id: &str, group| record(id, Some(id), 50.0, Sex::Male, Some(group));
        let records = [named("a", "Train"), named("b", "val"), named("c", "test"), named("d", "spare")];
        let (split, check) = by_group(&records).unwrap();
        let expected = Split { train: vec!["a".into()], validation: vec!["b".into()], test: vec!["c".into()] };
        assert_eq!(split, expected);
        assert_eq!(check.to_string(), "no patient of 3 is in more than one part");
        assert!(matches!(by_group(&records[1..]), Err(SplitError::NoSuchGroup { .. })));
    }

    #[test]
    fn splits_are_written_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("split.csv");
        let split = Split { train: vec!["z".into(), "a,b".into()], validation: vec![], test: vec!["\"q\"".into()] };
        split.write(&path).unwrap();
        assert_eq!(Split::read(&path).unwrap(), split);
        std::fs::write(&path, "\u{feff}ID, Part\r\nx, Train\r\ny, val\r\n").unwrap();
        let read = Split::read(&path).unwrap();
        assert_eq!((read.train, read.validation), (vec!["x".to_owned()], vec!["y".to_owned()]));
    }

    #[test]
    fn broken_split_files_name_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("split.csv");
        let cases = [
            ("file,part\nx,train\n", "line 1: the columns must be `id,part`"),
            ("", "line 1: the columns"),
            ("id,part\nx,train\nx,test\n", "line 3: the id `x`"),
            ("id,part\nx,learn\n", "line 2: the part `learn`"),
            ("id,part\r\nx,train\r\ny,learn\r\n", "line 3: the part `learn`"),
            ("id,part\nx,train\n,test\n", "line 3: the id is empty"),
            ("id,part\nx\n", "line 2: not two fields"),
        ];
        for (text, expected) in cases {
            std::fs::write(&path, text).unwrap();
            let error = Split::read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(matches!(Split::read(&folder.path().join("none.csv")), Err(SplitError::File { .. })));
    }
}
