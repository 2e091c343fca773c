//! HDF5 files: what follows the first eight bytes.
#![no_main]

use ecgnet::format::{NoCompanions, ReadOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"\x89HDF\r\n\x1a\n", data].concat();
    let _ = read("fuzz.h5", &bytes, &NoCompanions, &ReadOptions::default());
});
