//! What the fuzz targets share: reading, and the bound on memory that no input may break.

use ecgnet::format::{Companions, NoCompanions, ReadOptions, read};
use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes that may be in use at once for each byte of what is read.
const BYTES_PER_BYTE: usize = 20;
/// What any reading may use, however short the file: tables of the libraries, state of a decompression, messages.
const ANY_READING: usize = 1 << 20;

/// How much longer a file can become when it is unpacked; the bounds that `ecgnet::format` documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not compressed.
    None,
    /// zip, gzip, and what is deflated in HDF5, DICOM and MATLAB files.
    Deflate,
    Flac,
    /// XLI, the compression of Philips.
    Xli,
    /// The Huffman codes and the bimodal compression of SCP-ECG.
    Scp,
}

impl Packing {
    /// The length of the longest content of a file of `packed` bytes.
    fn unpacked(self, packed: usize) -> usize {
        match self {
            Packing::None => packed,
            Packing::Deflate => (16 << 20).max(100 * packed),
            Packing::Flac => (4 << 20).max(128 * packed),
            // Samples of two bytes.
            Packing::Xli => (2 << 20).max(8 * packed),
            // A code of one bit may stand for four samples of two bytes.
            Packing::Scp => 64 * packed,
        }
    }

    /// This packing where one of the marks of it stands anywhere in a file, else none.
    pub fn if_marked(self, bytes: &[u8], marks: &[&[u8]]) -> Packing {
        match marks.iter().any(|mark| bytes.windows(mark.len()).any(|window| window == *mark)) {
            true => self,
            false => Packing::None,
        }
    }
}

/// A file of a format that is known by a `mark`: the data itself where the mark stands in it, as in a file that serves as
/// a seed, else the data behind `start`.
pub fn marked<'a>(mark: &[u8], start: &[u8], data: &'a [u8]) -> Cow<'a, [u8]> {
    let beginning = data.get(..8192).unwrap_or(data);
    match beginning.windows(mark.len()).any(|window| window == mark) {
        true => Cow::Borrowed(data),
        false => Cow::Owned([start, data].concat()),
    }
}

/// Reads one file that has no others beside it.
pub fn read_alone(name: &str, bytes: &[u8], packing: Packing) {
    read_beside(name, bytes, &NoCompanions, bytes.len(), packing);
}

/// Reads one file; `length` is that of the recording's files together.
pub fn read_beside(name: &str, bytes: &[u8], companions: &dyn Companions, length: usize, packing: Packing) {
    within_bounds(length, packing, || {
        if let Err(error) = read(name, bytes, companions, &ReadOptions::default()) {
            assert!(!error.to_string().is_empty());
        }
    });
}

/// Panics if `reading` a file of `length` bytes has more memory in use at any moment than it may.
pub fn within_bounds(length: usize, packing: Packing, reading: impl FnOnce()) {
    let before = IN_USE.load(Relaxed);
    HIGHEST.store(before, Relaxed);
    reading();
    let used = HIGHEST.load(Relaxed).saturating_sub(before);
    let bound = BYTES_PER_BYTE * packing.unpacked(length) + ANY_READING;
    assert!(used <= bound, "{used} bytes were in use to read a file of {length} bytes; {bound} are allowed");
}

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting what is in use.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(taken: usize) {
    HIGHEST.fetch_max(IN_USE.fetch_add(taken, Relaxed) + taken, Relaxed);
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}
