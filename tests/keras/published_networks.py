"""The four published networks in Keras, and the rule that fills their weights.

Written from the description of the networks alone, so that two independent readings of it meet in
`golden/models.json`. Works with Keras 2 (`tf_keras`) and Keras 3 (`keras`): the module is an argument.

Layers are created in the order of the published weights. `named` calls them by their published names
(`stage1_block1_conv1`) in place of Keras' automatic ones (`conv2d_3`); `skip_first` creates and sums the skip path of a
block the other way round.
"""

import json
from pathlib import Path

import numpy as np

SAMPLES, LEADS = 5120, 12
OUTPUTS = {"age": 1, "sex": 2}

CNN = [
    (16, (1, 7), 2),
    (16, (1, 5), 4),
    (32, (1, 5), 2),
    (32, (1, 5), 4),
    (64, (1, 5), 2),
    (64, (1, 3), 2),
    (64, (1, 3), 2),
    (64, (1, 3), 2),
    (128, (12, 1), 2),
]
DNN_UNITS = [(1024, 128), (256, 196), (64, 256), (16, 320)]
STAGES = [64, 128, 256, 512]


class Builder:
    """Creates layers and remembers the published name of each one that has weights."""

    def __init__(self, keras, named=False, skip_first=False):
        self.layers = keras.layers
        self.named = named
        self.skip_first = skip_first
        self.created = {}

    def layer(self, kind, published, *arguments, **options):
        if self.named:
            options["name"] = published.replace(".", "_")
        layer = self.created[published] = getattr(self.layers, kind)(*arguments, **options)
        return layer

    def conv(self, x, name, filters, kernel, stride=1):
        return self.layer("Conv2D", name, filters, kernel, strides=stride, padding="same")(x)

    def conv_1d(self, x, name, filters, kernel, stride=1):
        options = {"strides": stride, "padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
        return self.layer("Conv1D", name, filters, kernel, **options)(x)

    def norm(self, x, name):
        return self.layer("BatchNormalization", name)(x)

    def norm_relu(self, x, name):
        return self.layers.ReLU()(self.norm(x, name))

    def pool(self, x, size, stride=None):
        return self.layers.MaxPooling2D(size, strides=stride or size, padding="same")(x)

    def add(self, main, skip):
        return self.layers.Add()([skip, main] if self.skip_first else [main, skip])

    def head(self, x, target, **options):
        activation = "softmax" if target == "sex" else "linear"
        return self.layer("Dense", "head", OUTPUTS[target], activation=activation, **options)(x)


def cnn(build, x, target):
    for number, (filters, kernel, pool) in enumerate(CNN, 1):
        x = build.conv(x, f"conv{number}", filters, kernel)
        x = build.pool(build.norm_relu(x, f"conv{number}.bn"), pool)
    x = build.layers.Flatten()(x)
    for number, units in enumerate([128, 64], 1):
        x = build.layer("Dense", f"dense{number}", units)(x)
        x = build.layers.Dropout(0.2)(build.norm_relu(x, f"dense{number}.bn"))
    return build.head(x, target)


def dnn(build, x, target):
    x = build.layers.Reshape((SAMPLES, LEADS))(x)
    x = y = build.norm_relu(build.conv_1d(x, "stem.conv", 64, 16), "stem.bn")
    samples = SAMPLES
    for number, (samples_out, filters) in enumerate(DNN_UNITS, 1):
        shrink = samples // samples_out
        y = build.layers.MaxPooling1D(shrink, strides=shrink, padding="same")(y)
        y = build.conv_1d(y, f"unit{number}.skip", filters, 1)
        x = build.conv_1d(x, f"unit{number}.conv1", filters, 16)
        x = build.layers.Dropout(0.2)(build.norm_relu(x, f"unit{number}.bn1"))
        x = build.conv_1d(x, f"unit{number}.conv2", filters, 16, shrink)
        y = build.add(x, y)
        x = build.layers.Dropout(0.2)(build.norm_relu(y, f"unit{number}.bn2"))
        samples = samples_out
    return build.head(build.layers.Flatten()(x), target, kernel_initializer="he_normal")


def stem(build, x):
    x = build.norm_relu(build.conv(x, "stem.conv", 64, (7, 7), 2), "stem.bn")
    return build.pool(x, 3, 2)


def block(build, x, name, filters, kernel, stride):
    def skip():
        return x if stride == 1 else build.conv(x, f"{name}.skip", filters, 1, stride)

    shortcut = skip() if build.skip_first else None
    main = build.norm_relu(build.conv(x, f"{name}.conv1", filters, kernel, stride), f"{name}.bn1")
    main = build.norm(build.conv(main, f"{name}.conv2", filters, kernel), f"{name}.bn2")
    shortcut = skip() if shortcut is None else shortcut
    return build.layers.ReLU()(build.add(main, shortcut))


def stages(build, x, prefix, kernel):
    for stage, filters in enumerate(STAGES, 1):
        x = block(build, x, f"{prefix}stage{stage}.block1", filters, kernel, 1 if stage == 1 else 2)
        x = block(build, x, f"{prefix}stage{stage}.block2", filters, kernel, 1)
    return build.layers.GlobalAveragePooling2D()(x)


def resnet18(build, x, target):
    return build.head(stages(build, stem(build, x), "", (3, 3)), target)


def multiscale(build, x, target):
    x = stem(build, x)
    kernels = enumerate([(3, 3), (5, 3), (7, 3)], 1)
    branches = [stages(build, x, f"branch{number}.", kernel) for number, kernel in kernels]
    return build.head(build.layers.Concatenate()(branches), target)


def subclassed_resnet18(keras, network, target):
    """resnet18 as a subclassed model of subclassed blocks, which create their skip path last; and its layers."""
    assert network == "resnet18"
    layers = keras.layers
    created = {}

    def layer(kind, published, *arguments, **options):
        created[published] = getattr(layers, kind)(*arguments, **options)
        return created[published]

    class Block(layers.Layer):
        def __init__(self, name, filters, stride):
            super().__init__()
            self.first = layer("Conv2D", f"{name}.conv1", filters, 3, strides=stride, padding="same")
            self.first_norm = layer("BatchNormalization", f"{name}.bn1")
            self.second = layer("Conv2D", f"{name}.conv2", filters, 3, padding="same")
            self.second_norm = layer("BatchNormalization", f"{name}.bn2")
            skip = {"strides": stride, "padding": "same"}
            self.shortcut = layers.Identity() if stride == 1 else layer("Conv2D", f"{name}.skip", filters, 1, **skip)
            self.relu = layers.ReLU()

        def call(self, x):
            main = self.second_norm(self.second(self.relu(self.first_norm(self.first(x)))))
            return self.relu(main + self.shortcut(x))

    class ResNet18(keras.Model):
        def __init__(self):
            super().__init__()
            self.entry = layer("Conv2D", "stem.conv", 64, 7, strides=2, padding="same")
            self.entry_norm = layer("BatchNormalization", "stem.bn")
            self.relu = layers.ReLU()
            self.pool = layers.MaxPooling2D(3, 2, padding="same")
            places = [(stage, filters, block) for stage, filters in enumerate(STAGES, 1) for block in (1, 2)]
            self.blocks = [
                Block(f"stage{stage}.block{block}", filters, 2 if stage > 1 and block == 1 else 1)
                for stage, filters, block in places
            ]
            self.mean = layers.GlobalAveragePooling2D()
            activation = "softmax" if target == "sex" else "linear"
            self.exit = layer("Dense", "head", OUTPUTS[target], activation=activation)

        def call(self, x):
            x = self.pool(self.relu(self.entry_norm(self.entry(x))))
            for block in self.blocks:
                x = block(x)
            return self.exit(self.mean(x))

    model = ResNet18()
    model(np.zeros((1, SAMPLES, LEADS, 1), np.float32))
    return model, created


NETWORKS = {"cnn": cnn, "dnn": dnn, "resnet18": resnet18, "multiscale": multiscale}


def build(keras, network, target, **options):
    """The model and its layers by published name."""
    builder = Builder(keras, **options)
    x = keras.layers.Input((SAMPLES, LEADS, 1))
    return keras.Model(x, NETWORKS[network](builder, x, target)), builder.created


def stream(number, count):
    """`count` numbers between -1 and 1: the top 24 bits of splitmix64."""
    with np.errstate(over="ignore"):
        z = (np.uint64(number) << np.uint64(32)) + np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def filled(number, part, shape):
    """The values of tensor `number` of a network's list."""
    u = stream(number, int(np.prod(shape))).reshape(shape)
    if part == "kernel":
        return u * np.float32(np.sqrt(6 / np.prod(shape[:-1])))
    if part == "gamma":
        return np.float32(1) + np.float32(0.1) * u
    if part == "moving_variance":
        return np.float32(1) + np.float32(0.2) * u
    return np.float32(0.1) * u


def fill(layers, tensors, target):
    """Fills the layers by the rule; `tensors` is a network's list in `golden/models.json`."""
    values = {}
    for number, (name, shape) in enumerate(tensors):
        layer, part = name.rsplit(".", 1)
        shape = [*shape[:-1], OUTPUTS[target]] if layer == "head" else shape
        values.setdefault(layer, {})[part] = filled(number, part, shape)
    unknown = set(values) ^ set(layers)
    assert not unknown, f"layers of one side only: {unknown}"
    for name, parts in values.items():
        layer = layers[name]
        layer.set_weights([parts.pop(weight_part(weight)) for weight in layer.weights])
        assert not parts, f"{name} has no {list(parts)}"


def weight_part(weight):
    """`kernel` of `conv2d/kernel:0` (Keras 2) and of `kernel` (Keras 3)."""
    return weight.name.split(":")[0].rsplit("/", 1)[-1]


def inputs(golden):
    """The three inputs of the reference outputs, (3, samples, leads, 1)."""
    made = 0.5 * stream(1_000_000, 2 * SAMPLES * LEADS).reshape(2, SAMPLES, LEADS)
    made[:, 5000:] = 0
    real = np.load(Path(golden) / "preprocessed_time_SPH00002.npy").reshape(1, SAMPLES, LEADS)
    return np.concatenate([made, real])[..., None].astype(np.float32)


def reference(golden):
    """`golden/models.json`."""
    return json.loads((Path(golden) / "models.json").read_text())["models"]


def largest_difference(model, x, expected):
    """Between a model's outputs and the expected ones, relative to these where they are larger than 1."""
    expected = np.array(expected)
    output = np.concatenate([np.asarray(model(one[None], training=False)) for one in x])
    return float(np.max(np.abs(output - expected) / np.maximum(np.abs(expected), 1)))
