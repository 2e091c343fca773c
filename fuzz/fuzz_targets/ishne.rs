//! ISHNE Holter files, or what follows the first eight bytes.
#![no_main]

use ecgnet_fuzz::{Packing, marked, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = marked(b"ISHNE1.0", b"ISHNE1.0", data);
    read_alone("fuzz.ecg", &bytes, Packing::None);
});
