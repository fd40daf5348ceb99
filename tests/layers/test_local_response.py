"""Local response normalisation beside torch's frozen values and the sum written out."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers

FROZEN = np.load(pathlib.Path(__file__).parents[1] / "frozen" / "torch_layers.npz")
CASES = json.loads(str(FROZEN["cases"]))


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("index", range(len(CASES)))
def test_values_and_gradients_are_torchs(index, jit_compile):
    x, cotangent = (tf.constant(FROZEN[f"{index}/{name}"]) for name in ("inputs", "cotangent"))
    layer = layers.LocalResponseNormalization(**CASES[index])

    @tf.function(jit_compile=jit_compile, autograph=False)
    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return y, tape.gradient(y, x, output_gradients=cotangent)

    for found, name in zip(compute(x), ("value", "gradient"), strict=True):
        np.testing.assert_allclose(found, FROZEN[f"{index}/{name}"], rtol=1e-5, atol=1e-6)


def test_the_papers_sum():
    """Krizhevsky et al. (2012): b_i = a_i / (k + alpha sum_j a_j^2)^beta over i - 2 to i + 2, written as a loop."""
    x = np.random.default_rng(0).normal(scale=40.0, size=(2, 3, 3, 8))
    expected = np.empty_like(x)
    for i in range(8):
        total = np.square(x[..., max(0, i - 2) : min(7, i + 2) + 1]).sum(-1)
        expected[..., i] = x[..., i] / (2 + 1e-4 * total) ** 0.75
    found = layers.LocalResponseNormalization(size=5, alpha=5e-4, beta=0.75, k=2.0)(x.astype("float32"))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_half_precision_does_not_overflow_where_squares_would():
    x = np.full((1, 2, 2, 4), 1000.0, "float16")  # 1000^2 is beyond float16
    y = layers.LocalResponseNormalization(size=3, dtype="mixed_float16")(x)
    assert y.dtype == "float16"
    expected = layers.LocalResponseNormalization(size=3)(x.astype("float32"))
    np.testing.assert_allclose(y, expected, rtol=2e-3)


@pytest.mark.parametrize(
    "arguments", [{"size": 0}, {"size": 2.0}, {"size": True}, {"alpha": -1e-4}, {"k": 0.0}, {"k": float("nan")}]
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        layers.LocalResponseNormalization(**arguments)


def test_an_input_without_space_is_refused():
    with pytest.raises(ValueError, match="Received: input_shape"):
        layers.LocalResponseNormalization()(keras.ops.ones((2, 4)))
