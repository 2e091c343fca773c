//! A table of one's own: `file`, `age`, `sex` and, if wanted, `group`, `id` and `patient`.
//!
//! A sex is a word. A group is train, validation or test, or a fold. Without an id the file is the id.

use super::table::{AbsentFiles, Gathering, Table, known};
use super::{Concern, Dataset, DatasetError, Reason, Record, Source, values};
use crate::ecg::Amplitude;
use std::path::{Path, PathBuf};

pub(super) const FILE_COLUMN: &[&str] = &["file", "filename", "path"];
const AGE_COLUMN: &[&str] = &["age"];
const SEX_COLUMN: &[&str] = &["sex", "gender"];
const GROUP_COLUMN: &[&str] = &["group", "fold", "part", "split"];
const ID_COLUMN: &[&str] = &["id", "ecg_id", "record"];
const PATIENT_COLUMN: &[&str] = &["patient", "patient_id"];

pub(super) fn open(mut table: Table) -> Result<Dataset, DatasetError> {
    let file = table.needed_column(FILE_COLUMN)?;
    let [age, sex, group, id, patient] =
        [AGE_COLUMN, SEX_COLUMN, GROUP_COLUMN, ID_COLUMN, PATIENT_COLUMN].map(|names| table.column(names));
    let folder = table.folder().to_owned();
    let name = table.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut left_out = Vec::new();
    let rows = table.rows(&mut left_out)?;
    let mut gathering = Gathering::new(&table, AbsentFiles::LeaveOut, left_out);
    for row in rows {
        let Some(named) = values::optional(row.cell(file)) else {
            gathering.leave_out(row.line(), PathBuf::new(), Reason::FileNotGiven);
            continue;
        };
        let mut unknown = Vec::new();
        let record = Record {
            file: located(&folder, &named),
            id: id.and_then(|id| values::identifier(row.cell(id))).unwrap_or(named),
            age: age.and_then(|age| known(values::age(row.cell(age)), &mut unknown)),
            sex: sex.and_then(|sex| known(values::sex(row.cell(sex)), &mut unknown)),
            patient: values::identifier(row.cell_of(patient)),
            group: values::identifier(row.cell_of(group)),
            diagnoses: Vec::new(),
            source: Source::Table,
            amplitude: Amplitude::Millivolt,
        };
        gathering.add(row.line(), record, unknown);
    }
    let (records, mut left_out) = gathering.finish();
    for (column, concern) in [(age, Concern::Age), (sex, Concern::Sex)] {
        if column.is_none() {
            let name = if concern == Concern::Age { "age" } else { "sex" };
            let mut entry = table.left_out(1, PathBuf::new(), Reason::ColumnMissing { column: name.into(), concern });
            entry.records = records.len();
            left_out.push(entry);
        }
    }
    Ok(Dataset { name, records, left_out })
}

/// The file relative to the table's folder; WFDB records may be named without `.hea`.
fn located(folder: &Path, named: &str) -> PathBuf {
    let path = folder.join(named);
    let header = folder.join(format!("{named}.hea"));
    if !path.is_file() && header.is_file() { header } else { path }
}
