//! EDF files, BDF files, or what follows the first eight bytes.
#![no_main]

use ecgnet_fuzz::{Packing, marked, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let start = if data.first() == Some(&0xff) { b"\xffBIOSEMI" } else { b"0       " };
    let bytes = marked(start, start, data);
    read_alone("fuzz.edf", &bytes, Packing::None);
});
