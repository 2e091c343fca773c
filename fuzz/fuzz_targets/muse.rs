//! GE MUSE XML documents: what follows the name of the root element.
#![no_main]

use ecgnet::format::{NoCompanions, ReadOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = [b"<RestingECG", data].concat();
    let _ = read("fuzz.xml", &bytes, &NoCompanions, &ReadOptions::default());
});
