//! A folder of ECG files without a table, in any depth of folders.
//!
//! A WFDB header stands for its record; the signal files that it names are no records of their own. In the collections
//! of the PhysioNet/CinC Challenges the headers state age and sex.

use super::header::{Header, is_header};
use super::table::known;
use super::{Dataset, DatasetError, LeftOut, Reason, Record, Source, name_of_folder, values};
use crate::ecg::Amplitude;
use crate::format::may_be_recording;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// The files that hold recordings, among files and in folders.
#[derive(Debug, Default)]
pub struct Recordings {
    pub files: Vec<RecordingFile>,
    /// Files in the folders that are no ECGs by their names.
    pub other_files: Vec<PathBuf>,
    /// What could not be listed.
    pub unreadable: Vec<LeftOut>,
}

/// A file that may be a recording, or an archive or array of several: a [`Collection`](crate::format::Collection) names
/// each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingFile {
    pub path: PathBuf,
    /// Whether it was named itself rather than found in a folder.
    pub named: bool,
}

/// Finds the recordings: files as they are named, and those in folders, of any depth, sorted by name. The signal files
/// of a WFDB header that is among them are no recordings of their own.
pub fn recordings(paths: &[PathBuf]) -> Recordings {
    let mut found = Recordings::default();
    for path in paths {
        if path.is_dir() {
            let (files, other_files) = files_below(path, may_be_recording, &mut found.unreadable);
            found.files.extend(files.into_iter().map(|path| RecordingFile { path, named: false }));
            found.other_files.extend(other_files);
        } else {
            found.files.push(RecordingFile { path: path.clone(), named: true });
        }
    }
    let headers = found.files.iter().map(|file| &file.path).filter(|path| is_header(path));
    let signal_files: HashSet<PathBuf> =
        headers.flat_map(|path| Header::read(path).unwrap_or_default().paths(path).collect::<Vec<_>>()).collect();
    found.files.retain(|file| !signal_files.contains(&file.path));
    found
}

pub(super) fn open(folder: &Path) -> Result<Dataset, DatasetError> {
    let mut dataset = Dataset { name: name_of_folder(folder), records: Vec::new(), left_out: Vec::new() };
    // Archives are for estimates: the records of a data set are files that are read again and again.
    let may_be_record = |name: &str| may_be_recording(name) && !is_packed(name);
    let (files, _) = files_below(folder, may_be_record, &mut dataset.left_out);
    let (headers, others): (Vec<_>, Vec<_>) = files.into_iter().partition(|path| is_header(path));
    let mut named_by_headers = HashSet::new();
    let mut read_headers = Vec::new();
    for path in headers {
        match Header::read(&path) {
            Ok(header) => {
                named_by_headers.extend(header.paths(&path));
                read_headers.push((path, header));
            }
            Err(error) => dataset.left_out.push(LeftOut::file(path, Reason::Unreadable(error.to_string()))),
        }
    }
    for (path, header) in read_headers {
        if !named_by_headers.contains(&path) {
            add_header(&mut dataset, folder, path, header);
        }
    }
    for path in others {
        if !named_by_headers.contains(&path) {
            dataset.records.push(record(folder, path, Source::Folder));
        }
    }
    dataset.records.sort_by(|a, b| a.file.cmp(&b.file));
    leave_out_repeated_ids(&mut dataset);
    Ok(dataset)
}

/// The files that may be ECGs and the others, sorted; hidden ones are passed over.
fn files_below(
    folder: &Path,
    may_be_ecg: impl Fn(&str) -> bool,
    left_out: &mut Vec<LeftOut>,
) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let is_visible = |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    let mut files = Vec::new();
    let mut others = Vec::new();
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(is_visible) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && may_be_ecg(&entry.file_name().to_string_lossy()) => {
                files.push(entry.into_path());
            }
            Ok(entry) if entry.file_type().is_file() => others.push(entry.into_path()),
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                left_out.push(LeftOut::file(path, Reason::Unreadable(error.to_string())));
            }
        }
    }
    (files, others)
}

fn is_packed(name: &str) -> bool {
    let extension = Path::new(name).extension().unwrap_or_default();
    ["gz", "zip"].iter().any(|packed| extension.eq_ignore_ascii_case(packed))
}

fn add_header(dataset: &mut Dataset, folder: &Path, path: PathBuf, header: Header) {
    let missing = header.files.iter().find(|name| !path.with_file_name(name).is_file());
    if let Some(name) = missing {
        return dataset.left_out.push(LeftOut::file(path, Reason::SignalFileMissing(name.clone())));
    }
    if header.age.is_none() && header.sex.is_none() {
        return dataset.records.push(record(folder, path, Source::Folder));
    }
    let mut unknown = Vec::new();
    let age = known(values::age(header.age.as_deref().unwrap_or_default()), &mut unknown);
    let sex = known(values::sex(header.sex.as_deref().unwrap_or_default()), &mut unknown);
    dataset.left_out.extend(unknown.into_iter().map(|reason| LeftOut::file(path.clone(), reason)));
    let record = record(folder, path, Source::Challenge);
    dataset.records.push(Record { age, sex, diagnoses: header.diagnoses, ..record });
}

fn record(folder: &Path, file: PathBuf, source: Source) -> Record {
    Record {
        id: id_of(folder, &file),
        file,
        age: None,
        sex: None,
        patient: None,
        group: None,
        diagnoses: Vec::new(),
        source,
        amplitude: Amplitude::Millivolt,
    }
}

/// The path below the folder with `/` between its parts; WFDB records are named without their `.hea`.
fn id_of(folder: &Path, file: &Path) -> String {
    let below = file.strip_prefix(folder).unwrap_or(file);
    let below = if is_header(file) { below.with_extension("") } else { below.to_owned() };
    below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// `A1.hea` and a file `A1` would have the same id.
fn leave_out_repeated_ids(dataset: &mut Dataset) {
    let mut seen = HashSet::new();
    let Dataset { records, left_out, .. } = dataset;
    records.retain(|record| {
        let fresh = seen.insert(record.id.clone());
        if !fresh {
            left_out.push(LeftOut::file(record.file.clone(), Reason::IdTwice(record.id.clone())));
        }
        fresh
    });
}
