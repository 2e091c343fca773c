//! The rows of two activations side by side.

use super::shader::{Element, LINE, Shader, buffers, line_groups, line_main};
use crate::network::place::Storage;
use std::fmt::Write;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Concatenate {
    rows: u32,
    /// In elements, which are fours where both widths are.
    widths: [u32; 2],
    inputs: [Element; 2],
    output: Element,
}

impl Concatenate {
    /// For widths and storages of the two.
    pub fn new(rows: usize, widths: [usize; 2], storages: [Storage; 2]) -> Concatenate {
        let common = if widths[0].is_multiple_of(4) { widths[1] } else { widths[0] };
        let inputs = storages.map(|storage| Element::read(common, storage));
        let storage = if storages == [Storage::Bits16; 2] { Storage::Bits16 } else { Storage::Bits32 };
        let output = Element::written(common, storage);
        Concatenate { rows: rows as u32, widths: widths.map(|width| width as u32 / output.values()), inputs, output }
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

    fn output(&self) -> Storage {
        self.output.storage()
    }

    fn wgsl(&self) -> String {
        let [left, right] = self.widths;
        let width = left + right;
        let [first, second] = self.inputs;
        let mut text = buffers(&[("first", first), ("second", second)], self.output);
        text.push_str(&line_main(self.outputs()));
        let _ = writeln!(
            text,
            "    let row = index / {width}u;
    let column = index % {width}u;
    if (column < {left}u) {{
        {}
    }} else {{
        {}
    }}
}}",
            self.output.store("index", &first.at("first", &format!("(row * {left}u + column)"))),
            self.output.store("index", &second.at("second", &format!("(row * {right}u + column - {left}u)"))),
        );
        text
    }
}
