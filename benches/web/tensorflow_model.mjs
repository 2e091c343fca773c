// A network of `ecgnet export --format onnx` as a model of TensorFlow.js: built layer by layer, channels last, a ReLU
// within the convolution before it, and saved as `tf.loadLayersModel` reads it.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import * as tf from "@tensorflow/tfjs";

const SCHEMA = fileURLToPath(new URL("onnx.proto", import.meta.url));
const INPUT_SHAPE = [5120, 12];

/** Writes `model.json` and `weights.bin` of the network in an ONNX file to a folder. */
export async function writeTensorFlowModel(onnxFile, folder) {
  const { graph } = await readOnnx(onnxFile);
  const model = build(graph);
  await mkdir(folder, { recursive: true });
  const save = async ({ modelTopology, weightSpecs, weightData }) => {
    const weights = Array.isArray(weightData) ? Buffer.concat(weightData.map(Buffer.from)) : Buffer.from(weightData);
    await writeFile(join(folder, "weights.bin"), weights);
    const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
    await writeFile(join(folder, "model.json"), JSON.stringify({ format: "layers-model", modelTopology, weightsManifest }));
    return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON({ modelTopology, weightSpecs, weightData }) };
  };
  await model.save(tf.io.withSaveHandler(save));
  model.dispose();
}

async function readOnnx(file) {
  const root = await protobuf.load(SCHEMA);
  const ModelProto = root.lookupType("ModelProto");
  return ModelProto.toObject(ModelProto.decode(await readFile(file)), { longs: Number, arrays: true });
}

function build(graph) {
  const stored = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const readers = (name) => graph.node.filter(({ input }) => input.includes(name));
  const input = tf.input({ shape: INPUT_SHAPE });
  const values = new Map([["ecg", input]]);
  const withinConvolution = new Set();
  for (const node of graph.node) {
    const [name] = node.output;
    const layer = LAYERS[node.opType];
    if (!layer) throw new Error(`there is no layer for the operator ${node.opType}`);
    const inputs = node.input.filter((input) => values.has(input)).map((input) => values.get(input));
    const tensors = node.input.filter((input) => stored.has(input)).map((input) => stored.get(input));
    const attributes = Object.fromEntries(node.attribute.map(({ name, f, ints }) => [name, f ?? ints]));
    const following = readers(name);
    const takesRelu = node.opType === "Conv" && following.length === 1 && following[0].opType === "Relu";
    if (takesRelu) withinConvolution.add(following[0]);
    const isDone = withinConvolution.has(node);
    values.set(name, isDone ? inputs[0] : layer({ inputs, tensors, attributes, activation: takesRelu ? "relu" : "linear" }));
  }
  return tf.model({ inputs: input, outputs: graph.output.map(({ name }) => values.get(name)) });
}

/** A weight of a layer, its dimensions in another order and all values times `scale`. */
function weight({ dims, rawData }, order = dims.map((_, axis) => axis), scale = 1) {
  // A copy, which lies as floats must.
  const floats = new Float32Array(new Uint8Array(rawData).buffer);
  return tf.tidy(() => tf.tensor(floats, dims).transpose(order).mul(scale));
}

/** What makes the output of an operator; channels, which ONNX has first, are last. */
const LAYERS = {
  Unsqueeze: ({ inputs: [input] }) => tf.layers.reshape({ targetShape: [...input.shape.slice(1), 1] }).apply(input),
  // They only move the channels to where TensorFlow.js has them already.
  Transpose: ({ inputs: [input] }) => input,
  Conv({ inputs: [input], tensors: [kernel, bias], attributes, activation }) {
    const plane = kernel.dims.length === 4;
    const [filters, , ...kernelSize] = kernel.dims;
    const make = plane ? tf.layers.conv2d : tf.layers.conv1d;
    const weights = [weight(kernel, plane ? [2, 3, 1, 0] : [2, 1, 0]), weight(bias)];
    const options = { filters, kernelSize, strides: attributes.strides, padding: "same", activation };
    return make({ ...options, kernelInitializer: "zeros", weights }).apply(input);
  },
  Relu: ({ inputs: [input] }) => tf.layers.reLU().apply(input),
  BatchNormalization({ inputs: [input], tensors, attributes }) {
    return tf.layers.batchNormalization({ epsilon: attributes.epsilon, weights: tensors.map((tensor) => weight(tensor)) }).apply(input);
  },
  MaxPool({ inputs: [input], attributes }) {
    const make = attributes.kernel_shape.length === 2 ? tf.layers.maxPooling2d : tf.layers.maxPooling1d;
    return make({ poolSize: attributes.kernel_shape, strides: attributes.strides, padding: "same" }).apply(input);
  },
  Add: ({ inputs }) => tf.layers.add().apply(inputs),
  Concat: ({ inputs }) => tf.layers.concatenate().apply(inputs),
  GlobalAveragePool: ({ inputs: [input] }) =>
    (input.shape.length === 4 ? tf.layers.globalAveragePooling2d({}) : tf.layers.globalAveragePooling1d()).apply(input),
  GlobalMaxPool: ({ inputs: [input] }) =>
    (input.shape.length === 4 ? tf.layers.globalMaxPooling2d({}) : tf.layers.globalMaxPool1d()).apply(input),
  Flatten: ({ inputs: [input] }) => (input.shape.length === 2 ? input : tf.layers.flatten().apply(input)),
  Gemm({ inputs: [input], tensors: [kernel, bias], attributes }) {
    const weights = [weight(kernel, undefined, attributes.alpha), weight(bias, undefined, attributes.beta)];
    return tf.layers.dense({ units: kernel.dims[1], kernelInitializer: "zeros", weights }).apply(input);
  },
  Softmax: ({ inputs: [input] }) => tf.layers.softmax().apply(input),
};
