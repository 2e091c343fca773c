//! Files that hold other files: zip archives (`.zip`), and single compressed files (`.gz`).
//!
//! # Overview
//! Clinics and data sets pass ECGs on in zip archives, with folders and further archives inside; single files are often
//! compressed with gzip. What is inside is listed by [`Collection`](super::Collection) and unpacked when it is read.
//!
//! # Encodings
//! - ZIP as in PKWARE's APPNOTE 6.3, through the crate zip: stored, deflate and deflate64, ZIP64. Encrypted files and
//!   other compression methods are refused by file.
//! - gzip (RFC 1952) of one or several members, through the crate flate2.
//!
//! # Bounds
//! What comes out is counted while it comes; no stated size is believed. A file may unpack to 16 MiB, and beyond that
//! to a hundred times its packed size and 512 MiB; the same ratio holds for all files of an archive together.

use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

use flate2::read::MultiGzDecoder;
use zip::ZipArchive;
use zip::result::ZipError;

use super::bytes::{Bytes, Cursor};
use super::error::Place;
use super::{FormatError, MAXIMUM_FILE_SIZE};

/// The name of the format of archives in messages.
pub(super) const ZIP: &str = "ZIP archive";

/// The name of the format of compressed files in messages.
pub(super) const GZIP: &str = "gzip";

/// So many bytes may come out of any file: ten seconds of a flat line may be packed very well.
const ALWAYS_UNPACKED: u64 = 16 << 20;

/// So many bytes may come out of one. An ECG packs to a half or a tenth of its size, as text to a thirtieth.
const MAXIMUM_RATIO: u64 = 100;

/// Whether the content is a zip archive with at least one file.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Whether the content was compressed with gzip.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b\x08")
}

/// The name of a compressed file without its `.gz`.
pub(super) fn unpacked_name(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if ending.eq_ignore_ascii_case("gz") && !stem.is_empty() => stem,
        _ => name,
    }
}

/// Unpacks a file that was compressed with gzip.
pub(super) fn gunzip(name: &str, bytes: Bytes<'_>) -> Result<Vec<u8>, FormatError> {
    let place = Place { file: name, format: GZIP };
    let allowed = allowed(bytes.length());
    unpack(MultiGzDecoder::new(io::BufReader::new(Cursor::new(bytes))), allowed, place).1
}

/// The beginning of what is compressed; empty where it cannot be unpacked.
pub(super) fn gunzipped_start(bytes: Bytes<'_>, length: u64) -> Vec<u8> {
    let mut start = Vec::new();
    match MultiGzDecoder::new(io::BufReader::new(Cursor::new(bytes))).take(length).read_to_end(&mut start) {
        Ok(_) => start,
        Err(_) => Vec::new(),
    }
}

/// How many bytes may come out of so many.
pub(super) fn allowed(packed: u64) -> u64 {
    packed.saturating_mul(MAXIMUM_RATIO).clamp(ALWAYS_UNPACKED, MAXIMUM_FILE_SIZE)
}

/// What comes out, and how many bytes came, of use or not.
fn unpack(reader: impl Read, allowed: u64, place: Place<'_>) -> (u64, Result<Vec<u8>, FormatError>) {
    let mut unpacked = Vec::new();
    let result = reader.take(allowed.saturating_add(1)).read_to_end(&mut unpacked);
    let came_out = unpacked.len() as u64;
    let result = match result {
        _ if came_out > allowed => Err(too_large(place.file, allowed)),
        Ok(_) => Ok(unpacked),
        Err(error) => Err(match error.downcast::<ZipError>() {
            Ok(error) => refused(error, place),
            Err(error) => damaged(came_out, &error, place),
        }),
    };
    (came_out, result)
}

fn damaged(unpacked: u64, error: &io::Error, place: Place<'_>) -> FormatError {
    let reason = match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
        _ => format!("it cannot be unpacked ({error})"),
    };
    place.damaged(format!("byte {unpacked} of what is packed"), reason)
}

fn too_large(file: &str, allowed: u64) -> FormatError {
    let limit = format!("{} MiB", allowed >> 20);
    let size = format!("more than {limit} when it is unpacked");
    FormatError::TooLarge { file: file.to_owned(), size, limit }
}

/// A zip archive whose directory has been read.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<'a>>,
    name: String,
    unpacked: Mutex<Unpacked>,
    /// So many bytes may come out of all files together.
    allowed: u64,
}

/// How much has come out of the files so far.
#[derive(Default)]
struct Unpacked {
    /// The most that came out of each file; reading it again does not count.
    files: std::collections::BTreeMap<usize, u64>,
    sum: u64,
}

impl Unpacked {
    fn of(&self, index: usize) -> u64 {
        self.files.get(&index).copied().unwrap_or(0)
    }

    /// How much may come out of a file: what is left for all, but no less than came out of it before.
    fn left(&self, index: usize, allowed: u64) -> u64 {
        let before = self.of(index);
        before.max(allowed.saturating_sub(self.sum.saturating_sub(before)))
    }

    fn count(&mut self, index: usize, came_out: u64) {
        let more = came_out.saturating_sub(self.of(index));
        if more > 0 {
            self.files.insert(index, came_out);
            self.sum = self.sum.saturating_add(more);
        }
    }
}

impl<'a> Archive<'a> {
    /// Reads the directory of an archive; `name` is for messages.
    pub fn open(name: &str, bytes: Bytes<'a>) -> Result<Archive<'a>, FormatError> {
        let place = Place { file: name, format: ZIP };
        let length = bytes.length();
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| match error {
            ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                FormatError::Io { file: name.to_owned(), source }
            }
            // What a whole archive ends with, its "end of central directory record".
            ZipError::InvalidArchive(reason) if reason.contains("EOCD") => {
                place.damaged("its end", "the list of the files in it is missing: it is cut off, or no archive")
            }
            error => place.damaged("the directory of its files", error.to_string()),
        })?;
        let allowed = length.saturating_mul(MAXIMUM_RATIO).saturating_add(ALWAYS_UNPACKED);
        Ok(Archive { zip, name: name.to_owned(), unpacked: Mutex::default(), allowed })
    }

    /// The paths of the files, with `/` between their parts; a folder ends with it.
    pub fn paths(&self) -> Vec<String> {
        let path = |index| match self.zip.name_for_index(index) {
            Some(Ok(name)) => name.replace('\\', "/"),
            _ => format!("file {index}"),
        };
        (0..self.zip.len()).map(path).collect()
    }

    /// Unpacks a file.
    pub fn load(&self, index: usize, path: &str) -> Result<Vec<u8>, FormatError> {
        self.load_start(index, path, None)
    }

    /// Unpacks up to `length` bytes of a file from its beginning.
    pub fn load_start(&self, index: usize, path: &str, length: Option<u64>) -> Result<Vec<u8>, FormatError> {
        let shown = format!("{}/{path}", self.name);
        let place = Place { file: &shown, format: ZIP };
        let mut zip = self.zip.clone();
        let file = zip.by_index(index).map_err(|error| refused(error, place))?;
        let left = self.lock().left(index, self.allowed);
        let allowed = allowed(file.compressed_size()).min(left);
        let (came_out, result) = unpack(file.take(length.unwrap_or(u64::MAX)), allowed, place);
        self.lock().count(index, came_out);
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Unpacked> {
        self.unpacked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(error: ZipError, place: Place<'_>) -> FormatError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            place.unsupported("its packing", "an encrypted file", "unpack the archive with its password first")
        }
        ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => {
            place.unsupported("its packing", error.to_string(), "unpack the archive first, or pack it with deflate")
        }
        ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
            FormatError::Io { file: place.file.to_owned(), source }
        }
        error => place.damaged("its packing", error.to_string()),
    }
}
