//! The operations composed of burn's own, for any device, differentiable by burn.

use super::{ConvolutionGeometry, PoolGeometry};
use burn::tensor::{Tensor, activation};

/// `count` rows of `value` put before or after the samples of each recording.
fn pad_samples(input: Tensor<3>, before: usize, after: usize, value: f32) -> Tensor<3> {
    let [recordings, _, width] = input.dims();
    let device = input.device();
    let rows = |count: usize| Tensor::full([recordings, count, width], value, &device);
    match (before, after) {
        (0, 0) => input,
        (0, after) => Tensor::cat(vec![input, rows(after)], 1),
        (before, 0) => Tensor::cat(vec![rows(before), input], 1),
        (before, after) => Tensor::cat(vec![rows(before), input, rows(after)], 1),
    }
}

pub fn convolution(input: Tensor<3>, weight: Tensor<2>, bias: Tensor<1>, geometry: ConvolutionGeometry) -> Tensor<3> {
    let [recordings, samples, _] = input.dims();
    let ConvolutionGeometry { samples_out, width_out, taps, stride, padding, .. } = geometry;
    let needed = (samples_out - 1) * stride + taps;
    let padded = pad_samples(input, padding, needed.saturating_sub(samples + padding), 0.0);
    let shifted = (0..taps)
        .map(|tap| {
            padded.clone().slice_dim(1, burn::tensor::s![tap..tap + (samples_out - 1) * stride + 1;stride as isize])
        })
        .collect();
    let rows = Tensor::cat(shifted, 2).reshape([recordings * samples_out, geometry.row()]);
    let product = rows.matmul(weight).reshape([recordings, samples_out, width_out]);
    product + bias.reshape([1, 1, width_out])
}

pub fn batch_norm(
    input: Tensor<3>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f32,
    relu: bool,
) -> (Tensor<3>, Tensor<1>, Tensor<1>) {
    let shape = input.dims();
    let [channels] = gamma.dims();
    let rows = input.reshape([-1, channels as i32]);
    let mean = rows.clone().mean_dim(0);
    let centred = rows - mean.clone();
    let variance = centred.clone().square().mean_dim(0);
    let scale = gamma.reshape([1, channels]) / (variance.clone() + epsilon).sqrt();
    let output = (centred * scale + beta.reshape([1, channels])).reshape(shape);
    let output = if relu { activation::relu(output) } else { output };
    (output, mean.detach().reshape([channels]), variance.detach().reshape([channels]))
}

pub fn scale_and_shift(input: Tensor<3>, scale: Tensor<1>, shift: Tensor<1>, relu: bool) -> Tensor<3> {
    let shape = input.dims();
    let [channels] = scale.dims();
    let rows = input.reshape([-1, channels as i32]);
    let output = (rows * scale.reshape([1, channels]) + shift.reshape([1, channels])).reshape(shape);
    if relu { activation::relu(output) } else { output }
}

pub fn max_pool(input: Tensor<3>, geometry: PoolGeometry) -> Tensor<3> {
    let PoolGeometry { samples_in, leads_in, channels, samples_out, leads_out, size, stride, padding } = geometry;
    let [recordings, ..] = input.dims();
    let needed = (samples_out - 1) * stride.0 + size.0;
    let padded = pad_samples(input, padding.0, needed.saturating_sub(samples_in + padding.0), f32::NEG_INFINITY);
    let over_samples = (0..size.0)
        .map(|tap| {
            padded.clone().slice_dim(1, burn::tensor::s![tap..tap + (samples_out - 1) * stride.0 + 1;stride.0 as isize])
        })
        .reduce(|a, b| a.max_pair(b))
        .expect("a window has at least one sample")
        .reshape([recordings, samples_out, leads_in, channels]);
    let leads =
        (0..leads_out).map(|lead| over_samples.clone().slice_dim(2, geometry.lead_window(lead)).max_dim(2)).collect();
    Tensor::cat(leads, 2).reshape([recordings, samples_out, leads_out * channels])
}

pub fn global_average_pool(input: Tensor<3>, channels: usize) -> Tensor<3> {
    positions(input, channels).mean_dim(1)
}

pub fn global_max_pool(input: Tensor<3>, channels: usize) -> Tensor<3> {
    positions(input, channels).max_dim(1)
}

/// The channels of each sample and lead as a row.
fn positions(input: Tensor<3>, channels: usize) -> Tensor<3> {
    let [recordings, samples, width] = input.dims();
    input.reshape([recordings, samples * width / channels, channels])
}
