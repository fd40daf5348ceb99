"""Contract of a network."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.types import Nest

HALF_PRECISION_TOLERANCE = {"mixed_float16": 0.02, "mixed_bfloat16": 0.1}


def check_network(
    build: Callable, inputs: Nest, output_shape: Any, num_parameters: int, output_dtype: str | None = None
) -> None:
    """Checks shapes, determinism, configuration, clones, training, XLA and mixed precision of a network.

    Args:
        build: Function of no arguments that builds the network, of float32 outputs of order 1.
        inputs: A batch of at least two rows: an array, or a dict of arrays.
        output_shape: Shape of one output, without the batch axis.
        num_parameters: How many trainable parameters there are, counted by hand.
        output_dtype: Type of the outputs whatever the policy; `None` for the type in which the policy computes.
    """
    network = _seeded(build)
    expected = _numpy(network(inputs))
    assert sum(math.prod(weight.shape) for weight in network.trainable_weights) == num_parameters
    assert network.output_shape == (None, *output_shape)
    assert expected.shape == (_batch_size(inputs), *output_shape)
    assert np.isfinite(expected).all()
    _check_batches(network, inputs, expected)
    _check_copies(build, network, inputs, expected)
    _check_gradients(network, inputs)
    for policy, tolerance in HALF_PRECISION_TOLERANCE.items():
        _check_precision(build, policy, inputs, expected, tolerance, output_dtype)


def _check_batches(network, inputs, expected):
    """A batch of one, and a compiled function of unknown batch size, with and without XLA."""
    atol = 1e-5 * max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(_numpy(network(_map(inputs, lambda x: x[:1]))), expected[:1], atol=atol)
    signature = _map(inputs, lambda x: tf.TensorSpec((None, *x.shape[1:]), x.dtype))
    for jit_compile in (False, True):
        compiled = tf.function(lambda x: network(x), input_signature=[signature], jit_compile=jit_compile)
        np.testing.assert_allclose(_numpy(compiled(inputs)), expected, atol=atol)
        assert compiled(_map(inputs, lambda x: x[:1])).shape == (1, *expected.shape[1:])


def _check_copies(build, network, inputs, expected):
    """Built again from the same seed, from its configuration, and cloned (as for an EMA): the same function."""
    np.testing.assert_array_equal(_numpy(_seeded(build)(inputs)), expected)
    for copy in (type(network).from_config(network.get_config()), keras.models.clone_model(network)):
        copy.set_weights(network.get_weights())
        np.testing.assert_array_equal(_numpy(copy(inputs)), expected)


def _check_gradients(network, inputs):
    """Every weight takes part: its gradient is there, finite and not zero everywhere."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(network(inputs, training=True) - 1.0))
    gradients = tape.gradient(loss, [weight.value for weight in network.trainable_weights])
    for weight, gradient in zip(network.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.isfinite(_numpy(gradient)).all(), weight.path
        assert np.abs(_numpy(gradient)).max() > 0, weight.path


def _check_precision(build, policy, inputs, expected, tolerance, output_dtype):
    keras.config.set_dtype_policy(policy)
    network = _seeded(build)
    outputs = network(inputs)
    keras.config.set_dtype_policy("float32")
    assert outputs.dtype == (output_dtype or policy.removeprefix("mixed_"))
    assert {weight.dtype for weight in network.weights} == {"float32"}
    np.testing.assert_allclose(_numpy(outputs), expected, atol=tolerance * np.abs(expected).max())


def _seeded(build):
    keras.utils.set_random_seed(1)
    return build()


def _map(inputs, function):
    return {name: function(x) for name, x in inputs.items()} if isinstance(inputs, dict) else function(inputs)


def _batch_size(inputs):
    return len(next(iter(inputs.values())) if isinstance(inputs, dict) else inputs)


def _numpy(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor), dtype="float32")
