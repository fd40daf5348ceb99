"""Saves models, loads them in one new Python process and brings back what they compute there."""

import numpy as np

from tests.processes import shared


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
    shared().call(_compute, folder, timeout=600)
    return {name: np.load(folder / f"{name}.npy") for name in models}


def _compute(folder):
    import keras

    import keras_dl  # noqa: F401
    import tests.contracts.likelihood  # noqa: F401

    for path in folder.glob("*.keras"):
        inputs = dict(np.load(path.with_suffix(".npz")))
        outputs = keras.saving.load_model(path)(inputs.get("", inputs))
        np.save(path.with_suffix(".npy"), keras.ops.convert_to_numpy(outputs))
