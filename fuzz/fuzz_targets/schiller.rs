//! Schiller XML documents: what follows the name of the root element.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"<SchillerEDI", data].concat();
    read_alone("fuzz.xml", &bytes, Packing::None);
});
