//! SCP-ECG records, or what follows the signature.
#![no_main]

use ecgnet_fuzz::{Packing, marked, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = marked(b"SCPECG", b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0SCPECG", data);
    read_alone("fuzz.scp", &bytes, Packing::Scp);
});
