//! MATLAB files: what follows the header of 128 bytes, which version 4 does not have; the first byte chooses the version.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_first() else { return };
    let header = |version: &[u8]| [&[b' '; 124][..], version].concat();
    let header = match choice % 3 {
        0 => Vec::new(),
        1 => header(b"\x00\x01IM"),
        _ => header(b"\x00\x02IM"),
    };
    // The type of a compressed element, in either order of the bytes, and the signature of HDF5.
    let packing = Packing::if_marked(data, &[&[15, 0, 0, 0], &[0, 0, 0, 15], b"\x89HDF"]);
    read_alone("fuzz.mat", &[&header, data].concat(), packing);
});
