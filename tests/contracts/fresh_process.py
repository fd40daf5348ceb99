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
    import keras_dl.testing  # noqa: F401

    for path in folder.glob("*.keras"):
        inputs = dict(np.load(path.with_suffix(".npz")))
        outputs = keras.saving.load_model(path)(inputs.get("", inputs))
        np.save(path.with_suffix(".npy"), keras.ops.convert_to_numpy(outputs))


def losses_after_reload(models, folder):
    """Returns what compiled models evaluate to after `save` here and `load_model` in one fresh process.

    Args:
        models: Dict from a name to `(compiled model, x, y)`.
        folder: An empty folder.

    Returns:
        Dict from the names to the losses.
    """
    for name, (model, x, y) in models.items():
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", x=x, y=y)
    return shared().call(_evaluate, folder, timeout=600)


def _evaluate(folder):
    import keras

    import keras_dl  # noqa: F401

    results = {}
    for path in folder.glob("*.keras"):
        data = np.load(path.with_suffix(".npz"))
        results[path.stem] = keras.saving.load_model(path).evaluate(data["x"], data["y"], verbose=0)
    return results
