//! The numbers of a convolution and of a pooling, with TensorFlow's SAME padding worked out.

/// Output length and zeros before the first sample of a window of `size` moved by `stride` over `length` samples, as
/// TensorFlow's SAME padding has it: the output has ceil(length / stride) samples, and of the zeros that this needs the
/// smaller half comes first.
pub fn same_padding(length: usize, size: usize, stride: usize) -> (usize, usize) {
    let output = length.div_ceil(stride);
    let total = ((output - 1) * stride + size).saturating_sub(length);
    (output, total / 2)
}

/// A convolution along time of rows that hold all leads and channels of one sample side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvolutionGeometry {
    pub samples_in: usize,
    pub samples_out: usize,
    /// Values of one sample: leads x channels.
    pub width_in: usize,
    pub width_out: usize,
    /// Length of the kernel in samples.
    pub taps: usize,
    pub stride: usize,
    /// Zeros before the first sample.
    pub padding: usize,
}

impl ConvolutionGeometry {
    /// The SAME-padded convolution of `samples_in` samples.
    pub fn same(samples_in: usize, width_in: usize, width_out: usize, taps: usize, stride: usize) -> Self {
        let (samples_out, padding) = same_padding(samples_in, taps, stride);
        Self { samples_in, samples_out, width_in, width_out, taps, stride, padding }
    }

    /// Values under the kernel at one output sample.
    pub fn row(&self) -> usize {
        self.taps * self.width_in
    }

    /// Multiplications with additions that a recording takes; those of a network are more than 32 bits count.
    pub fn multiplications(&self) -> u64 {
        [self.samples_out, self.row(), self.width_out].map(|count| count as u64).into_iter().product()
    }

    /// The output samples whose kernel lies wholly inside the recording.
    pub fn interior(&self) -> std::ops::Range<usize> {
        let first = self.padding.div_ceil(self.stride);
        let end = match (self.samples_in + self.padding).checked_sub(self.taps) {
            Some(last_start) => last_start / self.stride + 1,
            None => first,
        };
        first.min(self.samples_out)..end.clamp(first.min(self.samples_out), self.samples_out)
    }

    /// The part of the kernel at output sample `sample` that meets the recording, and the input sample it starts at:
    /// `(first tap, first input sample, number of samples)`.
    pub fn overlap(&self, sample: usize) -> (usize, usize, usize) {
        let start = sample * self.stride;
        let first_tap = self.padding.saturating_sub(start);
        let first_sample = (start + first_tap).saturating_sub(self.padding);
        let count = (self.taps - first_tap.min(self.taps)).min(self.samples_in.saturating_sub(first_sample));
        (first_tap, first_sample, count)
    }
}

/// A maximum over windows of samples and leads; padding never wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolGeometry {
    pub samples_in: usize,
    pub leads_in: usize,
    pub channels: usize,
    pub samples_out: usize,
    pub leads_out: usize,
    /// Size of the window in samples and leads.
    pub size: (usize, usize),
    pub stride: (usize, usize),
    /// Positions before the first sample and the first lead.
    pub padding: (usize, usize),
}

impl PoolGeometry {
    /// The SAME-padded pooling of `samples_in` samples of `leads_in` leads.
    pub fn same(
        samples_in: usize,
        leads_in: usize,
        channels: usize,
        size: (usize, usize),
        stride: (usize, usize),
    ) -> Self {
        let (samples_out, padding_samples) = same_padding(samples_in, size.0, stride.0);
        let (leads_out, padding_leads) = same_padding(leads_in, size.1, stride.1);
        let padding = (padding_samples, padding_leads);
        Self { samples_in, leads_in, channels, samples_out, leads_out, size, stride, padding }
    }

    pub fn width_in(&self) -> usize {
        self.leads_in * self.channels
    }

    pub fn width_out(&self) -> usize {
        self.leads_out * self.channels
    }

    /// The input samples under the window of output sample `sample`.
    pub fn sample_window(&self, sample: usize) -> std::ops::Range<usize> {
        window(sample, self.size.0, self.stride.0, self.padding.0, self.samples_in)
    }

    /// The input leads under the window of output lead `lead`.
    pub fn lead_window(&self, lead: usize) -> std::ops::Range<usize> {
        window(lead, self.size.1, self.stride.1, self.padding.1, self.leads_in)
    }
}

fn window(position: usize, size: usize, stride: usize, padding: usize, length: usize) -> std::ops::Range<usize> {
    let start = position * stride;
    start.saturating_sub(padding)..(start + size).saturating_sub(padding).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_follows_tensorflow() {
        // tf.nn.max_pool1d(..., padding="SAME"): total = max((ceil(in / s) - 1) * s + k - in, 0), smaller half first.
        assert_eq!(same_padding(5120, 7, 2), (2560, 2));
        assert_eq!(same_padding(12, 7, 2), (6, 2));
        assert_eq!(same_padding(3, 3, 2), (2, 1));
        assert_eq!(same_padding(1, 3, 1), (1, 1));
        assert_eq!(same_padding(6, 4, 4), (2, 1));
        assert_eq!(same_padding(5120, 16, 1), (5120, 7));
        assert_eq!(same_padding(1, 2, 2), (1, 0));
    }

    #[test]
    fn interior_and_edges_cover_every_output() {
        for samples in [1, 2, 5, 16, 40] {
            for taps in [1, 2, 3, 7, 16] {
                for stride in [1, 2, 4, 5] {
                    let geometry = ConvolutionGeometry::same(samples, 1, 1, taps, stride);
                    let interior = geometry.interior();
                    for output in 0..geometry.samples_out {
                        let (first_tap, first_sample, count) = geometry.overlap(output);
                        let whole = first_tap == 0 && count == taps;
                        assert_eq!(interior.contains(&output), whole, "{geometry:?} at {output}");
                        assert!(first_sample + count <= samples && first_tap + count <= taps, "{geometry:?}");
                    }
                }
            }
        }
    }
}
