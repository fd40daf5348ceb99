"""Harmonic convolutions: what a rotation of the image does to their outputs, and to an ordinary convolution's."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from keras_dl import layers
from keras_dl.layers.harmonic import circular_harmonics

SIZE, ANGLES = 33, (20.0, 45.0, 110.0)


def smooth_image(degrees=0.0, width=2.5, seed=0):
    """A sum of Gaussian bumps on a circular stage, turned counterclockwise by formula and not by interpolation."""
    rng = np.random.default_rng(seed)
    turns, distances = rng.uniform(0, 2 * np.pi, 12) + np.radians(degrees), rng.uniform(0, 8, 12)
    rows, columns = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    image = np.zeros((SIZE, SIZE))
    for height, turn, distance in zip(rng.standard_normal(12), turns, distances, strict=True):
        x, y = columns - distance * np.cos(turn), -rows - distance * np.sin(turn)
        image += height * np.exp(-(x**2 + y**2) / (2 * width**2))
    return image[None, :, :, None].astype("float32")


def rotated(maps, degrees):
    """Turns maps `(height, width, ...)` counterclockwise by spline interpolation."""
    return ndimage.rotate(maps, degrees, axes=(1, 0), reshape=False, order=5)


def complex_maps(tensor):
    parts = np.asarray(tensor)[0]
    return parts[..., 0, :] + 1j * parts[..., 1, :]


def relative_error(turned, expected):
    return np.linalg.norm(turned - expected) / np.linalg.norm(expected)


def harmonic(max_order=2):
    keras.utils.set_random_seed(0)
    return layers.HarmonicConv2D(4, max_order=max_order)


def harmonic_network():
    keras.utils.set_random_seed(0)
    bias = keras.initializers.Constant(-0.05)
    return keras.Sequential(
        [
            layers.HarmonicConv2D(4),
            layers.HarmonicActivation(bias_initializer=bias),
            layers.HarmonicConv2D(4),
            layers.HarmonicActivation(bias_initializer=bias),
            layers.HarmonicConv2D(4),
            layers.HarmonicMagnitude(),
        ]
    )


def test_the_turned_image_is_the_image_turned():
    np.testing.assert_allclose(smooth_image(90.0), np.rot90(smooth_image(), axes=(1, 2)), atol=1e-5)
    assert relative_error(rotated(smooth_image()[0, :, :, 0], 30.0), smooth_image(30.0)[0, :, :, 0]) < 0.01


@pytest.mark.parametrize("order", [-2, -1, 0, 1, 3])
def test_filters_turn_by_a_phase(order):
    """g(r) e^(i m phi): a quarter turn multiplies by i^-m; unit energy; at the centre only order 0 is not zero."""
    filters = circular_harmonics(5, order, num_rings=3)
    np.testing.assert_allclose(np.rot90(filters), 1j ** (-order) * filters, atol=1e-10)
    np.testing.assert_allclose((np.abs(filters) ** 2).sum((0, 1)), np.ones(3))
    angle = np.arctan2(2 - 1, 4 - 2)  # of row 1, column 4
    np.testing.assert_allclose(np.exp(1j * order * angle) * np.abs(filters[1, 4]), filters[1, 4], atol=1e-10)
    assert np.all(np.abs(filters[2, 2]) > 0.01) if order == 0 else np.all(np.abs(filters[2, 2]) < 1e-10)


@pytest.mark.parametrize(("degrees", "limit"), [(90.0, 1e-5), *((angle, 0.05) for angle in ANGLES)])
def test_phases_turn_with_the_image(degrees, limit):
    """Order m: the turned image's map is the turned map times e^(i m theta)."""
    layer = harmonic()
    upright, turned = complex_maps(layer(smooth_image())), complex_maps(layer(smooth_image(degrees)))
    for m in range(3):
        expected = rotated(upright[:, :, m].real, degrees) + 1j * rotated(upright[:, :, m].imag, degrees)
        if degrees == 90.0:
            expected = np.rot90(upright[:, :, m])
        assert relative_error(turned[:, :, m], np.exp(1j * m * np.radians(degrees)) * expected) < limit
        if m:
            assert relative_error(turned[:, :, m], expected) > 0.3


@pytest.mark.parametrize(("degrees", "limit"), [(90.0, 0.02), *((angle, 0.05) for angle in ANGLES)])
@pytest.mark.parametrize("seed", [0, 1])
def test_magnitudes_turn_unchanged(degrees, limit, seed):
    """Through three harmonic convolutions with nonlinearities."""
    network = harmonic_network()
    upright, turned = (np.asarray(network(smooth_image(d, seed=seed)))[0] for d in (0.0, degrees))
    assert relative_error(turned, rotated(upright, degrees)) < limit


def test_an_ordinary_convolution_does_not():
    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.layers.Conv2D(8, 5, padding="same", activation="relu") for _ in range(3)])
    upright = np.asarray(network(smooth_image()))[0]
    for degrees in (90.0, *ANGLES):
        turned = np.asarray(network(smooth_image(degrees)))[0]
        assert relative_error(turned, rotated(upright, degrees)) > 0.2


@pytest.mark.parametrize("pool", [layers.HarmonicPooling2D, layers.HarmonicBlurPool2D])
def test_a_network_with_batch_norm_and_pooling_turns_by_quarters(pool):
    keras.utils.set_random_seed(0)
    network = keras.Sequential(
        [
            layers.HarmonicConv2D(3, max_order=2),
            layers.HarmonicBatchNormalization(),
            pool(),
            layers.HarmonicConv2D(3),
            layers.HarmonicBatchNormalization(activation=None),
            layers.HarmonicMagnitude(),
        ]
    )
    x = np.random.default_rng(0).standard_normal((2, 12, 12, 1)).astype("float32")
    upright, turned = (np.asarray(network(images, training=True)) for images in (x, np.rot90(x, axes=(1, 2))))
    np.testing.assert_allclose(turned, np.rot90(upright, axes=(1, 2)), atol=1e-4)


def test_the_kernel_is_a_complex_convolution():
    """Z_out = sum over orders and channels of W * Z_in in complex numbers, summed pixel by pixel."""
    keras.utils.set_random_seed(0)
    layer = layers.HarmonicConv2D(2, kernel_size=3, max_order=1, padding="valid")
    z = np.random.default_rng(0).standard_normal((1, 3, 3, 2, 2, 2)).astype("float32")
    y = complex_maps(layer(z))[0, 0]
    profile = layer.radial.numpy() * np.exp(1j * layer.phase.numpy())
    values = complex_maps(z)
    expected = np.zeros((2, 2), "complex128")
    for source in range(2):
        for target in range(2):
            filters = circular_harmonics(3, target - source, num_rings=2)
            expected[target] += np.einsum(
                "xyr,rcf,xyc->f", filters, profile[:, source, :, target], values[:, :, source]
            )
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_outputs_start_with_the_scale_of_the_inputs():
    """Real plus imaginary variance of 2 from unit noise, as He's initialisation gives before a rectifier."""
    keras.utils.set_random_seed(0)
    layer = layers.HarmonicConv2D(64, max_order=1, padding="valid")
    z = layer(np.random.default_rng(0).standard_normal((4, 24, 24, 32)).astype("float32"))
    np.testing.assert_allclose(np.square(z).sum(4).mean((0, 1, 2, 4)), [2.0, 2.0], rtol=0.15)


def test_activation_and_batch_norm_act_on_magnitudes():
    z = np.random.default_rng(0).standard_normal((4, 5, 5, 2, 2, 3)).astype("float32")
    magnitude = np.hypot(z[..., 0, :], z[..., 1, :])[..., None, :]
    activation = layers.HarmonicActivation(bias_initializer=keras.initializers.Constant(-1.0))
    np.testing.assert_allclose(activation(z), z * np.maximum(magnitude - 1, 0) / magnitude, atol=1e-5)
    mean, deviation = magnitude.mean((0, 1, 2)), np.sqrt(magnitude.var((0, 1, 2)) + 1e-5)
    expected = z / magnitude * np.maximum((magnitude - mean) / deviation, 0)
    np.testing.assert_allclose(layers.HarmonicBatchNormalization()(z, training=True), expected, atol=1e-4)


def test_zero_has_a_finite_gradient():
    z = keras.Variable(np.zeros((1, 1, 1, 1, 2, 1), "float32"))
    for layer in (layers.HarmonicMagnitude(), layers.HarmonicActivation()):
        with tf.GradientTape() as tape:
            y = layer(z)
        assert np.isfinite(tape.gradient(y, z.value)).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.HarmonicConv2D(0),
        lambda: layers.HarmonicConv2D(2, max_order=-1),
        lambda: layers.HarmonicConv2D(2, padding="symmetric"),
        lambda: layers.HarmonicConv2D(2).build((None, 8, 8, 2, 3)),
        lambda: layers.HarmonicActivation().build((None, 8, 8, 3)),
        lambda: layers.HarmonicMagnitude().build((None, 8, 8, 2, 3, 4)),
        lambda: layers.HarmonicPooling2D(4).build((None, 3, 3, 2, 2, 1)),
        lambda: layers.HarmonicBlurPool2D().build((None, 2, 3, 2, 2, 1)),
        lambda: layers.HarmonicBlurPool2D().build((None, 8, 8, 3)),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
