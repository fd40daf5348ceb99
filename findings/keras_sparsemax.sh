#!/usr/bin/env bash
# Keras 3.15.1: activations.sparsemax is no projection onto the simplex where more than one entry is positive: of
# [0.5, 0.3, -1] it makes [0.35, 0.15, 0], whose sum is a half; right (Martins & Astudillo 2016) is [0.6, 0.4, 0]. For
# [100, 99.5, -100] it is zero everywhere. A single leading entry is right, so that a one-hot test passes.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 jax==0.6.2
cd "$folder"
KERAS_BACKEND=jax "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import keras
import numpy as np


def projection(row):
    """The nearest point of the simplex, by its definition: a threshold at which the positive parts sum to one."""
    low, high = row.min() - 1.0, row.max()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(row - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(row - low, 0)


print(f"keras {keras.__version__}")
for row in ([0.5, 0.3, -1.0], [100.0, 99.5, -100.0], [5.0, 0.0, 0.0]):
    row = np.array(row)
    keras_row, right = np.asarray(keras.activations.sparsemax(row[None]))[0], projection(row)
    print(f"{row}: keras {keras_row.round(4)}, sum {keras_row.sum():.3f}; right {right.round(4)}")
    assert np.allclose(keras_row, right, atol=1e-4) == (row[0] == 5.0), "sparsemax has changed"
PROGRAM
