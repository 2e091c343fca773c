"""Times inference on the graphics card, layer by layer and against PyTorch: `make bench-gpu`.

A layer's floor is the time that its multiplications take at the card's peak for 32-bit floats, or its bytes at the peak of
its memory, whichever is longer. Peaks are known of some cards; of others they are stated by --teraflops and --gigabytes.
ECGNet holds weights and activations in 32 bits and in 16, and adds up in 32 either way. Where PyTorch is installed and sees
the card, it takes turns with ECGNet on the same network, exported to ONNX, in 32 bits.
"""

import argparse
import datetime
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from run import HERE, OURS, TOLERANCE, Runtime, difference, made_up_input

# By what the card's name contains: TFLOP/s of 32-bit floats outside of tensor cores, and GB/s, from the makers' data sheets.
PEAKS = {"H200": (66.9, 4800), "H100 PCIe": (51.2, 2000), "H100": (66.9, 3350), "A100": (19.5, 2039), "RTX 4090": (82.6, 1008)}
# What the programs call the graphics card by the bits of a number.
DEVICES = {32: "wgpu", 16: "wgpu16"}
# Largest difference of 16 bits from 32, relative to the value or, where that is small, to 1.
TOLERANCE_IN_16_BITS = 1e-2


def has_pytorch():
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def layers_of(program, device, batch, weights):
    lines = subprocess.run([program, device, str(batch), *weights], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in lines.splitlines() if line.startswith("{")]


def timed(arguments, network, batch, with_pytorch, input_file):
    """Median milliseconds of ECGNet by bits, and of PyTorch where it is there; they take turns."""
    place = (1, arguments.models, arguments.inference, input_file, batch)
    runtimes = {bits: Runtime(network, OURS, *place, DEVICES[bits]) for bits in arguments.bits}
    if with_pytorch:
        runtimes["pytorch"] = Runtime(network, "pytorch", *place, "cuda")
    for turn in range(arguments.rounds):
        for runtime in runtimes.values() if turn % 2 == 0 else reversed(runtimes.values()):
            runtime.turn()
    rows = {name: runtime.close() for name, runtime in runtimes.items()}
    reference = rows[max(arguments.bits)]
    for name, row in rows.items():
        if difference(row, reference) > (TOLERANCE_IN_16_BITS if 16 in (name, max(arguments.bits)) else TOLERANCE):
            sys.exit(f"{name} says something else of {network} than ECGNet")
    return {name: row["warm_ms"] for name, row in rows.items()}


def with_floors(layers, peaks):
    """Adds to each layer its floor in ms and what it is bound by, where the peaks are known."""
    for layer in layers:
        layer["floor_ms"], layer["bound_by"] = None, ""
        if peaks:
            computing, reading = 2 * layer["multiplications"] / peaks[0] / 1e9, layer["bytes"] / peaks[1] / 1e6
            layer["floor_ms"] = max(computing, reading)
            layer["bound_by"] = "computing" if computing > reading else "memory"
    return layers


def number(value):
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ratio(value, other):
    return number(value / other) if other else ""


def table(columns, rows):
    """Without the columns that are empty."""
    filled = [at for at in range(len(columns)) if any(row[at] for row in rows)]
    lines = ["| " + " | ".join(line[at] for at in filled) + " |" for line in [columns, *rows]]
    return "\n".join([lines[0], "|" + " --- |" * len(filled), *lines[1:]]) + "\n"


LAYER_COLUMNS = ["layer", "us", "floor us", "us / floor", "bound by", "million multiplications", "MB", "GFLOP/s", "GB/s"]


def layer_row(layer):
    microseconds, floor = layer["ms"] * 1e3, layer["floor_ms"] and layer["floor_ms"] * 1e3
    return [
        layer["layer"],
        number(microseconds),
        number(floor),
        ratio(microseconds, floor),
        layer["bound_by"],
        number(layer["multiplications"] / 1e6),
        number(layer["bytes"] / 1e6),
        ratio(2 * layer["multiplications"] / 1e6, layer["ms"]),
        ratio(layer["bytes"] / 1e6, layer["ms"]),
    ]


SUMMARY_COLUMNS = ["network", "batch", "bits", "ms", "its layers ms", "floor ms", "ms / floor", "layers / floor"]
SUMMARY_COLUMNS += ["PyTorch ms", "ms / PyTorch"]


def summary_row(found):
    ours, layers, floor = found["ms"], sum(layer["ms"] for layer in found["layers"]), found["floor_ms"]
    return [
        found["network"],
        str(found["batch"]),
        str(found["bits"]),
        number(ours),
        number(layers),
        number(floor),
        ratio(ours, floor),
        ratio(layers, floor),
        number(found["pytorch_ms"]),
        ratio(ours, found["pytorch_ms"]),
    ]


def main():
    numbers = lambda text: [int(number) for number in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="what `make bench-models` wrote")
    parser.add_argument("--inference", type=Path, required=True, help="the benchmark `inference`, built with wgpu")
    parser.add_argument("--layers", type=Path, required=True, help="the benchmark `layers`, built with wgpu")
    parser.add_argument("--networks", default="cnn,dnn,resnet18,multiscale,compact")
    parser.add_argument("--batches", type=numbers, default=[1, 64])
    parser.add_argument("--bits", type=numbers, default=[32, 16], help="of weights and activations")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--teraflops", type=float, help="peak of the card for 32-bit floats")
    parser.add_argument("--gigabytes", type=float, help="peak of the card's memory in GB/s")
    parser.add_argument("--out", type=Path, default=HERE.parent / "results")
    arguments = parser.parse_args()

    started = datetime.datetime.now(datetime.timezone.utc)
    networks = arguments.networks.split(",")
    weights = [arguments.models / f"{network}.safetensors" for network in networks]
    with_pytorch = has_pytorch()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        input_file = Path(folder) / "input.f32"
        made_up_input().tofile(input_file)
        for batch in arguments.batches:
            of_bits = {bits: layers_of(arguments.layers, DEVICES[bits], batch, weights) for bits in arguments.bits}
            for position, network in enumerate(networks):
                times = timed(arguments, network, batch, with_pytorch, input_file)
                for bits in arguments.bits:
                    measured = of_bits[bits][position]
                    device = measured["device"]
                    known = next((peaks for name, peaks in PEAKS.items() if name in device), (None, None))
                    peaks = arguments.teraflops or known[0], arguments.gigabytes or known[1]
                    peaks = peaks if all(peaks) else None
                    layers = with_floors(measured["layers"], peaks)
                    floor = sum(layer["floor_ms"] for layer in layers) if peaks else None
                    times_of_it = {"ms": times[bits], "floor_ms": floor, "pytorch_ms": times.get("pytorch")}
                    found.append({**measured, "bits": bits, **times_of_it, "layers": layers})

    stated = f"{number(peaks[0])} TFLOP/s and {number(peaks[1])} GB/s" if peaks else "not known"
    other = "PyTorch takes turns with it, in 32 bits." if with_pytorch else "PyTorch is not installed here or sees no card."
    summary = table(SUMMARY_COLUMNS, [summary_row(row) for row in found])
    details = [
        f"## {row['network']}, batch of {row['batch']}, {row['bits']} bits\n\n"
        + table(LAYER_COLUMNS, [layer_row(layer) for layer in row["layers"]])
        for row in found
    ]
    report = f"""# Inference on {device}

{started:%Y-%m-%d %H:%M} UTC. Peaks of the card: {stated}. `ms` is a whole estimate, input and result carried there and back: the
median of {arguments.rounds} turns. Its layers were timed one by one, each running again and again. {other}

{summary}
""" + "\n".join(details)
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / f"gpu-{started:%Y-%m-%dT%H-%M-%S}"
    file.with_suffix(".json").write_text(json.dumps({"started": f"{started:%FT%TZ}", "networks": found}, indent=2) + "\n")
    file.with_suffix(".md").write_text(report)
    print(f"{device}; peaks: {stated}. {other}\n\n{summary}")
    print(f"every layer is in {file}.md")


main()
