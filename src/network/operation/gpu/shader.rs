//! What all shaders have in common: their text, without a runtime.

use crate::network::place::Storage;
use std::fmt::{Debug, Write};
use std::hash::Hash;

/// A compute shader for one geometry. What is equal has the same source.
pub trait Shader: Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// Size of a workgroup.
    fn workgroup(&self) -> [u32; 3];
    /// Workgroups of a dispatch.
    fn groups(&self) -> [u32; 3];
    /// How what it writes is held.
    fn output(&self) -> Storage;
    /// The source; its entry point is `main`, and it uses every buffer that it declares.
    fn wgsl(&self) -> String;
}

/// What a buffer consists of. Values of 16 bits lie two in a `u32`: functions that every WebGPU has unpack and pack
/// them, where the type `f16` were an extension of some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    One,
    Four,
    /// Reads one value; two invocations would write into the same `u32`.
    PackedOne,
    PackedFour,
}

impl Element {
    /// In which rows of `width` values are read from a tensor.
    pub fn read(width: usize, storage: Storage) -> Element {
        match (width.is_multiple_of(4), storage) {
            (true, Storage::Bits32) => Element::Four,
            (true, Storage::Bits16) => Element::PackedFour,
            (false, Storage::Bits32) => Element::One,
            (false, Storage::Bits16) => Element::PackedOne,
        }
    }

    /// In which rows of `width` values are written, in 16 bits where they can be and are wanted to.
    pub fn written(width: usize, storage: Storage) -> Element {
        if width.is_multiple_of(4) { Element::read(width, storage) } else { Element::One }
    }

    pub fn storage(self) -> Storage {
        match self {
            Element::One | Element::Four => Storage::Bits32,
            Element::PackedOne | Element::PackedFour => Storage::Bits16,
        }
    }

    /// The same without packing.
    pub fn plain(self) -> Element {
        if self.values() == 4 { Element::Four } else { Element::One }
    }

    /// How many values it holds for the shader.
    pub fn values(self) -> u32 {
        match self {
            Element::One | Element::PackedOne => 1,
            Element::Four | Element::PackedFour => 4,
        }
    }

    /// The type in which it is computed with.
    pub fn computed(self) -> &'static str {
        if self.values() == 4 { "vec4<f32>" } else { "f32" }
    }

    fn stored(self) -> &'static str {
        match self {
            Element::One => "f32",
            Element::Four => "vec4<f32>",
            Element::PackedOne => "u32",
            Element::PackedFour => "vec2<u32>",
        }
    }

    /// The expression for the element of a buffer at an index.
    pub fn at(self, buffer: &str, index: &str) -> String {
        match self {
            Element::One | Element::Four => format!("{buffer}[{index}]"),
            Element::PackedOne => format!("unpack2x16float({buffer}[u32({index}) / 2u])[u32({index}) % 2u]"),
            Element::PackedFour => format!("unpacked({buffer}[{index}])"),
        }
    }

    /// The statement that writes a value into `output` at an index.
    pub fn store(self, index: &str, value: &str) -> String {
        match self {
            Element::One | Element::Four => format!("output[{index}] = {value};"),
            Element::PackedFour => format!("output[{index}] = packed({value});"),
            Element::PackedOne => unreachable!("single values are written in 32 bits"),
        }
    }
}

/// What is too large for 16 bits becomes the largest number that is not: packing it as it is may make anything of it.
const PACKING: &str = "fn unpacked(four: vec2<u32>) -> vec4<f32> {
    return vec4(unpack2x16float(four.x), unpack2x16float(four.y));
}
fn packed(four: vec4<f32>) -> vec2<u32> {
    let within = clamp(four, vec4<f32>(-65504.0), vec4<f32>(65504.0));
    return vec2(pack2x16float(within.xy), pack2x16float(within.zw));
}
";

/// Declares the buffers of a shader, the inputs by name and `output`, and what their elements need.
pub fn buffers(inputs: &[(&str, Element)], output: Element) -> String {
    // Natively the runtime puts several tensors into one buffer, and a buffer has one use in a dispatch. In a browser
    // each tensor is a buffer of its own.
    let read = if cfg!(target_arch = "wasm32") { "read" } else { "read_write" };
    let mut text = String::new();
    for (binding, (name, element)) in inputs.iter().enumerate() {
        let stored = element.stored();
        let _ = writeln!(text, "@group(0) @binding({binding}) var<storage, {read}> {name}: array<{stored}>;");
    }
    let (binding, stored) = (inputs.len(), output.stored());
    let _ = writeln!(text, "@group(0) @binding({binding}) var<storage, read_write> output: array<{stored}>;");
    if inputs.iter().any(|(_, input)| *input == Element::PackedFour) || output == Element::PackedFour {
        text.push_str(PACKING);
    }
    text
}

/// Invocations in a workgroup of the shaders that have one invocation an output.
pub const LINE: u32 = 64;
/// Workgroups along x of those; WebGPU guarantees 65,535 in each direction.
const GROUPS_ALONG_X: u32 = 32_768;

/// Workgroups for one invocation an output.
pub fn line_groups(outputs: u32) -> [u32; 3] {
    let groups = outputs.div_ceil(LINE);
    [groups.min(GROUPS_ALONG_X), groups.div_ceil(GROUPS_ALONG_X), 1]
}

/// The opening of a shader with one invocation an output: `index` is the output's.
pub fn line_main(outputs: u32) -> String {
    format!(
        "@compute @workgroup_size({LINE}, 1, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {{
    let index = (group.y * {GROUPS_ALONG_X}u + group.x) * {LINE}u + local.x;
    if (index >= {outputs}u) {{ return; }}
"
    )
}
