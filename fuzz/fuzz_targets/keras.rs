//! Keras weight files, or what follows the first eight bytes of an HDF5 file, read as the smallest network.
#![no_main]

use ecgnet::network::assembly::Assembly;
use ecgnet::network::{Architecture, Target, keras};
use ecgnet_fuzz::{Packing, marked, within_bounds};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static EXPECTED: LazyLock<Vec<(String, Vec<usize>)>> = LazyLock::new(|| {
    let assembly = Assembly::new(Architecture::Cnn, Target::Age);
    let parameters = assembly.published_order().into_iter().map(|id| &assembly.parameters[id]);
    parameters.map(|parameter| (assembly.published_name(&parameter.name), parameter.published_shape.clone())).collect()
});

fuzz_target!(|data: &[u8]| {
    let signature = b"\x89HDF\r\n\x1a\n";
    let bytes = marked(signature, signature, data);
    let expected = LazyLock::force(&EXPECTED);
    within_bounds(bytes.len(), Packing::Deflate, || {
        let _ = keras::read(&bytes, expected);
    });
});
