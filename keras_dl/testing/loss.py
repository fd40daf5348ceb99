"""Contract of a loss."""

import json
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.testing.refusals import refuses
from keras_dl.types import Tensor


def check_loss(loss: Any, y_true: Tensor, y_pred: Tensor) -> None:
    """Checks configuration, reductions, weights, compiled functions, precision, gradients and bad input of a loss.

    Args:
        loss: A `keras_dl.losses.Loss` with reduction `"mean"`.
        y_true: Array of labels or targets, or None.
        y_pred: Float32 array of predictions of order 1, or a tuple of them, of at least two rows.
    """
    _check_configuration(loss, y_true, y_pred)
    _check_reductions(loss, y_true, y_pred)
    _check_sample_weight(loss, y_true, y_pred)
    _check_compiled(loss, y_true, y_pred)
    _check_precision(loss, y_true, y_pred)
    _check_bad_input(loss)


def with_reduction(loss, reduction):
    return type(loss).from_config({**loss.get_config(), "reduction": reduction})


def gradients_of(loss, y_true, y_pred):
    with tf.GradientTape() as tape:
        y_pred = keras.tree.map_structure(tf.convert_to_tensor, y_pred)
        tape.watch(y_pred)
        value = loss(y_true, y_pred)
    return value, keras.tree.flatten(tape.gradient(value, y_pred))


def assert_finite(tensors):
    for tensor in tensors:
        assert np.isfinite(tf.cast(tensor, "float32").numpy()).all()


def _check_configuration(loss, y_true, y_pred):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(loss)))
    copy = keras.losses.deserialize(config)
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()
    np.testing.assert_array_equal(copy(y_true, y_pred), loss(y_true, y_pred))
    for argument, value in loss.get_config().items():
        assert getattr(loss, argument) == value


def _check_reductions(loss, y_true, y_pred):
    """The four reductions are those of `call` and `weights`, which have the batch as their first axis."""
    rows = len(y_pred[0] if isinstance(y_pred, tuple) else y_pred)
    values, weights = loss.call(y_true, y_pred).numpy(), loss.weights(y_true, y_pred).numpy()
    assert values.dtype == np.float32
    assert values.shape == weights.shape
    assert values.shape[0] == rows
    assert loss.has_weights or (weights == 1).all()
    both = loss.values_and_weights(y_true, y_pred)
    np.testing.assert_array_equal(both[0], values)
    np.testing.assert_array_equal(both[1], weights)
    total = values.sum(dtype="float64")
    expected = {"sum": total, "mean": total / weights.sum(), "batchmean": total / rows}
    for reduction, result in expected.items():
        np.testing.assert_allclose(with_reduction(loss, reduction)(y_true, y_pred), result, rtol=2e-6)
    np.testing.assert_array_equal(with_reduction(loss, "none")(y_true, y_pred), values)
    assert with_reduction(loss, None).reduction == "none"


def _check_sample_weight(loss, y_true, y_pred):
    """Sample weights scale the values, not the denominator; a column of them means the same."""
    values, weights = loss.call(y_true, y_pred).numpy(), loss.weights(y_true, y_pred).numpy()
    samples = np.linspace(0.5, 2.0, len(values)).astype("float32")
    scaled = values * samples.reshape(-1, *[1] * (values.ndim - 1))
    for sample_weight in (samples, samples[:, None], tf.constant(samples)):
        result = loss(y_true, y_pred, sample_weight=sample_weight)
        np.testing.assert_allclose(result, scaled.sum() / weights.sum(), rtol=1e-5)
    none = with_reduction(loss, "none")(y_true, y_pred, sample_weight=samples)
    np.testing.assert_allclose(none, scaled, rtol=1e-6)
    value, gradients = gradients_of(lambda y, x: loss(y, x, sample_weight=0 * samples), y_true, y_pred)
    assert value == 0
    assert_finite(gradients)


def _check_compiled(loss, y_true, y_pred):
    """Plain and XLA functions of unknown batch and spatial sizes agree with eager mode."""
    expected, gradients = gradients_of(loss, y_true, y_pred)
    assert any(np.abs(gradient).max() > 0 for gradient in gradients)
    assert_finite(gradients)
    y_true = None if y_true is None else tf.convert_to_tensor(y_true)
    labels = None if y_true is None else tf.TensorSpec([None] * y_true.ndim, y_true.dtype)
    predictions = keras.tree.map_structure(lambda x: tf.TensorSpec((*[None] * (x.ndim - 1), x.shape[-1])), y_pred)
    for jit_compile in (False, True):

        @tf.function(jit_compile=jit_compile, autograph=False)
        def compiled(y_true, y_pred):
            return gradients_of(loss, y_true, y_pred)

        value, slopes = compiled.get_concrete_function(labels, predictions)(
            *([] if y_true is None else [y_true]), *map(tf.constant, keras.tree.flatten(y_pred))
        )
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7)
        for slope, gradient in zip(slopes, gradients, strict=True):
            np.testing.assert_allclose(slope, gradient, rtol=1e-4, atol=1e-6)


def _check_precision(loss, y_true, y_pred):
    """Half-precision predictions are computed in float32: the loss is that of the rounded numbers."""
    for dtype in ("float16", "bfloat16"):
        rounded = keras.tree.map_structure(lambda x, dtype=dtype: tf.cast(x, dtype), y_pred)
        lifted = keras.tree.map_structure(lambda x: tf.cast(x, "float32"), rounded)
        value, gradients = gradients_of(loss, y_true, rounded)
        assert value.dtype == tf.float32
        np.testing.assert_array_equal(value, loss(y_true, lifted))
        np.testing.assert_array_equal(loss.call(y_true, rounded), loss.call(y_true, lifted))
        assert_finite(gradients)


def _check_bad_input(loss):
    with refuses(ValueError, "`reduction` should be .*Received: .*'average'"):
        with_reduction(loss, "average")
