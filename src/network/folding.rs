//! A two-dimensional convolution over samples and leads as a convolution along time.
//!
//! The lead axis of these networks is short (12, 6, 3, 2, 1) and SAME padding makes most columns of a wide kernel meet
//! nothing but zeros. Two steps, both exact:
//!
//! 1. Only *live* columns, those that meet a lead at some output position, are kept as parameters.
//! 2. The live kernel becomes a block-Toeplitz matrix from all leads and channels of the samples under the kernel to all
//!    leads and channels of one output sample: block (lead in, lead out) is the kernel column that joins the two.

use super::numbers::Numbers;
use super::operation::same_padding;
use burn::tensor::{Int, Tensor};

/// How a kernel of `taps` samples and some leads folds over `leads_in` leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Folding {
    pub taps: usize,
    pub leads_in: usize,
    pub leads_out: usize,
    pub channels_in: usize,
    pub channels_out: usize,
    /// Columns of the published kernel.
    pub columns: usize,
    /// The live ones among them, ascending.
    pub live: Vec<usize>,
    /// For each lead in and lead out the position in `live` of the column that joins them, or `live.len()` for none.
    blocks: Vec<usize>,
}

impl Folding {
    /// A kernel of `kernel` (samples, leads) moved over `leads_in` leads by `stride` leads.
    pub fn new(
        kernel: (usize, usize),
        stride: usize,
        leads_in: usize,
        channels_in: usize,
        channels_out: usize,
    ) -> Self {
        let (taps, columns) = kernel;
        let (leads_out, padding) = same_padding(leads_in, columns, stride);
        let column = |lead_in: usize, lead_out: usize| (lead_in + padding).checked_sub(lead_out * stride);
        let joins = |wanted: usize| {
            (0..leads_in).any(|lead_in| (0..leads_out).any(|lead_out| column(lead_in, lead_out) == Some(wanted)))
        };
        let live: Vec<usize> = (0..columns).filter(|column| joins(*column)).collect();
        let position = |lead_in, lead_out| {
            let column = column(lead_in, lead_out)?;
            live.iter().position(|live| *live == column)
        };
        let blocks = (0..leads_in)
            .flat_map(|lead_in| (0..leads_out).map(move |lead_out| (lead_in, lead_out)))
            .map(|(lead_in, lead_out)| position(lead_in, lead_out).unwrap_or(live.len()))
            .collect();
        Self { taps, leads_in, leads_out, channels_in, channels_out, columns, live, blocks }
    }

    /// Number of values of the live kernel, [taps, live columns, channels in, channels out].
    pub fn live_values(&self) -> usize {
        self.taps * self.live.len() * self.channels_in * self.channels_out
    }

    /// The shape of the live kernel.
    pub fn live_shape(&self) -> [usize; 4] {
        [self.taps, self.live.len(), self.channels_in, self.channels_out]
    }

    /// The matrix `[taps x leads in x channels in, leads out x channels out]` of the live kernel's values.
    pub fn matrix(&self, kernel: Tensor<1>) -> Tensor<2> {
        let block = self.channels_in * self.channels_out;
        let shape = [self.taps * self.leads_in * self.channels_in, self.leads_out * self.channels_out];
        if self.leads_in == 1 && self.leads_out == 1 {
            return kernel.reshape(shape);
        }
        let device = kernel.device();
        let mut columns = kernel.reshape([self.taps, self.live.len(), block]);
        if self.blocks.contains(&self.live.len()) {
            columns = Tensor::cat(vec![columns, Tensor::zeros([self.taps, 1, block], &device)], 1);
        }
        let index: Vec<i32> = self.blocks.iter().map(|position| *position as i32).collect();
        let index = Tensor::<1, Int>::from_ints(index.as_slice(), &device);
        columns
            .select(1, index)
            .reshape([self.taps, self.leads_in, self.leads_out, self.channels_in, self.channels_out])
            .swap_dims(2, 3)
            .reshape(shape)
    }

    /// One value for each channel, for all leads out.
    pub fn repeat(&self, channels: Tensor<1>) -> Tensor<1> {
        channels.repeat_dim(0, self.leads_out)
    }

    /// [`Folding::matrix`] of numbers that are not differentiated.
    pub fn unfolded(&self, kernel: Numbers) -> Numbers {
        if self.leads_in == 1 && self.leads_out == 1 {
            return kernel;
        }
        match kernel {
            Numbers::Bits32(values) => Numbers::Bits32(self.matrix_values(&values)),
            Numbers::Bits16(values) => Numbers::Bits16(self.matrix_values(&values)),
            Numbers::Bits8 { integers, steps } => {
                Numbers::Bits8 { integers: self.matrix_values(&integers), steps: steps.repeat(self.leads_out) }
            }
        }
    }

    fn matrix_values<T: Copy + Default>(&self, kernel: &[T]) -> Vec<T> {
        let Folding { taps, leads_in, leads_out, channels_in, channels_out, .. } = *self;
        let mut matrix = vec![T::default(); taps * leads_in * channels_in * leads_out * channels_out];
        for (row, values) in matrix.chunks_exact_mut(leads_out * channels_out).enumerate() {
            let (tap, lead_in, channel_in) =
                (row / (leads_in * channels_in), row / channels_in % leads_in, row % channels_in);
            for (lead_out, values) in values.chunks_exact_mut(channels_out).enumerate() {
                let column = self.blocks[lead_in * leads_out + lead_out];
                if column < self.live.len() {
                    let start = ((tap * self.live.len() + column) * channels_in + channel_in) * channels_out;
                    values.copy_from_slice(&kernel[start..start + channels_out]);
                }
            }
        }
        matrix
    }

    /// The live columns of a published kernel [taps, columns, channels in, channels out].
    pub fn keep_live(&self, published: &[f32]) -> Vec<f32> {
        let block = self.channels_in * self.channels_out;
        let taps = published.chunks_exact(self.columns * block);
        taps.flat_map(|tap| self.live.iter().flat_map(move |column| &tap[column * block..(column + 1) * block]))
            .copied()
            .collect()
    }

    /// The published kernel of live columns, zeros elsewhere.
    pub fn restore(&self, live: &[f32]) -> Vec<f32> {
        let block = self.channels_in * self.channels_out;
        let mut published = vec![0.0; self.taps * self.columns * block];
        let taps = published.chunks_exact_mut(self.columns * block);
        for (published, live) in taps.zip(live.chunks_exact(self.live.len() * block)) {
            for (column, values) in self.live.iter().zip(live.chunks_exact(block)) {
                published[column * block..(column + 1) * block].copy_from_slice(values);
            }
        }
        published
    }
}
