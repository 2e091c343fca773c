"""Checks ONNX files with onnx.checker and runs them with ONNX Runtime; `tests/onnx_files.rs` calls it.

    python check_export.py CASES

CASES is a JSON file: `input`, a file of little-endian floats with recordings of 5120 samples x 12 leads; `networks`, for
each its `file`, and under `outputs` what each of its outputs must be, by name.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

TOLERANCE = 1e-4

cases = json.loads(Path(sys.argv[1]).read_text())
inputs = np.fromfile(cases["input"], "<f4").reshape(-1, 5120, 12)
for network in cases["networks"]:
    onnx.checker.check_model(network["file"], full_check=True)
    session = onnxruntime.InferenceSession(network["file"], providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    assert sorted(names) == sorted(network["outputs"]), names
    for name, output in zip(names, session.run(names, {"ecg": inputs})):
        expected = np.array(network["outputs"][name], np.float32)
        assert output.shape == expected.shape, (network["file"], name, output.shape)
        difference = np.max(np.abs(output - expected) / np.maximum(np.abs(expected), 1))
        assert difference < TOLERANCE, f"{network['file']}: {name} differs by {difference:.1e}"
        print(f"{Path(network['file']).name} {name}: differs by {difference:.1e} at most")
