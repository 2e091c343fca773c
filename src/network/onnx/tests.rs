use super::schema::{ModelProto, TensorProto};
use super::*;
use crate::network::assembly::Assembly;
use crate::network::weights::{Calibration, WeightsDescription};
use crate::network::{Architecture, Target};
use crate::signal::Preprocessing;

/// Weights that are all zero, but for what a calibration holds.
fn weights(architecture: Architecture, target: Target) -> Weights {
    let assembly = Assembly::new(architecture, target);
    let values: Vec<Vec<f32>> = assembly.parameters.iter().map(|parameter| vec![0.0; parameter.values()]).collect();
    let calibration = Calibration { sex_temperature: 4.0, ..Calibration::default() };
    let description = WeightsDescription {
        architecture,
        target,
        preprocessing: Preprocessing::Lead,
        calibration,
        training: serde_json::Map::new(),
    };
    Weights { description, tensors: deployed::deploy(&assembly, &values) }
}

fn graph(architecture: Architecture) -> GraphProto {
    let bytes = write(&weights(architecture, Target::Both)).unwrap();
    ModelProto::decode(bytes.as_slice()).unwrap().graph.unwrap()
}

fn count(graph: &GraphProto, operator: &str) -> usize {
    graph.node.iter().filter(|node| node.op_type == operator).count()
}

fn node<'a>(graph: &'a GraphProto, name: &str) -> &'a NodeProto {
    graph.node.iter().find(|node| node.name == name).unwrap()
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> &'a AttributeProto {
    node.attribute.iter().find(|attribute| attribute.name == name).unwrap()
}

fn tensor<'a>(graph: &'a GraphProto, name: &str) -> &'a TensorProto {
    graph.initializer.iter().find(|tensor| tensor.name == name).unwrap()
}

#[test]
fn every_input_of_a_node_was_made_before_it_and_no_name_twice() {
    for architecture in Architecture::ALL {
        let graph = graph(architecture);
        let mut known: Vec<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        known.push(INPUT);
        for node in &graph.node {
            for input in &node.input {
                assert!(known.contains(&input.as_str()), "{architecture}: {} needs {input}", node.name);
            }
            assert!(!known.contains(&node.name.as_str()), "{architecture}: {} twice", node.name);
            known.push(&node.name);
        }
        let outputs: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
        assert_eq!(outputs, ["age", "sex"]);
        assert!(outputs.iter().all(|output| known.contains(output)));
    }
}

#[test]
fn kernels_have_all_their_columns() {
    let values = |architecture| -> usize {
        let graph = graph(architecture);
        let kernels = graph.initializer.iter().filter(|tensor| tensor.name.ends_with(".kernel"));
        kernels.map(|tensor| tensor.dims.iter().product::<i64>() as usize).sum()
    };
    for architecture in Architecture::ALL {
        let assembly = Assembly::new(architecture, Target::Both);
        let kernels = assembly.parameters.iter().filter(|parameter| parameter.name.ends_with(".kernel"));
        let published: usize = kernels.map(|parameter| parameter.published_values()).sum();
        assert_eq!(values(architecture), published, "{architecture}");
    }
}

#[test]
fn convolutions_are_those_of_the_publication() {
    let resnet18 = graph(Architecture::Resnet18);
    assert_eq!(count(&resnet18, "Conv"), 20);
    assert_eq!(count(&resnet18, "BatchNormalization"), 0);
    let stem = node(&resnet18, "stem.conv");
    assert_eq!(tensor(&resnet18, "stem.conv.kernel").dims, [64, 1, 7, 7]);
    assert_eq!(attribute(stem, "strides").ints, [2, 2]);
    // Of TensorFlow's SAME padding of 5120 x 12.
    assert_eq!(attribute(stem, "pads").ints, [2, 2, 3, 3]);

    let dnn = graph(Architecture::Dnn);
    assert_eq!(tensor(&dnn, "unit1.conv2.kernel").dims, [128, 128, 16]);
    assert_eq!(attribute(node(&dnn, "unit1.conv2"), "strides").ints, [5]);
    assert_eq!(attribute(node(&dnn, "unit1.conv2"), "pads").ints, [5, 6]);
    // Behind the sums of the four units.
    assert_eq!(count(&dnn, "BatchNormalization"), 4);
}

#[test]
fn heads_speak_of_years_and_calibrated_probabilities() {
    let graph = graph(Architecture::Compact);
    assert_eq!(attribute(node(&graph, "age"), "alpha").f, Some(100.0));
    assert_eq!(attribute(node(&graph, "age"), "beta").f, Some(100.0));
    assert_eq!(attribute(node(&graph, "sex.head"), "alpha").f, Some(0.25));
    assert_eq!(node(&graph, "sex").op_type, "Softmax");
}

#[test]
fn filters_come_first() {
    // [2 samples, 1 lead, 2 channels, 3 filters]
    let kernel: Vec<f32> = (0..12u8).map(f32::from).collect();
    assert_eq!(filters_first(&kernel, 2, 3), [0.0, 6.0, 3.0, 9.0, 1.0, 7.0, 4.0, 10.0, 2.0, 8.0, 5.0, 11.0]);
}

#[test]
fn what_is_missing_is_named() {
    let mut weights = weights(Architecture::Cnn, Target::Age);
    weights.tensors.retain(|tensor| tensor.name != "conv3.bias");
    let error = write(&weights).unwrap_err();
    assert!(error.to_string().contains("conv3.bias"), "{error}");
}
