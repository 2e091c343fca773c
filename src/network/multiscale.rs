//! `multiscale`: the stem of [`super::resnet18`], shared, and three sets of its stages side by side, whose kernels span
//! 3, 5 and 7 samples.

use super::description::{Layer, prefixed};
use super::resnet18::{stages, stem};

/// The shared stem and three branches; 3 x 512 features for the heads.
pub fn body() -> Vec<Layer> {
    let branches = (1..).zip([(3, 3), (5, 3), (7, 3)]);
    let branches = branches.map(|(number, kernel)| prefixed(&format!("branch{number}."), stages(kernel))).collect();
    let mut layers = stem();
    layers.push(Layer::Branches(branches));
    layers
}
