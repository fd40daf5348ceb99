"""Images as coordinates and values; the camera image beside scikit-image's own reduction."""

import numpy as np
import pytest
from skimage import data, transform

import keras_dl


def test_pixels_run_row_by_row_from_corner_to_corner():
    image = np.arange(12.0).reshape(3, 4)
    x, y = keras_dl.data.pixels(image)
    assert x.dtype == y.dtype == "float32" and x.shape == (12, 2) and y.shape == (12, 1)
    for (row, column), value in zip(x, y.ravel(), strict=True):
        assert image[round(row + 1), round(1.5 * (column + 1))] == value
    assert keras_dl.data.pixels(np.zeros((3, 4, 3)))[1].shape == (12, 3)


@pytest.mark.parametrize(
    "image", [np.zeros(4), np.zeros((1, 4)), np.zeros((3, 4, 0)), np.zeros((1, 3, 4, 1)), np.full((2, 2), np.nan)]
)
def test_what_is_no_image_is_refused(image):
    with pytest.raises(ValueError, match="Received: "):
        keras_dl.data.pixels(image)


def test_the_camera_image_is_scikit_images_reduced_one():
    (x, y), _ = keras_dl.data.load("camera")
    expected = 2.0 * transform.resize(data.camera() / 255.0, (128, 128), anti_aliasing=True) - 1.0
    np.testing.assert_allclose(y.reshape(128, 128), expected, atol=1e-6)
    np.testing.assert_array_equal(x, keras_dl.data.pixels(expected)[0])


def test_held_out_points_lie_between_pixels_of_the_same_image():
    (x, y), (x_test, y_test) = keras_dl.data.load("camera")
    x, x_test = x.reshape(128, 128, 2), x_test.reshape(127, 127, 2)
    np.testing.assert_allclose(x_test, (x[1:, 1:] + x[:-1, :-1]) / 2, atol=1e-6)
    # A smooth image is near the mean of four pixels in their middle, and not where the points are one pixel off.
    y, y_test = y.reshape(128, 128), y_test.reshape(127, 127)
    middle = (y[1:, 1:] + y[1:, :-1] + y[:-1, 1:] + y[:-1, :-1]) / 4
    error = np.abs(middle - y_test).mean()
    assert error < 0.03
    assert np.abs(middle[1:] - y_test[:-1]).mean() > 2 * error


def test_values_are_not_classes():
    (x, y), _ = keras_dl.data.load("camera")
    assert keras_dl.data.DataSpec.of(x, y) == ((2,), None, 16_384, None)
