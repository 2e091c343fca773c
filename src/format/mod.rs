//! Readers of ECG files: bytes in, [`Ecg`] out.
//!
//! | format | files | what they say, and what is assumed |
//! |---|---|---|
//! | [WFDB](wfdb) | `.hea` with `.dat` or `.mat` | unit, rate and leads; PTB-XL, PhysioNet Challenges |
//! | [SCP-ECG](scp) | `.scp` | rate, amplitude, leads and person; what compression smoothed away stays lost |
//! | [ISHNE](ishne) | `.ecg` | rate, amplitude, leads and person; the first 30 minutes of a Holter recording |
//! | [DICOM](dicom) | `.dcm` | unit, rate, leads and person; 12-lead, General and Ambulatory ECG |
//! | [EDF](edf) | `.edf`, `.bdf` | unit, rate and leads by their labels; EDF, EDF+, BDF, BDF+ |
//! | [HL7 aECG](hl7_aecg) | `.xml` | unit, rate, leads and person; the rhythm, not derived beats |
//! | [GE MUSE](muse) | `.xml` | unit, rate, leads and person; III and the augmented leads are derived |
//! | [Philips Sierra](philips) | `.xml`, versions 1.03 and 1.04 | unit, rate, leads and person; calibration pulses are cut off |
//! | [Schiller](schiller) | `.xml` of SEMA | unit, rate, leads and person |
//! | [HDF5](hdf5) | `.h5`, `.hdf5` | [SPH](hdf5::sph) and [CODE-15 %](hdf5::code15) by their publications, else nothing |
//! | [NumPy](npy) | `.npy` | nothing: unit, rate and lead order are assumed or stated |
//! | [MATLAB](matlab) | `.mat` of versions 4 to 7.3 | a matrix; sometimes rate, unit, age and sex in other variables |
//! | [text tables](text) | `.csv`, `.tsv`, `.txt` | what the names of the columns and the lines before the table say |
//!
//! [`read`] takes the bytes of a file and recognises the format by the content, never by the name alone. A recording
//! of several files finds the others through [`Companions`]. [`open`] does both for a path. What a file does not say,
//! or says wrongly, the user states in [`ReadOptions`]; whatever is assumed instead is said in a
//! [`Notice`](crate::ecg::Notice).
//!
//! ```no_run
//! use ecgnet::format::{NamedFiles, ReadOptions, read};
//!
//! let mut dropped = NamedFiles::new();
//! dropped.insert("A0001.mat".to_owned(), std::fs::read("A0001.mat")?);
//! let ecg = read("A0001.hea", &std::fs::read("A0001.hea")?, &dropped, &ReadOptions::default())?;
//! println!("{} leads, {} s", ecg.leads().len(), ecg.seconds());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A file may hold several recordings: a zip archive, an HDF5 file, a NumPy array. [`Collection`] lists them and reads
//! each on demand. Compressed files (`.gz`) are unpacked.
//!
//! # Bounds
//! Nothing is allocated because a header says so: every size is compared with the bytes at hand first. Of a long
//! recording the first 30 minutes are read (and at most 2²⁵ samples of all leads together), which is said in a notice;
//! a WFDB signal file is not even loaded beyond that. Other files may have up to 512 MiB.
//! What is compressed may become 16 MiB, and beyond that a hundred times as long (zip, gzip, HDF5); FLAC 4 MiB and 128
//! times as long. The fuzz targets hold every reader to 20 bytes of memory for each byte of the file, or of what may be
//! unpacked from it.
//!
//! # Adding a format
//! A format is one file with a `FORMAT` (its names, how its content is recognised, how it is read into a `Recording`)
//! and a line in the private list of formats here. Bounds, lead names, corrections and checks are shared.

mod archive;
mod binary;
mod bytes;
mod collection;
mod companions;
mod corrections;
mod date;
pub mod dicom;
pub mod edf;
mod error;
pub mod hdf5;
pub mod hl7_aecg;
pub mod ishne;
pub mod matlab;
mod matrix;
pub mod muse;
pub mod npy;
mod number;
mod options;
pub mod philips;
mod recording;
pub mod schiller;
pub mod scp;
mod sniff;
#[cfg(test)]
mod testing;
pub mod text;
pub mod wfdb;
mod xml;

pub use collection::{Collection, has_ecg_ending, is_other_file, may_be_recording};
pub use companions::{Companions, NamedFiles, NoCompanions};
pub use error::FormatError;
pub use options::{ReadOptions, Unit, UnitError};

#[cfg(not(target_arch = "wasm32"))]
pub use companions::Folder;

use crate::ecg::Ecg;
use bytes::Bytes;
use collection::NESTING;
use companions::WithFile;
use corrections::corrected;
use error::Place;
use recording::{Recording, SAMPLING_RATES};

/// A file format that can be read.
struct Format {
    /// The name in messages.
    name: &'static str,
    /// The usual endings of its files, without the dot.
    extensions: &'static [&'static str],
    /// Whether the content is of this format.
    recognises: fn(&Source<'_>) -> bool,
    read: fn(&Source<'_>, &ReadOptions) -> Result<Recording, FormatError>,
}

/// Every format, the ones with an unmistakable beginning first.
const FORMATS: &[&Format] = &[
    &hdf5::FORMAT,
    &npy::FORMAT,
    &dicom::FORMAT,
    &scp::FORMAT,
    &ishne::FORMAT,
    &edf::FORMAT,
    &hl7_aecg::FORMAT,
    &muse::FORMAT,
    &philips::FORMAT,
    &schiller::FORMAT,
    &wfdb::FORMAT,
    &matlab::FORMAT,
    &text::FORMAT,
];

/// The largest file that is loaded whole, in bytes.
pub const MAXIMUM_FILE_SIZE: u64 = 512 << 20;

/// A file in memory and the files beside it.
struct Source<'a> {
    name: &'a str,
    bytes: &'a [u8],
    companions: &'a dyn Companions,
}

impl Source<'_> {
    /// The file name without its last ending.
    fn stem(&self) -> &str {
        stem(self.name)
    }
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The formats that can be read: the name of each and the usual endings of its files, without the dot.
pub fn supported() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    FORMATS.iter().map(|format| (format.name, format.extensions))
}

/// Reads an ECG from the bytes of a file.
///
/// `name` is the bare file name: it appears in messages and finds the `companions`, the other files of the same
/// recording. A WFDB signal file (`.dat`, `.mat`) is read through the header beside it. A file that holds several ECGs
/// is refused: [`Collection::from_bytes`] lists them.
///
/// # Errors
/// [`FormatError`], which says what is wrong, where, and what to do.
pub fn read(name: &str, bytes: &[u8], companions: &dyn Companions, options: &ReadOptions) -> Result<Ecg, FormatError> {
    read_within(name, bytes, companions, options, NESTING)
}

/// Reads an ECG from a file that may lie within so many archives.
fn read_within(
    name: &str,
    bytes: &[u8],
    companions: &dyn Companions,
    options: &ReadOptions,
    nesting: u32,
) -> Result<Ecg, FormatError> {
    check_size(name, bytes.len() as u64)?;
    if archive::is_zip(bytes) {
        return Collection::within(name, Bytes::new(bytes), nesting)?.read_only_one(options);
    }
    if archive::is_gzip(bytes) {
        let nesting = nesting.checked_sub(1).ok_or_else(|| collection::too_deep(name, archive::GZIP))?;
        let unpacked = archive::gunzip(name, Bytes::new(bytes))?;
        return read_within(archive::unpacked_name(name), &unpacked, companions, options, nesting);
    }
    let companions = WithFile { name, bytes, others: companions };
    match wfdb::header_of(name, &companions) {
        Some((header_name, header)) => {
            read_known(&Source { name: &header_name, bytes: &header, companions: &companions }, options)
        }
        None => read_known(&Source { name, bytes, companions: &companions }, options),
    }
}

/// Reads an ECG from a file; its companions are the files in the same folder.
///
/// A WFDB record can be named as that library does, without an ending: `records500/00000/00001_hr`. A file that holds
/// several ECGs is refused: [`Collection::open`] lists them.
///
/// # Errors
/// [`FormatError`], which says what is wrong, where, and what to do.
#[cfg(not(target_arch = "wasm32"))]
pub fn open(path: &std::path::Path, options: &ReadOptions) -> Result<Ecg, FormatError> {
    Collection::open(path)?.read_only_one(options)
}

/// Reads a file that was found to hold one ECG only.
#[cfg(not(target_arch = "wasm32"))]
fn open_file(path: &std::path::Path, options: &ReadOptions) -> Result<Ecg, FormatError> {
    let io_error = |source| FormatError::Io { file: path.display().to_string(), source };
    let name = path
        .file_name()
        .ok_or_else(|| io_error(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it does not name a file")))?
        .to_string_lossy()
        .into_owned();
    let folder = Folder(path.parent().map(std::path::Path::to_path_buf).unwrap_or_default());
    if let Some((header_name, header)) = wfdb::header_of(&name, &folder) {
        return read_known(&Source { name: &header_name, bytes: &header, companions: &folder }, options);
    }
    check_size(&name, companions::regular_file_size(path).map_err(io_error)?)?;
    let bytes = std::fs::read(path).map_err(io_error)?;
    read(&name, &bytes, &folder, options)
}

fn read_known(source: &Source<'_>, options: &ReadOptions) -> Result<Ecg, FormatError> {
    let Some(format) = FORMATS.iter().find(|format| (format.recognises)(source)) else {
        let looks_like = sniff::looks_like(source.bytes);
        let advice = sniff::advice(&looks_like, &readable());
        return Err(FormatError::UnknownFormat { file: source.name.to_owned(), looks_like, advice });
    };
    check_options(source.name, options)?;
    let place = Place { file: source.name, format: format.name };
    corrected(options, |options| (format.read)(source, options)?.into_ecg(place))
}

fn check_size(name: &str, size: u64) -> Result<(), FormatError> {
    let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
    match size {
        0 => Err(FormatError::Empty { file: name.to_owned() }),
        size if size > MAXIMUM_FILE_SIZE => Err(FormatError::TooLarge {
            file: name.to_owned(),
            size: mebibytes(size),
            limit: mebibytes(MAXIMUM_FILE_SIZE),
        }),
        _ => Ok(()),
    }
}

/// Checks what the user stated, as far as that is possible without the file.
fn check_options(name: &str, options: &ReadOptions) -> Result<(), FormatError> {
    let wrong = |what, reason: String| Err(FormatError::Correction { file: name.to_owned(), what, reason });
    if let Some(Unit::AdcCounts { per_millivolt }) = options.unit
        && !(per_millivolt.is_finite() && per_millivolt > 0.0)
    {
        return wrong("unit", format!("{per_millivolt} steps in a millivolt are not possible"));
    }
    if let Some(rate) = options.sampling_rate
        && !SAMPLING_RATES.contains(&rate)
    {
        return wrong("sampling rate", format!("{rate} Hz is not between 1 and 100,000 Hz"));
    }
    let order = options.lead_order.as_deref().unwrap_or_default();
    match order.iter().enumerate().find(|(position, lead)| order[..*position].contains(lead)) {
        Some((_, lead)) => wrong("lead order", format!("lead {lead} is in it twice")),
        None => Ok(()),
    }
}

/// The readable formats in words.
fn readable() -> String {
    let names: Vec<&str> = supported().map(|(name, _)| name).collect();
    match names.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecg::Lead;
    use proptest::prelude::*;

    fn error(name: &str, bytes: &[u8], options: &ReadOptions) -> FormatError {
        read(name, bytes, &NoCompanions, options).unwrap_err()
    }

    #[test]
    fn what_is_no_ecg_is_described_and_answered() {
        let as_stated = ReadOptions::default();
        assert_eq!(
            error("a.hea", b"", &as_stated).to_string(),
            "a.hea is empty (0 bytes): export or download it again"
        );
        assert_eq!(
            error("ecg.pdf", b"%PDF-1.7 ...", &as_stated).to_string(),
            "ecg.pdf is not an ECG file that can be read here: it looks like a PDF document. A picture or printout of an \
             ECG has no samples; export the recording itself as HDF5, NumPy, DICOM, SCP-ECG, ISHNE Holter, EDF, HL7 aECG, \
             GE MUSE XML, Philips Sierra XML, Schiller XML, WFDB, MATLAB or text table."
        );
        assert_eq!(error("a.txt", b"hello", &as_stated).code(), "unknown-format");
    }

    #[test]
    fn impossible_corrections_are_refused() {
        let header = b"rec 1 500 5000";
        for (options, expected) in [
            (
                ReadOptions { sampling_rate: Some(f64::NAN), ..ReadOptions::default() },
                "sampling rate does not fit a.hea: NaN",
            ),
            (ReadOptions { sampling_rate: Some(0.0), ..ReadOptions::default() }, "0 Hz is not between"),
            (
                ReadOptions { unit: Some(Unit::AdcCounts { per_millivolt: 0.0 }), ..ReadOptions::default() },
                "0 steps in a millivolt",
            ),
            (
                ReadOptions { lead_order: Some(vec![Lead::I, Lead::I]), ..ReadOptions::default() },
                "lead I is in it twice",
            ),
        ] {
            let error = error("a.hea", header, &options);
            assert_eq!(error.code(), "correction");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn what_cannot_be_opened_is_named() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for (path, expected) in
            [(root.join("no such file"), "no such file cannot be read"), (root.join("src"), "not an ordinary")]
        {
            let error = open(&path, &ReadOptions::default()).unwrap_err();
            assert_eq!(error.code(), "io");
            assert!(error.to_string().contains(expected), "{error}");
        }
        assert_eq!(open("..".as_ref(), &ReadOptions::default()).unwrap_err().code(), "io");
    }

    proptest! {
        #[test]
        fn any_file_is_read_or_refused(
            name in "[a-z./\\\\]{0,6}(.hea|.dat|.mat|.h5|.npy|)",
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            if let Err(error) = read(&name, &bytes, &NoCompanions, &ReadOptions::default()) {
                prop_assert!(error.to_string().contains(&name));
            }
        }
    }
}
