//! Which of the files that a person drops together form a recording.

use crate::ecg::Ecg;
use crate::format::{Collection, FormatError, NamedFiles, ReadOptions, is_other_file};

/// A recording of one or several dropped files, or why there is none.
#[derive(Debug)]
pub struct Dropped {
    /// The name of the recording: of its file, with the archive and the folder that it is in.
    pub file: String,
    pub ecg: Result<Ecg, FormatError>,
}

/// Reads every recording among `files`, in the order of their names. Files in a folder are named with their path.
///
/// A file that belongs to another's recording, such as the signal file of a WFDB header, is no recording of its own.
/// What is no ECG is an error if it was dropped by itself; in a folder or an archive it is passed over.
pub fn read_all(files: &NamedFiles, options: &ReadOptions) -> Vec<Dropped> {
    let collection = Collection::from_files(files);
    let read = |(index, name): (usize, &str)| Dropped { file: name.to_owned(), ecg: collection.read(index, options) };
    collection.names().enumerate().map(read).filter(|dropped| !is_passed_over(dropped)).collect()
}

fn is_passed_over(dropped: &Dropped) -> bool {
    let in_folder_or_archive = dropped.file.contains('/');
    in_folder_or_archive && dropped.ecg.as_ref().is_err_and(|error| is_other_file(&dropped.file, error))
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
        assert_eq!(outcomes(files), ["a.hea: 8 leads", "b.hea: 8 leads", "c.txt: unknown-format"]);
    }

    #[test]
    fn a_recording_without_its_other_file_is_an_error_once() {
        let [header, samples] = record("a");
        assert_eq!(outcomes([header]), ["a.hea: missing-companion"]);
        assert_eq!(outcomes([samples]).len(), 1);
        assert_eq!(outcomes([]), Vec::<String>::new());
    }

    #[test]
    fn folders_and_archives_are_opened_and_other_files_in_them_passed_over() {
        let in_folder = record("a").into_iter().map(|(name, bytes)| (format!("ward/{name}"), bytes));
        let others =
            ["ward/readme.txt", "ward/list.csv", "ward/scan.pdf"].map(|name| (name.to_owned(), b"no".to_vec()));
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in record("b").into_iter().chain([("list.csv".to_owned(), b"x,y".to_vec())]) {
            zip.start_file(format!("exams/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut zip, &bytes).unwrap();
        }
        let zip = ("exams.zip".to_owned(), zip.finish().unwrap().into_inner());
        let files = in_folder.chain(others).chain([zip, ("alone.pdf".to_owned(), b"%PDF-1.7".to_vec())]);
        assert_eq!(
            outcomes(files),
            ["alone.pdf: unknown-format", "exams.zip/exams/b.hea: 8 leads", "ward/a.hea: 8 leads"]
        );
    }
}
