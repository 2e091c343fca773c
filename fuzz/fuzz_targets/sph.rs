//! HDF5 files, or what follows the first eight bytes.
#![no_main]

use ecgnet_fuzz::{Packing, marked, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = marked(b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n", data);
    read_alone("fuzz.h5", &bytes, Packing::Deflate);
});
