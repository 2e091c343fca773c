//! PTB-XL: Wagner et al., "PTB-XL, a large publicly available electrocardiography dataset", Scientific Data 7:154
//! (2020).

use super::table::{AbsentFiles, Gathering, Row, Table, known};
use super::{Dataset, DatasetError, Reason, Record, Source, name_of_folder, values};
use crate::ecg::{Amplitude, Sex};
use std::path::PathBuf;

/// The columns that name files, the preferred first: 500 Hz, 100 Hz, and, in an extended table, records that are
/// only available band-passed and scaled to unit variance.
pub(super) const FILE_COLUMNS: [(&str, Amplitude); 3] = [
    ("filename_hr", Amplitude::Millivolt),
    ("filename_lr", Amplitude::Millivolt),
    ("filename_std", Amplitude::Standardised),
];

/// What the table writes for people over 89, whose age is withheld, and what is taken for it.
const OVER_89: (f32, f32) = (300.0, 90.0);

pub(super) fn open(mut table: Table) -> Result<Dataset, DatasetError> {
    let id = table.needed_column(&["ecg_id"])?;
    let age = table.needed_column(&["age"])?;
    let sex = table.needed_column(&["sex"])?;
    let fold = table.needed_column(&["strat_fold"])?;
    let patient = table.column(&["patient_id"]);
    let codes = table.column(&["scp_codes"]);
    let file_columns: Vec<(usize, Amplitude)> =
        FILE_COLUMNS.into_iter().filter_map(|(name, amplitude)| Some((table.column(&[name])?, amplitude))).collect();
    let folder = table.folder().to_owned();
    let name = name_of_folder(&folder);
    let mut left_out = Vec::new();
    let rows = table.rows(&mut left_out)?;
    let mut gathering = Gathering::new(&table, AbsentFiles::LeaveOut, left_out);
    for row in rows {
        let files: Vec<(PathBuf, Amplitude)> = files_of(&row, &file_columns)
            .map(|(file, amplitude)| (folder.join(format!("{file}.hea")), amplitude))
            .collect();
        let there = files.iter().find(|(file, _)| file.is_file()).or(files.first()).cloned();
        let (Some((file, amplitude)), Some(id)) = (there, values::identifier(row.cell(id))) else {
            gathering.leave_out(row.line(), PathBuf::new(), Reason::FileNotGiven);
            continue;
        };
        let mut unknown = Vec::new();
        let record = Record {
            id,
            file,
            age: known(age_of(row.cell(age)), &mut unknown),
            sex: known(sex_of(row.cell(sex)), &mut unknown),
            patient: values::identifier(row.cell_of(patient)),
            group: values::identifier(row.cell(fold)),
            diagnoses: scp_codes(row.cell_of(codes)),
            source: Source::PtbXl,
            amplitude,
        };
        gathering.add(row.line(), record, unknown);
    }
    let (records, left_out) = gathering.finish();
    Ok(Dataset { name, records, left_out })
}

fn files_of<'r>(row: &'r Row, columns: &'r [(usize, Amplitude)]) -> impl Iterator<Item = (&'r str, Amplitude)> {
    let named = columns.iter().map(|(column, amplitude)| (row.cell(*column), *amplitude));
    named
        .filter(|(file, _)| !file.is_empty())
        .map(|(file, amplitude)| (file.strip_suffix(".hea").unwrap_or(file), amplitude))
}

fn age_of(text: &str) -> Result<f32, Reason> {
    let (written, meant) = OVER_89;
    if text.parse() == Ok(written) { Ok(meant) } else { values::age(text) }
}

fn sex_of(text: &str) -> Result<Sex, Reason> {
    match values::identifier(text).as_deref() {
        Some("0") => Ok(Sex::Male),
        Some("1") => Ok(Sex::Female),
        _ => values::sex(text),
    }
}

/// The keys of the Python dictionary that the table writes: `{'NORM': 100.0, 'SR': 0.0}`.
fn scp_codes(dictionary: &str) -> Vec<String> {
    dictionary.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}
