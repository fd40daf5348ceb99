"""Pooling to a given size beside its definition, written out window by window."""

import math

import keras
import numpy as np
import pytest

from keras_dl import layers


@pytest.mark.parametrize("size", [(14, 14), (10, 3), (7, 6), (2, 1)])
def test_values(size):
    x = np.random.default_rng(0).standard_normal((2, *size, 3)).astype("float32")
    expected = np.empty((2, 7, 6, 3))
    for i, j in np.ndindex(7, 6):
        (top, left), (bottom, right) = (
            [math.floor(k * n / m) for k, n, m in zip((i, j), size, (7, 6), strict=True)],
            [math.ceil((k + 1) * n / m) for k, n, m in zip((i, j), size, (7, 6), strict=True)],
        )
        expected[:, i, j] = x[:, top:bottom, left:right].mean((1, 2))
    np.testing.assert_allclose(layers.AdaptiveAveragePooling2D((7, 6))(x), expected, atol=1e-6)


def test_refuses():
    with pytest.raises(ValueError, match="a known size.*Received: "):
        layers.AdaptiveAveragePooling2D(7)(keras.Input((None, 8, 3)))
    with pytest.raises(ValueError, match="`output_size`.*Received: "):
        layers.AdaptiveAveragePooling2D(0)
