//! Every distinct convolution and pooling of the networks, folded, against burn's own two-dimensional ones.
#![cfg(not(target_arch = "wasm32"))]

use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use ecgnet::network::assembly::{Assembly, FoldedConvolution, Step};
use ecgnet::network::folding::Folding;
use ecgnet::network::operation::{self, ConvolutionGeometry, PoolGeometry, same_padding};
use ecgnet::network::{Architecture, Target};

/// Samples of the test inputs: enough for interior and edges, with a remainder for every stride.
const SAMPLES: usize = 43;
const RECORDINGS: usize = 2;

fn visit(steps: &[Step], convolutions: &mut Vec<FoldedConvolution>, pools: &mut Vec<PoolGeometry>) {
    for step in steps {
        match step {
            Step::Convolution(convolution) => convolutions.push(convolution.clone()),
            Step::MaxPool(geometry) => pools.push(*geometry),
            Step::Sum(paths) => paths.iter().for_each(|path| visit(path, convolutions, pools)),
            Step::Branches(branches) => branches.iter().for_each(|branch| visit(branch, convolutions, pools)),
            _ => {}
        }
    }
}

fn layers() -> (Vec<FoldedConvolution>, Vec<PoolGeometry>) {
    let (mut convolutions, mut pools) = (Vec::new(), Vec::new());
    for architecture in Architecture::ALL {
        let assembly = Assembly::new(architecture, Target::Both);
        visit(&assembly.body, &mut convolutions, &mut pools);
        convolutions.extend(assembly.heads.into_iter().map(|(_, head)| head));
    }
    (convolutions, pools)
}

fn random(length: usize) -> Tensor<1> {
    Tensor::random([length], Distribution::Normal(0.0, 1.0), &Device::flex())
}

/// `[recordings, samples, leads x channels]` as `[recordings, channels, samples, leads]`.
fn channels_first(input: Tensor<3>, leads: usize, channels: usize) -> Tensor<4> {
    let [recordings, samples, _] = input.dims();
    input.reshape([recordings, samples, leads, channels]).permute([0, 3, 1, 2])
}

/// The inverse of [`channels_first`].
fn side_by_side(output: Tensor<4>) -> Tensor<3> {
    let [recordings, channels, samples, leads] = output.dims();
    output.permute([0, 2, 3, 1]).reshape([recordings, samples, leads * channels])
}

/// Pads samples and leads as SAME padding of the given windows and strides asks for.
fn pad(input: Tensor<4>, size: (usize, usize), stride: (usize, usize), value: f32) -> Tensor<4> {
    let [_, _, samples, leads] = input.dims();
    let around = |length: usize, size: usize, stride: usize| {
        let (output, before) = same_padding(length, size, stride);
        (before, ((output - 1) * stride + size).saturating_sub(length + before))
    };
    let (top, bottom) = around(samples, size.0, stride.0);
    let (left, right) = around(leads, size.1, stride.1);
    input.pad((left, right, top, bottom), value)
}

#[test]
fn convolutions() {
    let (convolutions, _) = layers();
    let mut seen: Vec<(Folding, usize)> = Vec::new();
    for FoldedConvolution { name, folding, geometry, .. } in convolutions {
        let key = (folding.clone(), geometry.stride);
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let Folding { taps, columns, leads_in, leads_out, channels_in, channels_out, .. } = folding;
        // The lead stride is what brought the leads down.
        let lead_stride = leads_in.div_ceil(leads_out);
        let small = ConvolutionGeometry::same(SAMPLES, geometry.width_in, geometry.width_out, taps, geometry.stride);
        let input = random(RECORDINGS * SAMPLES * geometry.width_in).reshape([RECORDINGS, SAMPLES, geometry.width_in]);
        let published =
            random(taps * columns * channels_in * channels_out) / ((taps * columns * channels_in) as f32).sqrt();
        let bias = random(channels_out);

        let live = folding.keep_live(&published.to_data().try_to_vec::<f32>().unwrap());
        let live = Tensor::from_floats(live.as_slice(), &Device::flex());
        let ours = operation::convolution(input.clone(), folding.matrix(live), folding.repeat(bias.clone()), small);

        let kernel = published.reshape([taps, columns, channels_in, channels_out]).permute([3, 2, 0, 1]);
        let stride = (geometry.stride, lead_stride);
        let input = pad(channels_first(input, leads_in, channels_in), (taps, columns), stride, 0.0);
        let options = ConvOptions::new([stride.0, stride.1], [0, 0], [1, 1], 1);
        let theirs = side_by_side(conv2d(input, kernel, Some(bias), options));
        assert_eq!(ours.dims(), theirs.dims(), "{name}");
        ours.into_data().assert_approx_eq::<f32>(&theirs.into_data(), Tolerance::absolute(2e-4));
    }
    assert!(seen.len() > 30, "only {} distinct convolutions", seen.len());
}

#[test]
fn pools() {
    let (_, pools) = layers();
    for PoolGeometry { leads_in, channels, size, stride, .. } in pools {
        let geometry = PoolGeometry::same(SAMPLES, leads_in, channels, size, stride);
        let input =
            random(RECORDINGS * SAMPLES * geometry.width_in()).reshape([RECORDINGS, SAMPLES, geometry.width_in()]);
        let ours = operation::max_pool(input.clone(), geometry);
        let padded = pad(channels_first(input, leads_in, channels), size, stride, f32::NEG_INFINITY);
        let options = MaxPoolOptions::new([size.0, size.1]).with_stride([stride.0, stride.1]);
        let theirs = max_pool2d(padded, options);
        ours.into_data().assert_eq(&side_by_side(theirs).into_data(), true);
    }
}
