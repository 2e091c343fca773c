//! The rows of two activations side by side.

use super::shader::{LINE, Shader, buffers, element, line_groups, line_main};
use std::fmt::Write;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Concatenate {
    rows: u32,
    /// In elements, which are fours where both widths are.
    widths: [u32; 2],
    element: &'static str,
}

impl Concatenate {
    pub fn new(rows: usize, widths: [usize; 2]) -> Concatenate {
        let (element, values) = element(if widths[0].is_multiple_of(4) { widths[1] } else { widths[0] });
        Concatenate { rows: rows as u32, widths: widths.map(|width| width as u32 / values), element }
    }

    fn outputs(&self) -> u32 {
        self.rows * (self.widths[0] + self.widths[1])
    }
}

impl Shader for Concatenate {
    fn workgroup(&self) -> [u32; 3] {
        [LINE, 1, 1]
    }

    fn groups(&self) -> [u32; 3] {
        line_groups(self.outputs())
    }

    fn wgsl(&self) -> String {
        let [left, right] = self.widths;
        let width = left + right;
        let mut text = buffers(&[("first", self.element), ("second", self.element)], self.element);
        text.push_str(&line_main(self.outputs()));
        let _ = writeln!(
            text,
            "    let row = index / {width}u;
    let column = index % {width}u;
    if (column < {left}u) {{
        output[index] = first[row * {left}u + column];
    }} else {{
        output[index] = second[row * {right}u + column - {left}u];
    }}
}}"
        );
        text
    }
}
