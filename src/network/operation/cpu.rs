//! The operations on the CPU: plain functions on slices of `f32`.
//!
//! A convolution along time needs no copy of its input: with all leads and channels of a sample side by side, the values
//! under the kernel at one output sample are one run of memory, and those of the next output sample start a stride
//! further. The whole convolution is one matrix product whose left matrix is such an overlapping view; only the few
//! output samples whose kernel reaches over the ends are gathered with their zeros.

mod instructions;
mod packed;
mod panels;
mod prepared;
mod winograd;

use super::{ConvolutionGeometry, PoolGeometry};
use instructions::{Instructions, WIDTH, Work};
pub use prepared::PreparedConvolution;
use std::cell::RefCell;

/// Below this many output samples the rows of all recordings of a batch are gathered into one matrix: the products of
/// single recordings would be too flat to use the machine.
const GATHER_BELOW: usize = 96;

/// Values of one chunk of work of the element-wise loops: small enough to balance, large enough to amortise.
const CHUNK: usize = 1 << 15;

#[cfg(not(target_arch = "wasm32"))]
mod parallel {
    //! Loops over independent chunks, on all cores but for what is to be done alone.
    use rayon::prelude::*;
    use std::cell::Cell;

    thread_local! {
        static IS_ALONE: Cell<bool> = const { Cell::new(false) };
    }

    /// Does work in this thread only.
    pub fn alone<T>(work: impl FnOnce() -> T) -> T {
        let before = IS_ALONE.replace(true);
        let result = work();
        IS_ALONE.set(before);
        result
    }

    pub fn chunks<T: Send>(data: &mut [T], size: usize, work: impl Fn(usize, &mut [T]) + Sync) {
        if IS_ALONE.get() {
            data.chunks_mut(size).enumerate().for_each(|(index, chunk)| work(index, chunk));
        } else {
            data.par_chunks_mut(size).enumerate().for_each(|(index, chunk)| work(index, chunk));
        }
    }

    pub fn map<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        (0..count).into_par_iter().map(work).collect()
    }

    /// So many of a number of parts at a time, at most `most`, that all threads have about as much to do.
    pub fn share(parts: usize, most: usize) -> usize {
        let threads = if IS_ALONE.get() { 1 } else { rayon::current_num_threads() };
        parts.div_ceil(parts.div_ceil(most).next_multiple_of(threads))
    }

    pub fn product() -> gemm::Parallelism {
        if IS_ALONE.get() { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(0) }
    }

    /// One recording has the cores to itself; of several, each core takes whole ones.
    pub fn product_within(recordings: usize) -> gemm::Parallelism {
        if recordings == 1 { product() } else { gemm::Parallelism::None }
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub use parallel::alone;

#[cfg(target_arch = "wasm32")]
mod parallel {
    //! The same loops on the one core that a browser's worker has.

    pub fn chunks<T>(data: &mut [T], size: usize, work: impl Fn(usize, &mut [T])) {
        data.chunks_mut(size).enumerate().for_each(|(index, chunk)| work(index, chunk));
    }

    pub fn map<T>(count: usize, work: impl Fn(usize) -> T) -> Vec<T> {
        (0..count).map(work).collect()
    }

    /// So many of a number of parts at a time, at most `most`, that each time there is about as much to do.
    pub fn share(parts: usize, most: usize) -> usize {
        parts.div_ceil(parts.div_ceil(most))
    }

    pub fn product() -> gemm::Parallelism {
        gemm::Parallelism::None
    }

    pub fn product_within(_: usize) -> gemm::Parallelism {
        gemm::Parallelism::None
    }
}

/// The larger value, the second where one is not a number. `f32::max` is a call of a function in WebAssembly, value by
/// value; this is an instruction for vectors.
fn larger(value: f32, other: f32) -> f32 {
    if value > other { value } else { other }
}

/// A matrix in a slice: element (row, column) lies at `row * row_stride + column * column_stride`.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    fn rows(values: &'a [f32], row_stride: usize) -> Self {
        Self { values, row_stride, column_stride: 1 }
    }

    fn transposed(self) -> Self {
        Self { values: self.values, row_stride: self.column_stride, column_stride: self.row_stride }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0
            || columns == 0
            || (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.values.len()
    }
}

/// `out += left x right` (or `out = left x right`), `out` being `rows` x `columns` and `inner` the shared dimension.
fn product(
    out: &mut [f32],
    (rows, inner, columns): (usize, usize, usize),
    left: Matrix,
    right: Matrix,
    accumulate: bool,
    parallelism: gemm::Parallelism,
) {
    assert!(out.len() >= rows * columns && left.holds(rows, inner) && right.holds(inner, columns), "matrix sizes");
    if rows == 0 || columns == 0 {
        return;
    }
    // SAFETY: the assertion above keeps every element that the product touches inside its slice.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            columns as isize,
            accumulate,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// The values under the kernel at the given output samples, zeros where it reaches over the ends.
fn gather(input: &[f32], geometry: &ConvolutionGeometry, samples: impl Iterator<Item = usize>, rows: &mut Vec<f32>) {
    let width = geometry.width_in;
    for sample in samples {
        let start = rows.len();
        rows.resize(start + geometry.row(), 0.0);
        let (first_tap, first_sample, count) = geometry.overlap(sample);
        let to = start + first_tap * width;
        rows[to..to + count * width].copy_from_slice(&input[first_sample * width..(first_sample + count) * width]);
    }
}

/// The rows of all output samples of a whole batch, gathered.
fn gather_batch(input: &[f32], geometry: &ConvolutionGeometry) -> Vec<f32> {
    let recordings = input.len() / (geometry.samples_in * geometry.width_in);
    let mut rows = Vec::with_capacity(recordings * geometry.samples_out * geometry.row());
    for recording in input.chunks_exact(geometry.samples_in * geometry.width_in) {
        gather(recording, geometry, 0..geometry.samples_out, &mut rows);
    }
    rows
}

/// Whether the kernel is one sample long and moves by one: the input itself is the matrix of rows.
fn is_pointwise(geometry: &ConvolutionGeometry) -> bool {
    geometry.taps == 1 && geometry.stride == 1
}

/// What follows the product of a convolution.
#[derive(Clone, Copy)]
pub struct After<'a> {
    /// `[width_out]`.
    pub bias: &'a [f32],
    /// Added to the result, of the same shape.
    pub residual: Option<&'a [f32]>,
    pub relu: bool,
}

impl After<'_> {
    /// All of it for a vector of sums whose first `count` belong at `start` of the result.
    #[inline(always)]
    fn complete<I: Instructions>(&self, sum: I::Vector, bias: I::Vector, start: usize, count: usize) -> I::Vector {
        let mut sum = I::add(sum, bias);
        if let Some(residual) = self.residual {
            sum = I::add(sum, I::load(&residual[start..start + count]));
        }
        if self.relu { I::larger(sum, I::splat(0.0)) } else { sum }
    }
}

/// Memory for intermediate values, which this thread uses again and again: it holds whatever was there before.
fn with_scratch<T>(length: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    thread_local! {
        static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    }
    let mut scratch = SCRATCH.take();
    if scratch.len() < length {
        scratch.resize(length, 0.0);
    }
    let result = work(&mut scratch[..length]);
    SCRATCH.set(scratch);
    result
}

/// Convolution along time.
///
/// Shapes: `input` [recordings, samples_in, width_in], `weight` [taps * width_in, width_out], `bias` `[width_out]`, `out`
/// [recordings, samples_out, width_out].
pub fn convolution(input: &[f32], weight: &[f32], bias: &[f32], geometry: &ConvolutionGeometry, out: &mut [f32]) {
    let width = geometry.width_out;
    let recordings = input.len() / (geometry.samples_in * geometry.width_in);
    let weight = Matrix::rows(weight, width);
    let add_product = |out: &mut [f32], rows: usize, left: Matrix, parallelism: gemm::Parallelism| {
        product(out, (rows, geometry.row(), width), left, weight, true, parallelism);
    };
    let set_bias = |out: &mut [f32]| out.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(bias));

    if is_pointwise(geometry) || geometry.samples_out < GATHER_BELOW {
        let gathered;
        let rows = match is_pointwise(geometry) {
            true => input,
            false => {
                gathered = gather_batch(input, geometry);
                &gathered
            }
        };
        set_bias(out);
        let left = Matrix::rows(rows, geometry.row());
        add_product(out, recordings * geometry.samples_out, left, parallel::product());
        return;
    }

    let parallelism = parallel::product_within(recordings);
    parallel::chunks(out, geometry.samples_out * width, |recording, out| {
        let size = geometry.samples_in * geometry.width_in;
        let input = &input[recording * size..(recording + 1) * size];
        let interior = geometry.interior();
        set_bias(out);
        if !interior.is_empty() {
            let start = (interior.start * geometry.stride - geometry.padding) * geometry.width_in;
            let view = Matrix::rows(&input[start..], geometry.stride * geometry.width_in);
            let out = &mut out[interior.start * width..interior.end * width];
            add_product(out, interior.len(), view, parallelism);
        }
        for edge in [0..interior.start, interior.end..geometry.samples_out] {
            let mut rows = Vec::new();
            gather(input, geometry, edge.clone(), &mut rows);
            let out = &mut out[edge.start * width..edge.end * width];
            add_product(out, edge.len(), Matrix::rows(&rows, geometry.row()), gemm::Parallelism::None);
        }
    });
}

/// The gradient of [`convolution`] with respect to its input, from the `gradient` of its output.
pub fn convolution_input_gradient(
    gradient: &[f32],
    weight: &[f32],
    geometry: &ConvolutionGeometry,
    input_gradient: &mut [f32],
) {
    if geometry.stride == 1 {
        // The gradient of a convolution of stride 1 is a convolution with the kernel turned round in time.
        let reversed = reverse_taps(weight, geometry);
        let turned = ConvolutionGeometry {
            samples_in: geometry.samples_out,
            samples_out: geometry.samples_in,
            width_in: geometry.width_out,
            width_out: geometry.width_in,
            padding: geometry.taps - 1 - geometry.padding,
            ..*geometry
        };
        convolution(gradient, &reversed, &vec![0.0; geometry.width_in], &turned, input_gradient);
        return;
    }
    let (row, width) = (geometry.row(), geometry.width_out);
    let recordings = gradient.len() / (geometry.samples_out * width);
    let parallelism = parallel::product_within(recordings);
    parallel::chunks(input_gradient, geometry.samples_in * geometry.width_in, |recording, input_gradient| {
        let size = geometry.samples_out * width;
        let gradient = &gradient[recording * size..(recording + 1) * size];
        let mut rows = vec![0.0; geometry.samples_out * row];
        let sizes = (geometry.samples_out, width, row);
        let weight = Matrix::rows(weight, width).transposed();
        product(&mut rows, sizes, Matrix::rows(gradient, width), weight, false, parallelism);
        input_gradient.fill(0.0);
        for (sample, row) in rows.chunks_exact(row).enumerate() {
            let (first_tap, first_sample, count) = geometry.overlap(sample);
            let from = &row[first_tap * geometry.width_in..(first_tap + count) * geometry.width_in];
            let to = &mut input_gradient[first_sample * geometry.width_in..(first_sample + count) * geometry.width_in];
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
    });
}

/// The kernel of the backward convolution: `[taps, width_in, width_out]` becomes `[taps reversed, width_out, width_in]`.
fn reverse_taps(weight: &[f32], geometry: &ConvolutionGeometry) -> Vec<f32> {
    let (rows, columns) = (geometry.width_in, geometry.width_out);
    let mut reversed = vec![0.0; weight.len()];
    parallel::chunks(&mut reversed, rows * columns, |tap, block| {
        let from = &weight[(geometry.taps - 1 - tap) * rows * columns..][..rows * columns];
        for (row, from) in from.chunks_exact(columns).enumerate() {
            from.iter().enumerate().for_each(|(column, value)| block[column * rows + row] = *value);
        }
    });
    reversed
}

/// The gradient of [`convolution`] with respect to its weight, `[taps * width_in, width_out]`.
pub fn convolution_weight_gradient(
    input: &[f32],
    gradient: &[f32],
    geometry: &ConvolutionGeometry,
    weight_gradient: &mut [f32],
) {
    let (row, width) = (geometry.row(), geometry.width_out);
    let recordings = input.len() / (geometry.samples_in * geometry.width_in);
    let mut add = |rows: Matrix, gradient: &[f32], samples: usize, accumulate: bool| {
        let sizes = (row, samples, width);
        let gradient = Matrix::rows(gradient, width);
        product(weight_gradient, sizes, rows.transposed(), gradient, accumulate, parallel::product());
    };
    if is_pointwise(geometry) {
        add(Matrix::rows(input, row), gradient, recordings * geometry.samples_out, false);
        return;
    }
    if geometry.samples_out < GATHER_BELOW {
        let rows = gather_batch(input, geometry);
        add(Matrix::rows(&rows, row), gradient, recordings * geometry.samples_out, false);
        return;
    }
    let interior = geometry.interior();
    let mut edge_rows = Vec::new();
    let mut edge_gradient = Vec::new();
    let recordings = input.chunks_exact(geometry.samples_in * geometry.width_in);
    for (number, (input, gradient)) in recordings.zip(gradient.chunks_exact(geometry.samples_out * width)).enumerate() {
        let start = (interior.start * geometry.stride).saturating_sub(geometry.padding) * geometry.width_in;
        let view = Matrix::rows(&input[start..], geometry.stride * geometry.width_in);
        add(view, &gradient[interior.start * width..], interior.len(), number > 0);
        for edge in [0..interior.start, interior.end..geometry.samples_out] {
            gather(input, geometry, edge.clone(), &mut edge_rows);
            edge_gradient.extend_from_slice(&gradient[edge.start * width..edge.end * width]);
        }
    }
    let edges = edge_gradient.len() / width;
    if edges > 0 {
        add(Matrix::rows(&edge_rows, row), &edge_gradient, edges, true);
    }
}

/// Rows of one chunk of work.
fn chunk_rows(columns: usize) -> usize {
    (CHUNK / columns).max(1)
}

/// Sums over all rows of `[rows, columns]`: the same number whatever the number of threads.
pub fn column_sums(values: &[f32], columns: usize) -> Vec<f32> {
    let chunk = chunk_rows(columns) * columns;
    let partial = parallel::map(values.len().div_ceil(chunk), |index| {
        let mut sums = vec![0.0f32; columns];
        let values = &values[index * chunk..values.len().min((index + 1) * chunk)];
        for row in values.chunks_exact(columns) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        sums
    });
    add_up(&partial, columns).into_iter().map(|sum| sum as f32).collect()
}

/// Adds up the sums of chunks in their order, in double precision.
fn add_up(partial: &[Vec<f32>], columns: usize) -> Vec<f64> {
    let mut total = vec![0.0f64; columns];
    for sums in partial {
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(*sum));
    }
    total
}

/// Mean and variance (of the population) of each channel of `[rows, channels]`.
///
/// One pass through memory: a chunk's mean and the squares around it are taken while it is in the cache, and put
/// together as Chan, Golub and LeVeque 1983 do.
pub fn batch_statistics(input: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let chunk = chunk_rows(channels) * channels;
    let partial = parallel::map(input.len().div_ceil(chunk), |index| {
        let rows = &input[index * chunk..input.len().min((index + 1) * chunk)];
        let count = (rows.len() / channels) as f32;
        let mut mean = vec![0.0f32; channels];
        for row in rows.chunks_exact(channels) {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value);
        }
        mean.iter_mut().for_each(|mean| *mean /= count);
        let mut squares = vec![0.0f32; channels];
        for row in rows.chunks_exact(channels) {
            for ((square, value), mean) in squares.iter_mut().zip(row).zip(&mean) {
                *square += (value - mean) * (value - mean);
            }
        }
        (count, mean, squares)
    });
    let (mut rows, mut means, mut squares) = (0.0f64, vec![0.0f64; channels], vec![0.0f64; channels]);
    for (count, chunk_means, chunk_squares) in partial {
        let count = f64::from(count);
        for channel in 0..channels {
            let difference = f64::from(chunk_means[channel]) - means[channel];
            means[channel] += difference * count / (rows + count);
            squares[channel] +=
                f64::from(chunk_squares[channel]) + difference * difference * rows * count / (rows + count);
        }
        rows += count;
    }
    let variance = squares.into_iter().map(|square| (square / rows) as f32).collect();
    (means.into_iter().map(|mean| mean as f32).collect(), variance)
}

/// `max(scale * input + shift, floor)` for each channel of `[rows, channels]`; the floor 0 makes it a ReLU.
pub fn scale_and_shift(input: &[f32], scale: &[f32], shift: &[f32], floor: f32, out: &mut [f32]) {
    let channels = scale.len();
    let chunk = chunk_rows(channels) * channels;
    parallel::chunks(out, chunk, |index, out| {
        let input = &input[index * chunk..][..out.len()];
        for (out, input) in out.chunks_exact_mut(channels).zip(input.chunks_exact(channels)) {
            for (((out, input), scale), shift) in out.iter_mut().zip(input).zip(scale).zip(shift) {
                *out = larger(scale * input + shift, floor);
            }
        }
    });
}

/// What the gradient of a batch normalisation needs of the forward pass.
pub struct Normalised<'a> {
    /// `[rows, channels]`.
    pub input: &'a [f32],
    pub mean: &'a [f32],
    pub inverse_deviation: &'a [f32],
    pub gamma: &'a [f32],
    pub beta: &'a [f32],
    /// Whether a ReLU follows.
    pub relu: bool,
}

/// Gradients of a batch normalisation (and the ReLU after it): into `input_gradient`, and those of gamma and beta.
///
/// Ioffe and Szegedy 2015, section 3: the batch's own mean and variance depend on the input, so each value's gradient
/// loses the part that all rows share.
pub fn batch_norm_gradients(
    forward: &Normalised,
    gradient: &[f32],
    input_gradient: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    let channels = forward.gamma.len();
    let rows = (gradient.len() / channels) as f32;
    let multiply = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let scale = multiply(forward.gamma, forward.inverse_deviation);
    let shift: Vec<f32> =
        forward.beta.iter().zip(multiply(forward.mean, &scale)).map(|(beta, mean)| beta - mean).collect();

    // Several rows side by side make the inner loops long enough for wide registers.
    let repeats = (1..=(WIDE / channels).max(1)).rev().find(|count| gradient.len().is_multiple_of(count * channels));
    let width = repeats.unwrap_or(1) * channels;
    let wide = |values: &[f32]| values.repeat(width / channels);
    // The gradient that passes the ReLU: its output is positive exactly where the normalised value is.
    let threshold = if forward.relu { 0.0 } else { f32::NEG_INFINITY };
    let gate = Gate { scale: wide(&scale), shift: wide(&shift), threshold };
    let mean = wide(forward.mean);

    let chunk = chunk_rows(width) * width;
    let partial = parallel::map(gradient.len().div_ceil(chunk), |index| {
        let range = index * chunk..gradient.len().min((index + 1) * chunk);
        let (mut sums, mut centred) = (vec![0.0f32; width], vec![0.0f32; width]);
        add_passed(&gate, &forward.input[range.clone()], &gradient[range], &mean, &mut sums, &mut centred);
        (sums, centred)
    });
    let (sums, centred): (Vec<_>, Vec<_>) = partial.into_iter().unzip();
    let of_channels = |partial: &[Vec<f32>]| -> Vec<f32> {
        let wide = add_up(partial, width);
        (0..channels).map(|channel| wide.iter().skip(channel).step_by(channels).sum::<f64>() as f32).collect()
    };
    let beta_gradient = of_channels(&sums);
    let gamma_gradient = multiply(&of_channels(&centred), forward.inverse_deviation);

    // scale (gradient - mean gradient - (input - mean) slope), sorted by what varies from row to row.
    let slope: Vec<f32> =
        multiply(&multiply(&gamma_gradient, forward.inverse_deviation), &scale).iter().map(|sum| sum / rows).collect();
    let offset: Vec<f32> = multiply(&scale, &beta_gradient)
        .iter()
        .zip(multiply(&slope, forward.mean))
        .map(|(common, mean)| common / rows - mean)
        .collect();
    let (slope, offset) = (wide(&slope), wide(&offset));
    parallel::chunks(input_gradient, chunk, |index, out| {
        let range = index * chunk..index * chunk + out.len();
        pass_centred(&gate, &forward.input[range.clone()], &gradient[range], &slope, &offset, out);
    });
    (gamma_gradient, beta_gradient)
}

/// Values that the inner loops of a batch normalisation's gradient run over at a time.
const WIDE: usize = 256;

/// What lets a gradient through: the input scaled and shifted lies above the threshold. One value for each column.
struct Gate {
    scale: Vec<f32>,
    shift: Vec<f32>,
    threshold: f32,
}

/// Adds each column's passed gradients, and those times the input less its mean. A function of its own, since the compiler
/// only makes wide loops of slices that it knows to be apart.
fn add_passed(gate: &Gate, input: &[f32], gradient: &[f32], mean: &[f32], sums: &mut [f32], centred: &mut [f32]) {
    let width = sums.len();
    let (scale, shift, mean, centred) =
        (&gate.scale[..width], &gate.shift[..width], &mean[..width], &mut centred[..width]);
    for (input, gradient) in input.chunks_exact(width).zip(gradient.chunks_exact(width)) {
        for column in 0..width {
            let (value, gradient) = (input[column], gradient[column]);
            let passed = if scale[column] * value + shift[column] > gate.threshold { gradient } else { 0.0 };
            sums[column] += passed;
            centred[column] += passed * (value - mean[column]);
        }
    }
}

/// `scale * passed gradient - slope * input - offset` for each column.
fn pass_centred(gate: &Gate, input: &[f32], gradient: &[f32], slope: &[f32], offset: &[f32], out: &mut [f32]) {
    let width = slope.len();
    let (scale, shift, offset) = (&gate.scale[..width], &gate.shift[..width], &offset[..width]);
    let rows = input.chunks_exact(width).zip(gradient.chunks_exact(width));
    for (out, (input, gradient)) in out.chunks_exact_mut(width).zip(rows) {
        for column in 0..width {
            let (value, gradient) = (input[column], gradient[column]);
            let passed = if scale[column] * value + shift[column] > gate.threshold { gradient } else { 0.0 };
            out[column] = scale[column] * passed - slope[column] * value - offset[column];
        }
    }
}

/// Maximum over windows: `input` [recordings, samples_in, leads_in, channels] to `out` [recordings, samples_out,
/// leads_out, channels].
pub fn max_pool(input: &[f32], geometry: &PoolGeometry, out: &mut [f32]) {
    let (size_in, width) = (geometry.samples_in * geometry.width_in(), geometry.width_out());
    let at_a_time = parallel::share(geometry.samples_out, chunk_rows(width));
    parallel::chunks(out, geometry.samples_out * width, |recording, out| {
        let input = &input[recording * size_in..(recording + 1) * size_in];
        parallel::chunks(out, at_a_time * width, |chunk, out| {
            instructions::run(Highest { input, geometry, first: chunk * at_a_time * geometry.leads_out, out });
        });
    });
}

/// The maxima at the output positions (sample x lead) from `first`.
struct Highest<'a> {
    input: &'a [f32],
    geometry: &'a PoolGeometry,
    first: usize,
    out: &'a mut [f32],
}

impl Work for Highest<'_> {
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let channels = self.geometry.channels;
        for (position, out) in (self.first..).zip(self.out.chunks_exact_mut(channels)) {
            for (out, channel) in out.chunks_mut(WIDTH).zip((0..).step_by(WIDTH)) {
                let mut highest = I::splat(f32::NEG_INFINITY);
                for_each_in_window(self.geometry, position, |start| {
                    let values = I::load(&self.input[start + channel..][..out.len()]);
                    highest = I::larger(values, highest);
                });
                I::store(highest, out);
            }
        }
    }
}

/// The mean of each channel over all `positions` of a recording, or its highest value.
pub fn global_pool(input: &[f32], positions: usize, channels: usize, average: bool, out: &mut [f32]) {
    parallel::chunks(out, channels, |recording, out| {
        let input = &input[recording * positions * channels..][..positions * channels];
        out.fill(if average { 0.0 } else { f32::NEG_INFINITY });
        for values in input.chunks_exact(channels) {
            for (out, value) in out.iter_mut().zip(values) {
                *out = if average { *out + value } else { out.max(*value) };
            }
        }
        if average {
            out.iter_mut().for_each(|out| *out /= positions as f32);
        }
    });
}

/// Rows of the two widths side by side.
pub fn concatenate(first: &[f32], second: &[f32], widths: [usize; 2], out: &mut [f32]) {
    let rows = first.chunks_exact(widths[0]).zip(second.chunks_exact(widths[1]));
    for (out, (first, second)) in out.chunks_exact_mut(widths[0] + widths[1]).zip(rows) {
        let (left, right) = out.split_at_mut(widths[0]);
        left.copy_from_slice(first);
        right.copy_from_slice(second);
    }
}

/// The gradient of [`max_pool`]: each output's gradient goes to the first input of its window that equals it.
pub fn max_pool_gradient(
    input: &[f32],
    output: &[f32],
    gradient: &[f32],
    geometry: &PoolGeometry,
    input_gradient: &mut [f32],
) {
    let (width_in, width_out, channels) = (geometry.width_in(), geometry.width_out(), geometry.channels);
    parallel::chunks(input_gradient, geometry.samples_in * width_in, |recording, input_gradient| {
        input_gradient.fill(0.0);
        let input = &input[recording * geometry.samples_in * width_in..][..geometry.samples_in * width_in];
        let range = recording * geometry.samples_out * width_out..(recording + 1) * geometry.samples_out * width_out;
        let mut left = vec![0.0; channels];
        let outputs = output[range.clone()].chunks_exact(channels).zip(gradient[range].chunks_exact(channels));
        for (position, (output, gradient)) in outputs.enumerate() {
            left.copy_from_slice(gradient);
            for_each_in_window(geometry, position, |start| {
                let values = &input[start..start + channels];
                let to = &mut input_gradient[start..start + channels];
                for (((to, value), output), left) in to.iter_mut().zip(values).zip(output).zip(&mut left) {
                    let given = if value == output { *left } else { 0.0 };
                    *to += given;
                    *left -= given;
                }
            });
        }
    });
}

/// Calls `visit` with the start of each run of channels under the window of an output position (sample x lead).
#[inline(always)]
fn for_each_in_window(geometry: &PoolGeometry, position: usize, mut visit: impl FnMut(usize)) {
    let (sample, lead) = (position / geometry.leads_out, position % geometry.leads_out);
    for sample in geometry.sample_window(sample) {
        for lead in geometry.lead_window(lead) {
            visit((sample * geometry.leads_in + lead) * geometry.channels);
        }
    }
}
