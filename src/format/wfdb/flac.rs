//! Signal files compressed with FLAC: formats 508, 516 and 524, in which each signal is a channel.

use claxon::FlacReader;

/// What the first block of metadata says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StreamInfo {
    pub channels: u64,
    pub bits: u32,
    /// Samples of each channel; `None` where the encoder did not know it.
    pub samples: Option<u64>,
}

impl StreamInfo {
    /// The signature, the head of the first block and that block, in bytes.
    pub const SIZE: u64 = 42;

    /// Reads the beginning of a file; `None` where it is no FLAC file.
    pub fn parse(bytes: &[u8]) -> Option<StreamInfo> {
        let stream_info_first = bytes.starts_with(b"fLaC") && bytes.get(4)? & 0x7f == 0;
        // 20 bits of the sampling rate, 3 of the channels less one, 5 of the resolution less one, 36 of the length.
        let packed = u64::from_be_bytes(*bytes.get(18..26)?.first_chunk()?);
        let samples = packed & ((1 << 36) - 1);
        stream_info_first.then_some(StreamInfo {
            channels: (packed >> 41 & 7) + 1,
            bits: (packed >> 36 & 31) as u32 + 1,
            samples: (samples > 0).then_some(samples),
        })
    }
}

/// A few bytes can stand for 65,535 equal samples: more numbers than this for a file of so many bytes are refused.
fn most_numbers(bytes: usize) -> u64 {
    (bytes as u64).saturating_mul(32).saturating_add(1 << 20)
}

/// The numbers of all channels by turns, from sample `skipped` on, until so many samples of each channel are there or
/// the file ends.
pub(super) fn decode(bytes: &[u8], skipped: u64, samples: u64) -> Result<Vec<i32>, String> {
    let mut reader = FlacReader::new(bytes).map_err(|error| error.to_string())?;
    let mut numbers = Vec::new();
    let (mut position, end) = (0u64, skipped.saturating_add(samples));
    let mut buffer = Vec::new();
    let mut blocks = reader.blocks();
    while position < end {
        let Some(block) = blocks.read_next_or_eof(buffer).map_err(|error| error.to_string())? else { break };
        let first = u32::try_from(skipped.saturating_sub(position)).unwrap_or(u32::MAX);
        let last = u32::try_from(end - position).unwrap_or(u32::MAX).min(block.duration());
        for sample in first..last {
            numbers.extend((0..block.channels()).map(|channel| block.sample(channel, sample)));
        }
        position += u64::from(block.duration());
        // What is skipped takes time too.
        if position.saturating_mul(block.channels().into()) > most_numbers(bytes.len()) {
            return Err("it unpacks to far more than an ECG of its size".to_owned());
        }
        buffer = block.into_buffer();
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_says_channels_resolution_and_length() {
        let mut bytes = [b"fLaC\x80\0\0\x22".as_slice(), &[0; 34]].concat();
        let packed = 96_000u64 << 44 | 7 << 41 | 15 << 36 | 5000;
        bytes[18..26].copy_from_slice(&packed.to_be_bytes());
        let expected = StreamInfo { channels: 8, bits: 16, samples: Some(5000) };
        assert_eq!(StreamInfo::parse(&bytes), Some(expected));
        bytes[22..26].fill(0);
        assert_eq!(StreamInfo::parse(&bytes), Some(StreamInfo { samples: None, ..expected }));
        bytes[4] = 1;
        assert_eq!(StreamInfo::parse(&bytes), None);
        assert_eq!(StreamInfo::parse(b"fLaC"), None);
        assert!(decode(b"fLaC", 0, 1).is_err());
    }
}
