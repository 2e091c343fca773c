//! HDF5 files: what follows the first eight bytes.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"\x89HDF\r\n\x1a\n", data].concat();
    read_alone("fuzz.h5", &bytes, Packing::Deflate);
});
