//! Convolutions along time with fewer multiplications (Winograd 1980; Lavin and Gray 2016, there in two dimensions).
//!
//! Four neighbouring outputs of a kernel of `r` taps depend on `n = 4 + r - 1` inputs and need only `n` multiplications
//! instead of `4 r`: the inputs and the kernel are each combined to `n` new values (the values of two polynomials at `n`
//! points), multiplied one by one, and the products combined to the four outputs. The values here are whole rows and
//! matrices, so that the multiplications are `n` matrix products with a quarter of the rows each.
//!
//! Two steps make every convolution one of these:
//!
//! - The samples of a stride lie side by side: with rows of `stride` samples, the stride is one and the taps are
//!   `1 / stride` as many.
//! - More than five taps are groups of four. The input of a group's tile is that of the next tile of the group before,
//!   so that the products take groups as further columns of an overlapping view and nothing is combined twice.

use super::{After, Matrix, RightMatrix, parallel};
use crate::network::operation::ConvolutionGeometry;

/// Outputs of a tile.
const OUTPUTS: usize = 4;
/// Taps of a group, where there are several: as many as outputs, so that groups lie a tile apart.
const GROUP: usize = OUTPUTS;
/// Most taps of a single group: more points would cost accuracy.
const MOST_TAPS: usize = 5;
/// Points of the polynomials besides infinity, those that round least first.
const POINTS: [f64; 7] = [0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5];

/// What is saved must pay for combining.
const LEAST_SAVING: f64 = 1.3;
/// Below this many columns or rows combining costs more than is saved.
const LEAST_WIDTH: usize = 16;

/// Fewer output samples make products too flat to gain.
#[cfg(target_arch = "wasm32")]
const LEAST_SAMPLES: usize = 16;
#[cfg(not(target_arch = "wasm32"))]
const LEAST_SAMPLES: usize = super::GATHER_BELOW;

/// Tiles whose products are made before they are combined: in WebAssembly as many as the cache holds, natively all,
/// since there each product prepares the right matrix anew.
#[cfg(target_arch = "wasm32")]
const TILES_AT_A_TIME: Option<usize> = Some(32);
#[cfg(not(target_arch = "wasm32"))]
const TILES_AT_A_TIME: Option<usize> = None;

/// A convolution in this form.
#[derive(Debug)]
pub struct Winograd {
    geometry: ConvolutionGeometry,
    groups: usize,
    transform: Transform,
    /// For each point the combined kernel, `[groups x row, width_out]`.
    kernels: Vec<RightMatrix>,
}

/// How many groups of how many taps a kernel of rows makes.
fn grouping(taps: usize) -> (usize, usize) {
    if taps <= MOST_TAPS { (1, taps) } else { (taps.div_ceil(GROUP), GROUP) }
}

impl Winograd {
    /// Whether a convolution gains by this form.
    pub fn pays(geometry: &ConvolutionGeometry) -> bool {
        let (groups, taps) = grouping(geometry.taps.div_ceil(geometry.stride));
        let points = (OUTPUTS + taps - 1) as f64;
        let multiplications = (groups * geometry.stride) as f64 * points / OUTPUTS as f64;
        taps > 2
            && geometry.samples_out >= LEAST_SAMPLES
            && geometry.width_in * geometry.stride >= LEAST_WIDTH
            && geometry.width_out >= LEAST_WIDTH
            && multiplications * LEAST_SAVING < geometry.taps as f64
    }

    /// From the matrix `[taps * width_in, width_out]`.
    pub fn new(weight: &[f32], geometry: ConvolutionGeometry) -> Self {
        let (groups, taps) = grouping(geometry.taps.div_ceil(geometry.stride));
        let transform = Transform::new(taps);
        let block = geometry.stride * geometry.width_in * geometry.width_out;
        // The taps that fill up the last row and the last group are zero.
        let mut whole = weight.to_vec();
        whole.resize(groups * taps * block, 0.0);
        let kernels = transform.kernel.iter().map(|factors| {
            let mut combined = Vec::with_capacity(groups * block);
            for group in whole.chunks_exact(taps * block) {
                combined.extend((0..block).map(|index| {
                    let terms =
                        factors.iter().enumerate().map(|(tap, factor)| factor * f64::from(group[tap * block + index]));
                    terms.sum::<f64>() as f32
                }));
            }
            RightMatrix::new(combined, geometry.width_out)
        });
        let kernels = kernels.collect();
        Self { geometry, groups, transform, kernels }
    }

    /// The convolution of one recording and what follows it; `start` is where `out` begins in the output of the batch.
    pub fn apply(&self, input: &[f32], after: After, start: usize, out: &mut [f32], parallelism: gemm::Parallelism) {
        match self.transform.points() {
            6 => self.apply_with::<6>(input, after, start, out, parallelism),
            7 => self.apply_with::<7>(input, after, start, out, parallelism),
            8 => self.apply_with::<8>(input, after, start, out, parallelism),
            points => unreachable!("{points} points"),
        }
    }

    fn apply_with<const POINTS: usize>(
        &self,
        input: &[f32],
        after: After,
        start: usize,
        out: &mut [f32],
        parallelism: gemm::Parallelism,
    ) {
        let (row, width) = (self.geometry.stride * self.geometry.width_in, self.geometry.width_out);
        let outputs = self.geometry.samples_out.div_ceil(OUTPUTS);
        let tiles = outputs + self.groups - 1;
        let padded = self.padded(input, ((tiles - 1) * OUTPUTS + POINTS) * row);
        let mut planes = vec![0.0; POINTS * tiles * row];
        parallel::chunks(&mut planes, tiles * row, |point, plane| {
            let factors: [f32; POINTS] = std::array::from_fn(|index| self.transform.input[point][index]);
            for (tile, to) in plane.chunks_exact_mut(row).enumerate() {
                let rows = &padded[tile * OUTPUTS * row..];
                combine(&factors, std::array::from_fn(|index| &rows[index * row..]), to);
            }
        });

        let at_a_time = TILES_AT_A_TIME.map_or(outputs, |most| most.min(outputs));
        let mut products = vec![0.0; POINTS * at_a_time * width];
        for (chunk, out) in out.chunks_mut(at_a_time * OUTPUTS * width).enumerate() {
            let first = chunk * at_a_time;
            let count = at_a_time.min(outputs - first);
            products.fill(0.0);
            for (point, product) in products.chunks_exact_mut(at_a_time * width).enumerate() {
                let left = Matrix::rows(&planes[(point * tiles + first) * row..(point + 1) * tiles * row], row);
                self.kernels[point].add_product(product, count, left, parallelism);
            }
            let start = start + first * OUTPUTS * width;
            parallel::chunks(out, OUTPUTS * width, |tile, out| {
                for (output, to) in out.chunks_exact_mut(width).enumerate() {
                    let factors: [f32; POINTS] = std::array::from_fn(|point| self.transform.output[output][point]);
                    combine(&factors, std::array::from_fn(|point| &products[(point * at_a_time + tile) * width..]), to);
                    after.complete(start + (tile * OUTPUTS + output) * width, to);
                }
            });
        }
    }

    /// The input with the zeros before and after it, `length` values.
    fn padded(&self, input: &[f32], length: usize) -> Vec<f32> {
        let before = self.geometry.padding * self.geometry.width_in;
        let mut padded = Vec::with_capacity(length.max(before + input.len()));
        padded.resize(before, 0.0);
        padded.extend_from_slice(input);
        padded.resize(length, 0.0);
        padded
    }
}

/// The sum of the rows, each times its factor.
fn combine<const ROWS: usize>(factors: &[f32; ROWS], rows: [&[f32]; ROWS], out: &mut [f32]) {
    let rows = rows.map(|row| &row[..out.len()]);
    for (index, out) in out.iter_mut().enumerate() {
        let mut sum = 0.0;
        for (factor, row) in factors.iter().zip(rows) {
            sum += factor * row[index];
        }
        *out = sum;
    }
}

/// How inputs, taps and products of a tile are combined.
#[derive(Debug)]
struct Transform {
    /// For each point the factors of the inputs.
    input: Vec<Vec<f32>>,
    /// For each point the factors of the taps.
    kernel: Vec<Vec<f64>>,
    /// For each output the factors of the products.
    output: Vec<Vec<f32>>,
}

impl Transform {
    /// The transposition of Toom's and Cook's product of polynomials with coefficients for [`OUTPUTS`] and `taps`: their
    /// values at the points, and their highest coefficients for the point at infinity.
    fn new(taps: usize) -> Self {
        let count = OUTPUTS + taps - 1;
        let points = &POINTS[..count - 1];
        let others = |point: f64| points.iter().copied().filter(move |other| *other != point);
        let powers = |point: f64, count: usize| (0..count).map(move |power| point.powi(power as i32));
        let at_infinity = |count: usize| (1..=count).map(move |place| f64::from(u8::from(place == count)));
        let single = |values: Vec<f64>| -> Vec<f32> { values.into_iter().map(|value| value as f32).collect() };

        let mut input: Vec<Vec<f32>> = points.iter().map(|&point| single(with_roots(others(point), count))).collect();
        input.push(single(with_roots(points.iter().copied(), count)));
        let mut kernel: Vec<Vec<f64>> = points
            .iter()
            .map(|&point| {
                let scale: f64 = others(point).map(|other| point - other).product();
                powers(point, taps).map(|power| power / scale).collect()
            })
            .collect();
        kernel.push(at_infinity(taps).collect());
        let mut values: Vec<Vec<f64>> = points.iter().map(|&point| powers(point, OUTPUTS).collect()).collect();
        values.push(at_infinity(OUTPUTS).collect());
        let output = (0..OUTPUTS).map(|output| single(values.iter().map(|values| values[output]).collect())).collect();
        Self { input, kernel, output }
    }

    fn points(&self) -> usize {
        self.input.len()
    }
}

/// The coefficients, lowest first and `count` of them, of the polynomial with the given roots and highest coefficient 1.
fn with_roots(roots: impl Iterator<Item = f64>, count: usize) -> Vec<f64> {
    let mut coefficients = vec![0.0; count];
    coefficients[0] = 1.0;
    for (degree, root) in (1..).zip(roots) {
        for power in (0..=degree).rev() {
            let below = if power > 0 { coefficients[power - 1] } else { 0.0 };
            coefficients[power] = below - root * coefficients[power];
        }
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_have_their_roots() {
        // (x - 1)(x + 2) = x^2 + x - 2
        assert_eq!(with_roots([1.0, -2.0].into_iter(), 4), [-2.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn a_tile_is_a_convolution_of_numbers() {
        for taps in 3..=MOST_TAPS {
            let transform = Transform::new(taps);
            let inputs: Vec<f64> = (0..transform.points()).map(|index| (index * index % 7) as f64 - 2.5).collect();
            let kernel: Vec<f64> = (0..taps).map(|tap| 0.5 * tap as f64 - 1.25).collect();
            let sum = |factors: &[f64], values: &[f64]| -> f64 { factors.iter().zip(values).map(|(a, b)| a * b).sum() };
            let wide = |factors: &[f32]| -> Vec<f64> { factors.iter().map(|factor| f64::from(*factor)).collect() };
            let products: Vec<f64> = (0..transform.points())
                .map(|point| sum(&wide(&transform.input[point]), &inputs) * sum(&transform.kernel[point], &kernel))
                .collect();
            for output in 0..OUTPUTS {
                let found = sum(&wide(&transform.output[output]), &products);
                let expected = sum(&kernel, &inputs[output..output + taps]);
                assert!((found - expected).abs() < 1e-9, "{taps} taps: {found}, expected {expected}");
            }
        }
    }
}
