//! Maxima over windows, and the mean or the highest value of each channel.

use super::super::PoolGeometry;
use super::shader::{Element, LINE, Shader, buffers, line_groups, line_main};
use crate::network::place::Storage;
use std::fmt::Write;

/// Maximum over windows of samples and leads; one invocation for four channels of an output.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MaxPool {
    recordings: u32,
    samples: [u32; 2],
    leads: [u32; 2],
    /// In elements, which are fours where the channels are.
    channels: u32,
    input: Element,
    output: Element,
    size: [u32; 2],
    stride: [u32; 2],
    padding: [u32; 2],
}

impl MaxPool {
    /// For an input that is held so.
    pub fn new(recordings: usize, geometry: &PoolGeometry, storage: Storage) -> MaxPool {
        let PoolGeometry { samples_in, leads_in, channels, samples_out, leads_out, size, stride, padding } = *geometry;
        let (input, output) = (Element::read(channels, storage), Element::written(channels, storage));
        MaxPool {
            recordings: recordings as u32,
            samples: [samples_in as u32, samples_out as u32],
            leads: [leads_in as u32, leads_out as u32],
            channels: channels as u32 / output.values(),
            input,
            output,
            size: [size.0 as u32, size.1 as u32],
            stride: [stride.0 as u32, stride.1 as u32],
            padding: [padding.0 as u32, padding.1 as u32],
        }
    }

    fn outputs(&self) -> u32 {
        self.recordings * self.samples[1] * self.leads[1] * self.channels
    }
}

impl Shader for MaxPool {
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
        let MaxPool { samples, leads, channels, input, output, size, stride, padding, .. } = self;
        let mut text = buffers(&[("input", *input)], *output);
        text.push_str(&line_main(self.outputs()));
        let _ = writeln!(
            text,
            "    let channel = index % {channels}u;
    let lead = index / {channels}u % {leads_out}u;
    let sample = index / {line}u % {samples_out}u;
    let recording = index / {all}u;
    let first_sample = max(i32(sample * {stride_samples}u) - {padding_samples}, 0);
    let end_sample = min(i32(sample * {stride_samples}u) - {padding_samples} + {size_samples}, {samples_in});
    let first_lead = max(i32(lead * {stride_leads}u) - {padding_leads}, 0);
    let end_lead = min(i32(lead * {stride_leads}u) - {padding_leads} + {size_leads}, {leads_in});
    var highest = {computed}(-3.4e38);
    for (var s = first_sample; s < end_sample; s++) {{
        for (var l = first_lead; l < end_lead; l++) {{
            let at = ((recording * {samples_in}u + u32(s)) * {leads_in}u + u32(l)) * {channels}u + channel;
            highest = max(highest, {value});
        }}
    }}
    {store}
}}",
            computed = output.computed(),
            value = input.at("input", "at"),
            store = output.store("index", "highest"),
            leads_out = leads[1],
            line = leads[1] * channels,
            samples_out = samples[1],
            all = samples[1] * leads[1] * channels,
            stride_samples = stride[0],
            padding_samples = padding[0],
            size_samples = size[0],
            samples_in = samples[0],
            stride_leads = stride[1],
            padding_leads = padding[1],
            size_leads = size[1],
            leads_in = leads[0],
        );
        text
    }
}

/// Elements of the channels of a workgroup, and its invocations for each.
const POOLED: u32 = 8;
const SLICES: u32 = 8;

/// The mean or the highest value of each channel over all samples and leads, in 32 bits: there are few.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GlobalPool {
    recordings: u32,
    /// Samples x leads.
    positions: u32,
    /// In elements, which are fours where the channels are.
    channels: u32,
    input: Element,
    average: bool,
}

impl GlobalPool {
    /// For an input that is held so.
    pub fn new(recordings: usize, positions: usize, channels: usize, storage: Storage, average: bool) -> GlobalPool {
        let input = Element::read(channels, storage);
        let channels = channels as u32 / input.values();
        GlobalPool { recordings: recordings as u32, positions: positions as u32, channels, input, average }
    }
}

impl Shader for GlobalPool {
    fn workgroup(&self) -> [u32; 3] {
        [POOLED, SLICES, 1]
    }

    fn groups(&self) -> [u32; 3] {
        [self.channels.div_ceil(POOLED), self.recordings, 1]
    }

    fn output(&self) -> Storage {
        Storage::Bits32
    }

    fn wgsl(&self) -> String {
        let GlobalPool { positions, channels, input, average, .. } = self;
        let element = input.computed();
        let start = if *average { "0.0" } else { "-3.4e38" };
        let take = |value: &str| match average {
            true => format!("taken + {value}"),
            false => format!("max(taken, {value})"),
        };
        let (next, part) = (take(&input.at("input", "at")), take(&format!("parts[slice * {POOLED}u + local.x]")));
        let scale = if *average { format!(" / f32({positions})") } else { String::new() };
        let buffers = buffers(&[("input", *input)], input.plain());
        format!(
            "{buffers}
var<workgroup> parts: array<{element}, {all}>;
@compute @workgroup_size({POOLED}, {SLICES}, 1)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {{
    let channel = min(group.x * {POOLED}u + local.x, {last}u);
    var taken = {element}({start});
    for (var position = local.y; position < {positions}u; position += {SLICES}u) {{
        let at = (group.y * {positions}u + position) * {channels}u + channel;
        taken = {next};
    }}
    parts[local.y * {POOLED}u + local.x] = taken;
    workgroupBarrier();
    if (local.y == 0u && group.x * {POOLED}u + local.x < {channels}u) {{
        taken = {element}({start});
        for (var slice = 0u; slice < {SLICES}u; slice++) {{ taken = {part}; }}
        output[group.y * {channels}u + channel] = taken{scale};
    }}
}}
",
            all = POOLED * SLICES,
            last = channels - 1,
        )
    }
}
