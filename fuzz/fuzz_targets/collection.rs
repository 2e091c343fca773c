//! Archives and files of several recordings. Where they do not begin like one, the first byte chooses the beginning.
#![no_main]

use ecgnet::format::{Collection, ReadOptions};
use ecgnet_fuzz::{Packing, marked, within_bounds};
use libfuzzer_sys::fuzz_target;

const STARTS: [(&str, &[u8]); 4] = [
    ("fuzz.zip", b"PK\x03\x04"),
    ("fuzz.npy.gz", b"\x1f\x8b\x08"),
    ("fuzz.hdf5", b"\x89HDF\r\n\x1a\n"),
    ("fuzz.npy", b"\x93NUMPY"),
];

fuzz_target!(|data: &[u8]| {
    let choice = usize::from(*data.first().unwrap_or(&0)) % STARTS.len();
    let (name, start) = *STARTS.iter().find(|(_, start)| data.starts_with(start)).unwrap_or(&STARTS[choice]);
    let bytes = marked(start, start, data);
    within_bounds(bytes.len(), Packing::Deflate, || {
        let Ok(collection) = Collection::from_bytes(name, bytes) else { return };
        for index in 0..collection.len().min(8) {
            let _ = collection.read(index, &ReadOptions::default());
        }
    });
});
