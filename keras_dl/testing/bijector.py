"""Contract of a bijector."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common.variables import AutocastScope  # Keras does not export it

TOLERANCES = {"float32": 1e-4, "float64": 1e-10}
CONDITION = 3


def check_bijector(
    make_bijector: Callable,
    shape: Sequence[int],
    conditional: bool = False,
    domain: Callable | None = None,
    rows: int = 10_000,
    tolerances: dict | None = None,
    spread: float = 0.1,
) -> None:
    """Checks shapes, inverse, log-determinant, gradients, compilation, precision and configuration of a bijector.

    The inverse is really computed, at normal numbers and at far, zero and tiny ones. The log-determinant is compared
    with that of the Jacobian by autodiff.

    Args:
        make_bijector: Function of the keyword arguments of `keras.layers.Layer` that makes the bijector.
        shape: Shape of a sample, without the batch.
        conditional: Whether the bijector is built for conditions.
        domain: Function that maps arrays of real numbers into the domain of the bijector; `None` for all numbers.
        rows: How many samples go there and back.
        tolerances: Largest differences there and back by the dtypes `"float32"` and `"float64"`, relative to the
            larger of 1 and the number.
        spread: How far weights are moved off their first values.
    """
    for dtype, tolerance in (tolerances or TOLERANCES).items():
        bijector = _built(make_bijector, shape, conditional, dtype, spread)
        x, condition = _samples(shape, rows, conditional, domain, dtype)
        z, log_det = bijector.forward_and_log_det(x, condition)
        assert tuple(z.shape) == (rows, *bijector.compute_output_shape((None, *shape))[1:])
        assert tuple(log_det.shape) == (rows,) and log_det.dtype == dtype
        assert np.isfinite(_numpy(z)).all() and np.isfinite(_numpy(log_det)).all()
        if bijector.has_inverse:
            _check_inverse(bijector, x, z, log_det, condition, tolerance)
    bijector = _built(make_bijector, shape, conditional, "float64", spread)
    x, condition = _samples(shape, 8, conditional, domain, "float64", far=False)
    _check_log_det(bijector, x, condition)
    bijector = _built(make_bijector, shape, conditional, "float32", spread)
    x, condition = _samples(shape, 8, conditional, domain, "float32")
    _check_gradients(bijector, x, condition)
    _check_calls(bijector, x, condition)
    _check_configuration(bijector, make_bijector, x, condition)
    _check_half_precision(bijector, make_bijector, shape, x, condition)


def _built(make_bijector, shape, conditional, dtype, spread):
    keras.utils.set_random_seed(0)
    bijector = make_bijector(dtype=dtype)
    bijector.build((None, *shape), *([(None, CONDITION)] if conditional else []))
    rng = np.random.default_rng(1)
    for weight in bijector.trainable_weights:
        weight.assign(weight + spread * rng.standard_normal(weight.shape))
    return bijector


def _samples(shape, rows, conditional, domain, dtype, far=True):
    """Normal numbers; if `far`, some rows of far ones, zeros, tiny ones and whole numbers, where knots may lie."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, *shape))
    if far:
        kinds = np.arange(rows) % 8
        x[kinds == 1] *= 30.0
        x[kinds == 2] = np.round(x[kinds == 2])
        x[kinds == 3] *= 1e-6
        x[:1] = 0.0
    x = x if domain is None else domain(x)
    condition = tf.constant(rng.standard_normal((rows, CONDITION)), dtype) if conditional else None
    return tf.constant(x, dtype), condition


def _check_inverse(bijector, x, z, log_det, condition, tolerance):
    again, minus_log_det = bijector.inverse_and_log_det(tf.identity(z), condition)
    error = np.abs(_numpy(again) - _numpy(x)) / np.maximum(1.0, np.abs(_numpy(x)))
    assert error.max() <= tolerance, f"there and back: {error.max()} at {_numpy(x).ravel()[error.argmax()]}"
    scale = np.maximum(1.0, np.abs(_numpy(log_det)))
    difference = np.abs(_numpy(minus_log_det) + _numpy(log_det)) / scale
    assert difference.max() <= 100 * tolerance, f"log-determinants of both directions: {difference.max()}"


def _check_log_det(bijector, x, condition):
    """Against the determinant of the Jacobian by autodiff."""
    with tf.GradientTape(watch_accessed_variables=False, persistent=True) as tape:
        tape.watch(x)
        z, log_det = bijector.forward_and_log_det(x, condition)
        flat = tf.reshape(z, [x.shape[0], -1])
    jacobian = tape.batch_jacobian(flat, x, experimental_use_pfor=False)
    jacobian = np.reshape(_numpy(jacobian), (x.shape[0], flat.shape[1], flat.shape[1]))
    np.testing.assert_allclose(_numpy(log_det), np.linalg.slogdet(jacobian)[1], rtol=1e-8, atol=1e-8)


def _check_gradients(bijector, x, condition):
    """Both directions have finite gradients for values and weights, and of every weight one that is not zero."""
    variables = [weight.value for weight in bijector.trainable_weights]
    directions = [bijector.forward_and_log_det]
    directions += [bijector.inverse_and_log_det] if bijector.has_inverse else []
    values = x
    for direction in directions:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([values, *variables])
            y, log_det = direction(values, condition)
            loss = tf.reduce_sum(y * y) + tf.reduce_sum(log_det * tf.range(1.0, 1.0 + y.shape[0]))
        for gradient in tape.gradient(loss, [values, *variables], unconnected_gradients="zero"):
            assert np.isfinite(_numpy(gradient)).all(), direction
        values = tf.identity(y)


def _check_calls(bijector, x, condition):
    """Compiled by XLA, with an unknown batch, of one row and of none: the same numbers."""
    expected, log_det = bijector.forward_and_log_det(x, condition)
    scale = np.maximum(1.0, np.abs(_numpy(expected)).max())
    signature = [tf.TensorSpec([None, *x.shape[1:]], x.dtype)]
    if condition is not None:
        signature.append(tf.TensorSpec([None, CONDITION], x.dtype))
    inputs = [x] if condition is None else [x, condition]
    for options in ({"jit_compile": True}, {"input_signature": signature}):
        function = tf.function(lambda *given: bijector.forward_and_log_det(*given), autograph=False, **options)
        z, others = function(*inputs)
        np.testing.assert_allclose(_numpy(z), _numpy(expected), atol=2e-5 * scale)
        np.testing.assert_allclose(_numpy(others), _numpy(log_det), rtol=1e-4, atol=1e-4)
        first = function(*[tensor[:1] for tensor in inputs])
        np.testing.assert_allclose(_numpy(first[0]), _numpy(expected)[:1], atol=2e-5 * scale)
    if len(x.shape) == 2:  # convolutions on CPU take no empty batch; models pad it
        assert function(*[tensor[:0] for tensor in inputs])[0].shape[0] == 0


def _check_configuration(bijector, make_bijector, x, condition):
    config = keras.saving.serialize_keras_object(bijector)
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.built and len(copy.weights) == len(bijector.weights)
    copy.set_weights(bijector.get_weights())
    for ours, theirs in zip(*(b.forward_and_log_det(x, condition) for b in (bijector, copy)), strict=True):
        np.testing.assert_array_equal(_numpy(ours), _numpy(theirs))
    assert config["registered_name"].startswith("keras_dl>") or type(bijector).__module__.split(".")[0] != "keras_dl"


def _check_half_precision(bijector, make_bijector, shape, x, condition):
    """Under mixed precision maps and log-determinants stay float32."""
    half = make_bijector(dtype="mixed_bfloat16")
    half.build((None, *shape), *([(None, CONDITION)] if condition is not None else []))
    half.set_weights(bijector.get_weights())
    with AutocastScope("bfloat16"):
        z, log_det = half.forward_and_log_det(x, condition)
    assert z.dtype == log_det.dtype == "float32"
    expected = _numpy(bijector.forward_and_log_det(x, condition)[0])
    np.testing.assert_allclose(_numpy(z), expected, atol=0.1 * np.abs(expected).max())


def _numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))
