//! `resnet18`, after He et al. 2015, "Deep residual learning for image recognition", over samples and leads.

use super::description::{Layer, batch_norm, convolution, max_pool};

/// Filters of the four stages.
const STAGES: [usize; 4] = [64, 128, 256, 512];

/// The stem and four stages of two blocks; 512 features for the heads.
pub fn body() -> Vec<Layer> {
    let mut layers = stem();
    layers.extend(stages((3, 3)));
    layers
}

/// Convolution 64 (7, 7), stride 2, and max-pool (3, 3), stride 2.
pub(super) fn stem() -> Vec<Layer> {
    vec![
        convolution("stem.conv", 64, (7, 7)).stride(2, 2).into(),
        batch_norm("stem.bn"),
        Layer::Relu,
        max_pool((3, 3), (2, 2)),
    ]
}

/// Four stages of two blocks with kernels of the given size (samples, leads), and the mean over samples and leads.
pub(super) fn stages(kernel: (usize, usize)) -> Vec<Layer> {
    let mut layers = Vec::new();
    for (stage, filters) in (1..).zip(STAGES) {
        let stride = if stage == 1 { 1 } else { 2 };
        layers.extend(block(&format!("stage{stage}.block1"), filters, kernel, stride));
        layers.extend(block(&format!("stage{stage}.block2"), filters, kernel, 1));
    }
    layers.push(Layer::GlobalAveragePool);
    layers
}

/// Two convolutions beside the input itself or, where the block shortens it, a 1x1 convolution of it without batch norm.
fn block(name: &str, filters: usize, kernel: (usize, usize), stride: usize) -> [Layer; 2] {
    let main = vec![
        convolution(format!("{name}.conv1"), filters, kernel).stride(stride, stride).into(),
        batch_norm(format!("{name}.bn1")),
        Layer::Relu,
        convolution(format!("{name}.conv2"), filters, kernel).into(),
        batch_norm(format!("{name}.bn2")),
    ];
    let skip = match stride {
        1 => vec![],
        _ => vec![convolution(format!("{name}.skip"), filters, (1, 1)).stride(stride, stride).into()],
    };
    [Layer::Sum([main, skip]), Layer::Relu]
}
