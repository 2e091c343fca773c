//! Convolution along time, a bias, a sum with another activation and a ReLU, in one shader.
//!
//! The values under the kernel at one output sample are one run of memory (see `cpu`), so that the convolution is a
//! product of a matrix of overlapping rows, which nobody copies, and the weight. An invocation keeps a tile of the
//! product, up to 8 rows by 8 columns, in registers and goes along the inner dimension four values at a time: it reads a
//! `vec4` of each row and four times a row's piece of the weight for 256 multiplications. Where a kernel reaches over
//! the ends of a recording, a row has a first and a last value that count.
//!
//! A layer with too few tiles to fill the device splits the inner dimension between the invocations of a workgroup,
//! which add up their tiles in the workgroup's memory.

use super::super::ConvolutionGeometry;
use super::shader::{Element, Shader, buffers};
use crate::network::place::Storage;
use std::fmt::Write;

/// Invocations of a workgroup; with the largest tile their sums fill the 16 KiB that WebGPU guarantees.
const WORKGROUP: u32 = 64;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Convolution {
    recordings: u32,
    samples_in: u32,
    samples_out: u32,
    width_in: u32,
    width_out: u32,
    taps: u32,
    stride: u32,
    padding: u32,
    input: Element,
    weight: Element,
    residual: Option<Element>,
    relu: bool,
    tile: Tile,
}

/// How the product is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Tile {
    /// Rows of one invocation.
    rows: u32,
    /// Columns of one invocation, in fours.
    columns: u32,
    /// Invocations of a workgroup along the columns, along the rows, and along the inner dimension.
    workgroup: [u32; 3],
}

impl Tile {
    /// For a product of `rows` x `columns` fours with `inner` fours between them, on a device that `fill` invocations
    /// fill.
    fn new(rows: u32, columns: u32, inner: u32, fill: u32) -> Tile {
        let count = |tile: (u32, u32)| rows.div_ceil(tile.0) * columns.div_ceil(tile.1);
        // Of the largest tiles, the first with enough invocations when the inner dimension is split by eight.
        let sizes = [(8, 2), (4, 2), (4, 1), (2, 1), (1, 1)];
        let fits = |tile: &(u32, u32)| tile.0 < 2 * rows && tile.1 < 2 * columns;
        let enough = |tile: &(u32, u32)| count(*tile) * 8 >= fill;
        let largest = sizes.into_iter().find(fits).unwrap_or((1, 1));
        let (tile_rows, tile_columns) = sizes.into_iter().find(|tile| fits(tile) && enough(tile)).unwrap_or(largest);
        let tiles = count((tile_rows, tile_columns));
        let wanted = fill.div_ceil(tiles).min(inner / 4).min(WORKGROUP);
        let slices = if wanted < 2 { 1 } else { wanted.next_power_of_two().min(WORKGROUP) };
        let along_columns = columns.div_ceil(tile_columns).next_power_of_two().min(8).min(WORKGROUP / slices);
        let along_rows = WORKGROUP / slices / along_columns;
        let along_rows = along_rows.min(rows.div_ceil(tile_rows).next_power_of_two());
        Tile { rows: tile_rows, columns: tile_columns, workgroup: [along_columns, along_rows, slices] }
    }
}

/// How the tensors of a convolution are held; its bias always in 32 bits.
#[derive(Debug, Clone, Copy)]
pub struct Storages {
    pub input: Storage,
    /// As the output will be.
    pub weight: Storage,
    /// Where there is one.
    pub residual: Option<Storage>,
}

impl Convolution {
    /// For a device that so many invocations fill.
    pub fn new(
        invocations: u32,
        recordings: usize,
        geometry: &ConvolutionGeometry,
        storages: Storages,
        relu: bool,
    ) -> Convolution {
        let ConvolutionGeometry { samples_in, samples_out, width_in, width_out, taps, stride, padding } = *geometry;
        let rows = (recordings * samples_out) as u32;
        let tile = Tile::new(rows, width_out.div_ceil(4) as u32, geometry.row().div_ceil(4) as u32, invocations);
        Convolution {
            recordings: recordings as u32,
            samples_in: samples_in as u32,
            samples_out: samples_out as u32,
            width_in: width_in as u32,
            width_out: width_out as u32,
            taps: taps as u32,
            stride: stride as u32,
            padding: padding as u32,
            input: Element::read(width_in, storages.input),
            weight: Element::read(width_out, storages.weight),
            residual: storages.residual.map(|residual| Element::read(width_out, residual)),
            relu,
            tile,
        }
    }

    fn written(&self) -> Element {
        Element::written(self.width_out as usize, self.weight.storage())
    }

    fn bias(&self) -> Element {
        self.weight.plain()
    }

    fn rows(&self) -> u32 {
        self.recordings * self.samples_out
    }

    /// Columns of the product, in fours.
    fn columns(&self) -> u32 {
        self.width_out.div_ceil(4)
    }

    /// Values under the kernel.
    fn row(&self) -> u32 {
        self.taps * self.width_in
    }

    /// Whether rows of the input are read by fours.
    fn reads_fours(&self) -> bool {
        self.input.values() == 4
    }

    /// Whether rows of the weight and of the output are read and written by fours.
    fn writes_fours(&self) -> bool {
        self.written().values() == 4
    }

    /// Whether the kernel can reach over the ends of a recording.
    fn has_edges(&self) -> bool {
        let last = (self.samples_out - 1) * self.stride + self.taps;
        self.padding > 0 || last > self.samples_in
    }

    /// Whether a tile can lie wholly inside a recording, and whether one can not.
    fn kinds_of_tile(&self) -> (bool, bool) {
        let whole = self.rows().is_multiple_of(self.tile.rows);
        (self.reads_fours(), self.has_edges() || !whole || !self.reads_fours())
    }

    /// Functions that read four values of the weight, the bias and the residual, and write four of the output.
    fn accessors(&self) -> String {
        let (columns, width, last) = (self.columns(), self.width_out, self.row() - 1);
        let mut text = String::new();
        if self.writes_fours() {
            let _ = writeln!(
                text,
                "fn weight_at(k: u32, column: u32) -> vec4<f32> {{ return {}; }}
fn bias_at(column: u32) -> vec4<f32> {{ return {}; }}
fn store(row: u32, column: u32, value: vec4<f32>) {{ {} }}",
                self.weight.at("weight", &format!("min(k, {last}u) * {columns}u + column")),
                self.bias().at("bias", "column"),
                self.written().store(&format!("row * {columns}u + column"), "value"),
            );
            if let Some(residual) = self.residual {
                let value = residual.at("residual", &format!("row * {columns}u + column"));
                let _ = writeln!(text, "fn residual_at(row: u32, column: u32) -> vec4<f32> {{ return {value}; }}");
            }
            return text;
        }
        let four = |element: Element, buffer: &str, row: &str| {
            let value = |part: u32| element.at(buffer, &format!("({row}min(column * 4u + {part}u, {}u))", width - 1));
            format!("vec4<f32>({}, {}, {}, {})", value(0), value(1), value(2), value(3))
        };
        let _ = writeln!(
            text,
            "fn weight_at(k: u32, column: u32) -> vec4<f32> {{
    let start = min(k, {last}u) * {width}u;
    return {};
}}
fn bias_at(column: u32) -> vec4<f32> {{ return {}; }}
fn store(row: u32, column: u32, value: vec4<f32>) {{
    for (var part = 0u; part < 4u; part++) {{
        if (column * 4u + part < {width}u) {{ output[row * {width}u + column * 4u + part] = value[part]; }}
    }}
}}",
            four(self.weight, "weight", "start + "),
            four(self.bias(), "bias", "")
        );
        if let Some(residual) = self.residual {
            let residual = four(residual, "residual", &format!("row * {width}u + "));
            let _ = writeln!(text, "fn residual_at(row: u32, column: u32) -> vec4<f32> {{ return {residual}; }}");
        }
        text
    }

    /// The first value of each row of the tile, and which of its values count: `start0`, `first0`, `end0` and so on, in
    /// fours where the input is read by fours.
    fn row_bounds(&self) -> String {
        let Convolution { samples_in, samples_out, taps, stride, padding, width_in, .. } = *self;
        let width = if self.reads_fours() { width_in / 4 } else { width_in };
        let rows = self.rows();
        let mut text = String::new();
        for i in 0..self.tile.rows {
            let _ = writeln!(
                text,
                "    let row{i} = min(row + {i}u, {}u);
    let sample{i} = i32((row{i} % {samples_out}u) * {stride}u) - {padding};
    let start{i} = (i32(row{i} / {samples_out}u * {samples_in}u) + sample{i}) * {width};
    let first{i} = max(-sample{i}, 0) * {width};
    let end{i} = select(min({samples_in} - sample{i}, {taps}) * {width}, 0, row + {i}u >= {rows}u);",
                rows - 1
            );
        }
        text
    }

    /// The loop along the inner dimension from `begin` to `end`, in fours, where every value of the tile's rows counts or
    /// not.
    fn inner_loop(&self, every: bool) -> String {
        let Tile { rows, columns, .. } = self.tile;
        let mut text = String::from("        for (var k = begin; k < end; k++) {\n");
        for part in 0..4 {
            if self.writes_fours() && self.reads_fours() {
                let _ = writeln!(text, "            let w{part} = (k * 4u + {part}u) * {}u;", self.columns());
            }
            for j in 0..columns {
                let value = match self.writes_fours() && self.reads_fours() {
                    true => self.weight.at("weight", &format!("w{part} + column{j}")),
                    false => format!("weight_at(k * 4u + {part}u, column{j})"),
                };
                let _ = writeln!(text, "            let b{part}_{j} = {value};");
            }
        }
        for i in 0..rows {
            let value = match (every, self.reads_fours()) {
                (true, _) => self.input.at("input", &format!("start{i} + i32(k)")),
                (false, true) => {
                    let _ = writeln!(text, "            let in{i} = i32(k) >= first{i} && i32(k) < end{i};");
                    let read = self.input.at("input", &format!("select(0, start{i} + i32(k), in{i})"));
                    format!("select(vec4<f32>(), {read}, in{i})")
                }
                (false, false) => {
                    let _ = writeln!(text, "            let k{i} = vec4<i32>(i32(k) * 4) + vec4<i32>(0, 1, 2, 3);");
                    let _ = writeln!(text, "            let in{i} = (k{i} >= vec4(first{i})) & (k{i} < vec4(end{i}));");
                    let _ = writeln!(
                        text,
                        "            let at{i} = select(vec4<i32>(), k{i} + vec4<i32>(start{i}), in{i});"
                    );
                    let value = |part: &str| self.input.at("input", &format!("at{i}.{part}"));
                    let read = format!("vec4({}, {}, {}, {})", value("x"), value("y"), value("z"), value("w"));
                    format!("select(vec4<f32>(), {read}, in{i})")
                }
            };
            let _ = writeln!(text, "            let a{i} = {value};");
            for j in 0..columns {
                for (part, name) in ["x", "y", "z", "w"].iter().enumerate() {
                    let _ = writeln!(text, "            sum{i}_{j} += a{i}.{name} * b{part}_{j};");
                }
            }
        }
        text.push_str("        }\n");
        text
    }

    /// The end of a value: bias, residual, ReLU and store, for `value` at `row` and `column` (in fours).
    fn finish(&self, value: &str, row: &str, column: &str, indent: &str) -> String {
        let residual = match self.residual {
            Some(_) => format!(" + residual_at({row}, {column})"),
            None => String::new(),
        };
        let value = format!("{value} + bias_at({column}){residual}");
        let value = if self.relu { format!("max({value}, vec4<f32>())") } else { value };
        let (rows, columns) = (self.rows(), self.columns());
        format!("{indent}if ({row} < {rows}u && {column} < {columns}u) {{ store({row}, {column}, {value}); }}\n")
    }
}

impl Shader for Convolution {
    fn workgroup(&self) -> [u32; 3] {
        self.tile.workgroup
    }

    fn groups(&self) -> [u32; 3] {
        let [along_columns, along_rows, _] = self.tile.workgroup;
        let columns = self.columns().div_ceil(self.tile.columns * along_columns);
        [columns, self.rows().div_ceil(self.tile.rows * along_rows), 1]
    }

    fn output(&self) -> Storage {
        self.written().storage()
    }

    fn wgsl(&self) -> String {
        let Tile { rows, columns, workgroup: [along_columns, along_rows, slices] } = self.tile;
        let mut inputs = vec![("input", self.input), ("weight", self.weight), ("bias", self.bias())];
        inputs.extend(self.residual.map(|residual| ("residual", residual)));
        let mut text = buffers(&inputs, self.written());
        text.push_str(&self.accessors());
        let tile = rows * columns;
        let group = along_columns * along_rows;
        if slices > 1 {
            let _ = writeln!(text, "var<workgroup> sums: array<vec4<f32>, {}>;", tile * slices * group);
        }
        let inner = self.row().div_ceil(4);
        let chunk = inner.div_ceil(slices);
        let _ = writeln!(
            text,
            "@compute @workgroup_size({along_columns}, {along_rows}, {slices})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {{
    let column = (group.x * {along_columns}u + local.x) * {columns}u;
    let row = (group.y * {along_rows}u + local.y) * {rows}u;
    let begin = min(local.z * {chunk}u, {inner}u);
    let end = min(begin + {chunk}u, {inner}u);"
        );
        for j in 0..columns {
            let _ = writeln!(text, "    let column{j} = min(column + {j}u, {}u);", self.columns() - 1);
        }
        text.push_str(&self.row_bounds());
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            let _ = writeln!(text, "    var sum{i}_{j} = vec4<f32>();");
        }
        let (some_inside, some_over) = self.kinds_of_tile();
        match (some_inside, some_over) {
            (true, true) => {
                let inside: Vec<String> = (0..rows).map(|i| format!("first{i} == 0 && end{i} == {inner}")).collect();
                let _ = writeln!(text, "    if ({}) {{", inside.join(" && "));
                text.push_str(&self.inner_loop(true));
                text.push_str("    } else {\n");
                text.push_str(&self.inner_loop(false));
                text.push_str("    }\n");
            }
            (every, _) => {
                text.push_str("    {\n");
                text.push_str(&self.inner_loop(every));
                text.push_str("    }\n");
            }
        }
        if slices == 1 {
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                let (sum, row, column) = (format!("sum{i}_{j}"), format!("(row + {i}u)"), format!("(column + {j}u)"));
                text.push_str(&self.finish(&sum, &row, &column, "    "));
            }
        } else {
            let _ = writeln!(text, "    let place = local.y * {along_columns}u + local.x;");
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                let part = i * columns + j;
                let _ = writeln!(text, "    sums[({}u + local.z) * {group}u + place] = sum{i}_{j};", part * slices);
            }
            let _ = writeln!(
                text,
                "    workgroupBarrier();
    for (var part = local.z; part < {tile}u; part += {slices}u) {{
        var sum = vec4<f32>();
        for (var slice = 0u; slice < {slices}u; slice++) {{
            sum += sums[(part * {slices}u + slice) * {group}u + place];
        }}
        let at_row = row + part / {columns}u;
        let at_column = column + part % {columns}u;"
            );
            text.push_str(&self.finish("sum", "at_row", "at_column", "        "));
            text.push_str("    }\n");
        }
        text.push_str("}\n");
        text
    }
}
