//! The recordings in a file that may hold several: an archive, an array, or files that were chosen together.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::archive::{self, Archive};
use super::binary::decoded;
use super::bytes::Bytes;
use super::companions::{Companions, NoCompanions, part};
use super::corrections::corrected;
use super::error::Place;
use super::recording::Recording;
use super::{
    FORMATS, FormatError, MAXIMUM_FILE_SIZE, NamedFiles, ReadOptions, check_options, hdf5, npy, read_within, sniff,
    wfdb,
};
use crate::ecg::Ecg;

#[cfg(not(target_arch = "wasm32"))]
use std::path::{Path, PathBuf};

/// So many archives and compressed files may lie within one another.
pub(super) const NESTING: u32 = 2;

/// Files with longer paths are not listed: the paths are repeated in the names of all recordings in a file, which would
/// make much of a small archive.
const MAXIMUM_PATH: usize = 1024;

/// Files of an archive that may hold several recordings are unpacked to find that out until so much has come out. After
/// that, each counts as one recording.
const LOOKED_INTO: u64 = 64 << 20;

/// So much of a header is searched for the names of its signal files.
const HEADER_SIZE: u64 = 1 << 16;

/// Endings, without the dot, under which other things than ECGs are usual too.
const AMBIGUOUS_ENDINGS: [&str; 5] = ["csv", "json", "tsv", "txt", "xml"];

/// Names, without ending, of what lies beside ECG files.
const OTHER_NAMES: [&str; 6] = ["annotators", "license", "readme", "records", "sha256sums", "subject-info"];

/// The recordings in a file, listed without being read.
///
/// A plain ECG file holds one; a zip archive, an HDF5 file, and a NumPy array may hold many. Each is read on demand, so
/// that no more than one recording is in memory (and of an archive within an archive the inner one, packed).
///
/// - Files of an archive that belong together, such as a WFDB header and its signal file, are one recording.
/// - Archives in archives are opened, one level deep; compressed single files (`.gz`) are unpacked.
/// - What is no ECG by its ending, such as a picture or a readme, is not listed; [`Collection::others`] counts it.
///
/// ```no_run,ignore-wasm32
/// use ecgnet::format::{Collection, ReadOptions};
///
/// let collection = Collection::open("exams.zip".as_ref())?;
/// for (index, name) in collection.names().enumerate() {
///     match collection.read(index, &ReadOptions::default()) {
///         Ok(ecg) => println!("{name}: {} s", ecg.seconds()),
///         Err(error) => println!("{name}: {error}"),
///     }
/// }
/// # Ok::<(), ecgnet::format::FormatError>(())
/// ```
pub struct Collection<'a> {
    /// For the names of recordings; the last part is the name of the file.
    name: String,
    names: Vec<String>,
    others: usize,
    content: Content<'a>,
}

enum Content<'a> {
    /// A file that stands for itself, beside others.
    #[cfg(not(target_arch = "wasm32"))]
    Path(PathBuf),
    /// The same in memory; it may lie within so many archives.
    File {
        bytes: Bytes<'a>,
        nesting: u32,
    },
    Hdf5(hdf5::Several),
    Npy(npy::Several<'a>),
    Members(Members<'a>),
}

impl std::fmt::Debug for Collection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collection").field("name", &self.name).field("recordings", &self.len()).finish_non_exhaustive()
    }
}

impl Collection<'static> {
    /// Lists the recordings in a file on the disk. Only as much of it is read as the list needs.
    ///
    /// A file that is none or cannot be read is a collection of one, whose reading says why.
    ///
    /// # Errors
    /// [`FormatError`] where an archive is damaged.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path: &Path) -> Result<Collection<'static>, FormatError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let several = match Bytes::open(path) {
            Ok(bytes) => several(&name, &bytes, NESTING)?,
            Err(_) => None,
        };
        Ok(several.unwrap_or_else(|| Collection::of_one(&name, Content::Path(path.to_owned()))))
    }
}

impl<'a> Collection<'a> {
    /// Lists the recordings in a file in memory; `name` is its bare name.
    ///
    /// # Errors
    /// [`FormatError`] where an archive is damaged.
    pub fn from_bytes(name: &str, bytes: impl AsRef<[u8]> + Send + Sync + 'a) -> Result<Collection<'a>, FormatError> {
        Collection::within(name, Bytes::new(bytes), NESTING)
    }

    /// Lists the recordings among files that were chosen together, in the order of their names.
    ///
    /// A name with `/` is that of a file in a folder. Such a file is listed if it is an ECG by its ending; a bare name is
    /// always listed.
    pub fn from_files(files: &'a NamedFiles) -> Collection<'a> {
        let paths = files.keys().cloned().collect();
        let mut collection = Collection::of_one("", Content::Members(Members::default()));
        let files = Files::Named(files.values().map(|bytes| Bytes::new(bytes.as_slice())).collect());
        collection.list(files, paths, NESTING);
        collection
    }

    /// Lists the recordings in a file that may lie within so many archives.
    pub(super) fn within(name: &str, bytes: Bytes<'a>, nesting: u32) -> Result<Collection<'a>, FormatError> {
        match several(name, &bytes, nesting)? {
            Some(collection) => Ok(collection),
            None => Ok(Collection::of_one(name, Content::File { bytes, nesting })),
        }
    }

    fn of_one(name: &str, content: Content<'a>) -> Collection<'a> {
        Collection { name: name.to_owned(), names: vec![name.to_owned()], others: 0, content }
    }

    /// How many recordings there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names of the recordings: `rec.hea`, `archive.zip/folder/rec.hea`, `exams.hdf5[0]`.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The name of one recording.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.names.get(index).map(String::as_str)
    }

    /// How many files inside are no ECGs by their names.
    pub fn others(&self) -> usize {
        self.others
    }

    /// Reads one recording.
    ///
    /// # Errors
    /// [`FormatError`], which says what is wrong, where, and what to do. Where there is no such recording, the file holds
    /// no ECG or fewer.
    pub fn read(&self, index: usize, options: &ReadOptions) -> Result<Ecg, FormatError> {
        if index >= self.len() {
            return Err(self.no_such(index));
        }
        match &self.content {
            #[cfg(not(target_arch = "wasm32"))]
            Content::Path(path) => super::open_file(path, options),
            Content::File { bytes, nesting } => {
                let bytes = load(&self.name, bytes)?;
                read_within(file_name(&self.name), &bytes, &NoCompanions, options, *nesting)
            }
            Content::Hdf5(rows) => {
                self.row(hdf5::NAME, options, |options, place| rows.read(index as u64, options, place))
            }
            Content::Npy(rows) => {
                self.row(npy::NAME, options, |options, place| rows.read(index as u64, options, place))
            }
            Content::Members(members) => members.read(index, options, &self.names),
        }
    }

    /// Reads the recording of a file that must hold one only.
    pub(super) fn read_only_one(&self, options: &ReadOptions) -> Result<Ecg, FormatError> {
        if self.len() <= 1 {
            return self.read(0, options);
        }
        let format = match &self.content {
            Content::Hdf5(_) => hdf5::NAME,
            Content::Npy(_) => npy::NAME,
            _ => archive::ZIP,
        };
        Err(Place { file: file_name(&self.name), format }.several(self.len() as u64))
    }

    fn row(
        &self,
        format: &'static str,
        options: &ReadOptions,
        read: impl Fn(&ReadOptions, Place<'_>) -> Result<Recording, FormatError>,
    ) -> Result<Ecg, FormatError> {
        let place = Place { file: file_name(&self.name), format };
        check_options(place.file, options)?;
        corrected(options, |options| read(options, place)?.into_ecg(place))
    }

    fn no_such(&self, index: usize) -> FormatError {
        let place = Place { file: file_name(&self.name), format: archive::ZIP };
        match (self.len(), self.others) {
            (0, 0) => place.not_an_ecg("it is empty"),
            (0, 1) => place.not_an_ecg("the only file in it is none by its ending"),
            (0, others) => place.not_an_ecg(format!("none of its {others} files is one by its ending")),
            (count, _) => place.not_an_ecg(format!("recording {index} was asked for, but it has {count}")),
        }
    }

    /// Finds the recordings among files.
    fn list(&mut self, files: Files<'a>, paths: Vec<String>, nesting: u32) {
        self.names.clear();
        let mut order: Vec<usize> = (0..paths.len()).filter(|&index| !is_folder(paths.get(index))).collect();
        order.sort_by_key(|&index| paths.get(index));
        let by_path = order.iter().filter_map(|&index| Some((paths.get(index)?.clone(), index))).collect();
        let mut members = Members { files, paths, by_path, recordings: Vec::new(), nesting, opened: Mutex::default() };
        let signal_files = members.signal_files(&order);
        let mut left = LOOKED_INTO;
        for index in order {
            let Some(path) = members.paths.get(index) else { continue };
            if signal_files.contains(path) {
                continue;
            }
            if path.len() > MAXIMUM_PATH || is_hidden(path) || !(members.is_chosen(path) || may_be_recording(path)) {
                self.others += 1;
                continue;
            }
            let name = if self.name.is_empty() { path.clone() } else { format!("{}/{path}", self.name) };
            let inner = members.look_into(index, &name, &mut left);
            match inner {
                Some(inner) if inner.len() == 1 || (inner.is_empty() && members.is_chosen(path)) => {
                    self.others += inner.others;
                    members.recordings.push(Member { file: index, inner: None });
                    self.names.push(inner.names.into_iter().next().unwrap_or(name));
                }
                Some(inner) => {
                    self.others += inner.others;
                    let recordings = (0..inner.len()).map(|inner| Member { file: index, inner: Some(inner) });
                    members.recordings.extend(recordings);
                    self.names.extend(inner.names);
                }
                None => {
                    members.recordings.push(Member { file: index, inner: None });
                    self.names.push(name);
                }
            }
        }
        self.content = Content::Members(members);
    }
}

/// The recordings of a file that is made for several, such as an archive; `None` where the file holds one.
fn several<'a>(name: &str, bytes: &Bytes<'a>, nesting: u32) -> Result<Option<Collection<'a>>, FormatError> {
    let bare = file_name(name);
    let io_error = |source| FormatError::Io { file: bare.to_owned(), source };
    let start = bytes.part(0, 16).map_err(io_error)?.into_owned();
    let of_rows = |names: Vec<String>, content| Collection { name: name.to_owned(), names, others: 0, content };
    if archive::is_zip(&start) {
        if nesting == 0 {
            return Err(too_deep(bare, archive::ZIP));
        }
        let archive = Archive::open(bare, bytes.clone())?;
        let paths = archive.paths();
        let mut collection = Collection::of_one(name, Content::Members(Members::default()));
        collection.list(Files::Zip(archive), paths, nesting - 1);
        return Ok(Some(collection));
    }
    if archive::is_gzip(&start) && nesting > 0 && may_hold_several(&archive::gunzipped_start(bytes.clone(), 16)) {
        let unpacked = Bytes::new(archive::gunzip(bare, bytes.clone())?);
        return several(name, &unpacked, nesting - 1);
    }
    if start.starts_with(hdf5::SIGNATURE) {
        let Some(rows) = hdf5::Several::open(bare, bytes) else { return Ok(None) };
        return Ok(Some(of_rows(numbered(name, rows.count), Content::Hdf5(rows))));
    }
    if start.starts_with(npy::MAGIC) {
        let rows = npy::Several::open(bare, bytes);
        return Ok(rows.map(|rows| of_rows(numbered(name, rows.count), Content::Npy(rows))));
    }
    Ok(None)
}

fn numbered(name: &str, count: u64) -> Vec<String> {
    (0..count).map(|row| format!("{name}[{row}]")).collect()
}

/// Whether content that begins so may be more than one recording.
fn may_hold_several(start: &[u8]) -> bool {
    archive::is_zip(start) || start.starts_with(hdf5::SIGNATURE) || start.starts_with(npy::MAGIC)
}

/// Archives within archives beyond the level that is opened.
pub(super) fn too_deep(name: &str, format: &'static str) -> FormatError {
    let place = Place { file: name, format };
    place.unsupported("its beginning", "an archive so deep within others", "unpack the outer archive first")
}

/// The files of an archive, or files in memory.
enum Files<'a> {
    Zip(Archive<'a>),
    Named(Vec<Bytes<'a>>),
}

impl Files<'_> {
    fn load(&self, index: usize, path: &str) -> Result<Cow<'_, [u8]>, FormatError> {
        match self {
            Files::Zip(archive) => archive.load(index, path).map(Cow::Owned),
            Files::Named(files) => match files.get(index) {
                Some(bytes) => load(path, bytes),
                None => Ok(Cow::Borrowed(&[])),
            },
        }
    }

    /// The beginning of a file; empty where it cannot be read.
    fn start(&self, index: usize, path: &str, length: u64) -> Cow<'_, [u8]> {
        match self {
            Files::Zip(archive) => archive.load_start(index, path, Some(length)).unwrap_or_default().into(),
            Files::Named(files) => files.get(index).and_then(|bytes| bytes.part(0, length).ok()).unwrap_or_default(),
        }
    }
}

fn load<'b>(name: &str, bytes: &'b Bytes<'_>) -> Result<Cow<'b, [u8]>, FormatError> {
    bytes.part(0, MAXIMUM_FILE_SIZE + 1).map_err(|source| FormatError::Io { file: name.to_owned(), source })
}

/// Recordings among files.
struct Members<'a> {
    files: Files<'a>,
    paths: Vec<String>,
    by_path: HashMap<String, usize>,
    recordings: Vec<Member>,
    /// Each file may lie within so many further archives.
    nesting: u32,
    /// The file of several recordings that was read last, which is likely to be read next.
    opened: Mutex<Option<(usize, Arc<Collection<'a>>)>>,
}

impl Default for Members<'_> {
    fn default() -> Self {
        Members {
            files: Files::Named(Vec::new()),
            paths: Vec::new(),
            by_path: HashMap::new(),
            recordings: Vec::new(),
            nesting: 0,
            opened: Mutex::default(),
        }
    }
}

/// Where a recording is.
struct Member {
    file: usize,
    /// Which of several recordings in the file.
    inner: Option<usize>,
}

impl<'a> Members<'a> {
    /// Whether a person chose this very file.
    fn is_chosen(&self, path: &str) -> bool {
        matches!(self.files, Files::Named(_)) && !path.contains('/')
    }

    /// The files that headers name: they are no recordings of their own.
    fn signal_files(&self, order: &[usize]) -> BTreeSet<String> {
        let mut left = LOOKED_INTO;
        let mut found = BTreeSet::new();
        for &index in order {
            let Some(path) = self.paths.get(index).filter(|path| ending(path) == "hea" && !is_hidden(path)) else {
                continue;
            };
            if left == 0 {
                break;
            }
            let header = self.files.start(index, path, HEADER_SIZE);
            left = left.saturating_sub(header.len() as u64);
            let files = wfdb::files_of(&decoded(&header));
            found.extend(
                files.into_iter().map(|name| beside(path, &name)).filter(|path| self.by_path.contains_key(path)),
            );
        }
        found
    }

    /// The recordings in a file, where it may hold several; `None` where that is not known or cannot be found out.
    fn look_into(&self, index: usize, name: &str, left: &mut u64) -> Option<Collection<'a>> {
        let path = self.paths.get(index)?;
        let by_ending = matches!(ending(archive::unpacked_name(path)).as_str(), "zip" | "h5" | "hdf5" | "npy");
        if *left == 0 || (matches!(self.files, Files::Zip(_)) && !by_ending) {
            return None;
        }
        if let Files::Named(files) = &self.files {
            return Collection::within(name, files.get(index)?.clone(), self.nesting).ok();
        }
        let unpacked = self.files.load(index, path).ok()?.into_owned();
        *left = left.saturating_sub(unpacked.len() as u64);
        Collection::within(name, Bytes::new(unpacked), self.nesting).ok()
    }

    fn read(&self, index: usize, options: &ReadOptions, names: &[String]) -> Result<Ecg, FormatError> {
        let unknown = || FormatError::Empty { file: names.get(index).cloned().unwrap_or_default() };
        let member = self.recordings.get(index).ok_or_else(unknown)?;
        let path = self.paths.get(member.file).ok_or_else(unknown)?;
        if let Some(inner) = member.inner {
            return self.opened(member.file, path)?.read(inner, options);
        }
        let bytes = self.files.load(member.file, path)?;
        let siblings = Siblings { members: self, path, loaded: RefCell::default() };
        read_within(file_name(path), &bytes, &siblings, options, self.nesting)
    }

    /// The recordings in one of the files.
    fn opened(&self, file: usize, path: &str) -> Result<Arc<Collection<'a>>, FormatError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, collection)) = opened.as_ref().filter(|(index, _)| *index == file) {
            return Ok(Arc::clone(collection));
        }
        // Forgotten before the next one is unpacked: one is enough memory.
        *opened = None;
        let bytes = match &self.files {
            Files::Named(files) => files.get(file).cloned(),
            Files::Zip(_) => None,
        };
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => Bytes::new(self.files.load(file, path)?.into_owned()),
        };
        let collection = Arc::new(Collection::within(file_name(path), bytes, self.nesting)?);
        *opened = Some((file, Arc::clone(&collection)));
        Ok(collection)
    }
}

/// The files in the folder of another one. Those that were unpacked stay so until the recording has been read.
struct Siblings<'m, 'a> {
    members: &'m Members<'a>,
    path: &'m str,
    loaded: RefCell<BTreeMap<usize, Vec<u8>>>,
}

impl Siblings<'_, '_> {
    fn with<T>(&self, name: &str, use_bytes: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        let path = beside(self.path, name);
        let not_found = || io::Error::new(io::ErrorKind::NotFound, format!("there is no file {name}"));
        let index = *self.members.by_path.get(&path).ok_or_else(not_found)?;
        if let Some(bytes) = self.loaded.borrow().get(&index) {
            return Ok(use_bytes(bytes));
        }
        let unpacked = match self.members.files.load(index, &path).map_err(io::Error::other)? {
            Cow::Borrowed(bytes) => return Ok(use_bytes(bytes)),
            Cow::Owned(unpacked) => unpacked,
        };
        let mut loaded = self.loaded.borrow_mut();
        let sum: usize = loaded.values().map(Vec::len).sum();
        if sum.saturating_add(unpacked.len()) as u64 > MAXIMUM_FILE_SIZE {
            let reason = format!("the files of this recording are larger than {} MiB", MAXIMUM_FILE_SIZE >> 20);
            return Err(io::Error::other(reason));
        }
        Ok(use_bytes(loaded.entry(index).or_insert(unpacked)))
    }
}

impl Companions for Siblings<'_, '_> {
    fn size(&self, name: &str) -> io::Result<u64> {
        self.with(name, |bytes| bytes.len() as u64)
    }

    fn read(&self, name: &str, start: u64, length: u64) -> io::Result<Vec<u8>> {
        self.with(name, |bytes| part(bytes, start, length).to_vec())
    }
}

/// Whether a file is an ECG, an archive or a compressed file by the ending of its name.
///
/// For folders: what has another ending is passed over. `.gz` is looked through: `ecg.npy.gz` is one, `ecg.pdf.gz` not.
pub fn has_ecg_ending(name: &str) -> bool {
    let unpacked = archive::unpacked_name(file_name(name));
    let ending = ending(unpacked);
    let is_packed = unpacked.len() < file_name(name).len() && ending.is_empty();
    let is_known = FORMATS.iter().flat_map(|format| format.extensions).any(|known| ending.eq_ignore_ascii_case(known));
    is_packed || is_known || ending == "zip"
}

/// Whether a file that was found, not chosen, may be a recording: by its ending, or because it has none, as the files on
/// DICOM media.
pub fn may_be_recording(path: &str) -> bool {
    let name = file_name(path);
    let (stem, ending) = (super::stem(name).to_ascii_lowercase(), ending(name));
    let without_ending = !ending.bytes().any(|byte| byte.is_ascii_alphabetic());
    !OTHER_NAMES.contains(&stem.as_str()) && (without_ending || has_ecg_ending(name))
}

/// Whether a file that was found, not chosen, has turned out to be something else than an ECG, and is better passed over
/// than reported: a table or a document under an ending that ECGs have too.
pub fn is_other_file(name: &str, error: &FormatError) -> bool {
    let ending = ending(archive::unpacked_name(name));
    let is_ambiguous = AMBIGUOUS_ENDINGS.contains(&ending.as_str());
    match error {
        // Those endings are of texts: what is none has been damaged.
        FormatError::UnknownFormat { looks_like, .. } if is_ambiguous => looks_like != sniff::UNKNOWN_BINARY,
        FormatError::UnknownFormat { .. } => !has_ecg_ending(name),
        FormatError::NotAnEcg { .. } | FormatError::TooFewLeads { .. } => is_ambiguous && ending != "xml",
        _ => false,
    }
}

/// Whether some part of a path is hidden, or made by a system for itself.
fn is_hidden(path: &str) -> bool {
    let is_relative = |part: &str| matches!(part, "." | "..");
    path.split('/').any(|part| part == "__MACOSX" || (part.starts_with('.') && !is_relative(part)))
}

fn is_folder(path: Option<&String>) -> bool {
    path.is_none_or(|path| path.ends_with('/'))
}

/// The part after the last `/`.
fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The path of a file in the same folder.
fn beside(path: &str, name: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name.to_owned(),
    }
}

/// What follows the last dot of a name, in lower case; empty where there is none.
fn ending(name: &str) -> String {
    file_name(name).rsplit_once('.').map_or_else(String::new, |(_, ending)| ending.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::sniff;

    #[test]
    fn endings_tell_ecgs_from_other_files() {
        for name in ["a.hea", "A.H5", "x/y.hdf5", "a.npy.gz", "a.gz", "a.ZIP", "a.b.dcm"] {
            assert!(has_ecg_ending(name), "{name}");
        }
        for name in ["", "a", "a.pdf", "a.pdf.gz", "a.tar.gz", ".gz", "zip", "a.hea/b"] {
            assert!(!has_ecg_ending(name), "{name}");
        }
        for name in ["I0000012", "1.2.840.10008", "a/IM.0001", "r.hea"] {
            assert!(may_be_recording(name), "{name}");
        }
        for name in ["README", "records.txt", "a.pdf", "LICENSE.txt", "a.7z"] {
            assert!(!may_be_recording(name), "{name}");
        }
    }

    #[test]
    fn other_files_under_an_ambiguous_ending_are_passed_over() {
        let unlike = |bytes: &[u8]| FormatError::UnknownFormat {
            file: String::new(),
            looks_like: sniff::looks_like(bytes),
            advice: String::new(),
        };
        let (unknown, damaged) = (|| unlike(b"a,b"), || unlike(b"\0\0\0\x01"));
        let place = Place { file: "a", format: "test" };
        for (name, error, passed_over) in [
            ("a.csv", unknown(), true),
            ("a.xml", unknown(), true),
            ("IM0001", unknown(), true),
            ("a.dat", unknown(), false),
            ("a.xml", damaged(), false),
            ("a.xml.gz", damaged(), false),
            ("IM0001", damaged(), true),
            ("a.csv", place.not_an_ecg(""), true),
            ("a.xml", place.not_an_ecg(""), false),
            ("a.csv", place.damaged("", ""), false),
        ] {
            assert_eq!(is_other_file(name, &error), passed_over, "{name}: {error}");
        }
    }

    #[test]
    fn collections_are_shared_between_threads() {
        fn check<T: Send + Sync>() {}
        check::<Collection<'static>>();
    }
}
