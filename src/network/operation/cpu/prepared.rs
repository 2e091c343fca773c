//! A convolution of a network that estimates: its weight is made ready once.

use super::instructions::{self, Instructions, Work};
use super::packed::{AS_IT_IS, PackedMatrix, blocks};
use super::panels::RightMatrix;
use super::winograd::Winograd;
use super::{After, Matrix, parallel, with_scratch};
use crate::network::numbers::Numbers;
use crate::network::operation::ConvolutionGeometry;
use crate::network::place::Kernels;

/// Output samples of a product that are made at a time: as many as stay in the second cache with what they are made of.
const SAMPLES_AT_A_TIME: usize = 96;

/// A convolution along time with its weight and bias.
#[derive(Debug)]
pub struct PreparedConvolution {
    geometry: ConvolutionGeometry,
    bias: Vec<f32>,
    method: Method,
}

#[derive(Debug)]
enum Method {
    Product(Weight),
    Winograd(Winograd),
}

#[derive(Debug)]
enum Weight {
    Ready(RightMatrix),
    Packed(PackedMatrix),
}

impl Method {
    /// Output samples that are made at a time.
    fn share(&self, samples_out: usize) -> usize {
        match self {
            Method::Product(_) => parallel::share(samples_out, SAMPLES_AT_A_TIME),
            Method::Winograd(convolution) => convolution.share(samples_out),
        }
    }

    /// The same with its weight ready, where that is packed: worth it where it is needed several times.
    fn unpacked(&self) -> Option<Method> {
        match self {
            Method::Product(Weight::Packed(weight)) => {
                let [weight] = weight.unpacked(&AS_IT_IS);
                Some(Method::Product(Weight::Ready(weight)))
            }
            Method::Winograd(convolution) => convolution.unpacked().map(Method::Winograd),
            Method::Product(Weight::Ready(_)) => None,
        }
    }
}

impl PreparedConvolution {
    /// From the matrix [taps * width_in, width_out] and a bias for each of its columns.
    pub fn new(weight: Numbers, bias: Vec<f32>, geometry: ConvolutionGeometry, kernels: Kernels) -> Self {
        let width = geometry.width_out;
        let method = match kernels {
            _ if Winograd::pays(&geometry) => Method::Winograd(Winograd::new(weight, geometry, kernels)),
            Kernels::Ready => Method::Product(Weight::Ready(RightMatrix::new(&weight.into_f32(), width))),
            Kernels::Packed => {
                let blocks = blocks(geometry.row());
                Method::Product(Weight::Packed(PackedMatrix::new(&weight, width, blocks, 1, |row, _| row)))
            }
        };
        Self { geometry, bias, method }
    }

    pub fn geometry(&self) -> &ConvolutionGeometry {
        &self.geometry
    }

    /// `input` [recordings, samples_in, width_in] to `out` [recordings, samples_out, width_out], with the sum with
    /// `residual` and the ReLU if asked for.
    pub fn apply(&self, input: &[f32], residual: Option<&[f32]>, relu: bool, out: &mut [f32]) {
        let width = self.geometry.width_out;
        let (mut samples_in, mut samples_out) = (self.geometry.samples_in, self.geometry.samples_out);
        if self.geometry.taps == 1 && self.geometry.stride == 1 {
            // Where no sample meets another, recordings need not be told apart.
            (samples_in, samples_out) = (input.len() / self.geometry.width_in, out.len() / width);
        }
        let (size_in, size_out) = (samples_in * self.geometry.width_in, samples_out * width);
        let unpacked = match self.method.share(samples_out) * width < out.len() {
            true => self.method.unpacked(),
            false => None,
        };
        let method = unpacked.as_ref().unwrap_or(&self.method);
        let at_a_time = method.share(samples_out);
        parallel::chunks(out, size_out, |recording, out| {
            let input = &input[recording * size_in..(recording + 1) * size_in];
            parallel::chunks(out, at_a_time * width, |chunk, out| {
                let first = chunk * at_a_time;
                let start = recording * size_out + first * width;
                let residual = residual.map(|residual| &residual[start..start + out.len()]);
                let after = After { bias: &self.bias, residual, relu };
                match method {
                    Method::Product(weight) => self.multiply(weight, input, first, after, out),
                    Method::Winograd(convolution) => convolution.apply(input, first, after, out),
                }
            });
        });
    }

    /// The output samples of one recording from `first`.
    fn multiply(&self, weight: &Weight, input: &[f32], first: usize, after: After, out: &mut [f32]) {
        let geometry = &self.geometry;
        let stride = geometry.stride * geometry.width_in;
        let samples = out.len() / geometry.width_out;
        let length = (samples - 1) * stride + geometry.row();
        with_scratch(length, |scratch| {
            let values = padded(input, geometry.padding * geometry.width_in, first * stride, scratch);
            instructions::run(Product { left: Matrix::rows(values, stride), weight, after, out });
        });
    }
}

struct Product<'a> {
    left: Matrix<'a>,
    weight: &'a Weight,
    after: After<'a>,
    out: &'a mut [f32],
}

impl Work for Product<'_> {
    #[inline(always)]
    fn run<I: Instructions>(self) {
        match self.weight {
            Weight::Ready(weight) => weight.product::<I>(self.left, Some(self.after), self.out),
            Weight::Packed(weight) => weight.product::<I>(self.left, Some(self.after), self.out),
        }
    }
}

/// As many values as `copy` holds of the input that `padding` zeros precede and any number follow, from `start`: where
/// they lie or, if zeros are among them, put together in `copy`.
pub fn padded<'a>(input: &'a [f32], padding: usize, start: usize, copy: &'a mut [f32]) -> &'a [f32] {
    if start >= padding && start - padding + copy.len() <= input.len() {
        return &input[start - padding..][..copy.len()];
    }
    let zeros = padding.saturating_sub(start).min(copy.len());
    let input = &input[start.saturating_sub(padding).min(input.len())..];
    let count = input.len().min(copy.len() - zeros);
    copy[..zeros].fill(0.0);
    copy[zeros..zeros + count].copy_from_slice(&input[..count]);
    copy[zeros + count..].fill(0.0);
    copy
}
