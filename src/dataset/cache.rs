//! Every record decoded and preprocessed once: what training reads, a thousand times faster than the files.
//!
//! A cache is one file, `{preprocessing}-{key}.cache`, in the folder that the caller names. Its key is a SHA-256 sum
//! over the list of files (path, size, time of change), the preprocessing, the window and the version of the readers;
//! where any of it changes, another cache is built. Old ones are never used again and may be deleted at any time.
//!
//! ```text
//! 16 bytes  magic
//! rows      5000 samples x 12 leads each, sample-major, 16-bit floating point; the 120 zeros at the end are implied
//! index     JSON: the outcome of each file, in the order of the records
//! 48 bytes  length of the index (u64, little-endian), SHA-256 of the index, magic
//! ```
//!
//! The file is written under another name and renamed when it is complete, so that a build that is stopped at any time
//! leaves nothing that could be taken for a cache. Ages, sexes and patients of the table are not part of it: a
//! correction there needs no new cache.

use super::header::{Header, is_header};
use super::values::plausible_age;
use super::{LeftOut, Reason, Record, Source, summary_of};
use crate::ecg::{Amplitude, Ecg, Person, Sex};
use crate::format::{self, ReadOptions};
use crate::signal::{INPUT_SAMPLES, LEADS, Preprocessing, WINDOW_SAMPLES, Window, prepare};
use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// To be raised whenever a reader in [`crate::format`] or the preprocessing changes what comes out.
const PREPARATION_VERSION: u32 = 2;

const MAGIC: [u8; 8] = *b"ECGPREP1";
const HEADER_BYTES: u64 = 16;
const TRAILER_BYTES: usize = 8 + 32 + 8;

/// Values of a record that are stored.
const ROW_VALUES: usize = WINDOW_SAMPLES * LEADS;
const ROW_BYTES: u64 = (ROW_VALUES * size_of::<f16>()) as u64;

/// Records decoded at once for each thread; bounds the memory of a build to about 2 MB a thread.
const RECORDS_PER_THREAD: usize = 16;

/// Why prepared records cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error(
        "{path}: the cache cannot be written ({source}); it needs {} MB, free some space or name another folder",
        .needed / 1_000_000
    )]
    Write { path: PathBuf, needed: u64, source: io::Error },
    #[error("{path}: the cache cannot be read ({source}); delete it to have it built again")]
    Read { path: PathBuf, source: io::Error },
    #[error("none of {records} records can be used:\n{reasons}")]
    NothingPrepared { records: usize, reasons: String },
    #[error("{given} values were given for an input, {INPUT_SAMPLES} x {LEADS} are needed")]
    WrongLength { given: usize },
    #[error("there is no prepared record {position}; there are {records}")]
    NoSuchRecord { position: usize, records: usize },
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Prepared(Stated),
    LeftOut(Reason),
}

/// What the file itself states; used where the table says nothing.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Stated {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    age: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sex: Option<Sex>,
    /// The same for the same person, but not to be traced back to the identifier in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patient: Option<String>,
    standardised: bool,
}

/// Records that were decoded and preprocessed, in the order in which they were given.
///
/// Inputs are read from the cache file one by one; memory does not grow with the number of records. Several threads
/// may read at the same time.
#[derive(Debug)]
pub struct PreparedSet {
    path: PathBuf,
    file: File,
    records: Vec<Record>,
    left_out: Vec<LeftOut>,
}

impl PreparedSet {
    /// Opens the cache of these records in `folder`, or decodes all files and writes it.
    ///
    /// `progress` is told, now and then while building, how many of how many records are done. Records that cannot be
    /// decoded are in [`PreparedSet::left_out`]; a damaged cache is built again. Of two processes that want to build
    /// in one folder the second waits for the first.
    ///
    /// # Errors
    /// Where the cache cannot be written or read, or no record can be used.
    pub fn open_or_build(
        folder: &Path,
        records: &[Record],
        preprocessing: Preprocessing,
        window: Window,
        progress: impl Fn(usize, usize),
    ) -> Result<PreparedSet, CacheError> {
        let path = folder.join(format!("{preprocessing}-{}.cache", key(records, preprocessing, window)));
        let needed = ROW_BYTES * records.len() as u64;
        let write_error = |source| CacheError::Write { path: path.clone(), needed, source };
        fs::create_dir_all(folder).map_err(write_error)?;
        if let Some(set) = open(&path, records)? {
            return Ok(set);
        }
        let lock = File::create(folder.join(".building.lock")).map_err(write_error)?;
        // Where the disk knows no locks, two processes do the same work, and the later one's file stays.
        let _ = lock.lock();
        if let Some(set) = open(&path, records)? {
            return Ok(set);
        }
        let partial = path.with_extension("partial");
        let built = build(&partial, records, preprocessing, window, &progress);
        let outcomes = match built.and_then(|outcomes| fs::rename(&partial, &path).map(|()| outcomes)) {
            Ok(outcomes) => outcomes,
            Err(source) => {
                // Best effort: the reason why writing failed is what counts.
                let _ = fs::remove_file(&partial);
                return Err(write_error(source));
            }
        };
        let file = File::open(&path).map_err(|source| CacheError::Read { path: path.clone(), source })?;
        PreparedSet::new(path, file, records, outcomes)
    }

    fn new(path: PathBuf, file: File, given: &[Record], outcomes: Vec<Outcome>) -> Result<PreparedSet, CacheError> {
        let mut records = Vec::new();
        let mut left_out = Vec::new();
        for (record, outcome) in given.iter().zip(outcomes) {
            match outcome {
                Outcome::Prepared(stated) => records.push(completed(record, stated)),
                Outcome::LeftOut(reason) => left_out.push(LeftOut::file(record.file.clone(), reason)),
            }
        }
        if records.is_empty() {
            return Err(CacheError::NothingPrepared { records: given.len(), reasons: summary_of(&left_out) });
        }
        Ok(PreparedSet { path, file, records, left_out })
    }

    /// The number of prepared records; at least one.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// A prepared record. What the table did not say of the person is what its file states.
    ///
    /// # Panics
    /// Where `position` is not below [`PreparedSet::len`].
    pub fn record(&self, position: usize) -> &Record {
        &self.records[position]
    }

    /// All prepared records.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The records that could not be decoded or prepared.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The cache file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a record's input (5120 samples x 12 leads, sample-major) into `input`.
    ///
    /// # Errors
    /// Where the cache can no longer be read, there is no such record, or `input` has another length.
    pub fn copy_into(&self, position: usize, input: &mut [f32]) -> Result<(), CacheError> {
        if position >= self.records.len() {
            return Err(CacheError::NoSuchRecord { position, records: self.records.len() });
        }
        if input.len() != INPUT_SAMPLES * LEADS {
            return Err(CacheError::WrongLength { given: input.len() });
        }
        let mut row = vec![f16::ZERO; ROW_VALUES];
        let offset = HEADER_BYTES + ROW_BYTES * position as u64;
        read_exact_at(&self.file, bytemuck::cast_slice_mut(&mut row), offset)
            .map_err(|source| CacheError::Read { path: self.path.clone(), source })?;
        let (samples, padding) = input.split_at_mut(ROW_VALUES);
        row.convert_to_f32_slice(samples);
        padding.fill(0.0);
        Ok(())
    }
}

/// The record, with what its file states where the table says nothing.
fn completed(record: &Record, stated: Stated) -> Record {
    let mut record = record.clone();
    record.age = record.age.or(stated.age);
    record.sex = record.sex.or(stated.sex);
    // Published data sets number their patients themselves.
    if matches!(record.source, Source::Folder | Source::Table) {
        record.patient = record.patient.or(stated.patient);
    }
    if stated.standardised {
        record.amplitude = Amplitude::Standardised;
    }
    record
}

/// The sum over everything that the prepared samples depend on.
fn key(records: &[Record], preprocessing: Preprocessing, window: Window) -> String {
    let mut sum = Sha256::new();
    let mut add = |text: &str| {
        sum.update((text.len() as u64).to_le_bytes());
        sum.update(text);
    };
    // Rows are in the byte order of the machine: they are read straight into place.
    let machine = if cfg!(target_endian = "little") { "little" } else { "big" };
    add(&format!("{PREPARATION_VERSION} {} {machine}", env!("CARGO_PKG_VERSION")));
    add(&format!("{preprocessing} {:x}", window.start_seconds.to_bits()));
    for record in records {
        add(&fingerprint(&record.file));
        if is_header(&record.file) {
            let signals = Header::read(&record.file).unwrap_or_default();
            signals.paths(&record.file).for_each(|path| add(&fingerprint(&path)));
        }
    }
    hexadecimal(&sum.finalize()[..8])
}

/// Path, size and time of change. A file that cannot be opened has another fingerprint than one that can, so that a
/// cache built without it does not outlast the cause.
fn fingerprint(path: &Path) -> String {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) => {
            let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let changed = changed.map_or(0, |since| since.as_nanos());
            format!("{} {} {changed}", full.display(), metadata.len())
        }
        Err(error) => format!("{} {:?}", full.display(), error.kind()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Opens a complete cache; `None` where there is none or it is damaged.
fn open(path: &Path, records: &[Record]) -> Result<Option<PreparedSet>, CacheError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(CacheError::Read { path: path.to_owned(), source }),
    };
    match read_index(&file, records.len()) {
        Some(outcomes) => PreparedSet::new(path.to_owned(), file, records, outcomes).map(Some),
        None => Ok(None),
    }
}

/// The outcomes of a cache whose length and checksum are right.
fn read_index(file: &File, records: usize) -> Option<Vec<Outcome>> {
    let length = file.metadata().ok()?.len();
    let trailer_at = length.checked_sub(TRAILER_BYTES as u64)?;
    let mut trailer = [0; TRAILER_BYTES];
    read_exact_at(file, &mut trailer, trailer_at).ok()?;
    let (index_length, rest) = trailer.split_first_chunk::<8>()?;
    let (index_sum, magic) = rest.split_at(32);
    let index_at = trailer_at.checked_sub(u64::from_le_bytes(*index_length))?;
    let rows_length = index_at.checked_sub(HEADER_BYTES)?;
    if magic != MAGIC {
        return None;
    }
    let mut index = vec![0; usize::try_from(trailer_at - index_at).ok()?];
    read_exact_at(file, &mut index, index_at).ok()?;
    if Sha256::digest(&index).as_slice() != index_sum {
        return None;
    }
    let outcomes: Vec<Outcome> = serde_json::from_slice(&index).ok()?;
    let rows = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Prepared(_))).count();
    (outcomes.len() == records && rows_length == ROW_BYTES * rows as u64).then_some(outcomes)
}

/// Decodes all records, some at once on all processors, and writes them in their order.
fn build(
    path: &Path,
    records: &[Record],
    preprocessing: Preprocessing,
    window: Window,
    progress: &impl Fn(usize, usize),
) -> io::Result<Vec<Outcome>> {
    let mut writer = BufWriter::new(File::create(path)?);
    let mut outcomes = Vec::with_capacity(records.len());
    writer.write_all(&MAGIC)?;
    writer.write_all(&[0; HEADER_BYTES as usize - MAGIC.len()])?;
    progress(0, records.len());
    for chunk in records.chunks(RECORDS_PER_THREAD * rayon::current_num_threads()) {
        let prepared: Vec<_> =
            chunk.par_iter().map(|record| prepare_file(&record.file, preprocessing, window)).collect();
        for result in prepared {
            outcomes.push(match result {
                Ok((row, stated)) => {
                    writer.write_all(bytemuck::cast_slice(&row))?;
                    Outcome::Prepared(stated)
                }
                Err(reason) => Outcome::LeftOut(reason),
            });
        }
        progress(outcomes.len(), records.len());
    }
    let index = serde_json::to_vec(&outcomes)?;
    writer.write_all(&index)?;
    writer.write_all(&(index.len() as u64).to_le_bytes())?;
    writer.write_all(&Sha256::digest(&index))?;
    writer.write_all(&MAGIC)?;
    // A file that was renamed but not yet on the disk could be incomplete after a power cut.
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(outcomes)
}

fn prepare_file(file: &Path, preprocessing: Preprocessing, window: Window) -> Result<(Vec<f16>, Stated), Reason> {
    File::open(file).map_err(|error| Reason::Unreadable(error.to_string()))?;
    let ecg = format::open(file, &ReadOptions::default())
        .map_err(|error| Reason::NotDecoded { code: error.code().to_string(), message: error.to_string() })?;
    let input = prepare(&ecg, preprocessing, window).map_err(|error| Reason::NotPrepared(error.to_string()))?;
    let samples = input.samples.get(..ROW_VALUES).unwrap_or(&input.samples);
    if samples.len() != ROW_VALUES || samples.iter().any(|sample| !f16::from_f32(*sample).is_finite()) {
        return Err(Reason::NotPrepared("samples are not finite after preprocessing".to_owned()));
    }
    let mut row = vec![f16::ZERO; ROW_VALUES];
    row.convert_from_f32_slice(samples);
    Ok((row, stated(&ecg)))
}

fn stated(ecg: &Ecg) -> Stated {
    let Person { id, age, sex, .. } = &ecg.person;
    Stated {
        age: age.and_then(plausible_age),
        sex: *sex,
        patient: id.as_deref().filter(|id| !id.trim().is_empty()).map(pseudonym),
        standardised: ecg.amplitude == Amplitude::Standardised,
    }
}

fn pseudonym(id: &str) -> String {
    hexadecimal(&Sha256::digest(id.trim())[..8])
}

/// Fills `bytes` from a place in the file without moving a position that other threads share.
#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Fills `bytes` from a place in the file without relying on a position that other threads share.
#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                bytes = &mut bytes[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Dataset;
    use crate::ecg::Lead;
    use std::cell::RefCell;

    /// Writes a WFDB record of 10 s at 500 Hz with a different wave in each lead.
    fn write_record(folder: &Path, name: &str, tone: f32, comments: &str) {
        let mut samples = Vec::new();
        for t in 0..5000 {
            for lead in 0..12 {
                let phase = t as f32 * (tone + lead as f32) * std::f32::consts::TAU / 500.0;
                samples.extend(((phase.sin() * 900.0) as i16).to_le_bytes());
            }
        }
        let mut header = format!("{name} 12 500 5000\n");
        for (number, lead) in Lead::ALL.into_iter().enumerate() {
            let sum = samples[2 * number..].chunks(24).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
            let sum = sum.fold(0i16, i16::wrapping_add);
            header += &format!("{name}.dat 16 1000/mV 16 0 0 {sum} 0 {lead}\n");
        }
        fs::write(folder.join(format!("{name}.hea")), header + comments).unwrap();
        fs::write(folder.join(format!("{name}.dat")), samples).unwrap();
    }

    /// Three good records, of which one states nothing of the person, and a broken one.
    fn collection() -> (tempfile::TempDir, Vec<Record>) {
        let folder = tempfile::tempdir().unwrap();
        write_record(folder.path(), "a", 5.0, "#Age: 61\n#Sex: Male\n");
        write_record(folder.path(), "b", 7.0, "#Age: 44\n#Sex: Female\n");
        write_record(folder.path(), "d", 9.0, "");
        fs::write(folder.path().join("c.hea"), "c 12 nonsense\nc.dat 16\n#Age: 1\n").unwrap();
        fs::write(folder.path().join("c.dat"), "").unwrap();
        let records = Dataset::open(folder.path()).unwrap().records;
        (folder, records)
    }

    fn build_in(cache: &Path, records: &[Record], preprocessing: Preprocessing) -> (PreparedSet, Vec<(usize, usize)>) {
        let calls = RefCell::new(Vec::new());
        let progress = |done, all| calls.borrow_mut().push((done, all));
        let set = PreparedSet::open_or_build(cache, records, preprocessing, Window::default(), progress).unwrap();
        (set, calls.into_inner())
    }

    fn input_of(set: &PreparedSet, position: usize) -> Vec<f32> {
        let mut input = vec![f32::NAN; INPUT_SAMPLES * LEADS];
        set.copy_into(position, &mut input).unwrap();
        input
    }

    #[test]
    fn prepared_inputs_are_those_of_the_preprocessing() {
        let (folder, records) = collection();
        let cache = folder.path().join("cache");
        let (set, calls) = build_in(&cache, &records, Preprocessing::Time);
        assert_eq!(calls, [(0, 4), (4, 4)]);
        assert_eq!(set.len(), 3);
        for position in 0..set.len() {
            let ecg = format::open(&set.record(position).file, &ReadOptions::default()).unwrap();
            let expected = prepare(&ecg, Preprocessing::Time, Window::default()).unwrap().samples;
            let input = input_of(&set, position);
            let error = input.iter().zip(&expected).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f32::max);
            assert!(error < 5e-4, "relative error {error}: 16-bit floating point has 11 bits");
            assert!(input[ROW_VALUES..].iter().all(|value| *value == 0.0));
        }
    }

    #[test]
    fn a_cache_is_built_once_and_remembers_what_failed() {
        let (folder, mut records) = collection();
        let cache = folder.path().join("cache");
        let (built, _) = build_in(&cache, &records, Preprocessing::Time);
        records[0].age = Some(62.0);
        let (opened, calls) = build_in(&cache, &records, Preprocessing::Time);
        assert!(calls.is_empty(), "the second time nothing is decoded");
        assert_eq!(opened.left_out(), built.left_out());
        assert_eq!(opened.left_out().len(), 1);
        assert!(opened.left_out()[0].file.ends_with("c.hea"));
        assert!(matches!(opened.left_out()[0].reason, Reason::NotDecoded { .. }));
        assert_eq!(input_of(&opened, 1), input_of(&built, 1));
        assert_eq!(opened.record(0).age, Some(62.0), "a corrected age needs no new cache");
        assert_eq!(opened.record(2).id, "d");
        assert_eq!(fs::read_dir(&cache).unwrap().count(), 2, "the cache and the lock");
    }

    #[test]
    fn preprocessings_have_caches_of_their_own() {
        let (folder, records) = collection();
        let cache = folder.path().join("cache");
        let (time, _) = build_in(&cache, &records, Preprocessing::Time);
        let (lead, calls) = build_in(&cache, &records, Preprocessing::Lead);
        assert!(!calls.is_empty());
        assert_ne!(time.path(), lead.path());
        assert_ne!(input_of(&time, 0), input_of(&lead, 0));
        let later = Window { start_seconds: 1.0 };
        assert_ne!(key(&records, Preprocessing::Time, Window::default()), key(&records, Preprocessing::Time, later));
    }

    #[test]
    fn a_changed_signal_file_means_a_new_cache() {
        let (folder, records) = collection();
        let before = key(&records, Preprocessing::Time, Window::default());
        assert_eq!(before, key(&records, Preprocessing::Time, Window::default()));
        let signal = File::options().append(true).open(folder.path().join("b.dat")).unwrap();
        signal.set_len(120_024).unwrap();
        assert_ne!(before, key(&records, Preprocessing::Time, Window::default()));
        fs::remove_file(folder.path().join("b.dat")).unwrap();
        assert_ne!(before, key(&records, Preprocessing::Time, Window::default()));
    }

    #[test]
    fn damaged_caches_are_built_again() {
        let (folder, records) = collection();
        let cache = folder.path().join("cache");
        let (set, _) = build_in(&cache, &records, Preprocessing::Time);
        let (path, expected) = (set.path().to_owned(), input_of(&set, 2));
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        let in_index = whole.len() - TRAILER_BYTES - 5;
        flipped[in_index] ^= 1;
        let mut long_index = whole.clone();
        let length_at = whole.len() - TRAILER_BYTES;
        long_index[length_at..length_at + 8].fill(0xff);
        let without_a_row = [&whole[..16], &whole[16 + ROW_BYTES as usize..]].concat();
        for damaged in [&whole[..whole.len() - 1], &whole[..100], &[], &flipped, &long_index, &without_a_row] {
            fs::write(&path, damaged).unwrap();
            let (set, calls) = build_in(&cache, &records, Preprocessing::Time);
            assert!(!calls.is_empty(), "{} bytes were taken for a cache", damaged.len());
            assert_eq!(input_of(&set, 2), expected);
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn a_build_that_was_stopped_leaves_no_cache() {
        let (folder, records) = collection();
        let cache = folder.path().join("cache");
        let (set, _) = build_in(&cache, &records, Preprocessing::Time);
        let whole = fs::read(set.path()).unwrap();
        fs::rename(set.path(), set.path().with_extension("partial")).unwrap();
        let (again, calls) = build_in(&cache, &records, Preprocessing::Time);
        assert!(!calls.is_empty());
        assert_eq!(fs::read(again.path()).unwrap(), whole);
        assert!(!again.path().with_extension("partial").exists());
    }

    #[test]
    fn wrong_requests_are_errors() {
        let (folder, records) = collection();
        let (set, _) = build_in(&folder.path().join("cache"), &records, Preprocessing::Time);
        assert!(matches!(set.copy_into(0, &mut [0.0; 7]), Err(CacheError::WrongLength { given: 7 })));
        let mut input = vec![0.0; INPUT_SAMPLES * LEADS];
        assert!(matches!(set.copy_into(3, &mut input), Err(CacheError::NoSuchRecord { position: 3, records: 3 })));
        let broken: Vec<Record> = records.into_iter().filter(|record| record.id == "c").collect();
        let build = |folder: &Path, records: &[Record]| {
            PreparedSet::open_or_build(folder, records, Preprocessing::Time, Window::default(), |_, _| {})
        };
        let error = build(&folder.path().join("cache"), &broken).unwrap_err();
        assert!(matches!(error, CacheError::NothingPrepared { records: 1, .. }));
        let error = build(&folder.path().join("a.dat"), &broken).unwrap_err();
        assert!(matches!(error, CacheError::Write { .. }), "{error}");
    }

    #[test]
    fn the_file_says_what_the_table_does_not() {
        let (_folder, records) = collection();
        let stated =
            Stated { age: Some(50.0), sex: Some(Sex::Female), patient: Some(pseudonym(" 4711 ")), standardised: true };
        let of_table = completed(&records[0], stated.clone());
        assert_eq!((of_table.age, of_table.sex, of_table.patient), (Some(61.0), Some(Sex::Male), None));
        let of_folder = completed(&records[3], stated);
        assert_eq!((of_folder.age, of_folder.sex), (Some(50.0), Some(Sex::Female)));
        assert_eq!(of_folder.patient, Some(pseudonym("4711")));
        assert_eq!(of_folder.amplitude, Amplitude::Standardised);
    }
}
