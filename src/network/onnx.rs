//! A network as an ONNX graph, for the runtimes that read one.
//!
//! The graph is the usual export of the published network, not the form that computes here: two- and one-dimensional
//! convolutions with all their columns, channels first, batch normalisation folded into the convolution before it.
//!
//! | | shape | |
//! |---|---|---|
//! | input `ecg` | [recordings, 5120, 12] | samples and leads as the weights' preprocessing makes them |
//! | output `age` | [recordings, 1] | years |
//! | output `sex` | [recordings, 2] | the probabilities of male and female, calibrated as in an estimate |
//!
//! The metadata entry `ecgnet` is the same JSON as that of the weights file.

mod schema;

use super::assembly::Extent;
use super::deployed::{self, DeployError};
use super::description::{Convolution, KernelLayout, Layer};
use super::folding::Folding;
use super::operation::same_padding;
use super::parameter::DeployedTensor;
use super::weights::{METADATA_KEY, Weights};
use super::{AGE_UNIT, Head, INPUT_LEADS, INPUT_SAMPLES};
use prost::Message;
use schema::{
    ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS, AttributeProto, Dimension, FLOAT, GraphProto, INT64, IR_VERSION,
    ModelProto, NodeProto, OPERATORS, OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};
use std::collections::HashMap;

const INPUT: &str = "ecg";

/// Why weights cannot be made an ONNX file.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error("the description of the weights cannot be written: {0}")]
    Description(#[from] serde_json::Error),
}

/// The bytes of an ONNX file of a network.
///
/// # Errors
/// Where the tensors do not make the described network.
pub fn write(weights: &Weights) -> Result<Vec<u8>, OnnxError> {
    let description = &weights.description;
    let (architecture, target) = (description.architecture, description.target);
    let tensors = deployed::tensors_by_name(architecture, target, &weights.tensors)?;
    let mut graph = Graph { tensors, nodes: Vec::new(), initializers: Vec::new() };
    let input = Value { name: INPUT.to_owned(), extent: Extent::INPUT, form: Form::Samples };
    let features = graph.layers(&architecture.body(), input);
    let mut outputs = Vec::new();
    for &head in target.heads() {
        let layer = architecture.head(head);
        let output = match head {
            Head::Age => graph.dense(&layer, &features, head.to_string(), AGE_UNIT),
            Head::Sex => {
                let temperature = description.calibration.sex_temperature;
                let logits = graph.dense(&layer, &features, layer.name.clone(), 1.0 / temperature);
                graph.node("Softmax", &[&logits], head.to_string(), vec![int("axis", 1)])
            }
        };
        outputs.push(value_info(&output, &[head.outputs()]));
    }
    let graph = GraphProto {
        node: graph.nodes,
        name: format!("{architecture} for {target}"),
        initializer: graph.initializers,
        input: vec![value_info(INPUT, &[INPUT_SAMPLES, INPUT_LEADS])],
        output: outputs,
    };
    let entry = StringStringEntryProto { key: METADATA_KEY.to_owned(), value: serde_json::to_string(description)? };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: env!("CARGO_PKG_NAME").to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPERATORS }],
        metadata_props: vec![entry],
    };
    Ok(model.encode_to_vec())
}

/// How the values of an activation lie, recordings outermost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// [samples, leads]: the input.
    Samples,
    /// [channels, samples, leads].
    Planes,
    /// [channels, samples].
    Lines,
    /// `[values]`.
    Features,
}

/// The output of a node.
#[derive(Debug, Clone)]
struct Value {
    name: String,
    extent: Extent,
    form: Form,
}

impl Value {
    /// Of sizes along samples and leads those that this form has.
    fn axes(&self, (samples, leads): (usize, usize)) -> Vec<usize> {
        match self.form {
            Form::Lines => vec![samples],
            _ => vec![samples, leads],
        }
    }
}

struct Graph<'a> {
    tensors: HashMap<&'a str, &'a DeployedTensor>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
}

impl Graph<'_> {
    /// Adds a node and returns the name of its output, which is the node's as well.
    fn node(&mut self, operator: &str, inputs: &[&str], name: String, attributes: Vec<AttributeProto>) -> String {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.to_owned(),
            attribute: attributes,
        });
        name
    }

    /// A name for a node without parameters.
    fn numbered(&self, name: &str) -> String {
        format!("{name}{}", self.nodes.len())
    }

    fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializers.push(TensorProto {
            dims: integers(shape),
            data_type: FLOAT,
            name: name.to_owned(),
            raw_data,
        });
        name.to_owned()
    }

    fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let dims = integers(&[values.len()]);
        self.initializers.push(TensorProto { dims, data_type: INT64, name: name.to_owned(), raw_data });
        name.to_owned()
    }

    fn layers(&mut self, layers: &[Layer], mut value: Value) -> Value {
        for (position, layer) in layers.iter().enumerate() {
            let after_convolution = position > 0 && matches!(layers[position - 1], Layer::Convolution(_));
            // Such a batch normalisation is part of the deployed convolution.
            if !(after_convolution && matches!(layer, Layer::BatchNorm { .. })) {
                value = self.layer(layer, value);
            }
        }
        value
    }

    fn layer(&mut self, layer: &Layer, value: Value) -> Value {
        match layer {
            Layer::Convolution(convolution) if convolution.layout == KernelLayout::Dense => {
                let name = self.dense(convolution, &value, convolution.name.clone(), 1.0);
                Value { name, extent: Extent { channels: convolution.filters, ..value.extent }, form: Form::Features }
            }
            Layer::Convolution(convolution) => self.convolution(convolution, value),
            Layer::BatchNorm { name } => self.scale_and_shift(name, value),
            Layer::Relu => {
                let name = self.numbered("relu");
                Value { name: self.node("Relu", &[&value.name], name, vec![]), ..value }
            }
            Layer::MaxPool { size, stride } => self.max_pool(*size, *stride, value),
            Layer::Dropout(_) => value,
            Layer::LeadsToChannels => {
                assert_eq!(value.form, Form::Samples, "leads become channels before anything else happens");
                let name = self.transpose(&value.name, &[0, 2, 1]);
                let extent = Extent { leads: 1, channels: value.extent.width(), ..value.extent };
                Value { name, extent, form: Form::Lines }
            }
            Layer::Flatten => {
                let innermost_channels = match value.form {
                    Form::Lines => self.transpose(&value.name, &[0, 2, 1]),
                    _ => self.transpose(&value.name, &[0, 2, 3, 1]),
                };
                self.features(&innermost_channels, value.extent.samples * value.extent.width())
            }
            Layer::GlobalAveragePool => self.global_pool("GlobalAveragePool", value),
            Layer::GlobalMaxPool => self.global_pool("GlobalMaxPool", value),
            Layer::Sum(paths) => {
                let [first, second] = paths.each_ref().map(|path| self.layers(path, value.clone()));
                let name = self.numbered("sum");
                Value { name: self.node("Add", &[&first.name, &second.name], name, vec![]), ..first }
            }
            Layer::Branches(branches) => {
                let outputs: Vec<Value> = branches.iter().map(|branch| self.layers(branch, value.clone())).collect();
                let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
                let name = self.numbered("concatenated");
                let name = self.node("Concat", &names, name, vec![int("axis", 1)]);
                let channels = outputs.iter().map(|output| output.extent.channels).sum();
                Value { name, extent: Extent { samples: 1, leads: 1, channels }, form: Form::Features }
            }
        }
    }

    fn convolution(&mut self, convolution: &Convolution, value: Value) -> Value {
        let Convolution { name, filters, kernel, stride, .. } = convolution;
        let value = self.with_channels(value);
        let Extent { samples, leads, channels } = value.extent;
        let folding = Folding::new(*kernel, stride.1, leads, channels, *filters);
        let published = folding.restore(&self.tensors[format!("{name}.kernel").as_str()].values.to_f32());
        let shape: Vec<usize> = [*filters, channels].into_iter().chain(value.axes(*kernel)).collect();
        let kernel_name =
            self.floats(&format!("{name}.kernel"), &shape, &filters_first(&published, channels, *filters));
        let bias = self.tensors[format!("{name}.bias").as_str()].values.to_f32();
        let bias = self.floats(&format!("{name}.bias"), &[*filters], &bias);
        let attributes = window(&value, *kernel, *stride);
        let output = self.node("Conv", &[&value.name, &kernel_name, &bias], name.clone(), attributes);
        let extent =
            Extent { samples: samples.div_ceil(stride.0), leads: leads.div_ceil(stride.1), channels: *filters };
        Value { name: output, extent, form: value.form }
    }

    /// Gives the input its one channel.
    fn with_channels(&mut self, value: Value) -> Value {
        if value.form != Form::Samples {
            return value;
        }
        let axis = self.integers("channel_axis", &[1]);
        let name = self.node("Unsqueeze", &[&value.name, &axis], "planes".to_owned(), vec![]);
        Value { name, form: Form::Planes, ..value }
    }

    /// `scale` times a dense layer; returns the output's name.
    fn dense(&mut self, layer: &Convolution, value: &Value, output: String, scale: f32) -> String {
        let (kernel, bias) = (format!("{}.kernel", layer.name), format!("{}.bias", layer.name));
        let (matrix, row) = (self.tensors[kernel.as_str()], self.tensors[bias.as_str()]);
        let kernel = self.floats(&kernel, &[value.extent.channels, layer.filters], &matrix.values.to_f32());
        let bias = self.floats(&bias, &[layer.filters], &row.values.to_f32());
        let attributes = vec![float("alpha", scale), float("beta", scale)];
        self.node("Gemm", &[&value.name, &kernel, &bias], output, attributes)
    }

    /// A batch normalisation that no convolution can take up: its mean is 0 and its variance 1.
    fn scale_and_shift(&mut self, name: &str, value: Value) -> Value {
        let channels = value.extent.channels;
        let parts = [("scale", None), ("shift", None), ("mean", Some(0.0)), ("variance", Some(1.0))];
        let parts = parts.map(|(part, constant)| {
            let tensor = format!("{name}.{part}");
            let values = match constant {
                Some(constant) => vec![constant; channels],
                None => self.tensors[tensor.as_str()].values.to_f32(),
            };
            self.floats(&tensor, &[channels], &values)
        });
        let inputs: Vec<&str> = [&value.name].into_iter().chain(&parts).map(String::as_str).collect();
        let output = self.node("BatchNormalization", &inputs, name.to_owned(), vec![float("epsilon", 0.0)]);
        Value { name: output, ..value }
    }

    fn max_pool(&mut self, size: (usize, usize), stride: (usize, usize), value: Value) -> Value {
        let mut attributes = window(&value, size, stride);
        attributes.push(ints("kernel_shape", value.axes(size)));
        let name = self.numbered("pool");
        let Extent { samples, leads, channels } = value.extent;
        let extent = Extent { samples: samples.div_ceil(stride.0), leads: leads.div_ceil(stride.1), channels };
        Value { name: self.node("MaxPool", &[&value.name], name, attributes), extent, form: value.form }
    }

    fn transpose(&mut self, value: &str, order: &[usize]) -> String {
        let name = self.numbered("transposed");
        self.node("Transpose", &[value], name, vec![ints("perm", order.to_vec())])
    }

    fn global_pool(&mut self, operator: &str, value: Value) -> Value {
        let name = self.numbered("pooled");
        let pooled = self.node(operator, &[&value.name], name, vec![]);
        self.features(&pooled, value.extent.channels)
    }

    /// All values of a recording in one row.
    fn features(&mut self, value: &str, values: usize) -> Value {
        let name = self.numbered("features");
        let name = self.node("Flatten", &[value], name, vec![int("axis", 1)]);
        Value { name, extent: Extent { samples: 1, leads: 1, channels: values }, form: Form::Features }
    }
}

/// TensorFlow's SAME padding, zeros before the first value of each axis and then those after the last, and the strides.
fn window(value: &Value, size: (usize, usize), stride: (usize, usize)) -> Vec<AttributeProto> {
    let length = value.axes((value.extent.samples, value.extent.leads));
    let (size, stride) = (value.axes(size), value.axes(stride));
    let padding = length.iter().zip(&size).zip(&stride).map(|((&length, &size), &stride)| {
        let (output, before) = same_padding(length, size, stride);
        (before, ((output - 1) * stride + size).saturating_sub(length + before))
    });
    let (before, after): (Vec<usize>, Vec<usize>) = padding.unzip();
    vec![ints("pads", [before, after].concat()), ints("strides", stride)]
}

/// A kernel [samples, leads, channels in, filters] as [filters, channels in, samples, leads].
fn filters_first(kernel: &[f32], channels: usize, filters: usize) -> Vec<f32> {
    let positions = kernel.len() / (channels * filters);
    let mut turned = Vec::with_capacity(kernel.len());
    for filter in 0..filters {
        for channel in 0..channels {
            turned.extend((0..positions).map(|position| kernel[(position * channels + channel) * filters + filter]));
        }
    }
    turned
}

fn integers(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&size| size as i64).collect()
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.to_owned(), i: Some(value), r#type: ATTRIBUTE_INT, ..AttributeProto::default() }
}

fn ints(name: &str, values: Vec<usize>) -> AttributeProto {
    let ints = integers(&values);
    AttributeProto { name: name.to_owned(), ints, r#type: ATTRIBUTE_INTS, ..AttributeProto::default() }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.to_owned(), f: Some(value), r#type: ATTRIBUTE_FLOAT, ..AttributeProto::default() }
}

/// A tensor of floats for any number of recordings.
fn value_info(name: &str, shape: &[usize]) -> ValueInfoProto {
    let recordings = Dimension { dim_value: None, dim_param: Some("recordings".to_owned()) };
    let sizes = integers(shape).into_iter().map(|size| Dimension { dim_value: Some(size), dim_param: None });
    let shape = TensorShapeProto { dim: [recordings].into_iter().chain(sizes).collect() };
    let tensor_type = TensorTypeProto { elem_type: FLOAT, shape: Some(shape) };
    ValueInfoProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

#[cfg(test)]
mod tests;
