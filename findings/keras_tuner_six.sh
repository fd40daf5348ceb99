#!/usr/bin/env bash
# KerasTuner 1.4.8 imports `six` and does not require it: installed beside Keras with the JAX backend,
# `import keras_tuner` fails. It goes unnoticed where TensorFlow is installed, which brings `six`.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet keras==3.15.1 keras-tuner==1.4.8 jax==0.6.2
cd "$folder"
KERAS_BACKEND=jax "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import importlib.metadata

print("keras-tuner", importlib.metadata.version("keras-tuner"), "requires", importlib.metadata.requires("keras-tuner"))
try:
    import keras_tuner
except ModuleNotFoundError as error:
    print(f"import keras_tuner: {error}")
    assert error.name == "six", "another module is missing"
else:
    raise SystemExit("keras_tuner is imported")
PROGRAM
