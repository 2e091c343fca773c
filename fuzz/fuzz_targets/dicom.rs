//! DICOM files: what follows the preamble and the signature.
#![no_main]

use ecgnet::format::{NoCompanions, ReadOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [&[0; 128], &b"DICM"[..], data].concat();
    let _ = read("fuzz.dcm", &bytes, &NoCompanions, &ReadOptions::default());
});
