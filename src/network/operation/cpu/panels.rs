//! A matrix product without threads or hardware's own instructions, for WebAssembly.
//!
//! Four rows of the left matrix and eight columns of the right one make a tile whose sums stay in registers: 8 of the 16
//! that WebAssembly's 128-bit vectors are given on x86. The compiler makes vectors of the plain loops.

use super::Matrix;

const ROWS: usize = 4;
const COLUMNS: usize = 8;

/// Zero rows of a panel are left out where so many follow each other.
const GAP: usize = 8;

/// The right matrix of products, in panels of columns.
#[derive(Debug)]
pub struct RightMatrix {
    inner: usize,
    columns: usize,
    panels: Vec<Panel>,
}

/// [`COLUMNS`] columns of a matrix without the rows that are zero in all of them: kernels that fold over leads have
/// blocks of zeros.
#[derive(Debug)]
struct Panel {
    /// Start and number of the rows that are there.
    runs: Vec<(usize, usize)>,
    rows: Vec<[f32; COLUMNS]>,
}

impl RightMatrix {
    /// From `inner` rows of `columns` values.
    pub fn new(values: Vec<f32>, columns: usize) -> Self {
        let panels = (0..columns).step_by(COLUMNS).map(|start| Panel::new(&values, columns, start)).collect();
        Self { inner: values.len() / columns, columns, panels }
    }

    /// `out += left x self`, `out` being `rows` rows of the matrix's columns.
    pub fn add_product(&self, out: &mut [f32], rows: usize, left: Matrix, _: gemm::Parallelism) {
        assert!(left.column_stride == 1 && left.holds(rows, self.inner) && out.len() >= rows * self.columns, "sizes");
        for (panel, start) in self.panels.iter().zip((0..).step_by(COLUMNS)) {
            let width = COLUMNS.min(self.columns - start);
            let mut row = 0;
            while row < rows {
                // Below the last row the tile sums a row again that it does not add.
                let count = ROWS.min(rows - row);
                let offset = |index: usize| (row + index.min(count - 1)) * left.row_stride;
                let sums = panel.tile(std::array::from_fn(|index| &left.values[offset(index)..]));
                for (index, sums) in sums.iter().enumerate().take(count) {
                    let start = (row + index) * self.columns + start;
                    out[start..start + width].iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
                }
                row += count;
            }
        }
    }
}

impl Panel {
    fn new(values: &[f32], columns: usize, start: usize) -> Self {
        let width = COLUMNS.min(columns - start);
        let rows: Vec<[f32; COLUMNS]> = values
            .chunks_exact(columns)
            .map(|row| {
                let mut kept = [0.0; COLUMNS];
                kept[..width].copy_from_slice(&row[start..start + width]);
                kept
            })
            .collect();
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for index in (0..rows.len()).filter(|&index| rows[index] != [0.0; COLUMNS]) {
            match runs.last_mut() {
                Some((start, count)) if index - (*start + *count) < GAP => *count = index + 1 - *start,
                _ => runs.push((index, 1)),
            }
        }
        let rows = runs.iter().flat_map(|&(start, count)| &rows[start..start + count]).copied().collect();
        Self { runs, rows }
    }

    /// The products of four rows with the panel.
    fn tile(&self, left: [&[f32]; ROWS]) -> [[f32; COLUMNS]; ROWS] {
        let mut sums = [[0.0f32; COLUMNS]; ROWS];
        let mut panel = self.rows.as_slice();
        for &(start, count) in &self.runs {
            let (run, rest) = panel.split_at(count);
            add_run(left.map(|row| &row[start..start + count]), run, &mut sums);
            panel = rest;
        }
        sums
    }
}

/// Adds the products of four rows with rows of a panel.
fn add_run(left: [&[f32]; ROWS], panel: &[[f32; COLUMNS]], sums: &mut [[f32; COLUMNS]; ROWS]) {
    let left = left.map(|row| &row[..panel.len()]);
    // Copied, so that they stay in registers.
    let mut kept = *sums;
    for (index, right) in panel.iter().enumerate() {
        for (sums, left) in kept.iter_mut().zip(left) {
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum += left[index] * right;
            }
        }
    }
    *sums = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_with_and_without_zero_rows_are_those_by_the_definition() {
        for (rows, inner, columns) in [(1, 1, 1), (4, 40, 8), (7, 33, 12), (9, 64, 19)] {
            let number = |seed: usize| ((seed * 7919 + 13) % 101) as f32 - 50.0;
            let left: Vec<f32> = (0..rows * inner).map(number).collect();
            // Two blocks of zeros, as a kernel that folds over leads has them.
            let is_zero = |row: usize, column: usize| column < 8 && (10..30).contains(&row);
            let value = |index| if is_zero(index / columns, index % columns) { 0.0 } else { number(index + 5) };
            let right: Vec<f32> = (0..inner * columns).map(value).collect();
            let mut out: Vec<f32> = (0..rows * columns).map(number).collect();
            let expected: Vec<f32> = (0..rows * columns)
                .map(|index| {
                    let (row, column) = (index / columns, index % columns);
                    let products = (0..inner).map(|k| left[row * inner + k] * right[k * columns + column]);
                    number(index) + products.sum::<f32>()
                })
                .collect();
            RightMatrix::new(right, columns).add_product(
                &mut out,
                rows,
                Matrix::rows(&left, inner),
                gemm::Parallelism::None,
            );
            assert_eq!(out, expected);
        }
    }
}
