//! Any bytes under any name: the first line is the file name, the rest its content.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |&byte| byte == b'\n');
    let (name, bytes) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let packing = Packing::Deflate.if_marked(bytes, &[b"PK", b"\x1f\x8b", b"\x89HDF", b"DICM", b"MATLAB"]);
    read_alone(&String::from_utf8_lossy(name), bytes, packing);
});
