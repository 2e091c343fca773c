//! NumPy files, or what follows the first six bytes.
#![no_main]

use ecgnet_fuzz::{Packing, marked, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = marked(b"\x93NUMPY", b"\x93NUMPY", data);
    read_alone("fuzz.npy", &bytes, Packing::None);
});
