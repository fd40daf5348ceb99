"""Layers of style-based generators: modulated convolutions sample by sample, noise, constants, rectifiers."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers
from tests.layers.test_filtered import normal, resample


def built(layer, *shapes):
    layer.build(list(shapes))
    for weight in layer.weights:
        weight.assign(normal(*weight.shape, seed=len(weight.name)))
    return layer


def kernels(layer, style):
    """Each sample's kernel by equations 1 and 3 of Karras et al. (2020), in float64."""
    kernel, affine = np.asarray(layer.kernel, "float64"), layer.affine
    matrix = np.asarray(affine.kernel, "float64") / np.sqrt(affine.kernel.shape[0])
    scales = 1 + style @ matrix + np.asarray(affine.bias)
    modulated = kernel / np.sqrt(np.prod(kernel.shape[:-1])) * scales[:, None, None, :, None]
    if not layer.demodulate:
        return modulated
    return modulated / np.sqrt((modulated**2).sum((1, 2, 3), keepdims=True) + 1e-12)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_modulated_convolution_is_one_per_sample(kernel_size, demodulate):
    x, style = normal(3, 5, 6, 4), normal(3, 7, seed=1)
    layer = built(layers.ModulatedConv2D(2, kernel_size, demodulate=demodulate), x.shape, style.shape)
    single = kernels(layer, style).astype("float32")
    expected = [tf.nn.conv2d(x[i : i + 1], single[i], 1, "SAME")[0] for i in range(3)]
    np.testing.assert_allclose(layer([x, style]), expected, atol=1e-5)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_upsampling_convolution_is_zeros_filter_and_convolution(kernel_size):
    """StyleGAN 2's transposed convolution and filter, in the other order, on images with room around them."""
    x, style = normal(2, 5, 4, 3), normal(2, 7, seed=1)
    layer = built(layers.ModulatedConv2D(2, kernel_size, upsample=True), x.shape, style.shape)
    single = kernels(layer, style)[:, ::-1, ::-1].astype("float32")  # transposed: the kernel turns round
    half = kernel_size // 2
    filtered = resample(x, 2, 1, (2 + half, 1 + half), 4.0).astype("float32")
    expected = [tf.nn.conv2d(filtered[i : i + 1], single[i], 1, "VALID")[0] for i in range(2)]
    np.testing.assert_allclose(layer([x, style]), expected, atol=1e-5)


def test_demodulation_keeps_unit_variance():
    """Whatever the style: inputs of unit variance give outputs of unit variance, within what 65,536 numbers say."""
    x, style = normal(64, 8, 8, 32), 5 * normal(64, 16, seed=1)
    layer = layers.ModulatedConv2D(16, 1)
    deviations = np.asarray(layer([x, style])).std((1, 2, 3))
    assert deviations.min() > 0.9 and deviations.max() < 1.1
    plain = layers.ModulatedConv2D(16, 1, demodulate=False)
    assert np.asarray(plain([x, style])).std() > 2


def test_modulation_does_not_overflow_in_half_precision():
    x, style = normal(2, 4, 4, 64), 1e3 * normal(2, 4, seed=1)
    half = layers.ModulatedConv2D(8, dtype="mixed_float16")
    y = np.asarray(half([x, style]), "float32")
    whole = layers.ModulatedConv2D(8)
    whole.build([x.shape, style.shape])
    whole.set_weights(half.get_weights())
    np.testing.assert_allclose(y, whole([x, style]), atol=0.02)


@pytest.mark.parametrize(("kernel_size", "size"), [(3, (6, 8)), (1, (6, 8)), (3, (5, 7))])
def test_downsampling_convolution(kernel_size, size):
    x = normal(2, *size, 3)
    layer = layers.FilteredConv2D(4, kernel_size, gain=1.0)
    y = layer(x)
    kernel = np.asarray(layer.kernel) / np.sqrt(3 * kernel_size**2)
    filtered = resample(x, 1, 1, (2, 3) if kernel_size == 3 else (1, 2), 1.0).astype("float32")
    np.testing.assert_allclose(y, tf.nn.conv2d(filtered, kernel, 2, "VALID"), atol=1e-5)


def test_noise_is_read_at_its_place():
    x, noise = normal(2, 3, 4, 5), normal(2, 20, seed=1)
    layer = layers.NoiseInjection(offset=6)
    np.testing.assert_array_equal(layer([x, noise]), x)  # strength 0 at the start
    layer.strength.assign([0.5])
    np.testing.assert_allclose(layer([x, noise]), x + 0.5 * noise[:, 6:18].reshape(2, 3, 4, 1), atol=1e-6)


def test_constants():
    learned, fixed = layers.Constant((2, 3)), layers.Constant((2, 3), learned=False)
    for layer in (learned, fixed):
        y = np.asarray(layer(normal(4, 1)))
        np.testing.assert_array_equal(y, np.broadcast_to(np.asarray(layer.constant), (4, 2, 3)))
    fixed.trainable = True
    assert (len(learned.trainable_weights), len(fixed.trainable_weights)) == (1, 0)


def test_rectifier_keeps_the_second_moment():
    x = normal(1000, 50)
    y = np.asarray(layers.ScaledLeakyReLU()(x))
    np.testing.assert_allclose(y, np.sqrt(2) * np.where(x > 0, x, 0.2 * x), rtol=1e-5)
    assert abs((y**2).mean() - 1.04) < 0.02  # sqrt(2) for a plain rectifier: 1 + slope^2 remains


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.ModulatedConv2D(4, 2),
        lambda: layers.ModulatedConv2D(4, upsample="yes"),
        lambda: layers.ModulatedConv2D(4).build([(None, 4, 4, 2), (None, 3, 3)]),
        lambda: layers.ModulatedConv2D(4).build((None, 4, 4, 2)),
        lambda: layers.NoiseInjection(-1),
        lambda: layers.NoiseInjection(2).build([(None, 4, 4, 3), (None, 17)]),
        lambda: layers.Constant((0, 4)),
        lambda: layers.FilteredConv2D(0),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
