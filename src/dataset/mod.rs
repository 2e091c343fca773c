//! Collections of ECG files with the age and the sex of the people: finding them, splitting them, decoding them once.
//!
//! [`Dataset::open`] recognises by its content what a folder or a table holds:
//!
//! | what | recognised by |
//! |---|---|
//! | SPH (Liu et al. 2022) | a table with `ECG_ID` and `AHA_Code`; `.h5` files beside it or in `records/` |
//! | PTB-XL (Wagner et al. 2020) | a table with `ecg_id`, `strat_fold` and `filename_hr`, `_lr` or `_std` |
//! | a table of one's own | a column `file`, with `age`, `sex` and, if wanted, `group`, `id` and `patient` |
//! | PhysioNet/CinC Challenge | WFDB headers (`.hea`) with `#Age:` or `#Sex:` in them, in any depth of folders |
//! | ECG files alone | any other folder; age and sex are known after decoding, if the files state them |
//!
//! A broken row never stops the others: it stands in [`Dataset::left_out`] with its reason. [`split`] divides records
//! into train, validation and test; [`cache`] decodes and preprocesses every record once.

pub mod cache;
mod folder;
mod header;
mod left_out;
mod listing;
pub mod numpy_random;
mod ptbxl;
pub mod sph;
pub mod split;
mod table;
mod values;

pub use cache::{CacheError, PreparedSet};
pub use folder::{RecordingFile, Recordings, recordings};
pub use left_out::{Concern, LeftOut, Reason, TableRow, summary_of};
pub use split::{Part, PatientCheck, Split, SplitError};

use crate::ecg::{Amplitude, Sex};
use crate::network::Head;
pub(crate) use left_out::counted;
use left_out::with_thousands;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use table::Table;

/// Where a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The ECG database of Shandong Provincial Hospital.
    Sph,
    PtbXl,
    /// A WFDB header that states age or sex the way the PhysioNet/CinC Challenges do.
    Challenge,
    /// A table with a column `file`.
    Table,
    /// A file in a folder without a table.
    Folder,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Sph => "sph",
            Source::PtbXl => "ptb-xl",
            Source::Challenge => "challenge",
            Source::Table => "table",
            Source::Folder => "folder",
        })
    }
}

/// One ECG file and what is known of the person.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Unique in its [`Dataset`].
    pub id: String,
    /// The file for [`crate::format::open`].
    pub file: PathBuf,
    /// Age in years, 0 to 120.
    pub age: Option<f32>,
    pub sex: Option<Sex>,
    /// The same text for the same person; `None` where the source does not say.
    pub patient: Option<String>,
    /// A fold (`"1"` to `"10"` in PTB-XL) or a named group (`"train"`).
    pub group: Option<String>,
    /// Diagnosis codes as the source writes them: AHA codes (SPH), SCP codes (PTB-XL), SNOMED CT codes (Challenge).
    pub diagnoses: Vec<String>,
    pub source: Source,
    /// [`Amplitude::Standardised`] where the table, or after decoding the file, says that the voltage is lost.
    pub amplitude: Amplitude,
}

impl Record {
    /// Whether it is known what the head of a network is to estimate.
    pub fn states(&self, head: Head) -> bool {
        match head {
            Head::Age => self.age.is_some(),
            Head::Sex => self.sex.is_some(),
        }
    }
}

/// Why a collection cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("{path}: neither a folder nor a file; check the spelling")]
    NotFound { path: PathBuf },
    #[error("{path}: cannot be read ({source}); check its permissions and that its disk is connected")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: not a text table; give a CSV file in UTF-8 with a column `file`, or a folder of ECG files")]
    NotText { path: PathBuf },
    #[error("{path}, line 1: a column `{wanted}` is needed, the table has: {found}; add the column or rename one")]
    NoColumn { path: PathBuf, wanted: String, found: String },
    #[error("{path}, line 1: the column `{column}` stands in the table twice; rename or remove one")]
    ColumnTwice { path: PathBuf, column: String },
    #[error("{folder}: holds several tables with a column `file` ({tables}); name the one that is meant")]
    SeveralTables { folder: PathBuf, tables: String },
    #[error("{path}: holds no usable ECG record{reasons}")]
    Empty { path: PathBuf, reasons: String },
}

/// Records, each with an id of its own, and what had to be left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The name of the folder or table; the prefix where ids of several data sets clash.
    pub name: String,
    pub records: Vec<Record>,
    /// Records that cannot be used, and ages and sexes that are unknown although the record is used.
    pub left_out: Vec<LeftOut>,
}

impl Dataset {
    /// Opens a folder or a table; what it is is recognised by its content, see [the module](self).
    ///
    /// Reads tables and WFDB headers, but no samples: a file that cannot be decoded is found by [`PreparedSet`].
    ///
    /// # Errors
    /// Where the path cannot be read, the table lacks a column, or no record is left.
    pub fn open(path: &Path) -> Result<Dataset, DatasetError> {
        let dataset = if path.is_dir() {
            match table_of_folder(path)? {
                Some((table, kind)) => open_table(table, kind)?,
                None => folder::open(path)?,
            }
        } else if path.is_file() {
            let table = Table::open(path)?;
            let kind = kind_of_table(&table).unwrap_or(Source::Table);
            open_table(table, kind)?
        } else {
            return Err(DatasetError::NotFound { path: path.to_owned() });
        };
        if dataset.records.is_empty() {
            let reasons = summary_of(&dataset.left_out);
            let reasons = if reasons.is_empty() { String::new() } else { format!(":\n{reasons}") };
            return Err(DatasetError::Empty { path: path.to_owned(), reasons });
        }
        Ok(dataset)
    }

    /// Opens several folders or tables and joins them, see [`Dataset::join`].
    ///
    /// # Errors
    /// Where one of them cannot be opened.
    pub fn open_all(paths: &[PathBuf]) -> Result<Dataset, DatasetError> {
        Ok(Dataset::join(paths.iter().map(|path| Dataset::open(path)).collect::<Result<_, _>>()?))
    }

    /// Puts several data sets into one.
    ///
    /// Data sets that share an id with another one get their name as a prefix of all their ids (`ptbxl/17`). Equal
    /// patient identifiers of one kind of source mean the same person; those of different kinds do not, and get the
    /// kind as a prefix. A file that was already in an earlier data set is left out, lest it be learned and tested.
    pub fn join(mut datasets: Vec<Dataset>) -> Dataset {
        if datasets.len() == 1 {
            return datasets.remove(0);
        }
        leave_out_repeated_files(&mut datasets);
        name_apart(&mut datasets);
        prefix_clashing_ids(&mut datasets);
        prefix_clashing_patients(&mut datasets);
        let name = datasets.iter().map(|dataset| dataset.name.as_str()).collect::<Vec<_>>().join("+");
        let (records, left_out): (Vec<_>, Vec<_>) =
            datasets.into_iter().map(|dataset| (dataset.records, dataset.left_out)).unzip();
        Dataset { name, records: records.concat(), left_out: left_out.concat() }
    }

    /// How many records there are and what was left out why, for a person to read; one line for each reason.
    pub fn summary(&self) -> String {
        let with =
            |known: fn(&Record) -> bool| with_thousands(self.records.iter().filter(|record| known(record)).count());
        let mut text = format!(
            "{}: {}, {} with age, {} with sex, {} with a patient identifier",
            self.name,
            counted(self.records.len(), "record", "records"),
            with(|record| record.age.is_some()),
            with(|record| record.sex.is_some()),
            with(|record| record.patient.is_some()),
        );
        let standardised = self.records.iter().filter(|record| record.amplitude == Amplitude::Standardised).count();
        if standardised > 0 {
            text += &format!(", {} standardised by their publisher", with_thousands(standardised));
        }
        let reasons = summary_of(&self.left_out);
        if !reasons.is_empty() {
            text += "\n";
            text += &reasons;
        }
        text
    }
}

/// The kind of a table by its columns; `None` where it is no table of ECG files.
fn kind_of_table(table: &Table) -> Option<Source> {
    let has = |name: &str| table.column(&[name]).is_some();
    if has("ECG_ID") && has("AHA_Code") {
        Some(Source::Sph)
    } else if has("ecg_id") && has("strat_fold") && ptbxl::FILE_COLUMNS.iter().any(|(name, _)| has(name)) {
        Some(Source::PtbXl)
    } else if table.column(listing::FILE_COLUMN).is_some() {
        Some(Source::Table)
    } else {
        None
    }
}

fn open_table(table: Table, kind: Source) -> Result<Dataset, DatasetError> {
    match kind {
        Source::Sph => sph::open(table),
        Source::PtbXl => ptbxl::open(table),
        _ => listing::open(table),
    }
}

/// The table that describes a folder: a published one, or else the only one with a column `file`.
fn table_of_folder(folder: &Path) -> Result<Option<(Table, Source)>, DatasetError> {
    let unreadable = |source| DatasetError::Read { path: folder.to_owned(), source };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.is_file() && extension.is_some_and(|extension| extension == "csv" || extension == "tsv") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut own = Vec::new();
    for path in paths {
        // A CSV file in a folder of ECGs may be an ECG itself: one that is no table is not an error here.
        let Ok(table) = Table::open(&path) else { continue };
        match kind_of_table(&table) {
            Some(Source::Table) => own.push(table),
            Some(published) => return Ok(Some((table, published))),
            None => {}
        }
    }
    if own.len() > 1 {
        let names: Vec<String> = own.iter().map(|table| file_name_of(table.path())).collect();
        return Err(DatasetError::SeveralTables { folder: folder.to_owned(), tables: names.join(", ") });
    }
    Ok(own.pop().map(|table| (table, Source::Table)))
}

fn file_name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The last part of a folder's path, also for `.` and `..`.
fn name_of_folder(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    full.file_name().map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn leave_out_repeated_files(datasets: &mut [Dataset]) {
    let mut seen = HashSet::new();
    for Dataset { records, left_out, .. } in datasets {
        records.retain(|record| {
            let fresh = seen.insert(record.file.canonicalize().unwrap_or_else(|_| record.file.clone()));
            if !fresh {
                left_out.push(LeftOut::file(record.file.clone(), Reason::FileTwice));
            }
            fresh
        });
    }
}

fn name_apart(datasets: &mut [Dataset]) {
    let mut taken = HashSet::new();
    for dataset in datasets {
        let name = std::mem::take(&mut dataset.name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        dataset.name = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name);
        taken.insert(dataset.name.clone());
    }
}

fn prefix_clashing_ids(datasets: &mut [Dataset]) {
    let mut owner: HashMap<&str, usize> = HashMap::new();
    let mut clashes = vec![false; datasets.len()];
    for (number, dataset) in datasets.iter().enumerate() {
        for record in &dataset.records {
            let first = *owner.entry(&record.id).or_insert(number);
            if first != number {
                clashes[first] = true;
                clashes[number] = true;
            }
        }
    }
    for (dataset, _) in datasets.iter_mut().zip(clashes).filter(|(_, clashes)| *clashes) {
        for record in &mut dataset.records {
            record.id = format!("{}/{}", dataset.name, record.id);
        }
    }
}

fn prefix_clashing_patients(datasets: &mut [Dataset]) {
    let mut sources: BTreeMap<&str, HashSet<Source>> = BTreeMap::new();
    for record in datasets.iter().flat_map(|dataset| &dataset.records) {
        if let Some(patient) = &record.patient {
            sources.entry(patient).or_default().insert(record.source);
        }
    }
    let clashing: HashSet<Source> = sources.into_values().filter(|kinds| kinds.len() > 1).flatten().collect();
    for record in datasets.iter_mut().flat_map(|dataset| &mut dataset.records) {
        if clashing.contains(&record.source) {
            record.patient = record.patient.take().map(|patient| format!("{}/{patient}", record.source));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn ids(dataset: &Dataset) -> Vec<&str> {
        dataset.records.iter().map(|record| record.id.as_str()).collect()
    }

    fn reasons(dataset: &Dataset) -> Vec<&Reason> {
        dataset.left_out.iter().map(|left| &left.reason).collect()
    }

    const SPH: &str = "ECG_ID,AHA_Code,Patient_ID,Age,Sex,N,Date\n\
        A00001,22;23,S00001,55,M,5000,2020-03-04\n\
        A00002,1,S00002,32,F,6000,2019-09-03\n\
        A00003,1,S00003,130,X,6500,2020-07-16\n";

    #[test]
    fn sph_files_stand_beside_the_table_or_in_records() {
        for place in ["A00002.h5", "records/A00002.h5"] {
            let folder = folder_with(&[("metadata.csv", SPH), ("code.csv", "Category,Code\nA,1\n"), (place, "")]);
            for path in [folder.path().to_owned(), folder.path().join("metadata.csv")] {
                let dataset = Dataset::open(&path).unwrap();
                assert_eq!(ids(&dataset), ["A00002"]);
                let record = &dataset.records[0];
                assert_eq!((record.age, record.sex, record.source), (Some(32.0), Some(Sex::Female), Source::Sph));
                assert_eq!(record.patient.as_deref(), Some("S00002"));
                assert_eq!(record.file, folder.path().join(place));
            }
        }
    }

    #[test]
    fn sph_rows_without_a_file_keep_their_metadata() {
        let folder = folder_with(&[("metadata.csv", SPH)]);
        let rows = sph::read_metadata(&folder.path().join("metadata.csv")).unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[0].diagnoses, ["22", "23"]);
        assert_eq!((rows[2].age, rows[2].sex), (None, None));
        let error = Dataset::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("no usable ECG record") && error.contains("3 records"), "{error}");
    }

    #[test]
    fn many_rows_without_a_file_are_one_entry() {
        let rows: String = (0..1500).map(|n| format!("E{n:05},1,P{n},40,M,5000,2020-01-01\n")).collect();
        let table = format!("ECG_ID,AHA_Code,Patient_ID,Age,Sex,N,Date\n{rows}");
        let folder = folder_with(&[("metadata.csv", &table), ("E00003.h5", "")]);
        let dataset = Dataset::open(folder.path()).unwrap();
        assert_eq!(dataset.left_out.len(), 1);
        assert_eq!(dataset.left_out[0].records, 1499);
        assert!(dataset.summary().contains("1,499 records: the row has no file"), "{}", dataset.summary());
    }

    #[test]
    fn the_real_columns_of_ptb_xl_are_read() {
        let table = "ecg_id,patient_id,age,sex,height,report,scp_codes,strat_fold,filename_lr,filename_hr\n\
            1,15709.0,56.0,1,,\"sinusrhythmus, normal\",\"{'NORM': 100.0, 'SR': 0.0}\",3,\
            records100/00000/00001_lr,records500/00000/00001_hr\n\
            2,13243.0,300.0,0,,\"quoted \"\"word\"\"\",{},2,records100/00000/00002_lr,records500/00000/00002_hr\n\
            3,,,,,,{},1,records100/00000/00003_lr,records500/00000/00003_hr\n";
        let folder = folder_with(&[
            ("ptbxl_database.csv", table),
            ("scp_statements.csv", ",description\nNDT,x\n"),
            ("records100/00000/00001_lr.hea", ""),
            ("records500/00000/00001_hr.hea", ""),
            ("records100/00000/00002_lr.hea", ""),
        ]);
        let dataset = Dataset::open(folder.path()).unwrap();
        assert_eq!(ids(&dataset), ["1", "2"]);
        let [first, second] = [&dataset.records[0], &dataset.records[1]];
        assert!(first.file.ends_with("records500/00000/00001_hr.hea"), "500 Hz is preferred");
        assert!(second.file.ends_with("records100/00000/00002_lr.hea"), "100 Hz where 500 Hz is not there");
        assert_eq!((first.sex, second.sex), (Some(Sex::Female), Some(Sex::Male)));
        assert_eq!((first.age, second.age), (Some(56.0), Some(90.0)));
        assert_eq!(first.patient.as_deref(), Some("15709"));
        assert_eq!(first.group.as_deref(), Some("3"));
        assert_eq!(first.diagnoses, ["NORM", "SR"]);
        assert_eq!(reasons(&dataset), [&Reason::RowWithoutFile]);
    }

    #[test]
    fn standardised_ptb_xl_files_are_told_from_raw_ones() {
        let table = "ecg_id,patient_id,age,sex,strat_fold,filename_lr,filename_hr,filename_std\n\
            7,1,50,0,1,,,records125/00000/00007_std\n8,1,50,0,1,,records500/8_hr,records125/00000/00008_std\n";
        let folder = folder_with(&[
            ("ptbxl_database.csv", table),
            ("records125/00000/00007_std.hea", ""),
            ("records125/00000/00008_std.hea", ""),
            ("records500/8_hr.hea", ""),
        ]);
        let dataset = Dataset::open(folder.path()).unwrap();
        assert_eq!(dataset.records[0].amplitude, Amplitude::Standardised);
        assert_eq!(dataset.records[1].amplitude, Amplitude::Millivolt);
        assert!(dataset.summary().contains("1 standardised"));
    }

    #[test]
    fn challenge_headers_state_age_and_sex_in_any_depth() {
        let header = |name: &str, age: &str, sex: &str| {
            let person = format!("#Age: {age}\r\n# Sex: {sex}\r\n#Dx: 1,2\r\n");
            format!("{name} 12 500 5000\r\n{name}.mat 16 1000/mV 16 0 0 0 0 I\r\n{person}")
        };
        let folder = folder_with(&[
            ("A1.hea", &header("A1", "74", "Male")),
            ("A1.mat", ""),
            ("deep/er/A2.hea", &header("A2", "NaN", "Female")),
            ("deep/er/A2.mat", ""),
            ("A3.hea", &header("A3", "61", "F")),
            ("RECORDS", "A1\n"),
        ]);
        let dataset = Dataset::open(folder.path()).unwrap();
        assert_eq!(ids(&dataset), ["A1", "deep/er/A2"]);
        assert_eq!((dataset.records[0].age, dataset.records[0].sex), (Some(74.0), Some(Sex::Male)));
        assert_eq!((dataset.records[1].age, dataset.records[1].sex), (None, Some(Sex::Female)));
        assert_eq!(dataset.records[0].diagnoses, ["1", "2"]);
        assert!(dataset.records.iter().all(|record| record.source == Source::Challenge));
        assert_eq!(reasons(&dataset), [&Reason::SignalFileMissing("A3.mat".into()), &Reason::AgeNotGiven]);
    }

    #[test]
    fn a_plain_folder_needs_no_table() {
        let folder = folder_with(&[
            ("b.scp", ""),
            ("a/muse.XML", ""),
            ("README.md", ""),
            (".hidden.xml", ""),
            ("w.hea", "w 1 500 10\nw.dat 16 1000 16 0 0 0 0 I\n"),
            ("w.dat", ""),
        ]);
        let dataset = Dataset::open(folder.path()).unwrap();
        assert_eq!(ids(&dataset), ["a/muse.XML", "b.scp", "w"]);
        assert!(dataset.records.iter().all(|record| record.source == Source::Folder && record.age.is_none()));
        assert!(dataset.left_out.is_empty());
    }

    #[test]
    fn plain_tables_come_in_every_usual_spelling() {
        let tables = [
            "file,age,sex,group\na.xml,61,M,train\nsub/b,52.5,female,test\n",
            "\u{feff}file;age;sex;group\r\na.xml;61;M;train\r\nsub/b;52,5;female;test\r\n",
            "file\tage\tsex\tgroup\n\"a.xml\"\t61\tM\ttrain\n\"sub/b\"\t52.5\tfemale\ttest",
            "Age, Sex, Group, File\n61, M, train, a.xml\n\n52.5, female, test, sub/b\n",
        ];
        for table in tables {
            let folder = folder_with(&[("list.csv", table), ("a.xml", ""), ("sub/b.hea", "")]);
            let dataset = Dataset::open(&folder.path().join("list.csv")).unwrap();
            assert_eq!(dataset.records.len(), 2, "{table:?}: {:?}", dataset.left_out);
            assert!(dataset.left_out.is_empty(), "{table:?}: {:?}", dataset.left_out);
            assert_eq!(dataset.records[0].file, folder.path().join("a.xml"));
            assert_eq!(dataset.records[1].file, folder.path().join("sub/b.hea"));
            assert_eq!(dataset.records[1].age, Some(52.5));
            assert_eq!(dataset.records[1].sex, Some(Sex::Female));
            assert_eq!(dataset.records[1].group.as_deref(), Some("test"));
            assert_eq!(Dataset::open(folder.path()).unwrap().records, dataset.records);
        }
    }

    #[test]
    fn broken_rows_are_listed_and_do_not_stop_the_others() {
        let table = "id,file,age,sex,patient\n\
            1,a.xml,61,M,p\n\
            1,b.xml,61,M,p\n\
            2,a.xml,61,M,p\n\
            3,gone.xml,61,M,p\n\
            4,b.xml,old,1,\n\
            5,c.xml,-3,,p\n\
            6,d.xml\n\
            7,,61,M,p\n";
        let folder = folder_with(&[("t.csv", table), ("a.xml", ""), ("b.xml", ""), ("c.xml", ""), ("d.xml", "")]);
        let dataset = Dataset::open(folder.path()).unwrap();
        assert_eq!(ids(&dataset), ["1", "4", "5"]);
        let listed: Vec<(u64, Reason)> =
            dataset.left_out.iter().map(|left| (left.row.as_ref().unwrap().line, left.reason.clone())).collect();
        assert_eq!(
            listed,
            [
                (3, Reason::IdTwice("1".into())),
                (4, Reason::FileTwice),
                (5, Reason::RowWithoutFile),
                (6, Reason::AgeUnreadable("old".into())),
                (6, Reason::SexUnknown("1".into())),
                (7, Reason::AgeOutOfRange("-3".into())),
                (7, Reason::SexNotGiven),
                (8, Reason::RowLength { fields: 2, columns: 5 }),
                (9, Reason::FileNotGiven),
            ]
        );
        assert_eq!((dataset.records[1].age, dataset.records[1].sex), (None, None));
        let summary = dataset.summary();
        assert!(summary.starts_with("t: 3 records, 1 with age, 1 with sex"), "{summary}");
        assert!(summary.contains("t.csv, line 3"), "{summary}");
    }

    #[test]
    fn what_is_no_data_set_is_refused_with_a_remedy() {
        let folder = folder_with(&[
            ("misspelt.csv", "datei,alter\nx,1\n"),
            ("twice.csv", "file,age,Age\nx,1,2\n"),
            ("utf16.csv", ""),
            ("empty.csv", ""),
            ("one/a.csv", "file,age\nx,1\n"),
            ("one/b.csv", "file,age\nx,1\n"),
        ]);
        fs::write(folder.path().join("utf16.csv"), b"\xff\xfef\0i\0l\0e\0").unwrap();
        fs::create_dir(folder.path().join("nothing")).unwrap();
        let error = |name: &str| Dataset::open(&folder.path().join(name)).unwrap_err();
        assert!(matches!(error("misspelt.csv"), DatasetError::NoColumn { found, .. } if found == "datei, alter"));
        assert!(matches!(error("twice.csv"), DatasetError::ColumnTwice { column, .. } if column == "age"));
        assert!(matches!(error("utf16.csv"), DatasetError::NotText { .. }));
        assert!(matches!(error("empty.csv"), DatasetError::NoColumn { .. }));
        assert!(matches!(error("one"), DatasetError::SeveralTables { tables, .. } if tables == "a.csv, b.csv"));
        assert!(matches!(error("nothing"), DatasetError::Empty { .. }));
        assert!(matches!(error("absent"), DatasetError::NotFound { .. }));
    }

    #[test]
    fn a_table_without_age_says_so_once() {
        let folder = folder_with(&[("t.csv", "file,sex\na,F\nb,M\n"), ("a", ""), ("b", "")]);
        let dataset = Dataset::open(folder.path()).unwrap();
        assert_eq!(reasons(&dataset), [&Reason::ColumnMissing { column: "age".into(), concern: Concern::Age }]);
        assert_eq!(dataset.left_out[0].records, 2);
    }

    #[test]
    fn joined_data_sets_have_unique_ids_and_each_file_once() {
        let table = "id,file,age,sex,patient\n1,x.xml,50,F,7\n2,y.xml,50,F,8\n";
        let ptb = "ecg_id,patient_id,age,sex,strat_fold,filename_hr\n1,7,50,0,1,r\n";
        let folder = folder_with(&[
            ("own/t.csv", table),
            ("own/x.xml", ""),
            ("own/y.xml", ""),
            ("ptbxl/ptbxl_database.csv", ptb),
            ("ptbxl/r.hea", ""),
            ("other/z.xml", ""),
        ]);
        let paths = ["own", "ptbxl", "other", "own"].map(|name| folder.path().join(name));
        let joined = Dataset::open_all(&paths).unwrap();
        assert_eq!(ids(&joined), ["t/1", "t/2", "ptbxl/1", "z.xml"]);
        let patients: Vec<_> = joined.records.iter().map(|record| record.patient.as_deref()).collect();
        assert_eq!(patients, [Some("table/7"), Some("table/8"), Some("ptb-xl/7"), None]);
        assert_eq!(reasons(&joined), [&Reason::FileTwice, &Reason::FileTwice]);
        assert_eq!(Dataset::open_all(&paths[..1]).unwrap(), Dataset::open(&paths[0]).unwrap());
    }

    #[test]
    fn tables_of_one_kind_share_their_patients() {
        let folder = folder_with(&[
            ("a.csv", "id,file,patient,age,sex\n1,x.xml,7,50,F\n"),
            ("b.csv", "id,file,patient,age,sex\n1,y.xml,7,50,F\n"),
            ("x.xml", ""),
            ("y.xml", ""),
        ]);
        let joined = Dataset::open_all(&[folder.path().join("a.csv"), folder.path().join("b.csv")]).unwrap();
        assert_eq!(ids(&joined), ["a/1", "b/1"]);
        assert!(joined.records.iter().all(|record| record.patient.as_deref() == Some("7")));
    }
}
