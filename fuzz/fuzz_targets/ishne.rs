//! ISHNE Holter files: what follows the first eight bytes.
#![no_main]

use ecgnet::format::{NoCompanions, ReadOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"ISHNE1.0", data].concat();
    let _ = read("fuzz.ecg", &bytes, &NoCompanions, &ReadOptions::default());
});
