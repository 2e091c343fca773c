#!/usr/bin/env bash
# Time a training step of resnet18 in ECGNet and in TensorFlow, alternating, in one run, and print the ratio.
#
# usage: benches/training_against_tensorflow.sh [BATCH [STEPS [ROUNDS]]]
#
# TensorFlow is installed into a throw-away environment, or taken from the Python that ECGNET_TENSORFLOW_PYTHON names.
set -euo pipefail
cd "$(dirname "$0")/.."
batch=${1:-16} steps=${2:-4} rounds=${3:-3} threads=$(nproc)

python=${ECGNET_TENSORFLOW_PYTHON:-}
if [ -z "$python" ]; then
  environment=$(mktemp -d)
  trap 'rm -rf "$environment"' EXIT
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet tensorflow-cpu
  python=$environment/bin/python
fi
cargo bench --quiet --bench training_step --no-run

results=$(for _ in $(seq "$rounds"); do
  cargo bench --quiet --bench training_step -- resnet18 "$batch" "$steps" 2>/dev/null
  "$python" benches/tensorflow_training_step.py "$batch" "$steps" "$threads" 2>/dev/null
done)
printf '%s\n' "$results" | python3 -c '
import json, statistics, sys

seconds = {}
for line in sys.stdin:
    row = json.loads(line)
    seconds.setdefault(row["runtime"], []).extend(row["seconds"])
medians = {runtime: statistics.median(values) for runtime, values in seconds.items()}
for runtime, median in medians.items():
    values = seconds[runtime]
    print(f"{runtime:20} median {median:.3f} s a step, fastest {min(values):.3f} s, {len(values)} steps")
ours = medians.pop("ECGNet")
for runtime, median in medians.items():
    print(f"ratio ECGNet / {runtime}: {ours / median:.2f}")
'
