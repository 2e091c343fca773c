"""Times inference on the graphics card, layer by layer and against PyTorch: `make bench-gpu`.

A layer's floor is the time that its multiplications take at the card's peak for 32-bit floats, or its bytes at the peak of
its memory, whichever is longer. Peaks are known of some cards; of others they are stated by --teraflops and --gigabytes.
Where PyTorch is installed and sees the card, it takes turns with ECGNet on the same network, exported to ONNX.
"""

import argparse
import datetime
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from run import HERE, OURS, TOLERANCE, Runtime, difference, made_up_input

# By what the card's name contains: TFLOP/s of 32-bit floats outside of tensor cores, and GB/s, from the makers' data sheets.
PEAKS = {"H200": (66.9, 4800), "H100 PCIe": (51.2, 2000), "H100": (66.9, 3350), "A100": (19.5, 2039), "RTX 4090": (82.6, 1008)}


def has_pytorch():
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def layers_of(program, batch, weights):
    lines = subprocess.run([program, "wgpu", str(batch), *weights], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in lines.splitlines() if line.startswith("{")]


def timed(arguments, network, batch, runtimes, input_file):
    """Median milliseconds of each runtime, which take turns."""
    place = (1, arguments.models, arguments.inference, input_file, batch, "wgpu")
    open_ones = [Runtime(network, runtime, *place) for runtime in runtimes]
    for number in range(arguments.rounds):
        for runtime in open_ones if number % 2 == 0 else reversed(open_ones):
            runtime.turn()
    rows = [runtime.close() for runtime in open_ones]
    for row in rows:
        if difference(row, rows[0]) > TOLERANCE:
            sys.exit(f"{row['runtime']} says something else of {network} than ECGNet")
    return {row["runtime"]: row["warm_ms"] for row in rows}


def number(value, unit=""):
    return "" if value is None else f"{value:.3g}{unit}"


def table(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="what `make bench-models` wrote")
    parser.add_argument("--inference", type=Path, required=True, help="the benchmark `inference`, built with wgpu")
    parser.add_argument("--layers", type=Path, required=True, help="the benchmark `layers`, built with wgpu")
    parser.add_argument("--networks", default="cnn,dnn,resnet18,multiscale,compact")
    parser.add_argument("--batches", default="1,64")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--teraflops", type=float, help="peak of the card for 32-bit floats")
    parser.add_argument("--gigabytes", type=float, help="peak of the card's memory in GB/s")
    parser.add_argument("--out", type=Path, default=HERE.parent / "results")
    arguments = parser.parse_args()

    started = datetime.datetime.now(datetime.timezone.utc)
    networks = arguments.networks.split(",")
    runtimes = [OURS, "pytorch"] if has_pytorch() else [OURS]
    found, summary, details = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        input_file = Path(folder) / "input.f32"
        made_up_input().tofile(input_file)
        for batch in map(int, arguments.batches.split(",")):
            weights = [arguments.models / f"{network}.safetensors" for network in networks]
            for network in layers_of(arguments.layers, batch, weights):
                device = network["device"]
                known = next((peaks for name, peaks in PEAKS.items() if name in device), (None, None))
                flops, bandwidth = arguments.teraflops or known[0], arguments.gigabytes or known[1]
                times = timed(arguments, network["network"], batch, runtimes, input_file)
                for layer in network["layers"]:
                    layer["floor_ms"] = None
                    if flops and bandwidth:
                        computing = 2 * layer["multiplications"] / flops / 1e9
                        layer["floor_ms"] = max(computing, layer["bytes"] / bandwidth / 1e6)
                floors = [layer["floor_ms"] for layer in network["layers"]]
                floor = None if None in floors else sum(floors)
                ours, other = times[OURS], times.get("pytorch")
                found.append({**network, "floor_ms": floor, "warm_ms": times})
                layers = sum(layer["ms"] for layer in network["layers"])
                summary.append(
                    [network["network"], str(batch), number(ours), number(layers), number(floor)]
                    + [number(floor and ours / floor), number(floor and layers / floor), number(other), number(other and ours / other)]
                )
                rows = [
                    [layer["layer"], number(layer["ms"] * 1e3), number(layer["floor_ms"] and layer["floor_ms"] * 1e3)]
                    + [number(layer["floor_ms"] and layer["ms"] / layer["floor_ms"]), number(layer["multiplications"] / 1e6)]
                    + [number(layer["bytes"] / 1e6)]
                    for layer in network["layers"]
                ]
                columns = ["layer", "us", "floor us", "ratio", "million multiplications", "MB"]
                details.append(f"## {network['network']}, batch of {batch}\n\n{table(columns, rows)}")

    peaks = f"{number(flops)} TFLOP/s and {number(bandwidth)} GB/s" if flops and bandwidth else "not known"
    columns = ["network", "batch", "ms", "its layers ms", "floor ms", "ms / floor", "layers / floor", "PyTorch ms", "ratio"]
    report = f"""# Inference on {device}

{started:%Y-%m-%d %H:%M} UTC. Peaks of the card: {peaks}. `ms` is a whole estimate, input and result carried there and back; its
layers were timed one by one, each running again and again. Medians of {arguments.rounds} rounds. {
    "PyTorch takes turns with it, in 32 bits." if "pytorch" in runtimes else "PyTorch is not installed here or sees no card."}

{table(columns, summary)}
""" + "\n".join(details)
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / f"gpu-{started:%Y-%m-%dT%H-%M-%S}"
    file.with_suffix(".json").write_text(json.dumps({"started": f"{started:%FT%TZ}", "networks": found}, indent=2) + "\n")
    file.with_suffix(".md").write_text(report)
    print(table(columns, summary))
    print(f"every layer is in {file}.md")


main()
