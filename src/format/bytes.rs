//! The bytes of a file, in memory or on the disk, for several readers at once.

use std::borrow::Cow;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::{Mutex, PoisonError};

use super::companions::part;

/// A file that any number of readers share without disturbing each other. Cloning it copies no bytes.
#[derive(Clone)]
pub(super) enum Bytes<'a> {
    Memory(Arc<dyn AsRef<[u8]> + Send + Sync + 'a>),
    #[cfg(not(target_arch = "wasm32"))]
    Disk(Disk),
}

/// A file on the disk. A reader seeks and reads in one go, as the file has one position only.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone)]
pub(super) struct Disk {
    file: Arc<Mutex<std::fs::File>>,
    pub length: u64,
}

#[cfg(not(target_arch = "wasm32"))]
impl Disk {
    /// Fills `buffer` from byte `start` on, as far as the file reaches.
    pub fn read_at(&self, start: u64, buffer: &mut [u8]) -> io::Result<usize> {
        // Systems refuse to seek very far, instead of finding nothing there.
        if start >= self.length {
            return Ok(0);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl<'a> Bytes<'a> {
    pub fn new(bytes: impl AsRef<[u8]> + Send + Sync + 'a) -> Bytes<'a> {
        Bytes::Memory(Arc::new(bytes))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path: &std::path::Path) -> io::Result<Bytes<'static>> {
        let length = super::companions::regular_file_size(path)?;
        let file = Arc::new(Mutex::new(std::fs::File::open(path)?));
        Ok(Bytes::Disk(Disk { file, length }))
    }

    pub fn length(&self) -> u64 {
        match self {
            Bytes::Memory(bytes) => (**bytes).as_ref().len() as u64,
            #[cfg(not(target_arch = "wasm32"))]
            Bytes::Disk(disk) => disk.length,
        }
    }

    /// Up to `length` bytes from byte `start` on: fewer where the file ends before.
    pub fn part(&self, start: u64, length: u64) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Bytes::Memory(bytes) => Ok(Cow::Borrowed(part((**bytes).as_ref(), start, length))),
            #[cfg(not(target_arch = "wasm32"))]
            Bytes::Disk(disk) => {
                let available = disk.length.saturating_sub(start).min(length);
                let mut buffer = vec![0; usize::try_from(available).map_err(io::Error::other)?];
                let filled = disk.read_at(start, &mut buffer)?;
                buffer.truncate(filled);
                Ok(Cow::Owned(buffer))
            }
        }
    }
}

/// Reads the bytes one after the other from a place of its own.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    pub bytes: Bytes<'a>,
    position: u64,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: Bytes<'a>) -> Cursor<'a> {
        Cursor { bytes, position: 0 }
    }
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &self.bytes {
            Bytes::Memory(bytes) => {
                let rest = part((**bytes).as_ref(), self.position, buffer.len() as u64);
                let (filled, _) = buffer.split_at_mut(rest.len());
                filled.copy_from_slice(rest);
                rest.len()
            }
            #[cfg(not(target_arch = "wasm32"))]
            Bytes::Disk(disk) => disk.read_at(self.position, buffer)?,
        };
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.bytes.length().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let before_the_start = || io::Error::new(io::ErrorKind::InvalidInput, "a place before the start of the file");
        self.position = position.ok_or_else(before_the_start)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: Bytes<'_>) {
        assert_eq!(bytes.length(), 10);
        assert_eq!(*bytes.part(7, 2).unwrap(), [7, 8]);
        assert_eq!(*bytes.part(8, u64::MAX).unwrap(), [8, 9]);
        assert!(bytes.part(u64::MAX, 5).unwrap().is_empty());
        let (mut first, mut second) = (Cursor::new(bytes.clone()), Cursor::new(bytes));
        let mut two = [0; 2];
        first.seek(SeekFrom::End(-3)).unwrap();
        second.read_exact(&mut two).unwrap();
        assert_eq!(two, [0, 1]);
        first.read_exact(&mut two).unwrap();
        assert_eq!(two, [7, 8]);
        second.seek(SeekFrom::Current(1)).unwrap();
        let mut rest = Vec::new();
        second.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, [3, 4, 5, 6, 7, 8, 9]);
        assert!(second.seek(SeekFrom::Current(-11)).is_err());
    }

    #[test]
    fn bytes_in_memory() {
        check(Bytes::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn bytes_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digits");
        std::fs::write(&path, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        check(Bytes::open(&path).unwrap());
        assert!(Bytes::open(folder.path()).is_err());
    }
}
