//! WFDB records: the header up to the first zero byte, the signal file `r.dat` after it.
#![no_main]

use ecgnet::format::NamedFiles;
use ecgnet_fuzz::{Packing, read_beside};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let (header, signals) = data.split_at(split);
    let files = NamedFiles::from([("r.dat".to_owned(), signals.get(1..).unwrap_or_default().to_vec())]);
    let packing = Packing::Flac.if_marked(data, &[b"508", b"516", b"524"]);
    read_beside("r.hea", header, &files, data.len(), packing);
});
