"""Loads the files that `tests/keras_files.rs` wrote into Keras and compares the outputs of the networks.

    python tests/keras/check_export.py OUT --golden ../shared/golden

Each `NETWORK.TARGET.ecgnet.h5` in OUT is loaded by Keras 2 and by Keras 3, by topology into a model with automatic
layer names, and by name into a model whose layers have the published names.
"""

import argparse
from pathlib import Path

import published_networks as published

TOLERANCE = 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--golden", type=Path, required=True)
    arguments = parser.parse_args()

    import keras
    import tf_keras

    print(f"Keras {tf_keras.__version__} and {keras.__version__}")
    golden = published.reference(arguments.golden)
    x = published.inputs(arguments.golden)
    files = sorted(arguments.out.glob("*.ecgnet.h5"))
    assert files, f"no *.ecgnet.h5 in {arguments.out}"
    for file in files:
        network, target = file.name.split(".")[:2]
        for library in (tf_keras, keras):
            for by_name in (False, True):
                model, _ = published.build(library, network, target, named=by_name)
                model.load_weights(str(file), **({"by_name": True} if by_name else {}))
                difference = published.largest_difference(model, x, golden[network][target]["outputs"])
                way = "by name" if by_name else "by topology"
                print(f"{file.name} {library.__name__} {way}: differs by {difference:.1e} at most")
                assert difference < TOLERANCE, f"{file.name} does not make the published network"


if __name__ == "__main__":
    main()
