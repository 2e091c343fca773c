//! A convolution of a network that estimates: its weight is made ready once.

use super::winograd::Winograd;
use super::{After, Matrix, RightMatrix, convolution_by, parallel};
use crate::network::operation::ConvolutionGeometry;

/// A convolution along time with its weight and bias.
#[derive(Debug)]
pub struct PreparedConvolution {
    geometry: ConvolutionGeometry,
    bias: Vec<f32>,
    method: Method,
}

#[derive(Debug)]
enum Method {
    Product(RightMatrix),
    Winograd(Winograd),
}

impl PreparedConvolution {
    /// From the matrix [taps * width_in, width_out] and a bias for each of its columns.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, geometry: ConvolutionGeometry) -> Self {
        let method = match Winograd::pays(&geometry) {
            true => Method::Winograd(Winograd::new(&weight, geometry)),
            false => Method::Product(RightMatrix::new(weight, geometry.width_out)),
        };
        Self { geometry, bias, method }
    }

    pub fn geometry(&self) -> &ConvolutionGeometry {
        &self.geometry
    }

    /// `input` [recordings, samples_in, width_in] to `out` [recordings, samples_out, width_out], with the sum with
    /// `residual` and the ReLU if asked for.
    pub fn apply(&self, input: &[f32], residual: Option<&[f32]>, relu: bool, out: &mut [f32]) {
        let after = After { bias: &self.bias, residual, relu };
        match &self.method {
            Method::Product(weight) => {
                let add_product = |out: &mut [f32], rows: usize, left: Matrix, parallelism| {
                    weight.add_product(out, rows, left, parallelism);
                };
                convolution_by(input, after, &self.geometry, out, &add_product);
            }
            Method::Winograd(convolution) => {
                let size_in = self.geometry.samples_in * self.geometry.width_in;
                let size_out = self.geometry.samples_out * self.geometry.width_out;
                let parallelism = parallel::product_within(input.len() / size_in);
                parallel::chunks(out, size_out, |recording, out| {
                    let input = &input[recording * size_in..(recording + 1) * size_in];
                    convolution.apply(input, after, recording * size_out, out, parallelism);
                });
            }
        }
    }
}
