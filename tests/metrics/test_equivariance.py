"""Shift, rotation and deformation measures on functions whose answer is known."""

import keras
import numpy as np
import pytest
from scipy import ndimage
from sklearn.datasets import load_digits

from keras_dl import layers, metrics
from keras_dl.metrics.displacements import deform, displacement_field, gradient_norm


def images(number=3, size=16, seed=0):
    return np.random.default_rng(seed).random((number, size, size, 2)).astype("float32")


def circular_conv(x):
    """Equivariant to wrapped shifts by construction."""
    return 2.0 * x + keras.ops.roll(x, 1, axis=1) * keras.ops.roll(x, 3, axis=2)


def class_of_a_pixel(x):
    """Scores that depend on one pixel: as inconsistent as can be."""
    return keras.ops.concatenate([x[:, 3, 3], 1.0 - x[:, 3, 3]], axis=-1)


def test_shift_consistency_of_an_invariant_classifier_is_one():
    def totals(x):
        return keras.ops.stack([keras.ops.sum(x, (1, 2, 3)), keras.ops.max(x, (1, 2, 3)) * 100.0], -1)

    np.testing.assert_array_equal(metrics.shift_consistency(totals, images()), np.ones(3))


def test_shift_consistency_of_a_random_classifier_is_chance():
    """Four classes decided by the pixel shown: two independent shifts agree with probability sum p_k^2, about 0.3."""
    consistency = metrics.shift_consistency(class_of_a_pixel, images(40), max_shift=15, num_pairs=50)
    x = images(40)
    scores = np.concatenate([x, 1 - x], -1).reshape(40, -1, 4).argmax(-1)
    expected = np.mean([sum(np.mean(row == k) ** 2 for k in range(4)) for row in scores])
    assert consistency.shape == (40,)
    assert abs(consistency.mean() - expected) < 0.04


def test_shift_consistency_is_repeatable_and_needs_no_batches():
    first, again, other = (
        metrics.shift_consistency(class_of_a_pixel, images(5), batch_size=b, seed=s)
        for b, s in ((2, 1), (64, 1), (64, 2))
    )
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_shift_equivariance_of_circular_maps():
    assert metrics.shift_equivariance_error(circular_conv, images()).max() < 1e-6
    assert metrics.shift_equivariance_error(lambda x: x * keras.ops.arange(16.0)[:, None], images()).min() > 0.2


def test_a_stride_breaks_shift_equivariance_and_blur_mends_most_of_it():
    """Subsampled noise is another noise; of smooth images a blurred subsample is nearly the shifted one."""
    subsample = metrics.shift_equivariance_error(lambda x: x[:, ::2, ::2] - 0.5, images(), margin=2)
    blurred = metrics.shift_equivariance_error(lambda x: layers.BlurPool2D(5)(x - 0.5), images(), margin=2)
    assert np.all(blurred < 0.7 * subsample)
    whole = metrics.shift_equivariance_error(lambda x: x[:, ::2, ::2], images(), max_shift=0)
    np.testing.assert_array_equal(whole, np.zeros(3))


def test_antialiased_max_pooling_is_more_equivariant():
    """Features of real images (digits) after a random convolution and a pooling of stride 2."""
    digits = load_digits().images[:40, ..., None] / 16
    x = np.pad(ndimage.zoom(digits, (1, 2, 2, 1), order=1), [(0, 0), (6, 6), (6, 6), (0, 0)])
    keras.utils.set_random_seed(0)
    features = keras.layers.Conv2D(8, 3, padding="same", activation="relu")
    errors = [
        metrics.shift_equivariance_error(keras.Sequential([features, pool]), x).mean()
        for pool in (keras.layers.MaxPooling2D(2), layers.MaxBlurPool2D())
    ]
    assert errors[1] < 0.75 * errors[0]


def test_invariance_of_vectors():
    error = metrics.shift_equivariance_error(lambda x: keras.ops.mean(x, (1, 2)), images())
    assert error.max() < 1e-6
    turned = metrics.rotation_equivariance_error(lambda x: x[:, 3, 3], images())
    assert turned.min() > 0.05


def test_rotation_by_quarters():
    """A pointwise function turns with the image, a convolution with an asymmetric kernel does not."""
    edges = keras.layers.Conv2D(2, 3, padding="same")
    assert metrics.rotation_equivariance_error(keras.ops.exp, images()).max() < 1e-6
    assert metrics.rotation_equivariance_error(edges, images()).min() > 0.2
    harmonic = keras.Sequential([layers.HarmonicConv2D(3), layers.HarmonicMagnitude()])
    assert metrics.rotation_equivariance_error(harmonic, images()).max() < 1e-5


def test_rotation_by_any_angle():
    """On a smooth image only interpolation remains for a pointwise function."""
    grid = np.linspace(-3, 3, 33)
    smooth = np.exp(-((grid[:, None] - 0.7) ** 2) - 0.5 * (grid[None] + 0.4) ** 2)[None, :, :, None]
    assert metrics.rotation_equivariance_error(keras.ops.square, smooth, degrees=(30.0, 77.0), margin=2) < 0.01
    assert metrics.rotation_equivariance_error(lambda x: x[:, ::-1] * x, smooth, degrees=(45.0,)) > 0.2


def test_displacement_field_has_the_strength_asked_for():
    field = displacement_field((24, 20), 0.3, 4.0, np.random.default_rng(0))
    assert field.shape == (2, 24, 20)
    assert abs(gradient_norm(field) - 0.3) < 1e-12
    # For a linear field, tau(u) = A u, the norm is that of the matrix.
    matrix = np.array([[0.1, 0.2], [-0.3, 0.05]])
    linear = np.einsum("ij,jhw->ihw", matrix, np.mgrid[:9, :7].astype("float64"))
    assert abs(gradient_norm(linear) - np.linalg.norm(matrix, 2)) < 1e-12


def test_deformation_by_a_constant_is_a_shift():
    x = images()
    field = np.zeros((2, 16, 16))
    field[0] = 3.0
    np.testing.assert_allclose(deform(x, field)[:, 3:], x[:, :-3], atol=1e-5)


def test_deformation_sensitivity_grows_with_frequency():
    """For f(x) = x and a wave of frequency w, |x(u) - x(u - tau)| is about |tau| w: twice for twice the frequency."""
    u = np.arange(64) / 64
    waves = [np.sin(2 * np.pi * w * u)[None, :, None, None] * np.ones((1, 1, 64, 1)) for w in (1, 2)]
    slow, fast = (metrics.deformation_sensitivity(lambda x: x, wave, strength=0.02) for wave in waves)
    assert abs(fast / slow - 2) < 0.2


def test_deformation_sensitivity_scales():
    """Linear in f, unless it is relative; nearly independent of a small strength."""
    x = images(size=24)
    smooth = keras.ops.average_pool(x, 7, 1, "same")
    once, thrice, relative = (
        metrics.deformation_sensitivity(f, smooth, strength=0.05, relative=r)
        for f, r in ((lambda x: x, False), (lambda x: 3.0 * x, False), (lambda x: 3.0 * x, True))
    )
    np.testing.assert_allclose(thrice, 3 * once, rtol=1e-5)
    np.testing.assert_allclose(relative, once / np.linalg.norm(np.reshape(smooth, (3, -1)), axis=1), rtol=1e-5)
    halved = metrics.deformation_sensitivity(lambda x: x, smooth, strength=0.025)
    np.testing.assert_allclose(halved, once, rtol=0.15)


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.shift_consistency(class_of_a_pixel, np.ones((4, 4))),
        lambda: metrics.shift_consistency(circular_conv, images()),
        lambda: metrics.shift_consistency(class_of_a_pixel, images(), num_pairs=0),
        lambda: metrics.shift_equivariance_error(circular_conv, images(), margin=100),
        lambda: metrics.shift_equivariance_error(circular_conv, np.ones((0, 4, 4, 1))),
        lambda: metrics.rotation_equivariance_error(circular_conv, np.ones((1, 4, 5, 1))),
        lambda: metrics.deformation_sensitivity(circular_conv, images(), strength=1.0),
    ],
)
def test_bad_input_is_refused(call):
    with pytest.raises(ValueError, match="Received: "):
        call()
