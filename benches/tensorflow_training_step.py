#!/usr/bin/env python3
"""Time a training step of resnet18 (age head) in TensorFlow; prints JSON.

usage: tensorflow_training_step.py BATCH STEPS THREADS

The network is the published one (spec: He et al. 2015 over samples and leads, Keras defaults), the step is one of
`tf.function`: forward, gradients, Adam. `make bench-training` runs it beside the same step of ECGNet.
"""
import json, os, sys, time

batch, steps, threads = (int(argument) for argument in sys.argv[1:4])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
layers = tf.keras.layers


def convolution(x, filters, kernel, stride=1):
    return layers.Conv2D(filters, kernel, strides=stride, padding="same")(x)


def block(x, filters, stride):
    y = layers.ReLU()(layers.BatchNormalization()(convolution(x, filters, 3, stride)))
    y = layers.BatchNormalization()(convolution(y, filters, 3))
    skip = x if stride == 1 else convolution(x, filters, 1, stride)
    return layers.ReLU()(layers.Add()([y, skip]))


inputs = layers.Input((5120, 12, 1))
x = layers.ReLU()(layers.BatchNormalization()(convolution(inputs, 64, 7, 2)))
x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
for filters, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
    x = block(block(x, filters, stride), filters, 1)
outputs = layers.Dense(1)(layers.GlobalAveragePooling2D()(x))
model = tf.keras.Model(inputs, outputs)
assert model.count_params() == 11_181_569
optimizer = tf.keras.optimizers.Adam(1e-3)
optimizer.build(model.trainable_variables)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


x, y = tf.random.normal((batch, 5120, 12, 1)), tf.random.uniform((batch, 1))
float(step(x, y))
times = []
for _ in range(steps):
    start = time.perf_counter()
    float(step(x, y))
    times.append(time.perf_counter() - start)
print(json.dumps({"runtime": f"TensorFlow {tf.__version__}", "batch": batch, "seconds": times}))
