"""Writes the weights of the published networks as Keras itself writes them, for `tests/keras_files.rs`.

    python tests/keras/make_reference.py OUT --golden ../shared/golden [--networks cnn,dnn,resnet18] [--targets age,sex]
    ECGNET_KERAS_FILES=OUT cargo test --test keras_files

Needs tensorflow (with Keras 3), tf_keras (Keras 2) and h5py. The networks are built anew from their description, their
weights filled by the rule of `golden/models.json`, and their outputs compared with the ones there before anything is
written. Files are called `NETWORK.TARGET.WRITER.h5`:

    keras2          save_weights of Keras 2, automatic layer names, as TensorFlow 2.8 writes it
    keras2_model    the whole model, by save
    keras2_other    the skip paths created and summed in the other order
    keras2_named    layers called by their published names
    keras2_nested   the network as a layer of another model
    keras2_subclassed       resnet18 only: a subclassed model of subclassed blocks
    keras3_model    the whole model, by save of Keras 3
    keras3.weights  save_weights of Keras 3
    keras3_subclassed.weights   as keras2_subclassed
    keras3_named.weights    the same with layers called by their published names
"""

import argparse
from pathlib import Path

import published_networks as published

TOLERANCE = 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--golden", type=Path, required=True)
    parser.add_argument("--networks", default="cnn,dnn,resnet18", help="multiscale is left out: 220 MB a file")
    parser.add_argument("--targets", default="age,sex")
    arguments = parser.parse_args()

    import keras
    import tf_keras

    print(f"Keras {tf_keras.__version__} and {keras.__version__}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    golden = published.reference(arguments.golden)
    x = published.inputs(arguments.golden)

    for network in arguments.networks.split(","):
        for target in arguments.targets.split(","):
            reference = golden[network]

            def make(library, build=published.build, **options):
                library.backend.clear_session()
                # Other layers first: the automatic numbers of the network need not begin at none.
                library.layers.Conv2D(1, 1), library.layers.BatchNormalization(), library.layers.Dense(1)
                model, layers = build(library, network, target, **options)
                assert model.count_params() == reference[target]["parameters"]
                published.fill(layers, reference["tensors"], target)
                difference = published.largest_difference(model, x, reference[target]["outputs"])
                print(f"{network} {target} {library.__name__} {options}: differs by {difference:.1e} at most")
                assert difference < TOLERANCE, f"{network} is not the published network"
                return model

            def file(writer):
                return str(arguments.out / f"{network}.{target}.{writer}.h5")

            model = make(tf_keras)
            model.save_weights(file("keras2"))
            model.save(file("keras2_model"))
            outer = tf_keras.layers.Input(model.input_shape[1:])
            tf_keras.Model(outer, model(outer)).save_weights(file("keras2_nested"))
            make(tf_keras, skip_first=True).save_weights(file("keras2_other"))
            make(tf_keras, named=True).save_weights(file("keras2_named"))
            model = make(keras)
            model.save(file("keras3_model"))
            model.save_weights(file("keras3.weights"))
            make(keras, named=True).save_weights(file("keras3_named.weights"))
            if network == "resnet18":
                for library, writer in ((tf_keras, "keras2_subclassed"), (keras, "keras3_subclassed.weights")):
                    make(library, published.subclassed_resnet18).save_weights(file(writer))


if __name__ == "__main__":
    main()
