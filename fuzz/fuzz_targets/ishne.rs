//! ISHNE Holter files: what follows the first eight bytes.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"ISHNE1.0", data].concat();
    read_alone("fuzz.ecg", &bytes, Packing::None);
});
