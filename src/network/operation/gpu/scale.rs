//! `scale * input + shift` for each channel, and a ReLU if asked for.

use super::shader::{Element, LINE, Shader, buffers, line_groups, line_main};
use crate::network::place::Storage;
use std::fmt::Write;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScaleAndShift {
    /// In elements, which are fours where the channels are.
    outputs: u32,
    channels: u32,
    input: Element,
    output: Element,
    relu: bool,
}

impl ScaleAndShift {
    /// For an input that is held so.
    pub fn new(values: usize, channels: usize, storage: Storage, relu: bool) -> ScaleAndShift {
        let (input, output) = (Element::read(channels, storage), Element::written(channels, storage));
        let (outputs, channels) = (values as u32 / output.values(), channels as u32 / output.values());
        ScaleAndShift { outputs, channels, input, output, relu }
    }
}

impl Shader for ScaleAndShift {
    fn workgroup(&self) -> [u32; 3] {
        [LINE, 1, 1]
    }

    fn groups(&self) -> [u32; 3] {
        line_groups(self.outputs)
    }

    fn output(&self) -> Storage {
        self.output.storage()
    }

    fn wgsl(&self) -> String {
        let ScaleAndShift { outputs, channels, input, output, relu } = self;
        let mut text = buffers(&[("input", *input), ("scale", input.plain()), ("shift", input.plain())], *output);
        text.push_str(&line_main(*outputs));
        let input = input.at("input", "index");
        let value = format!("{input} * scale[index % {channels}u] + shift[index % {channels}u]");
        let value = if *relu { format!("max({value}, {}())", output.computed()) } else { value };
        let _ = writeln!(text, "    {}\n}}", output.store("index", &value));
        text
    }
}
