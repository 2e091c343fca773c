//! NumPy's legacy random numbers, as far as published splits were drawn with them.
//!
//! `numpy.random.RandomState(seed)` is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded with its
//! `init_genrand`. NumPy keeps this stream unchanged for good (NEP 19), so that a split can be drawn again exactly.

use rand_mt::Mt;

/// `numpy.random.RandomState` with an integer seed.
pub struct LegacyRandom {
    generator: Mt,
}

impl LegacyRandom {
    pub fn new(seed: u32) -> LegacyRandom {
        LegacyRandom { generator: Mt::new(seed) }
    }

    /// `RandomState.permutation(length)`: the numbers below `length` in random order (Fisher-Yates from the end).
    pub fn permutation(&mut self, length: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..length).collect();
        for last in (1..length).rev() {
            numbers.swap(last, self.up_to(last));
        }
        numbers
    }

    /// `RandomState.choice(length, size, replace=False)`: the first `size` numbers of a permutation.
    pub fn choice(&mut self, length: usize, size: usize) -> Vec<usize> {
        let mut numbers = self.permutation(length);
        numbers.truncate(size);
        numbers
    }

    /// A number from 0 to `greatest`, both included: NumPy's `random_interval`, which masks and rejects.
    fn up_to(&mut self, greatest: usize) -> usize {
        let greatest = greatest as u64;
        let mask = u64::MAX.checked_shr(greatest.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = if greatest <= u64::from(u32::MAX) {
                u64::from(self.generator.next_u32())
            } else {
                u64::from(self.generator.next_u32()) << 32 | u64::from(self.generator.next_u32())
            };
            let masked = drawn & mask;
            if masked <= greatest {
                return masked as usize;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// Drawn with NumPy: `numpy.random.RandomState(seed).permutation(length)`.
    #[test]
    fn permutations_are_those_of_numpy() {
        let cases: [(u32, &[usize]); 5] = [
            (1, &[3, 16, 6, 10, 2, 14, 4, 17, 7, 1, 13, 0, 19, 18, 9, 15, 8, 12, 11, 5]),
            (42, &[0, 1, 5, 15, 11, 14, 8, 13, 2, 9, 16, 4, 7, 10, 12, 3, 6]),
            (
                u32::MAX,
                &[
                    24, 15, 19, 3, 21, 2, 28, 30, 1, 6, 8, 31, 27, 4, 32, 16, 17, 9, 5, 14, 13, 10, 23, 11, 18, 29, 25,
                    26, 22, 0, 20, 7, 12,
                ],
            ),
            (0, &[2, 1, 0]),
            (1, &[0]),
        ];
        for (seed, expected) in cases {
            assert_eq!(LegacyRandom::new(seed).permutation(expected.len()), expected, "seed {seed}");
        }
        assert!(LegacyRandom::new(1).permutation(0).is_empty());
    }

    #[test]
    fn the_stream_goes_on_as_in_numpy() {
        let mut random = LegacyRandom::new(1);
        assert_eq!(random.permutation(10), [2, 9, 6, 4, 0, 3, 1, 7, 8, 5]);
        assert_eq!(random.permutation(5), [3, 0, 1, 2, 4]);
        let next: Vec<u32> = (0..3).map(|_| random.generator.next_u32()).collect();
        assert_eq!(next, [3_634_877_716, 1_800_426_750, 1_345_499_493]);
    }

    #[test]
    fn long_permutations_use_more_than_16_bits() {
        let numbers = LegacyRandom::new(1).permutation(70_000);
        let text = numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let sum: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sum, "053fd578047601d8fe039c85e30b217d5a8570102d68ad7c28311aa38495187f");
    }

    #[test]
    fn choices_are_the_beginning_of_a_permutation() {
        assert_eq!(LegacyRandom::new(5).choice(12, 5), [7, 5, 2, 9, 11]);
    }
}
