//! The other files of a recording that is spread over several, such as the signal file of a WFDB header.

use std::collections::BTreeMap;
use std::io;

/// Gives out the files beside the one that is read. Names are bare file names, never paths.
pub trait Companions {
    /// The size of a file in bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is no such file.
    fn size(&self, name: &str) -> io::Result<u64>;

    /// Up to `length` bytes of a file from byte `start` on: fewer where the file ends before.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is no such file.
    fn read(&self, name: &str, start: u64, length: u64) -> io::Result<Vec<u8>>;
}

/// For a file that stands alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCompanions;

impl Companions for NoCompanions {
    fn size(&self, name: &str) -> io::Result<u64> {
        Err(not_found(name))
    }

    fn read(&self, name: &str, _start: u64, _length: u64) -> io::Result<Vec<u8>> {
        Err(not_found(name))
    }
}

/// Files in memory by their names: several files dropped on the page together.
pub type NamedFiles = BTreeMap<String, Vec<u8>>;

impl Companions for NamedFiles {
    fn size(&self, name: &str) -> io::Result<u64> {
        self.get(name).map(|bytes| bytes.len() as u64).ok_or_else(|| not_found(name))
    }

    fn read(&self, name: &str, start: u64, length: u64) -> io::Result<Vec<u8>> {
        self.get(name).map(|bytes| part(bytes, start, length).to_vec()).ok_or_else(|| not_found(name))
    }
}

/// The files of one folder. A name that leads out of the folder is refused.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Clone)]
pub struct Folder(pub std::path::PathBuf);

#[cfg(not(target_arch = "wasm32"))]
impl Folder {
    fn path(&self, name: &str) -> io::Result<std::path::PathBuf> {
        if !is_bare_name(name) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{name:?} is not a bare file name")));
        }
        Ok(self.0.join(name))
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Companions for Folder {
    fn size(&self, name: &str) -> io::Result<u64> {
        regular_file_size(&self.path(name)?)
    }

    fn read(&self, name: &str, start: u64, length: u64) -> io::Result<Vec<u8>> {
        use std::io::{Read, Seek, SeekFrom};

        let path = self.path(name)?;
        let available = regular_file_size(&path)?.saturating_sub(start).min(length);
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::with_capacity(usize::try_from(available).map_err(io::Error::other)?);
        file.take(available).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The size of an ordinary file: opening a pipe or a device could wait for ever.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn regular_file_size(path: &std::path::Path) -> io::Result<u64> {
    let metadata = std::fs::metadata(path)?;
    match metadata.is_file() {
        true => Ok(metadata.len()),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not an ordinary file")),
    }
}

/// The file that is read, already in memory, together with the files beside it.
pub(super) struct WithFile<'a> {
    pub name: &'a str,
    pub bytes: &'a [u8],
    pub others: &'a dyn Companions,
}

impl Companions for WithFile<'_> {
    fn size(&self, name: &str) -> io::Result<u64> {
        if name == self.name { Ok(self.bytes.len() as u64) } else { self.others.size(name) }
    }

    fn read(&self, name: &str, start: u64, length: u64) -> io::Result<Vec<u8>> {
        if name == self.name {
            return Ok(part(self.bytes, start, length).to_vec());
        }
        self.others.read(name, start, length)
    }
}

/// Whether a name says nothing about folders or drives.
pub(super) fn is_bare_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', ':', '\0'])
}

pub(super) fn part(bytes: &[u8], start: u64, length: u64) -> &[u8] {
    let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
    let end = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(start).min(bytes.len());
    &bytes[start..end]
}

fn not_found(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no file {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_files_give_parts_within_their_bounds() {
        let files = NamedFiles::from([("a.dat".to_owned(), vec![1, 2, 3, 4])]);
        assert_eq!(files.size("a.dat").unwrap(), 4);
        assert_eq!(files.read("a.dat", 1, 2).unwrap(), [2, 3]);
        assert_eq!(files.read("a.dat", 3, u64::MAX).unwrap(), [4]);
        assert_eq!(files.read("a.dat", u64::MAX, u64::MAX).unwrap(), Vec::<u8>::new());
        assert_eq!(files.read("b.dat", 0, 1).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(NoCompanions.size("a.dat").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn a_folder_gives_its_own_files_only() {
        let folder = Folder(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        assert!(folder.size("lib.rs").unwrap() > 0);
        assert_eq!(folder.read("lib.rs", 0, 3).unwrap().len(), 3);
        for name in ["../Cargo.toml", "..", ".", "", "/etc/hostname", "a/b", "a\\b", "C:x", "a\0b"] {
            assert_eq!(folder.size(name).unwrap_err().kind(), io::ErrorKind::PermissionDenied, "{name:?}");
            assert_eq!(folder.read(name, 0, 1).unwrap_err().kind(), io::ErrorKind::PermissionDenied, "{name:?}");
        }
        assert_eq!(folder.size("no such file").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn a_folder_in_place_of_a_file_is_refused() {
        let folder = Folder(std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(folder.read("src", 0, 1).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
