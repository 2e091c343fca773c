//! The shaders against the CPU on odd shapes. Without an adapter they say that they were skipped.

use super::super::{self as operation, ConvolutionGeometry, PoolGeometry};
use super::set_invocations;
use crate::device::{Gpu, GpuError, open_gpu};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use burn_cubecl::cubecl::future::block_on;
use std::sync::LazyLock;

/// Tests run at the same time; the loader of Vulkan wants to be called once.
static GPU: LazyLock<Option<Device>> = LazyLock::new(|| match block_on(open_gpu()) {
    Ok(Gpu { device, .. }) => Some(device),
    Err(GpuError::NoAdapter(reason)) => {
        eprintln!("skipped: there is no graphics adapter ({reason})");
        None
    }
    Err(error) => panic!("{error}"),
});

fn gpu() -> Option<Device> {
    GPU.clone()
}

fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn on<const D: usize>(tensor: &Tensor<D>, device: &Device) -> Tensor<D> {
    Tensor::from_data(tensor.to_data(), device)
}

fn assert_same(ours: Tensor<3>, expected: Tensor<3>) {
    assert_eq!(ours.dims(), expected.dims());
    let (ours, expected): (Vec<f32>, Vec<f32>) =
        (ours.into_data().try_to_vec().unwrap(), expected.into_data().try_to_vec().unwrap());
    let scale = expected.iter().fold(1e-3f32, |scale, value| scale.max(value.abs()));
    for (ours, expected) in ours.iter().zip(&expected) {
        assert!((ours - expected).abs() <= 2e-5 * scale, "{ours} is not {expected} (scale {scale})");
    }
}

#[test]
fn convolutions_equal_the_cpu() {
    let Some(device) = gpu() else { return };
    for (samples, width_in, width_out, taps, stride) in [
        (200, 12, 64, 7, 2),
        (131, 8, 20, 16, 4),
        (40, 6, 10, 16, 5),
        (7, 4, 4, 3, 2),
        (3, 5, 3, 7, 1),
        (250, 12, 16, 1, 1),
        (1, 320, 1, 1, 1),
        (1, 386, 2, 1, 1),
    ] {
        let recordings = 3;
        let geometry = ConvolutionGeometry::same(samples, width_in, width_out, taps, stride);
        let (input, residual) =
            (random([recordings, samples, width_in]), random([recordings, geometry.samples_out, width_out]));
        let (weight, bias) = (random([taps * width_in, width_out]), random([width_out]));
        for fill in [1, 16_384] {
            set_invocations(fill);
            for (residual, relu) in [(None, false), (None, true), (Some(&residual), false), (Some(&residual), true)] {
                let run = |device: &Device| {
                    let residual = residual.map(|residual| on(residual, device));
                    let floats = |data: TensorData| data.try_to_vec::<f32>().unwrap();
                    let (weight, bias) = (floats(weight.to_data()), floats(bias.to_data()));
                    let convolution = operation::DeployedConvolution::new(weight, bias, geometry, device);
                    operation::deployed_convolution(on(&input, device), &convolution, residual, relu)
                };
                assert_same(run(&device), run(&Device::flex()));
            }
        }
    }
}

#[test]
fn pools_equal_the_cpu() {
    let Some(device) = gpu() else { return };
    for (samples, leads, channels, size, stride) in [
        (40, 6, 8, (3, 3), (2, 2)),
        (41, 12, 5, (2, 2), (2, 2)),
        (5, 1, 4, (2, 2), (2, 2)),
        (100, 1, 12, (5, 1), (5, 1)),
    ] {
        let input = random([2, samples, leads * channels]);
        let geometry = PoolGeometry::same(samples, leads, channels, size, stride);
        let run = |device: &Device| operation::max_pool(on(&input, device), geometry);
        assert_same(run(&device), run(&Device::flex()));
        let run = |device: &Device| operation::global_average_pool(on(&input, device), channels);
        assert_same(run(&device), run(&Device::flex()));
        let run = |device: &Device| operation::global_max_pool(on(&input, device), channels);
        assert_same(run(&device), run(&Device::flex()));
    }
}

#[test]
fn scalings_and_concatenations_equal_the_cpu() {
    let Some(device) = gpu() else { return };
    for channels in [3, 4] {
        let (input, scale, shift) = (random([2, 30, 3 * channels]), random([channels]), random([channels]));
        let run = |device: &Device| {
            operation::scale_and_shift(on(&input, device), on(&scale, device), on(&shift, device), true)
        };
        assert_same(run(&device), run(&Device::flex()));
    }
    for (left, right) in [(4, 8), (3, 8), (8, 5)] {
        let (first, second) = (random([2, 3, left]), random([2, 3, right]));
        let run = |device: &Device| operation::concatenate(on(&first, device), on(&second, device));
        assert_same(run(&device), run(&Device::flex()));
    }
}
