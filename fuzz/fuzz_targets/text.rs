//! Tables in text: any bytes after a few lines of numbers, so that they are taken for a table.
#![no_main]

use ecgnet_fuzz::{Packing, read_alone};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let lines = [data, b"\n", b"1,2,3,4,5,6,7,8,9,10,11,12\n".repeat(20).as_slice(), data].concat();
    read_alone("fuzz.csv", &lines, Packing::None);
});
