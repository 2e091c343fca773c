//! SCP-ECG records: what surrounds the signature.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (header, rest) = data.split_at(data.len().min(16));
    let mut bytes = header.to_vec();
    bytes.resize(16, 0);
    bytes.extend_from_slice(b"SCPECG");
    bytes.extend_from_slice(rest);
    read_alone("fuzz.scp", &bytes, Packing::None);
});
