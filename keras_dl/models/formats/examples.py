"""Example inputs of signatures."""

import numpy as np
import tensorflow as tf

_FAR = 5.0  # latents farther from the prior's mean are never drawn
_OPEN_AXIS = 32  # the length of axes that a signature leaves open beside the batch


def example_inputs(signature, rows, classes=None, seed=0):
    """Valid inputs of a signature: values in [0, 1), normal latents, labels in range.

    Args:
        signature: `Signature` of a model.
        rows: How many rows batches have, and `num_samples`.
        classes: The classes of labels in `condition`; see `ObjectiveModel.condition_classes`.
        seed: Integer that decides the values.

    Returns:
        Dict of arrays by the names of the inputs.

    Example:

    >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> signature = keras_dl.models.Supervised(network).signatures()["predict"]
    >>> example_inputs(signature, rows=3)["x"].shape
    (3, 4)
    """
    generator = np.random.default_rng(seed)
    found = {}
    for name, spec in signature.inputs.items():
        found[name] = _example(name, spec, rows, classes, generator).astype(spec.dtype.as_numpy_dtype)
    return found


def comparison_inputs(specs, classes, not_finite):
    """Inputs on which a file is compared with its model, dicts of arrays by what they are called.

    Args:
        specs: Named `tf.TensorSpec`s of the inputs.
        classes: The classes of labels in `condition`, which stay in range.
        not_finite: Whether there are inputs with NaN and infinities.
    """
    generator = np.random.default_rng(0)
    draws = {
        "values in [0, 1)": (lambda shape: generator.random(shape), lambda shape: generator.integers(0, 4, shape)),
        "one row": (lambda shape: generator.random((1, *shape[1:])), lambda shape: np.ones((1, *shape[1:]))),
        "normal values": (
            lambda shape: 2 * generator.normal(size=shape),
            lambda shape: -generator.integers(1, 8, shape),
        ),
        "zeros": (np.zeros, np.zeros),
        "large values": (
            lambda shape: 10 * generator.normal(size=shape),
            lambda shape: generator.integers(-99, 99, shape),
        ),
    }
    if not_finite:
        pattern = [np.nan, 1.0, np.inf, -np.inf, -1.0]
        draws["NaN and infinities"] = (lambda shape: np.resize(pattern, shape), draws["zeros"][1])
    return {kind: _drawn(specs, classes, *functions, generator) for kind, functions in draws.items()}


def _drawn(specs, classes, floats, integers, generator):
    inputs = {}
    for spec in specs:
        shape = [3, *(_OPEN_AXIS if size is None else size for size in spec.shape[1:])][: spec.shape.rank]
        labels = spec.name == "condition" and classes is not None
        if labels or spec.shape.rank == 0 or not (spec.dtype.is_floating or spec.dtype.is_integer):
            value = _example(spec.name, spec, 3, classes, generator)
            value = value if spec.shape.rank == 0 else value[: len(floats(shape))]
        else:
            value = floats(shape) if spec.dtype.is_floating else integers(shape)
            value = np.clip(value, -_FAR, _FAR) if spec.name == "latents" else value
        inputs[spec.name] = np.asarray(value).astype(spec.dtype.as_numpy_dtype)
    return inputs


def _example(name, spec, rows, classes, generator):
    if spec.shape.rank == 0:
        return np.array(rows if name == "num_samples" else 0)
    shape = [rows, *(_OPEN_AXIS if size is None else size for size in spec.shape[1:])]
    if name == "condition" and isinstance(classes, tuple):
        columns = [generator.random(rows) if n is None else generator.integers(0, n, rows) for n in classes]
        return np.stack(columns, axis=1)
    if name == "condition" and classes is not None:
        return generator.integers(0, classes, shape)
    if not spec.dtype.is_floating:
        return np.full(shape, b"" if spec.dtype == tf.string else 0)
    return generator.normal(size=shape) if name == "latents" else generator.random(shape)
