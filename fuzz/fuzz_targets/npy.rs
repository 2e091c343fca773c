//! NumPy files: what follows the first six bytes.
#![no_main]

use ecgnet::format::{NoCompanions, ReadOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"\x93NUMPY", data].concat();
    let _ = read("fuzz.npy", &bytes, &NoCompanions, &ReadOptions::default());
});
