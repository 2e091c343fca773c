//! Loops over vectors, compiled for each set of instructions that processors of a kind may have; which of them runs is
//! decided by the processor that is there.
//!
//! The vectors have the same number of values everywhere, however many registers that takes, so that what is laid out for
//! them is laid out in one way.

/// Values of a vector.
pub const WIDTH: usize = if cfg!(target_arch = "wasm32") { 8 } else { 16 };

/// Where one ends, another cache line begins.
#[derive(Debug, Clone, Copy, PartialEq)]
// No more than its values are long, lest half of it be nothing.
#[cfg_attr(target_arch = "wasm32", repr(align(32)))]
#[cfg_attr(not(target_arch = "wasm32"), repr(align(64)))]
pub struct Aligned(pub [f32; WIDTH]);

const _: () = assert!(size_of::<Aligned>() == size_of::<[f32; WIDTH]>());

/// Vectors of [`WIDTH`] values and what instructions do with them.
pub trait Instructions {
    type Vector: Copy;

    /// Vectors which stay in registers besides some others: an even number, at most 12.
    const KEPT: usize;

    /// Does the work in a function of its own, which is compiled for these instructions.
    fn run(work: impl Work);

    /// A vector of one value.
    fn splat(value: f32) -> Self::Vector;

    fn from_array(values: &[f32; WIDTH]) -> Self::Vector;

    fn to_array(vector: Self::Vector) -> [f32; WIDTH];

    fn add(left: Self::Vector, right: Self::Vector) -> Self::Vector;

    fn multiply(left: Self::Vector, right: Self::Vector) -> Self::Vector;

    /// `sum + left * right`, rounded once or twice.
    fn multiply_add(left: Self::Vector, right: Self::Vector, sum: Self::Vector) -> Self::Vector;

    /// The larger values, those of `right` where one is not a number.
    fn larger(left: Self::Vector, right: Self::Vector) -> Self::Vector;

    /// The first values, and zeros where they are fewer than a vector's.
    #[inline(always)]
    fn load(values: &[f32]) -> Self::Vector {
        match values.first_chunk() {
            Some(values) => Self::from_array(values),
            None => {
                let mut whole = [0.0; WIDTH];
                whole[..values.len()].copy_from_slice(values);
                Self::from_array(&whole)
            }
        }
    }

    /// Puts as many values as there is room for.
    #[inline(always)]
    fn store(vector: Self::Vector, out: &mut [f32]) {
        match out.first_chunk_mut() {
            Some(out) => *out = Self::to_array(vector),
            None => out.copy_from_slice(&Self::to_array(vector)[..out.len()]),
        }
    }
}

/// Loops to be compiled for each set of instructions.
pub trait Work {
    /// To be inlined, and all that it calls: only then it is compiled for `I`.
    fn run<I: Instructions>(self);
}

/// Does the work with the widest instructions that the processor has.
pub fn run(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return x86_64::Avx512::run(work);
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return x86_64::Avx2::run(work);
        }
    }
    Baseline::run(work);
}

/// Integers as floats.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
pub fn from_integers(integers: &[i8; WIDTH]) -> [f32; WIDTH] {
    integers.map(f32::from)
}

/// Integers as floats. Of the plain loop the compiler makes one instruction after the other here.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
pub fn from_integers(integers: &[i8; WIDTH]) -> [f32; WIDTH] {
    use std::arch::wasm32::*;
    let integers = i64x2_splat(i64::from_le_bytes(integers.map(i8::cast_unsigned)));
    let integers = i16x8_extend_low_i8x16(integers);
    let first = f32x4_convert_i32x4(i32x4_extend_low_i16x8(integers));
    let second = f32x4_convert_i32x4(i32x4_extend_high_i16x8(integers));
    [
        f32x4_extract_lane::<0>(first),
        f32x4_extract_lane::<1>(first),
        f32x4_extract_lane::<2>(first),
        f32x4_extract_lane::<3>(first),
        f32x4_extract_lane::<0>(second),
        f32x4_extract_lane::<1>(second),
        f32x4_extract_lane::<2>(second),
        f32x4_extract_lane::<3>(second),
    ]
}

/// What every processor has that the program is compiled for.
struct Baseline;

/// Whether this includes a multiplication with an addition.
const FUSED: bool = cfg!(target_arch = "aarch64");

// The compiler makes vectors of these loops.
impl Instructions for Baseline {
    type Vector = [f32; WIDTH];

    // Of 4 values each, a 64-bit ARM has 32 registers, an x86 16.
    const KEPT: usize = match () {
        () if cfg!(target_arch = "aarch64") => 6,
        () if cfg!(target_arch = "wasm32") => 4,
        () => 2,
    };

    // Compiled for these instructions anyway.
    #[inline(always)]
    fn run(work: impl Work) {
        work.run::<Self>();
    }

    #[inline(always)]
    fn splat(value: f32) -> Self::Vector {
        [value; WIDTH]
    }

    #[inline(always)]
    fn from_array(values: &[f32; WIDTH]) -> Self::Vector {
        *values
    }

    #[inline(always)]
    fn to_array(vector: Self::Vector) -> [f32; WIDTH] {
        vector
    }

    #[inline(always)]
    fn add(mut left: Self::Vector, right: Self::Vector) -> Self::Vector {
        for (left, right) in left.iter_mut().zip(right) {
            *left += right;
        }
        left
    }

    #[inline(always)]
    fn multiply(mut left: Self::Vector, right: Self::Vector) -> Self::Vector {
        for (left, right) in left.iter_mut().zip(right) {
            *left *= right;
        }
        left
    }

    #[inline(always)]
    fn multiply_add(left: Self::Vector, right: Self::Vector, mut sum: Self::Vector) -> Self::Vector {
        for ((sum, left), right) in sum.iter_mut().zip(left).zip(right) {
            *sum = if FUSED { left.mul_add(right, *sum) } else { *sum + left * right };
        }
        sum
    }

    #[inline(always)]
    fn larger(mut left: Self::Vector, right: Self::Vector) -> Self::Vector {
        for (left, right) in left.iter_mut().zip(right) {
            *left = super::larger(*left, right);
        }
        left
    }
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use super::{Instructions, WIDTH, Work};
    use std::arch::x86_64::*;

    /// 16 registers of 8 values. To be used only where the processor has them, which [`super::run`] sees to.
    pub struct Avx2;

    impl Instructions for Avx2 {
        type Vector = [__m256; 2];

        const KEPT: usize = 6;

        fn run(work: impl Work) {
            #[target_feature(enable = "avx2,fma")]
            #[inline(never)]
            fn compiled(work: impl Work) {
                work.run::<Avx2>();
            }
            // SAFETY: the processor has these instructions, here and below.
            unsafe { compiled(work) }
        }

        #[inline(always)]
        fn splat(value: f32) -> Self::Vector {
            unsafe { [_mm256_set1_ps(value); 2] }
        }

        #[inline(always)]
        fn from_array(values: &[f32; WIDTH]) -> Self::Vector {
            // SAFETY: any numbers make a vector.
            unsafe { std::mem::transmute(*values) }
        }

        #[inline(always)]
        fn to_array(vector: Self::Vector) -> [f32; WIDTH] {
            // SAFETY: any vector makes numbers.
            unsafe { std::mem::transmute(vector) }
        }

        #[inline(always)]
        fn add(left: Self::Vector, right: Self::Vector) -> Self::Vector {
            unsafe { [_mm256_add_ps(left[0], right[0]), _mm256_add_ps(left[1], right[1])] }
        }

        #[inline(always)]
        fn multiply(left: Self::Vector, right: Self::Vector) -> Self::Vector {
            unsafe { [_mm256_mul_ps(left[0], right[0]), _mm256_mul_ps(left[1], right[1])] }
        }

        #[inline(always)]
        fn multiply_add(left: Self::Vector, right: Self::Vector, sum: Self::Vector) -> Self::Vector {
            unsafe { [_mm256_fmadd_ps(left[0], right[0], sum[0]), _mm256_fmadd_ps(left[1], right[1], sum[1])] }
        }

        #[inline(always)]
        fn larger(left: Self::Vector, right: Self::Vector) -> Self::Vector {
            unsafe { [_mm256_max_ps(left[0], right[0]), _mm256_max_ps(left[1], right[1])] }
        }
    }

    /// 32 registers of 16 values. To be used only where the processor has them, which [`super::run`] sees to.
    pub struct Avx512;

    impl Instructions for Avx512 {
        type Vector = __m512;

        const KEPT: usize = 12;

        fn run(work: impl Work) {
            #[target_feature(enable = "avx512f")]
            #[inline(never)]
            fn compiled(work: impl Work) {
                work.run::<Avx512>();
            }
            // SAFETY: the processor has these instructions, here and below.
            unsafe { compiled(work) }
        }

        #[inline(always)]
        fn splat(value: f32) -> Self::Vector {
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        fn from_array(values: &[f32; WIDTH]) -> Self::Vector {
            // SAFETY: any numbers make a vector.
            unsafe { std::mem::transmute(*values) }
        }

        #[inline(always)]
        fn to_array(vector: Self::Vector) -> [f32; WIDTH] {
            // SAFETY: any vector makes numbers.
            unsafe { std::mem::transmute(vector) }
        }

        #[inline(always)]
        fn add(left: Self::Vector, right: Self::Vector) -> Self::Vector {
            unsafe { _mm512_add_ps(left, right) }
        }

        #[inline(always)]
        fn multiply(left: Self::Vector, right: Self::Vector) -> Self::Vector {
            unsafe { _mm512_mul_ps(left, right) }
        }

        #[inline(always)]
        fn multiply_add(left: Self::Vector, right: Self::Vector, sum: Self::Vector) -> Self::Vector {
            unsafe { _mm512_fmadd_ps(left, right, sum) }
        }

        #[inline(always)]
        fn larger(left: Self::Vector, right: Self::Vector) -> Self::Vector {
            unsafe { _mm512_max_ps(left, right) }
        }
    }
}
