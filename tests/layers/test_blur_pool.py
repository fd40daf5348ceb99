"""Anti-aliased pooling beside a NumPy filter, its reflection padding and its sizes."""

import itertools

import keras
import numpy as np
import pytest

from keras_dl import layers

BINOMIAL = {1: [1], 2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1], 5: [1, 4, 6, 4, 1]}


def blurred(x, kernel_size, strides):
    """Filters every spatial axis in turn, in float64; reflection padding of floor and ceil of (k - 1) / 2."""
    taps = np.array(BINOMIAL[kernel_size]) / sum(BINOMIAL[kernel_size])
    y = x.astype("float64")
    for axis, stride in enumerate(strides, start=1):
        pads = [(0, 0)] * y.ndim
        pads[axis] = ((kernel_size - 1) // 2, -(-(kernel_size - 1) // 2))
        y = np.apply_along_axis(np.convolve, axis, np.pad(y, pads, mode="reflect"), taps, mode="valid")
        y = y.take(range(0, y.shape[axis], stride), axis)
    return y


@pytest.mark.parametrize("kernel_size", BINOMIAL)
@pytest.mark.parametrize(
    ("layer", "size", "strides"),
    [
        (layers.BlurPool1D, (8,), (2,)),
        (layers.BlurPool2D, (7, 8), (2, 2)),
        (layers.BlurPool2D, (7, 6), (1, 3)),
        (layers.BlurPool3D, (4, 5, 6), (2, 2, 2)),
        (layers.BlurPool3D, (4, 5, 6), (1, 2, 3)),
    ],
)
def test_values(layer, size, strides, kernel_size):
    x = np.random.default_rng(0).standard_normal((2, *size, 3)).astype("float32")
    y = layer(kernel_size, strides)(x)
    expected = blurred(x, kernel_size, strides)
    assert y.shape == expected.shape == (2, *(-(-n // s) for n, s in zip(size, strides, strict=True)), 3)
    np.testing.assert_allclose(y, expected, atol=1e-6)


def test_maximum_then_blur():
    x = np.random.default_rng(0).standard_normal((2, 7, 8, 3)).astype("float32")
    maximum = np.max([x[:, i : i + 6, j : j + 7] for i, j in itertools.product((0, 1), repeat=2)], axis=0)
    np.testing.assert_allclose(layers.MaxBlurPool2D()(x), blurred(maximum, 3, (2, 2)), atol=1e-6)


def test_sizes_are_those_of_max_pooling():
    for n in range(5, 12):
        expected = keras.layers.MaxPooling2D(2).compute_output_shape((None, n, n, 1))
        assert layers.MaxBlurPool2D().compute_output_shape((None, n, n, 1)) == expected


def test_constants_pass_and_the_fastest_wave_is_stopped():
    """A low-pass filter: 1 at frequency 0, and 0 at the Nyquist frequency, which a plain stride makes a constant."""
    constant, wave = np.ones((1, 8, 8, 1), "float32"), np.ones((1, 8, 8, 1), "float32")
    wave[:, 1::2] = -1
    np.testing.assert_allclose(layers.BlurPool2D()(constant), np.ones((1, 4, 4, 1)), atol=1e-6)
    np.testing.assert_allclose(layers.BlurPool2D()(wave), np.zeros((1, 4, 4, 1)), atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.BlurPool2D(kernel_size=5), (1, 2, 8, 1)),
        (layers.BlurPool2D(), (1, 8, 8)),
        (layers.MaxBlurPool2D(pool_size=3), (1, 2, 8, 1)),
        (layers.BlurPool3D(), (1, 4, 4, 1, 2)),
    ],
)
def test_images_that_are_too_small_are_refused(layer, shape):
    with pytest.raises(ValueError, match="Received: "):
        layer.build(shape)


@pytest.mark.parametrize("arguments", [{"kernel_size": 0}, {"strides": 0}, {"strides": (1, 2, 3)}])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        layers.BlurPool2D(**arguments)
