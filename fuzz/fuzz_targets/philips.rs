//! Philips Sierra XML documents, or what follows the name of the root element.
#![no_main]

use ecgnet_fuzz::{Packing, marked, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = marked(b"<restingecgdata", b"<restingecgdata", data);
    read_alone("fuzz.xml", &bytes, Packing::Xli);
});
