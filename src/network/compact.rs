//! `compact`, ECGNet's own: small enough for a phone, along time only.
//!
//! A stem that leaves 125 samples a second, four residual units (He et al. 2015) that keep a quarter of the samples each,
//! and of what is left both the mean and the highest value of each channel: the mean says how a recording is, the highest
//! value whether something occurs in it at all.

use super::description::{Convolution, Layer, batch_norm, convolution_1d, max_pool};

/// In samples of 2 ms.
const STEM_KERNEL: usize = 17;
const KERNEL: usize = 9;
/// Each unit keeps one sample of so many.
const SHRINK: usize = 4;
const DROPOUT: f64 = 0.2;
const STEM: usize = 48;
/// Filters of the four units.
const UNITS: [usize; 4] = [48, 96, 128, 160];

fn convolve(name: String, filters: usize, kernel: usize) -> Convolution {
    convolution_1d(name, filters, kernel).without_bias().he_normal()
}

/// The stem and four units; 320 features for the heads.
pub fn body() -> Vec<Layer> {
    let mut layers = vec![
        Layer::LeadsToChannels,
        convolve("stem.conv".into(), STEM, STEM_KERNEL).stride(SHRINK, 1).into(),
        batch_norm("stem.bn"),
        Layer::Relu,
    ];
    for (number, filters) in (1..).zip(UNITS) {
        let name = |part: &str| format!("unit{number}.{part}");
        let skip = vec![
            max_pool((SHRINK, 1), (SHRINK, 1)),
            convolve(name("skip"), filters, 1).into(),
            batch_norm(name("skip_bn")),
        ];
        let main = vec![
            convolve(name("conv1"), filters, KERNEL).stride(SHRINK, 1).into(),
            batch_norm(name("bn1")),
            Layer::Relu,
            Layer::Dropout(DROPOUT),
            convolve(name("conv2"), filters, KERNEL).into(),
            batch_norm(name("bn2")),
        ];
        layers.extend([Layer::Sum([skip, main]), Layer::Relu]);
    }
    layers.extend([
        Layer::Branches(vec![vec![Layer::GlobalAveragePool], vec![Layer::GlobalMaxPool]]),
        Layer::Dropout(DROPOUT),
    ]);
    layers
}
