//! The SPH database: Liu et al., "A large-scale multi-label 12-lead electrocardiogram database with standardized
//! diagnostic statements", Scientific Data 9:272 (2022).

use super::table::{AbsentFiles, Gathering, Table, known};
use super::{Dataset, DatasetError, LeftOut, Reason, Record, Source, name_of_folder, values};
use crate::ecg::Amplitude;
use std::path::{Path, PathBuf};

/// All rows of SPH's `metadata.csv` in file order, whether or not their `.h5` files are there.
///
/// This is what [`super::split::published`] needs: the published split is drawn from the whole table.
///
/// # Errors
/// Where the table cannot be read or lacks a column.
pub fn read_metadata(path: &Path) -> Result<Vec<Record>, DatasetError> {
    Ok(read(&mut Table::open(path)?, AbsentFiles::Keep)?.0)
}

pub(super) fn open(mut table: Table) -> Result<Dataset, DatasetError> {
    let (records, left_out) = read(&mut table, AbsentFiles::LeaveOut)?;
    Ok(Dataset { name: name_of_folder(table.folder()), records, left_out })
}

fn read(table: &mut Table, absent: AbsentFiles) -> Result<(Vec<Record>, Vec<LeftOut>), DatasetError> {
    let [id, codes, patient, age, sex] = ["ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex"];
    let id = table.needed_column(&[id])?;
    let codes = table.needed_column(&[codes])?;
    let patient = table.needed_column(&[patient])?;
    let age = table.needed_column(&[age])?;
    let sex = table.needed_column(&[sex])?;
    let folder = table.folder().to_owned();
    let has_records_folder = folder.join("records").is_dir();
    let mut left_out = Vec::new();
    let rows = table.rows(&mut left_out)?;
    let mut gathering = Gathering::new(table, absent, left_out);
    for row in rows {
        let Some(record_id) = values::optional(row.cell(id)) else {
            gathering.leave_out(row.line(), PathBuf::new(), Reason::FileNotGiven);
            continue;
        };
        let mut unknown = Vec::new();
        let record = Record {
            file: file_of(&folder, has_records_folder, &record_id),
            id: record_id,
            age: known(values::age(row.cell(age)), &mut unknown),
            sex: known(values::sex(row.cell(sex)), &mut unknown),
            patient: values::optional(row.cell(patient)),
            group: None,
            diagnoses: row.cell(codes).split(';').filter_map(values::optional).collect(),
            source: Source::Sph,
            amplitude: Amplitude::Millivolt,
        };
        gathering.add(row.line(), record, unknown);
    }
    Ok(gathering.finish())
}

/// The record's file in `records/` as published, or beside the table.
fn file_of(folder: &Path, has_records_folder: bool, id: &str) -> PathBuf {
    let name = format!("{id}.h5");
    let published = folder.join("records").join(&name);
    if has_records_folder && published.is_file() { published } else { folder.join(name) }
}
