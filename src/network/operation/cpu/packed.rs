//! A right matrix of products that is held as its file has it, in 8, 16 or 32 bits, and laid out for them panel by panel
//! each time: that takes a fraction of the memory, and little time where many rows are multiplied with a panel.

use super::instructions::{self, Aligned, Instructions, WIDTH, Work, from_integers};
use super::panels::{Panel, Product, ReadyPanel, RightMatrix, count, runs};
use super::{After, Matrix};
use crate::network::numbers::Numbers;
use half::f16;

/// Rows of a panel: those for all points stay in the second cache together with what they are multiplied with.
const DEPTH: usize = 256;

/// Rows of a panel with some that are never used: caches would put the same row of all points in one place.
const ROOM: usize = DEPTH + 2;

/// A matrix whose rows are each combined from so many rows of a weight, in several ways at once.
#[derive(Debug)]
pub struct PackedMatrix {
    /// Rows of the weight that make one row.
    taps: usize,
    inner: usize,
    columns: usize,
    /// Of [`DEPTH`] rows each, and of these the panels.
    blocks: Vec<Vec<PackedPanel>>,
}

/// [`WIDTH`] columns of a block without the rows that are zero in all of them.
#[derive(Debug)]
struct PackedPanel {
    /// Start and number of the rows that are there.
    runs: Vec<(usize, usize)>,
    /// For each row its taps.
    vectors: Vectors,
}

/// Values of a panel; where a tap or a column is missing they are zero.
#[derive(Debug)]
enum Vectors {
    Bits32(Vec<[f32; WIDTH]>),
    Bits16(Vec<[f16; WIDTH]>),
    Bits8 { integers: Vec<[i8; WIDTH]>, steps: [f32; WIDTH] },
}

impl PackedMatrix {
    /// From the numbers of a weight with rows of `columns` values. Row `row` of the matrix is combined from the weight's
    /// rows `source(row, tap)`, of which those beyond its end are zero.
    pub fn new(
        weight: &Numbers,
        columns: usize,
        inner: usize,
        taps: usize,
        source: impl Fn(usize, usize) -> usize,
    ) -> Self {
        let block = |start: usize| {
            let end = inner.min(start + DEPTH);
            let panel = |column| {
                let place = PanelPlace { start, end, taps, columns, column, source: &source };
                match weight {
                    Numbers::Bits32(values) => place.gathered(values, Vectors::Bits32),
                    Numbers::Bits16(values) => place.gathered(values, Vectors::Bits16),
                    Numbers::Bits8 { integers, steps } => {
                        let mut of_panel = [0.0; WIDTH];
                        let width = WIDTH.min(columns - column);
                        of_panel[..width].copy_from_slice(&steps[column..column + width]);
                        place.gathered(integers, |integers| Vectors::Bits8 { integers, steps: of_panel })
                    }
                }
            };
            (0..columns).step_by(WIDTH).map(panel).collect()
        };
        Self { taps, inner, columns, blocks: (0..inner).step_by(DEPTH).map(block).collect() }
    }

    /// For each point the matrix of the rows that its factors combine.
    pub fn unpacked<const TAPS: usize, const POINTS: usize>(
        &self,
        factors: &[[f32; TAPS]; POINTS],
    ) -> [RightMatrix; POINTS] {
        let mut blocks = std::array::from_fn(|_| Vec::with_capacity(self.blocks.len()));
        instructions::run(Unpacking { packed: self, factors, blocks: &mut blocks });
        blocks.map(|blocks| RightMatrix::from_panels(self.inner, self.columns, blocks))
    }

    /// For each point the product of its left matrix with the rows that its factors combine, and what follows it. `left`
    /// and `out` are as many matrices as there are points, one behind the other.
    #[inline(always)]
    pub fn products<I: Instructions, const TAPS: usize, const POINTS: usize>(
        &self,
        factors: &[[f32; TAPS]; POINTS],
        (left, row_stride): (&[f32], usize),
        after: Option<After>,
        out: &mut [f32],
    ) {
        assert!(self.taps == TAPS, "taps");
        let (size_in, size_out) = (left.len() / POINTS, out.len() / POINTS);
        let mut room = [[Aligned([0.0; WIDTH]); ROOM]; POINTS];
        for (number, block) in self.blocks.iter().enumerate() {
            let (add, after) = (number > 0, after.filter(|_| number + 1 == self.blocks.len()));
            for (packed, column) in block.iter().zip((0..).step_by(WIDTH)) {
                let mut unpacked = room.each_mut().map(|rows| &mut rows[..count(&packed.runs)]);
                packed.vectors.unpack::<I, TAPS, POINTS>(factors, &mut unpacked);
                for (point, rows) in unpacked.iter().enumerate() {
                    let product = Product {
                        panel: Panel { runs: &packed.runs, rows },
                        left: Matrix::rows(&left[point * size_in..][..size_in], row_stride),
                        column,
                        columns: self.columns,
                        add,
                        after,
                    };
                    product.run::<I>(&mut out[point * size_out..][..size_out]);
                }
            }
        }
    }
}

/// For each point all blocks of the matrix that its factors combine.
struct Unpacking<'a, const TAPS: usize, const POINTS: usize> {
    packed: &'a PackedMatrix,
    factors: &'a [[f32; TAPS]; POINTS],
    blocks: &'a mut [Vec<Vec<ReadyPanel>>; POINTS],
}

impl<const TAPS: usize, const POINTS: usize> Work for Unpacking<'_, TAPS, POINTS> {
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { packed, factors, blocks } = self;
        for block in &packed.blocks {
            let mut panels: [Vec<ReadyPanel>; POINTS] = std::array::from_fn(|_| Vec::with_capacity(block.len()));
            for PackedPanel { runs, vectors } in block {
                let mut rows: [Vec<Aligned>; POINTS] =
                    std::array::from_fn(|_| vec![Aligned([0.0; WIDTH]); count(runs)]);
                vectors.unpack::<I, TAPS, POINTS>(factors, &mut rows.each_mut().map(Vec::as_mut_slice));
                let ready = rows.map(|rows| ReadyPanel { runs: runs.clone(), rows });
                panels.iter_mut().zip(ready).for_each(|(panels, panel)| panels.push(panel));
            }
            blocks.iter_mut().zip(panels).for_each(|(blocks, panels)| blocks.push(panels));
        }
    }
}

/// Where in a weight a panel's values lie.
struct PanelPlace<'a, S> {
    start: usize,
    end: usize,
    taps: usize,
    columns: usize,
    column: usize,
    source: &'a S,
}

impl<S: Fn(usize, usize) -> usize> PanelPlace<'_, S> {
    fn gathered<T: Copy + Default + PartialEq>(
        &self,
        values: &[T],
        vectors: impl FnOnce(Vec<[T; WIDTH]>) -> Vectors,
    ) -> PackedPanel {
        let width = WIDTH.min(self.columns - self.column);
        let vector = |row: usize, tap: usize| {
            let mut vector = [T::default(); WIDTH];
            let start = (self.source)(row, tap) * self.columns + self.column;
            if let Some(values) = values.get(start..start + width) {
                vector[..width].copy_from_slice(values);
            }
            vector
        };
        let is_zero = |row: usize| (0..self.taps).all(|tap| vector(row, tap) == [T::default(); WIDTH]);
        let runs = runs((self.start..self.end).filter(|row| !is_zero(*row)));
        let mut gathered = Vec::with_capacity(count(&runs) * self.taps);
        let rows = runs.iter().flat_map(|&(start, count)| start..start + count);
        gathered
            .extend(rows.flat_map(|row| (0..self.taps).map(move |tap| (row, tap))).map(|(row, tap)| vector(row, tap)));
        PackedPanel { runs, vectors: vectors(gathered) }
    }
}

impl Vectors {
    /// For each point the rows that its factors combine.
    #[inline(always)]
    fn unpack<I: Instructions, const TAPS: usize, const POINTS: usize>(
        &self,
        factors: &[[f32; TAPS]; POINTS],
        out: &mut [&mut [Aligned]; POINTS],
    ) {
        let mut room = [[Aligned([0.0; WIDTH]); TAPS]; DEPTH];
        let rows = &mut room[..out[0].len()];
        let taps = rows.as_flattened_mut();
        match self {
            Vectors::Bits32(vectors) => {
                taps.iter_mut().zip(vectors).for_each(|(tap, vector)| *tap = Aligned(*vector));
            }
            Vectors::Bits16(vectors) => {
                taps.iter_mut().zip(vectors).for_each(|(tap, vector)| *tap = Aligned(vector.map(single)));
            }
            Vectors::Bits8 { integers, steps } => {
                let steps = I::from_array(steps);
                for (tap, vector) in taps.iter_mut().zip(integers) {
                    let values = I::from_array(&from_integers(vector));
                    *tap = Aligned(I::to_array(I::multiply(values, steps)));
                }
            }
        }
        for (point, (factors, out)) in factors.iter().zip(out).enumerate() {
            // The first point has but the first tap, the last one but the last.
            match point {
                _ if point == POINTS - 1 => scale::<I, TAPS>(rows, TAPS - 1, factors, out),
                0 => scale::<I, TAPS>(rows, 0, factors, out),
                _ => combine::<I, TAPS>(rows, factors, out),
            }
        }
    }
}

/// One of the taps times its factor.
#[inline(always)]
fn scale<I: Instructions, const TAPS: usize>(
    rows: &[[Aligned; TAPS]],
    tap: usize,
    factors: &[f32; TAPS],
    out: &mut [Aligned],
) {
    let factor = I::splat(factors[tap]);
    for (taps, out) in rows.iter().zip(out) {
        *out = Aligned(I::to_array(I::multiply(I::from_array(&taps[tap].0), factor)));
    }
}

/// The sum of the taps, each times its factor.
#[inline(always)]
fn combine<I: Instructions, const TAPS: usize>(rows: &[[Aligned; TAPS]], factors: &[f32; TAPS], out: &mut [Aligned]) {
    let factors = factors.map(I::splat);
    for (taps, out) in rows.iter().zip(out) {
        let mut sum = I::multiply(I::from_array(&taps[0].0), factors[0]);
        for (tap, factor) in taps.iter().zip(factors).skip(1) {
            sum = I::multiply_add(I::from_array(&tap.0), factor, sum);
        }
        *out = Aligned(I::to_array(sum));
    }
}

/// A finite 16-bit float in 32 bits, in instructions that vectors have: its exponent is counted from another number.
#[inline(always)]
fn single(value: f16) -> f32 {
    let bits = i32::from(value.to_bits().cast_signed()) << 13;
    let other_bias = f32::from_bits((127 + 127 - 15) << 23);
    f32::from_bits(bits.cast_unsigned() & 0x8fff_e000) * other_bias
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_16_bit_float_keeps_its_value() {
        for value in (0..=u16::MAX).map(f16::from_bits).filter(|value| value.is_finite()) {
            assert_eq!(single(value).to_bits(), value.to_f32().to_bits(), "{value}");
        }
    }
}
