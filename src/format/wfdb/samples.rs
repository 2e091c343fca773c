//! How the numbers of a WFDB signal file are stored: the formats of signal(5).

/// A storage format. The numbers of all signals of a file follow each other without gaps, frame by frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Storage {
    /// Format 8: each number is the difference to the one before, 8 bits, two's complement.
    Difference8,
    /// Format 16: 16 bits, two's complement, least significant byte first.
    Signed16,
    /// Format 24: 24 bits, two's complement, least significant byte first.
    Signed24,
    /// Format 32: 32 bits, two's complement, least significant byte first.
    Signed32,
    /// Format 61: 16 bits, two's complement, most significant byte first.
    Signed16BigEndian,
    /// Format 80: 8 bits, 128 added.
    Offset8,
    /// Format 160: 16 bits, 32,768 added, least significant byte first.
    Offset16,
    /// Format 212: two 12-bit numbers in three bytes.
    Packed12,
    /// Format 310: three 10-bit numbers in two 16-bit words, whose lowest bit is not used.
    Packed10Words,
    /// Format 311: three 10-bit numbers in one 32-bit word, whose two highest bits are not used.
    Packed10,
    /// Formats 508, 516 and 524: compressed with FLAC, up to so many bits.
    Flac { bits: u32 },
}

impl Storage {
    /// The format with this number in the header.
    pub fn from_number(number: u32) -> Option<Storage> {
        Some(match number {
            8 => Storage::Difference8,
            16 => Storage::Signed16,
            24 => Storage::Signed24,
            32 => Storage::Signed32,
            61 => Storage::Signed16BigEndian,
            80 => Storage::Offset8,
            160 => Storage::Offset16,
            212 => Storage::Packed12,
            310 => Storage::Packed10Words,
            311 => Storage::Packed10,
            508 | 516 | 524 => Storage::Flac { bits: number - 500 },
            _ => return None,
        })
    }

    /// The number that marks a missing sample: the smallest one of the format.
    pub fn missing(self) -> Option<i32> {
        match self {
            Storage::Difference8 => None,
            Storage::Signed16 | Storage::Signed16BigEndian | Storage::Offset16 => Some(-(1 << 15)),
            Storage::Signed24 => Some(-(1 << 23)),
            Storage::Signed32 => Some(i32::MIN),
            Storage::Offset8 => Some(-(1 << 7)),
            Storage::Packed12 => Some(-(1 << 11)),
            Storage::Packed10Words | Storage::Packed10 => Some(-(1 << 9)),
            Storage::Flac { bits } => Some(-1 << (bits - 1)),
        }
    }

    /// How many bytes `numbers` numbers take, at least; `None` where that is more than a file can have.
    pub fn bytes(self, numbers: u64) -> Option<u64> {
        match self {
            Storage::Difference8 | Storage::Offset8 => Some(numbers),
            Storage::Signed16 | Storage::Signed16BigEndian | Storage::Offset16 => numbers.checked_mul(2),
            Storage::Signed24 => numbers.checked_mul(3),
            Storage::Signed32 => numbers.checked_mul(4),
            Storage::Packed12 => (numbers / 2).checked_mul(3)?.checked_add(numbers % 2 * 2),
            Storage::Packed10Words => (numbers / 3).checked_mul(4)?.checked_add(numbers % 3 * 2),
            // One number ends in the second byte, two end in the third.
            Storage::Packed10 => (numbers / 3).checked_mul(4)?.checked_add([0, 2, 3][(numbers % 3) as usize]),
            // The number is not told by the size.
            Storage::Flac { .. } => Some(0),
        }
    }

    /// How many whole numbers `bytes` bytes hold.
    pub fn numbers(self, bytes: u64) -> u64 {
        match self {
            Storage::Difference8 | Storage::Offset8 => bytes,
            Storage::Signed16 | Storage::Signed16BigEndian | Storage::Offset16 => bytes / 2,
            Storage::Signed24 => bytes / 3,
            Storage::Signed32 => bytes / 4,
            Storage::Packed12 => bytes / 3 * 2 + bytes % 3 / 2,
            Storage::Packed10Words => bytes / 4 * 3 + bytes % 4 / 2,
            Storage::Packed10 => bytes / 4 * 3 + [0, 0, 1, 2][(bytes % 4) as usize],
            Storage::Flac { .. } => 0,
        }
    }

    /// The number at a position of the file as it is stored (a difference in format 8); `None` beyond the end.
    pub fn stored(self, bytes: &[u8], index: usize) -> Option<i32> {
        let at = |start: usize| bytes.get(start).copied();
        let word = |start: usize| Some([at(start)?, at(start.checked_add(1)?)?]);
        match self {
            Storage::Difference8 => at(index).map(|byte| i32::from(byte as i8)),
            Storage::Signed16 => word(index.checked_mul(2)?).map(|pair| i16::from_le_bytes(pair).into()),
            Storage::Signed16BigEndian => word(index.checked_mul(2)?).map(|pair| i16::from_be_bytes(pair).into()),
            Storage::Offset16 => {
                word(index.checked_mul(2)?).map(|pair| i32::from(u16::from_le_bytes(pair)) - (1 << 15))
            }
            Storage::Offset8 => at(index).map(|byte| i32::from(byte) - (1 << 7)),
            Storage::Signed24 => {
                let start = index.checked_mul(3)?;
                let [low, middle] = word(start)?;
                Some(i32::from_le_bytes([0, low, middle, at(start + 2)?]) >> 8)
            }
            Storage::Signed32 => {
                let four = bytes.get(index.checked_mul(4)?..)?.first_chunk::<4>()?;
                Some(i32::from_le_bytes(*four))
            }
            Storage::Packed12 => {
                // Byte 0: low bits of the first; byte 1: high bits of the first, then of the second; byte 2: the rest.
                let start = (index / 2).checked_mul(3)?;
                let shared = i32::from(at(start.checked_add(1)?)?);
                let number = match index % 2 {
                    0 => (shared & 0x0f) << 8 | i32::from(at(start)?),
                    _ => (shared & 0xf0) << 4 | i32::from(at(start.checked_add(2)?)?),
                };
                Some(sign_extended(number, 12))
            }
            Storage::Packed10Words => {
                let start = (index / 3).checked_mul(4)?;
                let value =
                    |offset: usize| word(start.checked_add(offset)?).map(|pair| i32::from(u16::from_le_bytes(pair)));
                let number = match index % 3 {
                    0 => value(0)? >> 1,
                    1 => value(2)? >> 1,
                    _ => value(0)? >> 11 | value(2)? >> 11 << 5,
                };
                Some(sign_extended(number & 0x3ff, 10))
            }
            Storage::Packed10 => {
                // Ten bits begin in the byte `begin` and end in the next one.
                let (begin, shift) = [(0, 0), (1, 2), (2, 4)][index % 3];
                let pair = word((index / 3).checked_mul(4)?.checked_add(begin)?)?;
                Some(sign_extended(i32::from(u16::from_le_bytes(pair)) >> shift & 0x3ff, 10))
            }
            Storage::Flac { .. } => None,
        }
    }
}

fn sign_extended(number: i32, bits: u32) -> i32 {
    number << (32 - bits) >> (32 - bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [u32; 10] = [8, 16, 24, 32, 61, 80, 160, 212, 310, 311];

    fn all() -> impl Iterator<Item = Storage> {
        ALL.into_iter().filter_map(Storage::from_number)
    }

    #[test]
    fn sizes_agree_with_each_other_and_with_what_is_readable() {
        assert_eq!(all().count(), ALL.len());
        for storage in all() {
            for count in 0..50 {
                let bytes = storage.bytes(count).unwrap();
                assert!(storage.numbers(bytes) >= count, "{storage:?}");
                assert!(bytes == 0 || storage.numbers(bytes - 1) < count, "{storage:?}");
                let data = vec![0x5a; bytes as usize];
                let readable = (0..60).take_while(|&index| storage.stored(&data, index).is_some()).count() as u64;
                assert!(readable >= count, "{storage:?}: {readable} of {count}");
            }
            assert_eq!(storage.stored(&[1, 2, 3, 4], usize::MAX), None);
        }
        assert_eq!(Storage::Signed32.bytes(u64::MAX), None);
    }

    /// What the reference library in Python (wfdb 4.3.1) reads from the same bytes.
    #[test]
    fn numbers_agree_with_the_python_library() {
        let bytes: Vec<u8> = (0..24u32).map(|i| (i * 73 + 41) as u8 ^ (i * i) as u8).collect();
        for (number, expected) in PYTHON {
            let storage = Storage::from_number(*number).unwrap();
            let mut bytes = bytes.clone();
            if storage == Storage::Packed10 {
                // The two unused bits: the Python library takes one of them for a part of the number.
                bytes.iter_mut().skip(3).step_by(4).for_each(|byte| *byte &= 0x3f);
            }
            let numbers: Vec<i32> = (0..expected.len()).filter_map(|index| storage.stored(&bytes, index)).collect();
            assert_eq!(&numbers, expected, "format {number}");
        }
    }

    const PYTHON: &[(u32, &[i32])] = &[
        (16, &[29481, 3519, -28835, 6651, -5327, 13671, 30469, -28189, 9145, -753, -24755, -22133]),
        (24, &[-4230359, -7381747, 3217915, 3500011, -1870075, 2341265, 5111055, -5665889]),
        (32, &[230650665, 435916637, 896002865, -1847363835, -49339463, -1450467507]),
        (61, &[10611, -16627, 23951, -1255, 12779, 26421, 1399, -7279, -18141, 4093, 19871, -29783]),
        (80, &[-87, -13, 63, -115, -35, 15, 123, -103, -79, 107, -25, -75, -123, -9, 99, 17, 57, -93, -113, 125]),
        (160, &[-3287, -29249, 3933, -26117, 27441, -19097, -2299, 4579, -23623, 32015, 8013, 10635]),
        (212, &[809, 1983, -755, 1423, -1541, 305, 2027, 1589, 1797, 2019, -1647, -1245, -753, -179, -1121, -1879]),
        (310, &[404, -289, 46, -82, 253, 113, 408, -333, 221, -126, 241, -434, 476, -377, -28, -90, 197, -333]),
        (311, &[-215, -36, 219, -163, -285, 415, -207, 506, -170, -251, 221, 286, -71, -56, -48, -179, -281, -360]),
    ];
}
