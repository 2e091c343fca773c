//! A right matrix of products that is held as its file has it, in 8, 16 or 32 bits, and laid out for them panel by panel
//! each time: that takes a fraction of the memory, and little time where many rows are multiplied with a panel.

use super::instructions::{self, Aligned, Instructions, WIDTH, Work, from_integers};
use super::panels::{Panel, Product, ReadyPanel, RightMatrix, count, runs};
use super::{After, Matrix};
use crate::network::numbers::Numbers;
use half::f16;
use std::ops::Range;

/// Most rows of a panel. Fewer are not faster, though those for all points would stay in smaller caches.
const DEPTH: usize = 512;

/// Rows of a panel with some that are never used: caches would put the same row of all points in one place.
const ROOM: usize = DEPTH + 2;

/// So many rows in as few blocks as can be.
pub fn blocks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(DEPTH).map(move |start| start..rows.min(start + DEPTH))
}

/// A matrix whose rows are each combined from so many rows of a weight, in several ways at once.
#[derive(Debug)]
pub struct PackedMatrix {
    /// Rows of the weight that make one row.
    taps: usize,
    columns: usize,
    blocks: Vec<Block>,
}

/// Some rows that follow each other.
#[derive(Debug)]
struct Block {
    start: usize,
    panels: Vec<PackedPanel>,
}

/// [`WIDTH`] columns of a block without the rows that are zero in all of them.
#[derive(Debug)]
struct PackedPanel {
    /// Start, counted from that of the block, and number of the rows that are there.
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
    /// rows `source(row, tap)`, of which those beyond its end are zero. A block has no more than [`DEPTH`] rows.
    pub fn new(
        weight: &Numbers,
        columns: usize,
        blocks: impl Iterator<Item = Range<usize>>,
        taps: usize,
        source: impl Fn(usize, usize) -> usize,
    ) -> Self {
        debug_assert!(weight.are_finite(), "infinities of 16 bits would become numbers");
        let block = |rows: Range<usize>| {
            assert!(rows.len() <= DEPTH, "rows of a block");
            let panel = |column| {
                let place = PanelPlace { rows: rows.clone(), taps, columns, column, source: &source };
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
            Block { start: rows.start, panels: (0..columns).step_by(WIDTH).map(panel).collect() }
        };
        Self { taps, columns, blocks: blocks.map(block).collect() }
    }

    /// For each point the matrix of the rows that its factors combine.
    pub fn unpacked<const TAPS: usize, const POINTS: usize>(
        &self,
        factors: &[[f32; TAPS]; POINTS],
    ) -> [RightMatrix; POINTS] {
        let mut blocks = std::array::from_fn(|_| Vec::with_capacity(self.blocks.len()));
        instructions::run(Unpacking { packed: self, factors, blocks: &mut blocks });
        blocks.map(|blocks| RightMatrix::from_panels(self.columns, blocks))
    }

    /// Unpacks the panels of a block one after the other, for each point the rows that its factors combine, and hands
    /// them over with the number of the panel.
    #[inline(always)]
    pub fn for_each_panel<I: Instructions, const TAPS: usize, const POINTS: usize>(
        &self,
        block: usize,
        factors: &[[f32; TAPS]; POINTS],
        mut work: impl FnMut(usize, [Panel; POINTS]),
    ) {
        assert!(self.taps == TAPS, "taps");
        let mut room = [[Aligned([0.0; WIDTH]); ROOM]; POINTS];
        for (number, PackedPanel { runs, vectors }) in self.blocks[block].panels.iter().enumerate() {
            let mut unpacked = room.each_mut().map(|rows| &mut rows[..count(runs)]);
            vectors.unpack::<I, TAPS, POINTS>(factors, &mut unpacked);
            work(number, unpacked.map(|rows| Panel { runs, rows }));
        }
    }

    /// `out = left x self` and what follows it, for a matrix with the weight's own rows.
    #[inline(always)]
    pub fn product<I: Instructions>(&self, left: Matrix, after: Option<After>, out: &mut [f32]) {
        for (number, Block { start, .. }) in self.blocks.iter().enumerate() {
            let left = Matrix { values: &left.values[*start..], ..left };
            let (add, after) = (number > 0, after.filter(|_| number + 1 == self.blocks.len()));
            self.for_each_panel::<I, 1, 1>(number, &AS_IT_IS, |number, [panel]| {
                let column = number * WIDTH;
                Product { panel, left, column, columns: self.columns, add, after }.run::<I>(out);
            });
        }
    }
}

/// The factors of a weight that is not combined.
pub const AS_IT_IS: [[f32; 1]; 1] = [[1.0]];

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
            let mut panels: [Vec<ReadyPanel>; POINTS] = std::array::from_fn(|_| Vec::with_capacity(block.panels.len()));
            for PackedPanel { runs, vectors } in &block.panels {
                let mut rows: [Vec<Aligned>; POINTS] =
                    std::array::from_fn(|_| vec![Aligned([0.0; WIDTH]); count(runs)]);
                vectors.unpack::<I, TAPS, POINTS>(factors, &mut rows.each_mut().map(Vec::as_mut_slice));
                let runs: Vec<_> = runs.iter().map(|&(start, count)| (block.start + start, count)).collect();
                let ready = rows.map(|rows| ReadyPanel { runs: runs.clone(), rows });
                panels.iter_mut().zip(ready).for_each(|(panels, panel)| panels.push(panel));
            }
            blocks.iter_mut().zip(panels).for_each(|(blocks, panels)| blocks.push(panels));
        }
    }
}

/// Where in a weight a panel's values lie.
struct PanelPlace<'a, S> {
    rows: Range<usize>,
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
            let start = (self.source)(self.rows.start + row, tap) * self.columns + self.column;
            if let Some(values) = values.get(start..start + width) {
                vector[..width].copy_from_slice(values);
            }
            vector
        };
        let is_zero = |row: usize| (0..self.taps).all(|tap| vector(row, tap) == [T::default(); WIDTH]);
        let runs = runs((0..self.rows.len()).filter(|row| !is_zero(*row)));
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
        match self {
            Vectors::Bits32(vectors) => combine::<I, _, TAPS, POINTS>(vectors, |vector| *vector, factors, out),
            Vectors::Bits16(vectors) => {
                combine::<I, _, TAPS, POINTS>(vectors, |vector| vector.map(single), factors, out);
            }
            Vectors::Bits8 { integers, steps } => {
                let steps = I::from_array(steps);
                let value =
                    |integers: &[i8; WIDTH]| I::to_array(I::multiply(I::from_array(&from_integers(integers)), steps));
                combine::<I, _, TAPS, POINTS>(integers, value, factors, out);
            }
        }
    }
}

/// For each point and row the sum of the row's taps, each times its factor.
#[inline(always)]
fn combine<I: Instructions, T, const TAPS: usize, const POINTS: usize>(
    vectors: &[[T; WIDTH]],
    value: impl Fn(&[T; WIDTH]) -> [f32; WIDTH],
    factors: &[[f32; TAPS]; POINTS],
    out: &mut [&mut [Aligned]; POINTS],
) {
    let (rows, _) = vectors.as_chunks::<TAPS>();
    let mut out = out.each_mut().map(|out| &mut out[..rows.len()]);
    for (row, taps) in rows.iter().enumerate() {
        let taps: [I::Vector; TAPS] = std::array::from_fn(|tap| I::from_array(&value(&taps[tap])));
        for (point, (factors, out)) in factors.iter().zip(&mut out).enumerate() {
            // The first point has but the first tap, the last one but the last.
            let sum = match point {
                _ if point == POINTS - 1 => I::multiply(taps[TAPS - 1], I::splat(factors[TAPS - 1])),
                0 => I::multiply(taps[0], I::splat(factors[0])),
                _ => {
                    let first = I::multiply(taps[0], I::splat(factors[0]));
                    let rest = taps.iter().zip(factors).skip(1);
                    rest.fold(first, |sum, (tap, factor)| I::multiply_add(*tap, I::splat(*factor), sum))
                }
            };
            out[row] = Aligned(I::to_array(sum));
        }
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
