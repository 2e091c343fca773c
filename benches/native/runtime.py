"""Another runtime taking turns as `benches/inference.rs` does.

    python runtime.py onnxruntime|tensorflow|pytorch NETWORK.onnx INPUT THREADS BATCH

PyTorch computes on the graphics card where there is one; the others on the processor.
"""

import json
import os
import sys
import time

import numpy as np


def onnx_runtime(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["age", "sex"], {"ecg": x})


def tensorflow(path, threads):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import onnx
    import tensorflow as tf
    from onnx import helper, numpy_helper

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    layers = tf.keras.layers
    graph = onnx.load(path).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def weighted(layer, x, weights):
        y = layer(x)
        layer.set_weights(weights)
        return y

    def convolution(x, options, kernel, bias):
        kind, order = {4: (layers.Conv2D, (2, 3, 1, 0)), 3: (layers.Conv1D, (2, 1, 0))}[kernel.ndim]
        layer = kind(kernel.shape[0], kernel.shape[2:], strides=options["strides"], padding="same")
        return weighted(layer, x, [kernel.transpose(order), bias])

    def dense(x, options, kernel, bias):
        return weighted(layers.Dense(kernel.shape[1]), x, [options["alpha"] * kernel, options["beta"] * bias])

    def max_pool(x, options):
        kind = {2: layers.MaxPooling2D, 1: layers.MaxPooling1D}[len(options["kernel_shape"])]
        return kind(options["kernel_shape"], options["strides"], padding="same")(x)

    def pool(kinds):
        return lambda x, _: kinds[len(x.shape)]()(x)

    # Channels, which ONNX has first, are last here: transpositions only move them where they are already.
    operators = {
        "Unsqueeze": lambda x, _, axes: layers.Reshape((*x.shape[1:], 1))(x),
        "Transpose": lambda x, _: x,
        "Conv": convolution,
        "Gemm": dense,
        "MaxPool": max_pool,
        "Relu": lambda x, _: layers.ReLU()(x),
        "Add": lambda x, y, _: layers.Add()([x, y]),
        "Concat": lambda *inputs: layers.Concatenate()(list(inputs[:-1])),
        "Flatten": lambda x, _: layers.Flatten()(x),
        "Softmax": lambda x, _: layers.Softmax()(x),
        "BatchNormalization": lambda x, options, *parts: weighted(
            layers.BatchNormalization(epsilon=options["epsilon"]), x, parts
        ),
        "GlobalAveragePool": pool({4: layers.GlobalAveragePooling2D, 3: layers.GlobalAveragePooling1D}),
        "GlobalMaxPool": pool({4: layers.GlobalMaxPooling2D, 3: layers.GlobalMaxPooling1D}),
    }
    values = {"ecg": layers.Input((5120, 12))}
    ecg = values["ecg"]
    for node in graph.node:
        inputs = [values[name] for name in node.input if name in values]
        options = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        weights = [tensors[name] for name in node.input if name in tensors]
        values[node.output[0]] = operators[node.op_type](*inputs, options, *weights)
    model = tf.function(tf.keras.Model(ecg, [values[output.name] for output in graph.output]), reduce_retracing=True)
    return lambda x: [output.numpy() for output in model(tf.constant(x), training=False)]


def pytorch(path, threads):
    import onnx
    import torch
    import torch.nn.functional as F
    from onnx import helper, numpy_helper

    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True
    # 32 bits, as ECGNet computes: TensorFloat-32 has 19.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    graph = onnx.load(path).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    # Axes stay numbers: what a tensor on the card says has to be waited for.
    on_device = {
        name: torch.tensor(value, device=device) for name, value in tensors.items() if value.dtype == np.float32
    }

    def padded(x, options, value):
        half = len(options["pads"]) // 2
        pairs = zip(options["pads"][:half], options["pads"][half:])
        # The last axis comes first.
        pads = [number for pair in reversed(list(pairs)) for number in pair]
        return F.pad(x, pads, value=value) if any(pads) else x

    def convolution(x, options, kernel, bias):
        work = {4: F.conv2d, 3: F.conv1d}[kernel.ndim]
        return work(padded(x, options, 0.0), kernel, bias, options["strides"])

    def max_pool(x, options):
        work = {4: F.max_pool2d, 3: F.max_pool1d}[x.ndim]
        return work(padded(x, options, -torch.inf), options["kernel_shape"], options["strides"])

    def batch_norm(x, options, gamma, beta, mean, variance):
        return F.batch_norm(x, mean, variance, gamma, beta, eps=options["epsilon"])

    spatial = lambda x: tuple(range(2, x.ndim))
    operators = {
        "Unsqueeze": lambda x, _, axes: x.unsqueeze(int(axes[0])),
        "Transpose": lambda x, options: x.permute(options["perm"]).contiguous(),
        "Conv": convolution,
        "Gemm": lambda x, options, kernel, bias: torch.addmm(bias, x, kernel, beta=options["beta"], alpha=options["alpha"]),
        "MaxPool": max_pool,
        "Relu": lambda x, _: torch.relu(x),
        "Add": lambda x, y, _: x + y,
        "Concat": lambda *inputs: torch.cat(inputs[:-1], inputs[-1]["axis"]),
        "Flatten": lambda x, _: x.flatten(1),
        "Softmax": lambda x, _: torch.softmax(x, 1),
        "BatchNormalization": batch_norm,
        "GlobalAveragePool": lambda x, _: x.mean(spatial(x), keepdim=True),
        "GlobalMaxPool": lambda x, _: x.amax(spatial(x), keepdim=True),
    }
    nodes = [
        (node, {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute})
        for node in graph.node
    ]

    @torch.inference_mode()
    def estimate(x):
        values = {"ecg": torch.from_numpy(x).to(device)}
        for node, options in nodes:
            inputs = [values[name] for name in node.input if name in values]
            weights = [on_device.get(name, tensors[name]) for name in node.input if name in tensors]
            values[node.output[0]] = operators[node.op_type](*inputs, options, *weights)
        return [values[output.name].cpu().numpy() for output in graph.output]

    return estimate


def main():
    runtime, path, input_file, threads, batch = sys.argv[1:]
    x = np.fromfile(input_file, "<f4").reshape(1, 5120, 12).repeat(int(batch), 0)

    def timed(work):
        start = time.perf_counter()
        result = work()
        return result, (time.perf_counter() - start) * 1000

    load = {"onnxruntime": onnx_runtime, "tensorflow": tensorflow, "pytorch": pytorch}[runtime]
    estimate, load_ms = timed(lambda: load(path, int(threads)))
    (age, sex), first_ms = timed(lambda: estimate(x))
    print(json.dumps({"load_ms": load_ms, "first_ms": first_ms, "age": float(age[0, 0]), "female": float(sex[0, 1])}), flush=True)
    for line in sys.stdin:
        end = time.perf_counter() + float(line) / 1000
        times = []
        while not times or time.perf_counter() < end:
            times.append(timed(lambda: estimate(x))[1])
        print(json.dumps(times), flush=True)


main()
