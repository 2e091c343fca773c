//! Numbers as binary formats store them: NumPy, HDF5, MATLAB and DICOM.

/// How one number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub kind: Kind,
    /// In bytes.
    pub size: usize,
    pub big_endian: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// IEEE 754 floating point.
    Float,
    /// Two's complement.
    Signed,
    Unsigned,
}

impl Number {
    /// A number of this kind and size in bytes, if there is such a one.
    pub fn new(kind: Kind, size: usize, big_endian: bool) -> Option<Number> {
        let known = match kind {
            Kind::Float => matches!(size, 2 | 4 | 8),
            Kind::Signed | Kind::Unsigned => matches!(size, 1 | 2 | 4 | 8),
        };
        known.then_some(Number { kind, size, big_endian })
    }

    /// The number at a position of the array, counted in numbers; `None` beyond the end.
    pub fn read(self, bytes: &[u8], index: usize) -> Option<f64> {
        let start = index.checked_mul(self.size)?;
        let stored = bytes.get(start..start.checked_add(self.size)?)?;
        // The number in the low bytes, least significant first.
        let mut low = [0; 8];
        low[..self.size].copy_from_slice(stored);
        if self.big_endian {
            low[..self.size].reverse();
        }
        let bits = u64::from_le_bytes(low);
        let unused = 64 - 8 * self.size as u32;
        Some(match (self.kind, self.size) {
            (Kind::Float, 2) => half::f16::from_bits(bits as u16).to_f64(),
            (Kind::Float, 4) => f32::from_bits(bits as u32).into(),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Signed, _) => (((bits << unused) as i64) >> unused) as f64,
            (Kind::Unsigned, _) => bits as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_in_both_byte_orders() {
        let cases: [(Kind, Vec<u8>, f64); 10] = [
            (Kind::Float, half::f16::from_f64(-1.5).to_le_bytes().to_vec(), -1.5),
            (Kind::Float, (-2.25f32).to_le_bytes().to_vec(), -2.25),
            (Kind::Float, 1e-300f64.to_le_bytes().to_vec(), 1e-300),
            (Kind::Signed, (-7i8).to_le_bytes().to_vec(), -7.0),
            (Kind::Signed, (-30_000i16).to_le_bytes().to_vec(), -30_000.0),
            (Kind::Signed, i32::MIN.to_le_bytes().to_vec(), f64::from(i32::MIN)),
            (Kind::Signed, (-5i64).to_le_bytes().to_vec(), -5.0),
            (Kind::Unsigned, 200u8.to_le_bytes().to_vec(), 200.0),
            (Kind::Unsigned, 60_000u16.to_le_bytes().to_vec(), 60_000.0),
            (Kind::Unsigned, u32::MAX.to_le_bytes().to_vec(), f64::from(u32::MAX)),
        ];
        for (kind, little, expected) in cases {
            let read = |bytes: &[u8], big_endian| {
                let mut twice = vec![0; bytes.len()];
                twice.extend(bytes);
                Number::new(kind, bytes.len(), big_endian).unwrap().read(&twice, 1)
            };
            let big: Vec<u8> = little.iter().rev().copied().collect();
            assert_eq!(read(&little, false), Some(expected));
            assert_eq!(read(&big, true), Some(expected));
        }
        let number = Number::new(Kind::Float, 8, false).unwrap();
        assert_eq!(number.read(&[0; 15], 1), None);
        assert_eq!(number.read(&[0; 15], usize::MAX), None);
        assert_eq!(Number::new(Kind::Float, 1, false), None);
        assert_eq!(Number::new(Kind::Signed, 16, false), None);
    }
}
