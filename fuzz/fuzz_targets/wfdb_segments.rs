//! WFDB records of several segments and FLAC files: the list of segments, the header of one and its signal file, with
//! zero bytes between them.
#![no_main]

use ecgnet::format::NamedFiles;
use ecgnet_fuzz::{Packing, read_beside};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |&byte| byte == 0).map(<[u8]>::to_vec);
    let names = ["r.hea", "s.hea", "s.dat"];
    let files: NamedFiles = names.into_iter().map(|name| (name.to_owned(), parts.next().unwrap_or_default())).collect();
    let packing = Packing::Flac.if_marked(data, &[b"508", b"516", b"524"]);
    read_beside("r.hea", &files["r.hea"], &files, data.len(), packing);
});
