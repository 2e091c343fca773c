//! What all shaders have in common: their text, without a runtime.

use std::fmt::{Debug, Write};
use std::hash::Hash;

/// A compute shader for one geometry. What is equal has the same source.
pub trait Shader: Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// Size of a workgroup.
    fn workgroup(&self) -> [u32; 3];
    /// Workgroups of a dispatch.
    fn groups(&self) -> [u32; 3];
    /// The source; its entry point is `main`, and it uses every buffer that it declares.
    fn wgsl(&self) -> String;
}

/// Declares the buffers of a shader: the inputs by name and element type, and `output`.
pub fn buffers(inputs: &[(&str, &str)], output: &str) -> String {
    // Natively the runtime puts several tensors into one buffer, and a buffer has one use in a dispatch. In a browser
    // each tensor is a buffer of its own.
    let read = if cfg!(target_arch = "wasm32") { "read" } else { "read_write" };
    let mut text = String::new();
    for (binding, (name, element)) in inputs.iter().enumerate() {
        let _ = writeln!(text, "@group(0) @binding({binding}) var<storage, {read}> {name}: array<{element}>;");
    }
    let binding = inputs.len();
    let _ = writeln!(text, "@group(0) @binding({binding}) var<storage, read_write> output: array<{output}>;");
    text
}

/// The element type in which rows of `width` values are read, and its number of values.
pub fn element(width: usize) -> (&'static str, u32) {
    if width.is_multiple_of(4) { ("vec4<f32>", 4) } else { ("f32", 1) }
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
