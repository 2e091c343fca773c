//! DICOM files, or what follows the preamble and the signature.
#![no_main]

use ecgnet_fuzz::{Packing, marked, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = marked(b"DICM", &[&[0; 128], &b"DICM"[..]].concat(), data);
    // The transfer syntax in which all that follows is deflated.
    let packing = Packing::Deflate.if_marked(&bytes, &[b"1.2.840.10008.1.2.1.99"]);
    read_alone("fuzz.dcm", &bytes, packing);
});
