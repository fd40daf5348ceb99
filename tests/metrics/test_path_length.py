"""Perceptual path length in closed form: linear maps, great circles, trimmed means; bad input."""

import numpy as np
import pytest

from keras_dl import metrics

RANDOM = np.random.default_rng(0)
FIRST, SECOND, MATRIX = (RANDOM.standard_normal(shape) for shape in ((200, 3), (200, 3), (3, 5)))


def test_of_a_linear_map():
    squares = np.sort((((SECOND - FIRST) @ MATRIX) ** 2).sum(1))
    for trim, expected in ((0.0, squares.mean()), (0.1, squares[20:-20].mean())):
        value = metrics.perceptual_path_length(lambda w: w @ MATRIX, FIRST, SECOND, trim=trim, epsilon=1e-2)
        np.testing.assert_allclose(value, expected, rtol=1e-3)


def test_of_a_great_circle():
    """The radius is the square root of the size, so that a path's speed is that times the angle between its ends."""
    norms = np.linalg.norm(FIRST, axis=1) * np.linalg.norm(SECOND, axis=1)
    angles = np.arccos((FIRST * SECOND).sum(1) / norms)
    value = metrics.perceptual_path_length(lambda z: z, FIRST, SECOND, spherical=True, trim=0.0, epsilon=1e-2)
    np.testing.assert_allclose(value, (3 * angles**2).mean(), rtol=1e-3)


def test_features_and_batches():
    options = {"trim": 0.0, "epsilon": 1e-2}
    twice = metrics.perceptual_path_length(lambda w: w, FIRST, SECOND, features=lambda x: 2 * x, **options)
    in_batches = metrics.perceptual_path_length(lambda w: 2 * w, FIRST, SECOND, batch_size=7, **options)
    np.testing.assert_allclose(twice, in_batches, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"second": SECOND[:5]}, "one shape"),
        ({"epsilon": 0.0}, "epsilon"),
        ({"trim": 0.5}, "trim"),
        ({"batch_size": 0}, "batch_size"),
        ({"first": FIRST[:, 0], "second": SECOND[:, 0]}, "one shape"),
    ],
)
def test_bad_input_is_refused(options, words):
    with pytest.raises(ValueError, match=f"{words}.*Received"):
        metrics.perceptual_path_length(lambda w: w, **{"first": FIRST, "second": SECOND, **options})
