//! `scale * input + shift` for each channel, and a ReLU if asked for.

use super::shader::{LINE, Shader, buffers, element, line_groups, line_main};
use std::fmt::Write;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScaleAndShift {
    /// In elements, which are fours where the channels are.
    outputs: u32,
    channels: u32,
    element: &'static str,
    relu: bool,
}

impl ScaleAndShift {
    pub fn new(values: usize, channels: usize, relu: bool) -> ScaleAndShift {
        let (element, width) = element(channels);
        ScaleAndShift { outputs: values as u32 / width, channels: channels as u32 / width, element, relu }
    }
}

impl Shader for ScaleAndShift {
    fn workgroup(&self) -> [u32; 3] {
        [LINE, 1, 1]
    }

    fn groups(&self) -> [u32; 3] {
        line_groups(self.outputs)
    }

    fn wgsl(&self) -> String {
        let ScaleAndShift { outputs, channels, element, relu } = self;
        let mut text = buffers(&[("input", element), ("scale", element), ("shift", element)], element);
        text.push_str(&line_main(*outputs));
        let value = format!("input[index] * scale[index % {channels}u] + shift[index % {channels}u]");
        let value = if *relu { format!("max({value}, {element}())") } else { value };
        let _ = writeln!(text, "    output[index] = {value};\n}}");
        text
    }
}
