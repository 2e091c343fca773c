//! A matrix product for convolutions whose weight is known beforehand.
//!
//! A few rows of the left matrix and a vector's columns of the right one make a tile whose sums stay in registers. The
//! right matrix is laid out for that once, in blocks of rows and panels of columns; the left one is read where it lies.

use super::instructions::{Aligned, Instructions, WIDTH, Work};
use super::{After, Matrix};
use std::ops::Range;

/// Rows of the right matrix whose panel, of [`WIDTH`] columns, stays in the first cache.
const DEPTH: usize = if cfg!(target_arch = "wasm32") { 1024 } else { 256 };

/// Zero rows of a panel are left out where so many follow each other.
const GAP: usize = 8;

/// The right matrix of products.
#[derive(Debug)]
pub struct RightMatrix {
    columns: usize,
    /// Of some hundred rows each, and of these the panels.
    blocks: Vec<Vec<ReadyPanel>>,
}

/// [`WIDTH`] columns of a block without the rows that are zero in all of them: kernels that fold over leads have
/// blocks of zeros.
#[derive(Debug)]
pub struct ReadyPanel {
    /// Start and number of the rows that are there.
    pub runs: Vec<(usize, usize)>,
    pub rows: Vec<Aligned>,
}

/// Such a panel for a product.
#[derive(Clone, Copy)]
pub struct Panel<'a> {
    /// Start, counted in columns of the left matrix, and number of the rows that are there.
    pub runs: &'a [(usize, usize)],
    /// Those of the runs.
    pub rows: &'a [Aligned],
}

impl RightMatrix {
    /// From rows of `columns` values.
    pub fn new(values: &[f32], columns: usize) -> Self {
        let inner = values.len() / columns;
        let block = |start: usize| {
            let rows = start..inner.min(start + DEPTH);
            (0..columns).step_by(WIDTH).map(|column| ReadyPanel::new(values, columns, rows.clone(), column)).collect()
        };
        Self { columns, blocks: (0..inner).step_by(DEPTH).map(block).collect() }
    }

    /// From the panels of each block.
    pub fn from_panels(columns: usize, blocks: Vec<Vec<ReadyPanel>>) -> Self {
        Self { columns, blocks }
    }

    /// `out = left x self` and what follows it, `out` being rows of the matrix's columns.
    #[inline(always)]
    pub fn product<I: Instructions>(&self, left: Matrix, after: Option<After>, out: &mut [f32]) {
        assert!(left.column_stride == 1, "rows of one piece");
        for (number, block) in self.blocks.iter().enumerate() {
            let (add, after) = (number > 0, after.filter(|_| number + 1 == self.blocks.len()));
            for (ReadyPanel { runs, rows }, column) in block.iter().zip((0..).step_by(WIDTH)) {
                let panel = Panel { runs, rows };
                Product { panel, left, column, columns: self.columns, add, after }.run::<I>(out);
            }
        }
    }

    /// `out = left x self`, the values of a panel's columns in one piece, [panels, rows, WIDTH].
    #[inline(always)]
    pub fn product_by_panels<I: Instructions>(&self, left: Matrix, out: &mut [f32]) {
        assert!(left.column_stride == 1, "rows of one piece");
        let size = out.len() / self.columns.div_ceil(WIDTH);
        for (number, block) in self.blocks.iter().enumerate() {
            for (ReadyPanel { runs, rows }, out) in block.iter().zip(out.chunks_exact_mut(size)) {
                Panel { runs, rows }.product::<I>(left, number > 0, out);
            }
        }
    }
}

impl Panel<'_> {
    /// The product with the panel alone, [rows, WIDTH]; `add`s it to what is there.
    #[inline(always)]
    pub fn product<I: Instructions>(self, left: Matrix, add: bool, out: &mut [f32]) {
        Product { panel: self, left, column: 0, columns: WIDTH, add, after: None }.run::<I>(out);
    }
}

/// A panel's share of a product.
pub struct Product<'a> {
    pub panel: Panel<'a>,
    pub left: Matrix<'a>,
    /// First of the panel's columns, and how many the whole matrix has.
    pub column: usize,
    pub columns: usize,
    /// Whether the sums of other blocks are in the output.
    pub add: bool,
    pub after: Option<After<'a>>,
}

impl Product<'_> {
    // Within a larger function browsers keep sums in memory instead of registers.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub fn run<I: Instructions>(&self, out: &mut [f32]) {
        let rows = out.len() / self.columns;
        let tiles = rows.div_ceil(I::KEPT);
        for number in 0..tiles {
            // All tiles of about as many rows: a last one of few would cost as much.
            let rows = rows * number / tiles..rows * (number + 1) / tiles;
            let Product { panel, left, column, columns, add, after } = *self;
            let tile = Tile { panel, left, rows, column, columns, add, after, out };
            match tile.rows.len() {
                9.. if I::KEPT > 8 => I::run(Rows::<12>(tile)),
                7.. if I::KEPT > 6 => I::run(Rows::<8>(tile)),
                5.. if I::KEPT > 4 => I::run(Rows::<6>(tile)),
                3.. => I::run(Rows::<4>(tile)),
                _ => I::run(Rows::<2>(tile)),
            }
        }
    }
}

impl ReadyPanel {
    fn new(values: &[f32], columns: usize, rows: Range<usize>, column: usize) -> Self {
        let width = WIDTH.min(columns - column);
        let row = |index: usize| {
            let mut kept = [0.0; WIDTH];
            kept[..width].copy_from_slice(&values[index * columns + column..][..width]);
            Aligned(kept)
        };
        let runs = runs(rows.filter(|&index| row(index) != Aligned([0.0; WIDTH])));
        // An iterator that does not know its length would take up to twice the memory.
        let mut rows = Vec::with_capacity(count(&runs));
        rows.extend(runs.iter().flat_map(|&(start, count)| start..start + count).map(row));
        Self { runs, rows }
    }
}

/// Start and number of the rows, those with fewer than [`GAP`] between them taken together.
pub fn runs(rows: impl Iterator<Item = usize>) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for index in rows {
        match runs.last_mut() {
            Some((start, count)) if index - (*start + *count) < GAP => *count = index + 1 - *start,
            _ => runs.push((index, 1)),
        }
    }
    runs
}

/// How many rows there are in runs.
pub fn count(runs: &[(usize, usize)]) -> usize {
    runs.iter().map(|(_, count)| count).sum()
}

/// Some rows of a panel's share of a product.
struct Tile<'a> {
    panel: Panel<'a>,
    left: Matrix<'a>,
    rows: Range<usize>,
    column: usize,
    columns: usize,
    add: bool,
    after: Option<After<'a>>,
    out: &'a mut [f32],
}

/// A tile of at most so many rows.
struct Rows<'a, const ROWS: usize>(Tile<'a>);

impl<const ROWS: usize> Work for Rows<'_, ROWS> {
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self(Tile { panel, left, rows, column, columns, add, after, out }) = self;
        // Where rows are missing the last is summed again.
        let left: [&[f32]; ROWS] =
            std::array::from_fn(|index| &left.values[(rows.start + index).min(rows.end - 1) * left.row_stride..]);
        let mut sums = [I::splat(0.0); ROWS];
        let mut right = panel.rows;
        for &(start, count) in panel.runs {
            let (run, rest) = right.split_at(count);
            // In terms of the run's own length and by number, so that the compiler leaves out checks of the number.
            let left = left.map(|row| &row[start..][..run.len()]);
            for index in 0..run.len() {
                let right = I::from_array(&run[index].0);
                for (sum, left) in sums.iter_mut().zip(left) {
                    *sum = I::multiply_add(I::splat(left[index]), right, *sum);
                }
            }
            right = rest;
        }
        let width = WIDTH.min(columns - column);
        let bias = after.map(|after| I::load(&after.bias[column..column + width]));
        for (index, mut sum) in sums.into_iter().enumerate() {
            if index >= rows.len() {
                break;
            }
            let start = (rows.start + index) * columns + column;
            let out = &mut out[start..start + width];
            if add {
                sum = I::add(sum, I::load(out));
            }
            if let (Some(after), Some(bias)) = (after, bias) {
                sum = after.complete::<I>(sum, bias, start, width);
            }
            I::store(sum, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::instructions::run;
    use super::*;

    struct Whole<'a> {
        left: Matrix<'a>,
        right: &'a RightMatrix,
        out: &'a mut [f32],
    }

    impl Work for Whole<'_> {
        fn run<I: Instructions>(self) {
            self.right.product::<I>(self.left, None, self.out);
        }
    }

    #[test]
    fn products_with_and_without_zero_rows_are_those_by_the_definition() {
        for (rows, inner, columns) in [(1, 1, 1), (4, 40, 8), (7, 33, 12), (9, 64, 19), (5, 700, 16), (13, 300, 35)] {
            let number = |seed: usize| ((seed * 7919 + 13) % 101) as f32 - 50.0;
            let left: Vec<f32> = (0..rows * inner).map(number).collect();
            // Two blocks of zeros, as a kernel that folds over leads has them.
            let is_zero = |row: usize, column: usize| column < 8 && (10..30).contains(&row);
            let value = |index| if is_zero(index / columns, index % columns) { 0.0 } else { number(index + 5) };
            let right: Vec<f32> = (0..inner * columns).map(value).collect();
            let expected: Vec<f32> = (0..rows * columns)
                .map(|index| {
                    let (row, column) = (index / columns, index % columns);
                    (0..inner).map(|k| left[row * inner + k] * right[k * columns + column]).sum::<f32>()
                })
                .collect();
            let mut out = vec![f32::NAN; rows * columns];
            let right = RightMatrix::new(&right, columns);
            run(Whole { left: Matrix::rows(&left, inner), right: &right, out: &mut out });
            assert_eq!(out, expected);
        }
    }
}
