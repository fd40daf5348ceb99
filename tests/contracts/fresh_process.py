"""Saves models, loads them in one new Python process and brings back what they compute there."""

import os
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


def outputs_after_reload(models, folder):
    """Returns the outputs of models after `save` here and `load_model` in a fresh process.

    Args:
        models: Dict from a name to `(model, inputs)`; inputs are an array or a dict of arrays.
        folder: An empty folder.

    Returns:
        Dict from the names to output arrays.
    """
    for name, (model, inputs) in models.items():
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", **(inputs if isinstance(inputs, dict) else {"": inputs}))
    command = [sys.executable, "-m", "tests.contracts.fresh_process", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return {name: np.load(folder / f"{name}.npy") for name in models}


def _compute(folder):
    import keras

    import keras_dl  # noqa: F401
    import tests.contracts.likelihood  # noqa: F401

    for path in folder.glob("*.keras"):
        inputs = dict(np.load(path.with_suffix(".npz")))
        outputs = keras.saving.load_model(path)(inputs.get("", inputs))
        np.save(path.with_suffix(".npy"), keras.ops.convert_to_numpy(outputs))


if __name__ == "__main__":
    _compute(pathlib.Path(sys.argv[1]))
