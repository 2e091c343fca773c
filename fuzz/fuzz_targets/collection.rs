//! Archives and files of several recordings: the first byte chooses the beginning, the rest follows it.
#![no_main]

use ecgnet::format::{Collection, ReadOptions};
use ecgnet_fuzz::{Packing, within_bounds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let (name, start): (_, &[u8]) = match choice % 4 {
        0 => ("fuzz.zip", b"PK\x03\x04"),
        1 => ("fuzz.npy.gz", b"\x1f\x8b\x08"),
        2 => ("fuzz.hdf5", b"\x89HDF\r\n\x1a\n"),
        _ => ("fuzz.npy", b"\x93NUMPY"),
    };
    let bytes = [start, rest].concat();
    within_bounds(bytes.len(), Packing::Deflate, || {
        let Ok(collection) = Collection::from_bytes(name, bytes) else { return };
        for index in 0..collection.len().min(8) {
            let _ = collection.read(index, &ReadOptions::default());
        }
    });
});
