//! MATLAB files of version 5: what follows the header of 128 bytes. The first byte chooses version 4 instead.
#![no_main]

use ecgnet::format::{NoCompanions, ReadOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_first() else { return };
    let header = match choice {
        0 => Vec::new(),
        _ => [&[b' '; 124][..], b"\x00\x01IM"].concat(),
    };
    let _ = read("fuzz.mat", &[&header, data].concat(), &NoCompanions, &ReadOptions::default());
});
