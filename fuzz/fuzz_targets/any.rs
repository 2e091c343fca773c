//! Any bytes under any name: the first line is the file name, the rest its content.
#![no_main]

use ecgnet::format::{NoCompanions, ReadOptions, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |&byte| byte == b'\n');
    let (name, bytes) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if let Err(error) = read(&String::from_utf8_lossy(name), bytes, &NoCompanions, &ReadOptions::default()) {
        assert!(!error.to_string().is_empty());
    }
});
