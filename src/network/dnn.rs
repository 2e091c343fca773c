//! `dnn`, after Ribeiro et al. 2020, "Automatic diagnosis of the 12-lead ECG using a deep neural network", and Lima et
//! al. 2021, "Deep neural network-estimated electrocardiographic age as a mortality predictor".
//!
//! The published units carry two streams: the sum itself, for the next unit's skip path, and the sum normalised,
//! rectified and dropped out, for its main path. The second is made from the first, so here it opens the next main path.

use super::description::{Convolution, Layer, batch_norm, convolution_1d, max_pool};

const KERNEL: usize = 16;
const DROPOUT: f64 = 0.2;

/// Samples out and filters of the four residual units.
const UNITS: [(usize, usize); 4] = [(1024, 128), (256, 196), (64, 256), (16, 320)];

fn convolve(name: String, filters: usize, kernel: usize) -> Convolution {
    convolution_1d(name, filters, kernel).without_bias().he_normal()
}

/// A stem and four residual units along time, the leads as channels; 5,120 features for the heads.
pub fn body() -> Vec<Layer> {
    let mut layers = vec![
        Layer::LeadsToChannels,
        convolve("stem.conv".into(), 64, KERNEL).into(),
        batch_norm("stem.bn"),
        Layer::Relu,
    ];
    let mut samples = 5120;
    let mut opening = Vec::new();
    for (number, (samples_out, filters)) in (1..).zip(UNITS) {
        let name = |part: &str| format!("unit{number}.{part}");
        let shrink = samples / samples_out;
        let skip = vec![max_pool((shrink, 1), (shrink, 1)), convolve(name("skip"), filters, 1).into()];
        let mut main = opening;
        main.extend([
            convolve(name("conv1"), filters, KERNEL).into(),
            batch_norm(name("bn1")),
            Layer::Relu,
            Layer::Dropout(DROPOUT),
            convolve(name("conv2"), filters, KERNEL).stride(shrink, 1).into(),
        ]);
        layers.push(Layer::Sum([skip, main]));
        opening = vec![batch_norm(name("bn2")), Layer::Relu, Layer::Dropout(DROPOUT)];
        samples = samples_out;
    }
    layers.extend(opening);
    layers.push(Layer::Flatten);
    layers
}
