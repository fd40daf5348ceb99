"""Blur beside SciPy, and images of fewer pixels beside nearest and linear resampling."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from keras_dl.data import augment


def images(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("shape", [(2, 9, 8, 3), (2, 6, 7, 5, 1)])
def test_blur(shape):
    x = images(*shape)
    blurred = augment.augment([augment.Blur(0.8)], x).numpy()
    axes = len(shape) - 2
    expected = ndimage.gaussian_filter(x, (0, *[0.8] * axes, 0), mode="nearest", truncate=5)
    np.testing.assert_allclose(blurred, expected, atol=2e-4)


def test_low_resolution():
    """A coarse pixel is the one nearest to its centre; between their centres it is linear."""
    x = images(3, 12, 10, 2)
    changed = augment.augment([augment.LowResolution(1 / 3, axes=[0])], x).numpy()
    expected = ndimage.zoom(x[:, 1::3], (1, 3, 1, 1), order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(changed, expected, atol=1e-5)
    changed = augment.augment([augment.LowResolution(0.5, axes=[1])], x).numpy()
    expected = ndimage.zoom(x[:, :, 1::2], (1, 1, 2, 1), order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(changed, expected, atol=1e-5)
    np.testing.assert_allclose(augment.augment([augment.LowResolution(1.0)], x), x, atol=1e-6)


def test_each_image_draws_its_own():
    x = np.tile(images(1, 16, 16, 1), (50, 1, 1, 1))
    for transform in (augment.Blur((0.3, 2.0), probability=0.5), augment.LowResolution((0.3, 0.9), probability=0.5)):
        changed, masks = augment.augment([transform], x, np.ones((50, 16, 16), int))
        deviations = changed.numpy().std((1, 2, 3))
        same = np.isclose(deviations, x[0].std(), rtol=1e-5)
        assert 0.25 < same.mean() < 0.75 and len(set(deviations.round(4))) > 10
        assert bool(tf.reduce_all(masks == 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: augment.Blur(0.0), "`stddev` should be"),
        (lambda: augment.LowResolution((0.5, 1.5)), "`zoom` should be at most 1"),
        (lambda: augment.LowResolution((0.9, 0.5)), "`zoom` should be a number or an ascending pair"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        make()
