//! EDF files, or BDF files where the first byte is odd: what follows the first eight bytes.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let start: &[u8] = if first % 2 == 1 { b"\xffBIOSEMI" } else { b"0       " };
    read_alone("fuzz.edf", &[start, rest].concat(), Packing::None);
});
