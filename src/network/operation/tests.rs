//! The CPU operations and their gradients against the same composed of burn's own.

use super::*;
use crate::network::place::Kernels;
use burn::tensor::{Distribution, TensorData};
use half::f16;

/// Compares results and all gradients, the output being weighted so that no gradient is trivial.
fn assert_same<const N: usize>(
    inputs: [Tensor<1>; N],
    ours: impl Fn([Tensor<1>; N]) -> Tensor<3>,
    theirs: impl Fn([Tensor<1>; N]) -> Tensor<3>,
) {
    let run = |f: &dyn Fn([Tensor<1>; N]) -> Tensor<3>| {
        let leaves = inputs.clone().map(|tensor| tensor.require_grad());
        let output = f(leaves.clone());
        let [a, b, c] = output.dims();
        let weights = Tensor::<1, burn::tensor::Int>::arange(0..(a * b * c) as i64, &output.device());
        let weights = (weights.float() * 0.37).sin().reshape([a, b, c]);
        let gradients = (output.clone() * weights).sum().backward();
        let mut all = vec![output.into_data()];
        all.extend(leaves.iter().map(|leaf| leaf.grad(&gradients).expect("a gradient").into_data()));
        all
    };
    for (ours, theirs) in run(&ours).into_iter().zip(run(&theirs)) {
        let (ours, theirs) = (ours.try_to_vec::<f32>().unwrap(), theirs.try_to_vec::<f32>().unwrap());
        let scale = theirs.iter().fold(1e-3f32, |scale, value| scale.max(value.abs()));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours - theirs).abs() <= 2e-5 * scale, "{ours} is not {theirs} (scale {scale})");
        }
    }
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn random(length: usize) -> Tensor<1> {
    Tensor::random([length], Distribution::Normal(0.0, 1.0), &device())
}

#[test]
fn convolution_equals_shifted_slices() {
    for (samples, taps, stride) in [
        (200, 7, 2),
        (200, 3, 1),
        (131, 16, 4),
        (40, 16, 5),
        (7, 3, 2),
        (3, 7, 1),
        (250, 1, 1),
        (200, 1, 2),
        (12, 12, 1),
    ] {
        let (recordings, width_in, width_out) = (3, 6, 10);
        let geometry = ConvolutionGeometry::same(samples, width_in, width_out, taps, stride);
        let inputs = [random(recordings * samples * width_in), random(taps * width_in * width_out), random(width_out)];
        let call = |f: fn(Tensor<3>, Tensor<2>, Tensor<1>, ConvolutionGeometry) -> Tensor<3>| {
            move |[input, weight, bias]: [Tensor<1>; 3]| {
                let input = input.reshape([recordings, samples, width_in]);
                f(input, weight.reshape([taps * width_in, width_out]), bias, geometry)
            }
        };
        assert_same(inputs, call(convolution), call(composed::convolution));
    }
}

/// By all threads, which make packed kernels ready where each has a part of the recording, and by one, which unpacks a
/// short recording's panel by panel, as browsers do.
fn by_all_and_alone(work: impl Fn() -> Tensor<3>) -> [TensorData; 2] {
    [work().into_data(), cpu::alone(|| work().into_data())]
}

#[test]
fn deployed_convolution_equals_its_parts() {
    let device = Device::flex();
    let random = |shape: [usize; 3]| Tensor::<3>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    for (recordings, samples, widths, taps, stride) in [
        (3, 200, (6, 10), 7, 2),
        (3, 40, (6, 10), 16, 5),
        (3, 250, (6, 10), 1, 1),
        (3, 3, (6, 10), 7, 1),
        // With fewer multiplications: one group of taps, several, a stride, and samples that fill no tile.
        (1, 202, (24, 20), 3, 1),
        (2, 121, (16, 24), 5, 1),
        (2, 130, (24, 24), 7, 1),
        (1, 499, (16, 20), 7, 2),
        (1, 1024, (20, 24), 16, 5),
        (2, 103, (20, 16), 16, 1),
        // With more channels than a block.
        (1, 30, (600, 40), 1, 1),
        (1, 64, (600, 20), 9, 1),
        (1, 120, (300, 24), 7, 2),
    ] {
        let (width_in, width_out) = widths;
        let geometry = ConvolutionGeometry::same(samples, width_in, width_out, taps, stride);
        let input = random([recordings, samples, width_in]);
        let weight = random([taps, width_in, width_out]).reshape([taps * width_in, width_out]);
        let bias = random([1, 1, width_out]).reshape([width_out]);
        let residual = random([recordings, geometry.samples_out, width_out]);
        let floats = |data: TensorData| data.try_to_vec::<f32>().unwrap();
        let (values, row) = (floats(weight.to_data()), floats(bias.to_data()));
        let convolution = composed::convolution(input.clone(), weight, bias, geometry);
        let tolerance = 1e-5 * ((taps * width_in) as f32).sqrt();
        for kernels in [Kernels::Ready, Kernels::Packed] {
            let place = Place { kernels, ..Place::from(&device) };
            let deployed = DeployedConvolution::new(values.clone(), row.clone(), geometry, &place);
            for (residual, relu) in [(None, true), (Some(residual.clone()), false), (Some(residual.clone()), true)] {
                let sum = residual.iter().fold(convolution.clone(), |sum, residual| sum + residual.clone());
                let expected = if relu { activation::relu(sum) } else { sum };
                let expected = expected.into_data();
                let tolerance = burn::tensor::Tolerance::absolute(tolerance.max(2e-4));
                for ours in by_all_and_alone(|| deployed_convolution(input.clone(), &deployed, residual.clone(), relu))
                {
                    ours.assert_approx_eq::<f32>(&expected, tolerance);
                }
            }
        }
    }
}

/// Kernels of fewer bits say what the same numbers in 32 bits say, with blocks of zeros among them and without.
#[test]
fn packed_numbers_are_worth_what_they_are_stored_for() {
    let device = Device::flex();
    for (recordings, samples, widths, taps, stride) in [
        (1, 202, (24, 20), 3, 1),
        (2, 202, (24, 20), 3, 1),
        (1, 499, (64, 40), 7, 2),
        (1, 120, (20, 40), 16, 1),
        (1, 30, (300, 40), 1, 1),
        (2, 120, (300, 40), 1, 1),
        (1, 40, (600, 40), 1, 1),
        (1, 64, (600, 20), 9, 1),
    ] {
        let (width_in, width_out) = widths;
        let geometry = ConvolutionGeometry::same(samples, width_in, width_out, taps, stride);
        let length = taps * width_in * width_out;
        let is_zero = |index: usize| index % width_out < 16 && (10..22).contains(&(index / width_out % width_in));
        let integer = |index: usize| if is_zero(index) { 0 } else { ((index * 7919 + 13) % 255) as u8 as i8 };
        let integers: Vec<i8> = (0..length).map(integer).collect();
        let steps = (0..width_out).map(|column| 0.001 * (column + 1) as f32).collect();
        let halves = integers.iter().map(|integer| f16::from_f32(f32::from(*integer) * 0.03)).collect();
        let input = Tensor::<3>::random([recordings, samples, width_in], Distribution::Normal(0.0, 1.0), &device);
        for numbers in [Numbers::Bits8 { integers, steps }, Numbers::Bits16(halves)] {
            let [ready, packed] = [(numbers.to_f32().into(), Kernels::Ready), (numbers, Kernels::Packed)].map(
                |(numbers, kernels): (Numbers, Kernels)| {
                    let place = Place { kernels, ..Place::from(&device) };
                    DeployedConvolution::new(numbers, vec![0.5; width_out], geometry, &place)
                },
            );
            let expected = deployed_convolution(input.clone(), &ready, None, false).into_data();
            let tolerance = burn::tensor::Tolerance::rel_abs(1e-5, 5e-5 * ((taps * width_in) as f32).sqrt());
            for found in by_all_and_alone(|| deployed_convolution(input.clone(), &packed, None, false)) {
                found.assert_approx_eq::<f32>(&expected, tolerance);
            }
        }
    }
}

#[test]
fn batch_norm_equals_its_definition() {
    for relu in [false, true] {
        let (recordings, samples, leads, channels) = (4, 150, 3, 16);
        let inputs = [random(recordings * samples * leads * channels) * 3.0 + 1.0, random(channels), random(channels)];
        type BatchNorm = fn(Tensor<3>, Tensor<1>, Tensor<1>, f32, bool) -> (Tensor<3>, Tensor<1>, Tensor<1>);
        let call = |f: BatchNorm| {
            move |[input, gamma, beta]: [Tensor<1>; 3]| {
                f(input.reshape([recordings, samples, leads * channels]), gamma, beta, 1e-3, relu).0
            }
        };
        assert_same(inputs, call(batch_norm), call(composed::batch_norm));
    }
}

#[test]
fn max_pool_equals_shifted_maxima() {
    for (samples, leads, size, stride) in [
        (40, 6, (3, 3), (2, 2)),
        (41, 12, (2, 2), (2, 2)),
        (40, 6, (4, 4), (4, 4)),
        (5, 1, (2, 2), (2, 2)),
        (100, 1, (5, 1), (5, 1)),
    ] {
        let (recordings, channels) = (2, 5);
        let geometry = PoolGeometry::same(samples, leads, channels, size, stride);
        let call = |f: fn(Tensor<3>, PoolGeometry) -> Tensor<3>| {
            move |[input]: [Tensor<1>; 1]| f(input.reshape([recordings, samples, leads * channels]), geometry)
        };
        assert_same([random(recordings * samples * leads * channels)], call(max_pool), call(composed::max_pool));
    }
}

#[test]
fn scale_and_shift_equals_its_definition() {
    let device = Device::flex();
    let random = |length: usize| Tensor::<1>::random([length], Distribution::Normal(0.0, 1.0), &device);
    for relu in [false, true] {
        let (input, scale, shift) = (random(2 * 30 * 12).reshape([2, 30, 12]), random(4), random(4));
        let ours = scale_and_shift(input.clone(), scale.clone(), shift.clone(), relu);
        let theirs = composed::scale_and_shift(input, scale, shift, relu);
        ours.into_data().assert_approx_eq::<f32>(&theirs.into_data(), burn::tensor::Tolerance::absolute(1e-6));
    }
}

#[test]
fn global_pools_and_concatenations_equal_their_definitions() {
    let device = Device::flex();
    let random = |shape: [usize; 3]| Tensor::<3>::random(shape, Distribution::Normal(0.0, 1.0), &device);
    let assert_same = |ours: Tensor<3>, theirs: Tensor<3>| {
        assert_eq!(ours.dims(), theirs.dims());
        ours.into_data().assert_approx_eq::<f32>(&theirs.into_data(), burn::tensor::Tolerance::absolute(1e-6));
    };
    for (samples, leads, channels) in [(30, 3, 4), (1, 1, 5), (7, 12, 1)] {
        let input = random([2, samples, leads * channels]);
        assert_same(
            global_average_pool(input.clone(), channels),
            composed::global_average_pool(input.clone(), channels),
        );
        assert_same(global_max_pool(input.clone(), channels), composed::global_max_pool(input, channels));
    }
    let (first, second) = (random([2, 3, 4]), random([2, 3, 7]));
    assert_same(concatenate(first.clone(), second.clone()), Tensor::cat(vec![first, second], 2));
}
