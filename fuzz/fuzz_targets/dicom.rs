//! DICOM files: what follows the preamble and the signature.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [&[0; 128], &b"DICM"[..], data].concat();
    // The transfer syntax in which all that follows is deflated.
    let packing = Packing::if_marked(data, &[b"1.2.840.10008.1.2.1.99"]);
    read_alone("fuzz.dcm", &bytes, packing);
});
