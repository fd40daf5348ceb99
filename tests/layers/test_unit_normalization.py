"""Lengths of 1: against Keras where Keras is right, a closed form of the derivative, and the edges of number ranges."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.layers import UnitNormalization

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def test_lengths_are_1_as_keras_computes_them():
    np.testing.assert_allclose(UnitNormalization()(X), keras.layers.UnitNormalization()(X), rtol=1e-6)
    np.testing.assert_allclose(UnitNormalization(axis=0)(X), X / np.linalg.norm(X, axis=0), rtol=1e-6)
    both = UnitNormalization(axis=(0, 1))(X)
    np.testing.assert_allclose(both, X / np.linalg.norm(X), rtol=1e-6)


def derivative(x, g, jit_compile=False):
    layer = UnitNormalization()

    @tf.function(jit_compile=jit_compile)
    def of(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) * g)
        return tape.gradient(loss, x)

    return of(tf.constant(x)).numpy()


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("rows", [X, np.eye(5, 4, dtype="float32")[:4] * 3], ids=["any", "along axes"])
def test_derivative(rows, jit_compile):
    """(g - y (y . g)) / |x|"""
    g = np.random.default_rng(1).normal(size=rows.shape).astype("float32")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    y = rows / lengths
    expected = (g - y * (y * g).sum(1, keepdims=True)) / lengths
    np.testing.assert_allclose(derivative(rows, g, jit_compile), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_rows_of_zeros(jit_compile):
    x = X.copy()
    x[1] = 0.0
    assert (UnitNormalization()(x)[1].numpy() == 0).all()
    found = derivative(x, np.ones_like(x), jit_compile)
    assert np.isfinite(found).all() and (found[1] == 0).all() and (found[0] != 0).any()


@pytest.mark.parametrize("scale", [1e-36, 1e-12, 1e18, 1e36])
def test_any_scale(scale):
    np.testing.assert_allclose(UnitNormalization()(X * np.float32(scale)), UnitNormalization()(X), rtol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    keras.config.set_dtype_policy(policy)
    layer = UnitNormalization()
    pixels = tf.cast([[255.0, 0.0, 255.0], [1e-4, 0.0, 0.0]], policy.removeprefix("mixed_"))
    y = UnitNormalization.from_config(layer.get_config())(pixels)
    assert y.dtype == tf.float32
    np.testing.assert_allclose(y, [[0.5**0.5, 0.0, 0.5**0.5], [1.0, 0.0, 0.0]], rtol=1e-6)


def test_what_is_not_finite_stays_so():
    assert np.isnan(UnitNormalization()(np.float32([[np.nan, 1.0]]))).any()


@pytest.mark.parametrize("axis", [None, 1.5, "x", (), (0, None), True])
def test_bad_axes(axis):
    with pytest.raises(ValueError, match="(?s)`axis` should be.*Received"):
        UnitNormalization(axis=axis)
