"""Contract of a model."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.types import PathLike


def check_model(
    build: Callable, compile_options: Callable, data: tuple, folder: PathLike, mixed_precision: bool = True
) -> Any:
    """Checks config, training, evaluation, saving, resuming, export and mixed precision of a model.

    Two trainings from one seed, and a loaded model's and the saved one's, give the same weights: to the bit where the
    environment sets `TF_NUM_INTEROP_THREADS=1`, within rounding otherwise, as threads decide the order in which
    TensorFlow adds more than two values.

    Args:
        build: Function that makes the model; it is seeded, so that two calls make the same one.
        compile_options: Function that makes the arguments of `compile`.
        data: Tuple of arrays for `fit`: `(x,)` or `(x, y)`, with at least two batches of 4 rows.
        folder: Temporary folder.
        mixed_precision: Whether to train under half precisions too.

    Returns:
        The trained model.
    """
    model = _trained(build, compile_options, data)
    _check_config(model)
    _check_same(_trained(build, compile_options, data), model)  # seeds reproduce
    results = model.evaluate(*data, batch_size=4, verbose=0, return_dict=True)
    assert all(np.isfinite(value) for value in results.values()), results
    _check_resume(model, data, folder)
    _check_signatures(model)
    for policy in ("mixed_float16", "mixed_bfloat16") if mixed_precision else ():
        keras.config.set_dtype_policy(policy)
        half = build()
        keras.config.set_dtype_policy("float32")
        half.compile(**compile_options())
        losses = half.fit(*data, batch_size=4, verbose=0).history
        assert all(np.isfinite(values).all() for values in losses.values()), (policy, losses)
    return model


def _trained(build, compile_options, data):
    keras.utils.set_random_seed(0)
    model = build()
    model.compile(**compile_options())
    model.fit(*data, batch_size=4, epochs=2, verbose=0)
    return model


def _check_config(model):
    config = model.get_config()
    again = type(model).from_config(config)
    nests = (dict, list, tuple)  # configs of networks and objectives hold ids and names that are counted on
    plain = [{k: v for k, v in c.items() if not isinstance(v, nests)} for c in (config, again.get_config())]
    assert plain[0] == plain[1]
    assert set(config) == set(again.get_config())
    assert [v.shape for v in again.weights] == [v.shape for v in model.weights]


def _check_resume(model, data, folder):
    path = str(Path(folder) / f"{type(model).__name__}.keras")
    model.save(path)
    loaded = keras.saving.load_model(path)
    for saved, read in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(saved, read)
    for one in (model, loaded):
        one.fit(*data, batch_size=4, verbose=0)
    _check_same(model, loaded)


def _check_same(model, other):
    """Adam makes a full step of a gradient that is rounding, so few weights may differ by more than rounding."""
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        if os.environ.get("TF_NUM_INTEROP_THREADS") == "1" or not np.issubdtype(a.dtype, np.floating):
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def _check_signatures(model):
    """Every signature names its inputs and outputs, leaves the batch size open, and traces."""
    for name, (function, inputs) in model.signatures().items():
        assert all(spec.shape.rank == 0 or spec.shape[0] is None for spec in inputs.values()), name
        outputs = tf.function(function, input_signature=list(inputs.values())).get_concrete_function()
        assert isinstance(outputs.structured_outputs, dict), name
