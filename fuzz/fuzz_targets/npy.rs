//! NumPy files: what follows the first six bytes.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"\x93NUMPY", data].concat();
    read_alone("fuzz.npy", &bytes, Packing::None);
});
