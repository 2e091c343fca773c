"""Times inference in ECGNet, ONNX Runtime and TensorFlow on the processor: `make bench`.

All runtimes are open at once and take turns, so that what else the machine does meets all of them alike. Those of
Python need `onnx`, `onnxruntime` and `tensorflow-cpu`, which `make bench` installs into a throw-away environment.
"""

import argparse
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
OURS = "ecgnet"
TURN_MS = 200
# Largest difference between two runtimes, relative to the value or, where that is small, to 1.
TOLERANCE = 1e-3
COLUMNS = ["network", "runtime", "threads", "load_ms", "first_ms", "warm_ms", "peak_memory_bytes", "difference", "ratio"]


def made_up_input():
    """5,000 made-up samples of 12 leads, and 120 of zeros."""
    values = np.zeros((5120, 12), "<f4")
    values[:5000] = np.random.default_rng(1).uniform(-1, 1, (5000, 12))
    return values


class Runtime:
    def __init__(self, network, runtime, threads, models, program, input_file, batch=1, device="cpu"):
        weights, onnx = models / f"{network}.safetensors", models / f"{network}.onnx"
        command = [sys.executable, HERE / "runtime.py", runtime, onnx, input_file, str(threads), str(batch)]
        if runtime == OURS:
            command = [program, weights, input_file, str(batch), device]
        environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, env=environment, **pipes)
        self.row = {"network": network, "runtime": runtime, "backend": device, "threads": threads, **self.answer()}
        self.times = []

    def answer(self):
        line = self.process.stdout.readline()
        assert line, f"{self.process.args} has ended"
        return json.loads(line)

    def turn(self):
        print(TURN_MS, file=self.process.stdin, flush=True)
        self.times += self.answer()

    def close(self):
        status = Path(f"/proc/{self.process.pid}/status")
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
        self.row["peak_memory_bytes"] = int(peak[1]) * 1024 if peak else None
        self.row["warm_ms"] = statistics.median(self.times)
        self.process.stdin.close()
        self.process.wait()
        return self.row


def difference(row, reference):
    return max(abs(row[key] - reference[key]) / max(1, abs(reference[key])) for key in ("age", "female"))


def text(value):
    if isinstance(value, float):
        return f"{value:.0e}" if value < 1e-2 else f"{value:.2f}" if value < 10 else f"{value:.0f}"
    return f"{value / 1e6:.0f} MB" if isinstance(value, int) and value > 1e5 else str(value if value is not None else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="what `make bench-models` wrote")
    parser.add_argument("--program", type=Path, required=True, help="the benchmark `inference`, built")
    parser.add_argument("--networks", default="cnn,dnn,resnet18,multiscale,compact")
    parser.add_argument("--runtimes", default=f"{OURS},onnxruntime,tensorflow")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=HERE.parent / "results")
    arguments = parser.parse_args()

    started = datetime.datetime.now(datetime.timezone.utc)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        input_file = Path(folder) / "input.f32"
        made_up_input().tofile(input_file)
        for network in arguments.networks.split(","):
            place = (arguments.threads, arguments.models, arguments.program, input_file)
            runtimes = [Runtime(network, runtime, *place) for runtime in arguments.runtimes.split(",")]
            for number in range(arguments.rounds):
                for runtime in runtimes if number % 2 == 0 else reversed(runtimes):
                    runtime.turn()
            found = [runtime.close() for runtime in runtimes]
            reference = next((row for row in found if row["runtime"] == OURS), found[0])
            for row in found:
                row["difference"] = difference(row, reference)
                row["ratio"] = reference["warm_ms"] / row["warm_ms"] if row is not reference else None
            rows += found

    print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS))
    for row in rows:
        print("| " + " | ".join(text(row[column]) for column in COLUMNS) + " |")
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / f"native-{started:%Y-%m-%dT%H-%M-%S}.json"
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    file.write_text(json.dumps({"started": f"{started:%FT%TZ}", "machine": machine, "rows": rows}, indent=2) + "\n")
    print(f"\nwritten to {file}; a ratio is ECGNet's warm time as a multiple of the row's")
    differing = [row for row in rows if row["difference"] > TOLERANCE]
    sys.exit("a runtime says something else than ECGNet" if differing else 0)


if __name__ == "__main__":
    main()
