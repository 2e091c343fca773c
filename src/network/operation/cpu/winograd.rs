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

use super::instructions::{self, Instructions, WIDTH, Work};
use super::packed::{PackedMatrix, blocks};
use super::panels::RightMatrix;
use super::prepared::padded;
use super::{After, Matrix, parallel, with_scratch};
use crate::network::numbers::Numbers;
use crate::network::operation::ConvolutionGeometry;
use crate::network::place::Kernels;
use std::ops::Range;

/// Outputs of a tile.
const OUTPUTS: usize = 4;
/// Taps of a group, where there are several: as many as outputs, so that groups lie a tile apart.
const GROUP: usize = OUTPUTS;
/// Most taps of a single group: more points would cost accuracy.
const MOST_TAPS: usize = 5;
/// Points of the polynomials besides infinity, those that round least first and 0, which only the first tap meets, before
/// all (`packed.rs` relies on it).
const POINTS: [f64; 7] = [0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5];

/// What is saved must pay for combining.
const LEAST_SAVING: f64 = 1.3;
/// Below this many columns or rows combining costs more than is saved.
const LEAST_WIDTH: usize = 16;

/// Fewer output samples make products too flat to gain.
const LEAST_SAMPLES: usize = 16;

/// Tiles that are made at a time: as many as stay in the second cache with what they are made of.
const TILES_AT_A_TIME: usize = 32;
/// The same of kernels that are packed: each time they are combined anew.
const TILES_OF_PACKED: usize = 64;

const _: () = assert!(POINTS[0] == 0.0);

/// Does work that knows the numbers of a tile's taps and points while it is compiled.
macro_rules! with_numbers {
    ($transform:expr, |$taps:ident, $points:ident| $work:expr) => {{
        const { assert!(MOST_TAPS == 5) };
        match $transform.taps() {
            3 => with_numbers!(3, $taps, $points, $work),
            4 => with_numbers!(4, $taps, $points, $work),
            5 => with_numbers!(5, $taps, $points, $work),
            taps => unreachable!("{taps} taps"),
        }
    }};
    ($number:literal, $taps:ident, $points:ident, $work:expr) => {{
        const $taps: usize = $number;
        const $points: usize = OUTPUTS + $taps - 1;
        $work
    }};
}

/// A convolution in this form.
#[derive(Debug)]
pub struct Winograd {
    geometry: ConvolutionGeometry,
    groups: usize,
    transform: Transform,
    kernel: Kernel,
}

#[derive(Debug)]
enum Kernel {
    /// For each point the combined kernel, `[groups x row, width_out]`.
    Ready(Vec<RightMatrix>),
    /// What they are combined from.
    Packed(PackedMatrix),
}

/// How many groups of how many taps a kernel of rows makes.
fn grouping(taps: usize) -> (usize, usize) {
    if taps <= MOST_TAPS { (1, taps) } else { (taps.div_ceil(GROUP), GROUP) }
}

/// For each point the kernel that its factors combine.
fn combined(
    mut weight: Vec<f32>,
    geometry: &ConvolutionGeometry,
    groups: usize,
    transform: &Transform,
) -> Vec<RightMatrix> {
    let taps = transform.taps();
    let block = geometry.stride * geometry.width_in * geometry.width_out;
    // The taps that fill up the last row and the last group are zero.
    weight.resize(groups * taps * block, 0.0);
    let kernels = transform.kernel.iter().map(|factors| {
        let mut combined = Vec::with_capacity(groups * block);
        for group in weight.chunks_exact(taps * block) {
            combined.extend((0..block).map(|index| {
                let terms =
                    factors.iter().enumerate().map(|(tap, factor)| factor * f64::from(group[tap * block + index]));
                terms.sum::<f64>() as f32
            }));
        }
        RightMatrix::new(&combined, geometry.width_out)
    });
    kernels.collect()
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
    pub fn new(weight: Numbers, geometry: ConvolutionGeometry, kernels: Kernels) -> Self {
        let (groups, taps) = grouping(geometry.taps.div_ceil(geometry.stride));
        let transform = Transform::new(taps);
        let kernel = match kernels {
            Kernels::Ready => Kernel::Ready(combined(weight.into_f32(), &geometry, groups, &transform)),
            Kernels::Packed => {
                let row = geometry.stride * geometry.width_in;
                let source = |index: usize, tap: usize| (index / row * taps + tap) * row + index % row;
                // In the order in which their inputs are combined.
                let of_group =
                    |channels: Range<usize>, group: usize| group * row + channels.start..group * row + channels.end;
                let blocks =
                    blocks(row).flat_map(|channels| (0..groups).map(move |group| of_group(channels.clone(), group)));
                Kernel::Packed(PackedMatrix::new(&weight, geometry.width_out, blocks, taps, source))
            }
        };
        Self { geometry, groups, transform, kernel }
    }

    /// The same with its kernel combined, where that is packed.
    pub fn unpacked(&self) -> Option<Winograd> {
        let Kernel::Packed(kernel) = &self.kernel else { return None };
        let kernels = with_numbers!(self.transform, |TAPS, POINTS| {
            kernel.unpacked::<TAPS, POINTS>(&self.transform.of_taps()).into()
        });
        Some(Winograd { kernel: Kernel::Ready(kernels), transform: self.transform.clone(), ..*self })
    }

    /// Output samples that are made at a time.
    pub fn share(&self, samples_out: usize) -> usize {
        let most = match self.kernel {
            Kernel::Ready(_) => TILES_AT_A_TIME,
            Kernel::Packed(_) => TILES_OF_PACKED,
        };
        parallel::share(samples_out.div_ceil(OUTPUTS), most) * OUTPUTS
    }

    /// The output samples of one recording from `first`, a multiple of [`OUTPUTS`], and what follows them.
    pub fn apply(&self, input: &[f32], first: usize, after: After, out: &mut [f32]) {
        let (row, width) = (self.geometry.stride * self.geometry.width_in, self.geometry.width_out);
        let points = self.transform.points();
        let count = out.len().div_ceil(OUTPUTS * width);
        let tiles = count + self.groups - 1;
        let rows = ((tiles - 1) * OUTPUTS + points) * row;
        let planes = match self.kernel {
            Kernel::Ready(_) => points * tiles * row,
            Kernel::Packed(_) => points * tiles * blocks(row).map(|channels| channels.len()).max().unwrap_or(0),
        };
        let products = points * width.div_ceil(WIDTH) * count * WIDTH;
        with_scratch(rows + planes + products, |scratch| {
            let (copy, scratch) = scratch.split_at_mut(rows);
            let (planes, products) = scratch.split_at_mut(planes);
            let input = padded(input, self.geometry.padding * self.geometry.width_in, first * row, copy);
            instructions::run(Tiles {
                convolution: self,
                row,
                width,
                tiles,
                count,
                input,
                planes,
                products,
                after,
                out,
            });
        });
    }
}

/// Neighbouring tiles, and where their intermediate values go.
struct Tiles<'a> {
    convolution: &'a Winograd,
    /// Values of a row of the input and of the output.
    row: usize,
    width: usize,
    /// How many are combined of the input, and how many make the output: fewer where there are several groups.
    tiles: usize,
    count: usize,
    input: &'a [f32],
    /// For each point the combined inputs of each tile.
    planes: &'a mut [f32],
    /// For each point the product, [panels, tiles, WIDTH].
    products: &'a mut [f32],
    after: After<'a>,
    out: &'a mut [f32],
}

impl Work for Tiles<'_> {
    #[inline(always)]
    fn run<I: Instructions>(self) {
        with_numbers!(self.convolution.transform, |TAPS, POINTS| self.run_with::<I, TAPS, POINTS>());
    }
}

impl Tiles<'_> {
    #[inline(always)]
    fn run_with<I: Instructions, const TAPS: usize, const POINTS: usize>(mut self) {
        match &self.convolution.kernel {
            Kernel::Ready(kernels) => self.multiply::<I, POINTS>(kernels),
            Kernel::Packed(kernel) => self.multiply_packed::<I, TAPS, POINTS>(kernel),
        }
        self.complete::<I, POINTS>();
    }

    /// The products of all points, one after the other.
    #[inline(always)]
    fn multiply<I: Instructions, const POINTS: usize>(&mut self, kernels: &[RightMatrix]) {
        let product = self.products.len() / POINTS;
        let plane = self.tiles * self.row;
        for (point, kernel) in kernels.iter().enumerate() {
            self.combine::<I, POINTS>(point, 0..self.row, point * plane);
            let left = Matrix::rows(&self.planes[point * plane..][..plane], self.row);
            kernel.product_by_panels::<I>(left, &mut self.products[point * product..][..product]);
        }
    }

    /// The products of all points at once, for some channels after the other.
    #[inline(always)]
    fn multiply_packed<I: Instructions, const TAPS: usize, const POINTS: usize>(&mut self, kernel: &PackedMatrix) {
        let Winograd { transform, groups, .. } = self.convolution;
        let (product, panel) = (self.products.len() / POINTS, self.count * WIDTH);
        let factors = transform.of_taps::<TAPS, POINTS>();
        for (number, channels) in blocks(self.row).enumerate() {
            let width = channels.len();
            let plane = self.tiles * width;
            for point in 0..POINTS {
                self.combine::<I, POINTS>(point, channels.clone(), point * plane);
            }
            for group in 0..*groups {
                let block = number * groups + group;
                kernel.for_each_panel::<I, TAPS, POINTS>(block, &factors, |number, panels| {
                    for (point, of_point) in panels.into_iter().enumerate() {
                        let left =
                            Matrix::rows(&self.planes[point * plane + group * width..][..self.count * width], width);
                        let out = &mut self.products[point * product + number * panel..][..panel];
                        of_point.product::<I>(left, block > 0, out);
                    }
                });
            }
        }
    }

    /// Combines some channels of the inputs of each tile for a point, from the given place in the planes on.
    #[inline(always)]
    fn combine<I: Instructions, const POINTS: usize>(&mut self, point: usize, channels: Range<usize>, start: usize) {
        let transform = &self.convolution.transform;
        let factors: [f32; POINTS] = std::array::from_fn(|index| transform.input[point][index]);
        let plane = &mut self.planes[start..][..self.tiles * channels.len()];
        for (tile, out) in plane.chunks_exact_mut(channels.len()).enumerate() {
            let rows = &self.input[tile * OUTPUTS * self.row + channels.start..];
            let rows = std::array::from_fn(|index| &rows[index * self.row..]);
            I::run(Combine { factors, rows, stride: WIDTH, after: None, out });
        }
    }

    /// The outputs of the products.
    #[inline(always)]
    fn complete<I: Instructions, const POINTS: usize>(self) {
        let Self { convolution: Winograd { transform, .. }, width, count, products, after, out, .. } = self;
        let product = products.len() / POINTS;
        for (number, out) in out.chunks_exact_mut(width).enumerate() {
            let (tile, output) = (number / OUTPUTS, number % OUTPUTS);
            let factors: [f32; POINTS] = std::array::from_fn(|point| transform.output[output][point]);
            let rows = std::array::from_fn(|point| &products[point * product + tile * WIDTH..]);
            I::run(Combine { factors, rows, stride: count * WIDTH, after: Some((after, number * width)), out });
        }
    }
}

/// The sum of rows, each times its factor, and what follows it for the part of the output that begins where it is said.
struct Combine<'a, const ROWS: usize> {
    factors: [f32; ROWS],
    rows: [&'a [f32]; ROWS],
    /// From a vector of a row to the next.
    stride: usize,
    after: Option<(After<'a>, usize)>,
    out: &'a mut [f32],
}

impl<const ROWS: usize> Work for Combine<'_, ROWS> {
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let factors = self.factors.map(I::splat);
        for (number, out) in self.out.chunks_mut(WIDTH).enumerate() {
            let at = number * self.stride;
            let mut sum = I::splat(0.0);
            for (factor, row) in factors.into_iter().zip(self.rows) {
                sum = I::multiply_add(factor, I::load(&row[at..at + out.len()]), sum);
            }
            if let Some((after, place)) = self.after {
                let start = number * WIDTH;
                let bias = I::load(&after.bias[start..start + out.len()]);
                sum = after.complete::<I>(sum, bias, place + start, out.len());
            }
            I::store(sum, out);
        }
    }
}

/// How inputs, taps and products of a tile are combined.
#[derive(Debug, Clone)]
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

    /// For each point the factors of the taps.
    fn of_taps<const TAPS: usize, const POINTS: usize>(&self) -> [[f32; TAPS]; POINTS] {
        std::array::from_fn(|point| std::array::from_fn(|tap| self.kernel[point][tap] as f32))
    }

    fn taps(&self) -> usize {
        self.points() + 1 - OUTPUTS
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
