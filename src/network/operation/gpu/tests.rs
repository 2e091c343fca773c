//! The shaders against the CPU on odd shapes. Without an adapter they say that they were skipped.

use super::super::{self as operation, ConvolutionGeometry, PoolGeometry};
use super::{dtype, set_invocations};
use crate::device::{Gpu, GpuError, open_gpu};
use crate::network::place::{Place, Storage};
use burn::tensor::{DType, Device, Distribution, Tensor, TensorData};
use burn_cubecl::cubecl::future::block_on;
use half::f16;
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

/// On a device in 16 bits.
fn packed<const D: usize>(tensor: &Tensor<D>, device: &Device) -> Tensor<D> {
    Tensor::from_data(tensor.to_data(), (device, dtype(Storage::Bits16)))
}

/// Values that 16 bits hold exactly.
fn coarse<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    Tensor::from_data(tensor.into_data().convert::<f16>().convert::<f32>(), &Device::flex())
}

fn floats(data: TensorData) -> Vec<f32> {
    data.convert::<f32>().try_to_vec().unwrap()
}

fn assert_same(ours: Tensor<3>, expected: Tensor<3>) {
    assert_eq!(ours.dims(), expected.dims());
    // The last place of 16 bits, where ours has them.
    let rounding = if ours.dtype() == DType::F16 { 1.0 / 1024.0 } else { 0.0 };
    let (ours, expected) = (floats(ours.into_data()), floats(expected.into_data()));
    let scale = expected.iter().fold(1e-3f32, |scale, value| scale.max(value.abs()));
    for (ours, expected) in ours.iter().zip(&expected) {
        let tolerance = 2e-5 * scale + rounding * expected.abs();
        assert!((ours - expected).abs() <= tolerance, "{ours} is not {expected} (scale {scale})");
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
                    let (weight, bias) = (floats(weight.to_data()), floats(bias.to_data()));
                    let convolution = operation::DeployedConvolution::new(weight, bias, geometry, &Place::from(device));
                    operation::deployed_convolution(on(&input, device), &convolution, residual, relu)
                };
                assert_same(run(&device), run(&Device::flex()));
            }
        }
    }
}

#[test]
fn packed_convolutions_equal_the_cpu() {
    let Some(device) = gpu() else { return };
    // Where a width is no multiple of four, that tensor keeps 32 bits.
    for (samples, width_in, width_out, taps, stride) in [
        (200, 12, 64, 7, 2),
        (131, 8, 20, 16, 4),
        (40, 6, 12, 16, 5),
        (7, 4, 4, 3, 2),
        (1, 320, 1, 1, 1),
        (9, 8, 6, 3, 1),
    ] {
        let recordings = 3;
        let geometry = ConvolutionGeometry::same(samples, width_in, width_out, taps, stride);
        let input = coarse(random([recordings, samples, width_in]));
        let residual = coarse(random([recordings, geometry.samples_out, width_out]));
        let (weight, bias) = (coarse(random([taps * width_in, width_out])), random([width_out]));
        let (weight, bias) = (floats(weight.to_data()), floats(bias.to_data()));
        let convolution = |storage, device: &Device| {
            let place = Place { storage, ..Place::from(device) };
            operation::DeployedConvolution::new(weight.clone(), bias.clone(), geometry, &place)
        };
        let place = |tensor: &Tensor<3>, in_16_bits: bool| {
            let in_16_bits = in_16_bits && tensor.dims()[2].is_multiple_of(4);
            if in_16_bits { packed(tensor, &device) } else { on(tensor, &device) }
        };
        let expected = convolution(Storage::Bits32, &Device::flex());
        let expected = operation::deployed_convolution(input.clone(), &expected, Some(residual.clone()), true);
        for fill in [1, 16_384] {
            set_invocations(fill);
            for (input_in_16_bits, storage, residual_in_16_bits) in [
                (false, Storage::Bits16, false),
                (true, Storage::Bits16, true),
                (true, Storage::Bits32, true),
                (true, Storage::Bits16, false),
            ] {
                let (input, residual) = (place(&input, input_in_16_bits), place(&residual, residual_in_16_bits));
                let convolution = convolution(storage, &device);
                let output = operation::deployed_convolution(input, &convolution, Some(residual), true);
                let is_packed = storage == Storage::Bits16 && width_out.is_multiple_of(4);
                assert_eq!(output.dtype(), if is_packed { DType::F16 } else { DType::F32 });
                assert_same(output, expected.clone());
            }
        }
    }
}

#[test]
fn what_16_bits_cannot_hold() {
    let Some(device) = gpu() else { return };
    let geometry = ConvolutionGeometry::same(3, 4, 4, 1, 1);
    let place = Place { storage: Storage::Bits16, ..Place::from(device) };
    let ones = Tensor::<3>::ones([1, 3, 4], &Device::flex());
    let output = |weight: f32| {
        let convolution = operation::DeployedConvolution::new(vec![weight; 16], vec![0.0; 4], geometry, &place);
        operation::deployed_convolution(on(&ones, &device), &convolution, None, false)
    };
    let (within, beyond) = (output(-60_000.0), output(70_000.0));
    assert_eq!((within.dtype(), beyond.dtype()), (DType::F16, DType::F32));
    // A sum ends at the largest number; a weight that is too large keeps 32 bits.
    assert_eq!(floats(within.into_data()), [-65_504.0; 12]);
    assert_eq!(floats(beyond.into_data()), [280_000.0; 12]);
}

#[test]
fn pools_equal_the_cpu() {
    let Some(device) = gpu() else { return };
    for (samples, leads, channels, size, stride) in [
        (40, 6, 8, (3, 3), (2, 2)),
        (41, 12, 5, (2, 2), (2, 2)),
        (5, 1, 4, (2, 2), (2, 2)),
        (100, 1, 12, (5, 1), (5, 1)),
        (30, 4, 3, (2, 2), (2, 2)),
    ] {
        let input = coarse(random([2, samples, leads * channels]));
        let geometry = PoolGeometry::same(samples, leads, channels, size, stride);
        let cpu = on(&input, &Device::flex());
        let mut inputs = vec![on(&input, &device)];
        if (leads * channels).is_multiple_of(4) {
            inputs.push(packed(&input, &device));
        }
        for input in inputs {
            assert_same(operation::max_pool(input.clone(), geometry), operation::max_pool(cpu.clone(), geometry));
            for pool in [operation::global_average_pool, operation::global_max_pool] {
                let pooled = pool(input.clone(), channels);
                assert_eq!(pooled.dtype(), DType::F32);
                assert_same(pooled, pool(cpu.clone(), channels));
            }
        }
    }
}

#[test]
fn scalings_and_concatenations_equal_the_cpu() {
    let Some(device) = gpu() else { return };
    type Placed = fn(&Tensor<3>, &Device) -> Tensor<3>;
    let cpu = Device::flex();
    for channels in [3, 4] {
        let (input, scale, shift) = (coarse(random([2, 30, 4 * channels])), random([channels]), random([channels]));
        let run = |place: Placed, device: &Device| {
            operation::scale_and_shift(place(&input, device), on(&scale, device), on(&shift, device), true)
        };
        for place in [on as Placed, packed] {
            assert_same(run(place, &device), run(on, &cpu));
        }
    }
    for (left, right) in [(4, 8), (3, 8), (8, 5)] {
        let (first, second) = (coarse(random([2, 3, left])), coarse(random([2, 3, right])));
        let expected = operation::concatenate(on(&first, &cpu), on(&second, &cpu));
        let placed = |tensor: &Tensor<3>, place: Placed| {
            if tensor.dims()[2].is_multiple_of(4) { place(tensor, &device) } else { on(tensor, &device) }
        };
        for places in [[on as Placed, on], [packed, packed], [packed, on], [on, packed]] {
            let output = operation::concatenate(placed(&first, places[0]), placed(&second, places[1]));
            assert_same(output, expected.clone());
        }
    }
}
