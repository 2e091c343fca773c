//! MATLAB files. Without the mark of a version the first byte chooses whether the header of version 5 or 7.3 comes before
//! them, or none, as in version 4.
#![no_main]

use ecgnet_fuzz::{Packing, marked, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let header = |version: &[u8]| [&[b' '; 124][..], version].concat();
    let header = match data.first().unwrap_or(&0) % 3 {
        0 => Vec::new(),
        1 => header(b"\x00\x01IM"),
        _ => header(b"\x00\x02IM"),
    };
    let bytes = marked(b"IM", &header, data);
    // The type of a compressed element, in either order of the bytes, and the signature of HDF5.
    let packing = Packing::Deflate.if_marked(&bytes, &[&[15, 0, 0, 0], &[0, 0, 0, 15], b"\x89HDF"]);
    read_alone("fuzz.mat", &bytes, packing);
});
