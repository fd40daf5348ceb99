"""Contract of a layer."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

HALF_PRECISION_TOLERANCE = {"mixed_float16": 0.02, "mixed_bfloat16": 0.15}


def check_layer(
    make_layer: Callable,
    input_shape: Any,
    unknown_axes: Any = None,
    idle: Sequence[str] = (),
    empty_batch: bool = False,
    seed: int = 0,
) -> None:
    """Checks configuration, weights, shapes, compilation, gradients and mixed precision of a layer.

    Args:
        make_layer: Function of the keyword arguments of `keras.layers.Layer` that makes the layer.
        input_shape: Tuple of ints with the batch, or a list of such tuples for a layer of several inputs.
        unknown_axes: Which axes besides the batch may be unknown, in each input; by default all but the last.
        idle: Names of weights whose gradient may be zero everywhere, and `"inputs"` where only their shape counts.
        empty_batch: Boolean, whether the layer takes a batch of no samples, as a replica may get
            (TensorFlow's convolutions do not).
        seed: Int, of the weights and the inputs.
    """
    layer, inputs = _seeded_layer(make_layer, input_shape, seed)
    expected = _numpy(layer(inputs))
    assert np.isfinite(expected).all()
    assert tuple(layer.compute_output_shape(input_shape)) == expected.shape
    assert layer.name not in ("", None) and len({w.path for w in layer.weights}) == len(layer.weights)
    _check_copies(layer, make_layer, input_shape, inputs, expected)
    _check_unknown_sizes(layer, make_layer, input_shape, unknown_axes, inputs, expected)
    _check_compiled(layer, inputs, expected)
    _check_gradients(layer, inputs, idle)
    if empty_batch:
        empty = layer(_map(inputs, lambda x: x[:0]), training=True)
        assert empty.shape == (0, *expected.shape[1:])
        assert all(np.isfinite(w.numpy()).all() for w in layer.weights)
    for policy, tolerance in HALF_PRECISION_TOLERANCE.items():
        _check_precision(layer, make_layer, policy, inputs, tolerance)


def random_inputs(input_shape: Any, seed: int = 0) -> Any:
    """Returns standard normal float32 inputs: one array, or a list of them."""
    rng = np.random.default_rng(seed)
    if isinstance(input_shape, list):
        return [np.asarray(rng.standard_normal(shape), "float32") for shape in input_shape]
    return np.asarray(rng.standard_normal(input_shape), "float32")


def randomize(layer: Any, seed: int = 0) -> None:
    """Moves all weights off their initial values, so that swapped or forgotten ones show."""
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        if weight.dtype == "float32":
            weight.assign(weight + 0.1 * np.abs(rng.standard_normal(weight.shape)))


def _seeded_layer(make_layer, input_shape, seed):
    keras.utils.set_random_seed(seed)
    layer = make_layer()
    layer.build(input_shape)
    randomize(layer, seed)
    return layer, _map(random_inputs(input_shape, seed), tf.constant)


def _check_copies(layer, make_layer, input_shape, inputs, expected):
    """From its configuration, through JSON's types too, before and after building: the same function."""
    for source in (make_layer(), layer):
        serialized = keras.saving.serialize_keras_object(source)
        assert serialized["registered_name"].startswith("keras_dl>")
        for copy in (type(source).from_config(source.get_config()), keras.saving.deserialize_keras_object(serialized)):
            assert copy.get_config() == source.get_config()
            if not copy.built:
                copy.build(input_shape)
            copy.set_weights(layer.get_weights())
            np.testing.assert_array_equal(_numpy(copy(inputs)), expected)


def _check_unknown_sizes(layer, make_layer, input_shape, unknown_axes, inputs, expected):
    """A symbolic call with unknown batch and spatial sizes, before and after which the numbers are the same."""
    symbolic = _map(input_shape, lambda shape: keras.Input(batch_shape=_forget(shape, unknown_axes)))
    model = keras.Model(symbolic, make_layer()(symbolic))
    assert len(model.output_shape) == expected.ndim and model.output_shape[0] is None
    for known, size in zip(model.output_shape, expected.shape, strict=True):
        assert known in (None, size), (model.output_shape, expected.shape)
    model.set_weights(layer.get_weights())
    np.testing.assert_allclose(_numpy(model(inputs)), expected, atol=1e-5)
    signature = _map(input_shape, lambda shape: tf.TensorSpec(_forget(shape, unknown_axes)))
    function = tf.function(lambda x: layer(x), input_signature=[signature], autograph=False)
    np.testing.assert_allclose(_numpy(function(inputs)), expected, atol=1e-5)


def _check_compiled(layer, inputs, expected):
    """XLA computes the same outputs, and in training the same gradients as eager execution."""

    def gradients(x):
        with tf.GradientTape() as tape:
            outputs = layer(x)
            loss = tf.reduce_mean(tf.square(outputs - 0.5))
        variables = [weight.value for weight in layer.trainable_weights]
        return outputs, tape.gradient(loss, variables)

    outputs, compiled = tf.function(gradients, jit_compile=True, autograph=False)(inputs)
    np.testing.assert_allclose(_numpy(outputs), expected, atol=2e-5 * max(1, np.abs(expected).max()))
    for weight, a, b in zip(layer.trainable_weights, compiled, gradients(inputs)[1], strict=True):
        scale = max(1.0, np.abs(_numpy(b)).max())
        np.testing.assert_allclose(_numpy(a), _numpy(b), atol=1e-4 * scale, err_msg=weight.path)


def _check_gradients(layer, inputs, idle):
    """In training every weight and input has a gradient; it is finite, and not zero everywhere."""
    names = [weight.path for weight in layer.trainable_weights]
    variables = [weight.value for weight in layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(outputs * tf.random.stateless_normal(outputs.shape, (1, 2)))
    for name, gradient in zip([*names, "inputs"], tape.gradient(loss, [*variables, inputs]), strict=True):
        for part in gradient if isinstance(gradient, list) else [gradient]:
            if name == "inputs" and name in idle:
                continue
            assert part is not None, name
            assert np.isfinite(_numpy(part)).all(), name
            assert np.abs(_numpy(part)).max() > 0 or any(name.endswith(i) for i in idle), name


def _check_precision(layer, make_layer, policy, inputs, tolerance):
    """Float32 weights, outputs of the compute type, near those of float32 with the same weights, finite gradients."""
    half = make_layer(dtype=policy)
    half.build(_map(inputs, lambda x: tuple(x.shape)))
    half.set_weights(layer.get_weights())
    expected = _numpy(layer(inputs))
    variables = [weight.value for weight in half.trainable_weights]
    with tf.GradientTape() as tape:
        outputs = half(inputs)
        loss = tf.reduce_mean(tf.cast(outputs, "float32"))
    assert outputs.dtype == half.compute_dtype  # which a layer may keep at float32
    assert {weight.dtype for weight in half.weights if "float" in weight.dtype} <= {"float32"}
    np.testing.assert_allclose(_numpy(outputs), expected, atol=tolerance * np.abs(expected).max())
    assert all(np.isfinite(_numpy(gradient)).all() for gradient in tape.gradient(loss, variables))


def _forget(shape, axes):
    axes = range(1, len(shape) - 1) if axes is None else axes
    return tuple(None if i == 0 or i in axes else n for i, n in enumerate(shape))


def _map(values, function):
    return [function(value) for value in values] if isinstance(values, list) else function(values)


def _numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor), dtype="float32")
