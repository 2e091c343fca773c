//! `cnn`, after Attia et al. 2019, "Age and sex estimation using artificial intelligence from standard 12-lead ECGs".
//!
//! The published kernels lie along the leads, not along time; time is shortened by the pooling alone, until the last
//! convolution looks at twelve samples.

use super::description::{Layer, batch_norm, convolution, dense, max_pool};

/// Samples and leads.
type Size = (usize, usize);

/// Filters, kernel and pool of the nine convolutions.
const CONVOLUTIONS: [(usize, Size, Size); 9] = [
    (16, (1, 7), (2, 2)),
    (16, (1, 5), (4, 4)),
    (32, (1, 5), (2, 2)),
    (32, (1, 5), (4, 4)),
    (64, (1, 5), (2, 2)),
    (64, (1, 3), (2, 2)),
    (64, (1, 3), (2, 2)),
    (64, (1, 3), (2, 2)),
    (128, (12, 1), (2, 2)),
];

/// Nine convolutions, each normalised, rectified and pooled, and two dense layers; 64 features for the heads.
pub fn body() -> Vec<Layer> {
    let mut layers = Vec::new();
    for (number, (filters, kernel, pool)) in (1..).zip(CONVOLUTIONS) {
        let name = format!("conv{number}");
        let norm = batch_norm(format!("{name}.bn"));
        layers.extend([convolution(name, filters, kernel).into(), norm, Layer::Relu, max_pool(pool, pool)]);
    }
    layers.push(Layer::Flatten);
    for (number, units) in (1..).zip([128, 64]) {
        let name = format!("dense{number}");
        let norm = batch_norm(format!("{name}.bn"));
        layers.extend([dense(name, units).into(), norm, Layer::Relu, Layer::Dropout(0.2)]);
    }
    layers
}
