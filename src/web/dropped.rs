//! Which of the files that a person drops together form a recording.

use crate::ecg::Ecg;
use crate::format::{self, Companions, FormatError, NamedFiles, ReadOptions};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;

/// A recording of one or several dropped files, or why there is none.
#[derive(Debug)]
pub struct Dropped {
    /// The file that was read; others may have been read with it.
    pub file: String,
    pub ecg: Result<Ecg, FormatError>,
}

/// Reads every recording among `files`, which come from one folder, in the order of their names.
///
/// A file that was read as part of another's recording, such as the signal file of a WFDB header, is no recording of
/// its own. Only the readers know what belongs together: they are watched asking for it.
pub fn read_all(files: &NamedFiles, options: &ReadOptions) -> Vec<Dropped> {
    let watched = Watched { files, asked: RefCell::default() };
    let mut recordings = Vec::new();
    for (file, bytes) in files {
        if watched.asked.borrow().contains(file) {
            continue;
        }
        let ecg = format::read(file, bytes, &watched, options);
        recordings.push(Dropped { file: file.clone(), ecg });
    }
    recordings
}

/// Files that remember whether they were asked for.
struct Watched<'a> {
    files: &'a NamedFiles,
    asked: RefCell<BTreeSet<String>>,
}

impl Companions for Watched<'_> {
    fn size(&self, name: &str) -> io::Result<u64> {
        self.files.size(name)
    }

    fn read(&self, name: &str, start: u64, length: u64) -> io::Result<Vec<u8>> {
        let bytes = self.files.read(name, start, length)?;
        self.asked.borrow_mut().insert(name.to_owned());
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str) -> [(String, Vec<u8>); 2] {
        let leads = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"];
        let signal = |lead: &&str| format!("{name}.dat 16 1000/mV 16 0 0 0 0 {lead}\n");
        let header = format!("{name} 8 500 500\n{}", leads.iter().map(signal).collect::<String>());
        let samples: Vec<u8> = (0..8 * 500_u16).flat_map(|value| (value % 900).to_le_bytes()).collect();
        [(format!("{name}.hea"), header.into_bytes()), (format!("{name}.dat"), samples)]
    }

    fn outcomes(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<String> {
        let outcome = |dropped: Dropped| match dropped.ecg {
            Ok(ecg) => format!("{}: {} leads", dropped.file, ecg.leads().len()),
            Err(error) => format!("{}: {}", dropped.file, error.code()),
        };
        read_all(&files.into_iter().collect(), &ReadOptions::default()).into_iter().map(outcome).collect()
    }

    #[test]
    fn two_files_of_a_recording_are_one_recording() {
        let files = record("a").into_iter().chain(record("b")).chain([("c.txt".to_owned(), b"no".to_vec())]);
        assert_eq!(outcomes(files), ["a.dat: 8 leads", "b.dat: 8 leads", "c.txt: unknown-format"]);
    }

    #[test]
    fn a_recording_without_its_other_file_is_an_error_once() {
        let [header, samples] = record("a");
        assert_eq!(outcomes([header]), ["a.hea: missing-companion"]);
        assert_eq!(outcomes([samples]).len(), 1);
        assert_eq!(outcomes([]), Vec::<String>::new());
    }
}
