"""Sliding windows: a copy gives the image back, and weights and mirrorings are those of a plain loop over pixels."""

import itertools

import keras
import numpy as np
import pytest

from keras_dl import networks
from keras_dl.data.segmentation import sliding_window


def image(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


SIZES = [
    ((7, 9, 2), (4, 4)),
    ((3, 20, 1), (8, 8)),  # an axis smaller than the window
    ((4, 4, 1), (4, 4)),
    ((1, 1, 1), (3, 2)),
    ((9, 6, 11, 1), (4, 6, 3)),
    ((5, 4, 3, 2), (8, 4, 2)),
    ((17, 1), (5,)),
]


@pytest.mark.parametrize(("shape", "patch"), SIZES)
@pytest.mark.parametrize("overlap", [0, 0.25, 0.5, 0.9])
def test_a_copy_gives_the_image_back(shape, patch, overlap):
    x = image(*shape)
    axes = tuple(range(len(patch)))
    for weighting, mirror_axes, batch_size in (("gaussian", (), 3), ("uniform", axes, 1), ("gaussian", axes[-1:], 100)):
        copy = sliding_window(lambda w: w, x, patch, overlap, weighting, mirror_axes, batch_size)
        assert copy.dtype == "float32"
        np.testing.assert_allclose(copy, x, atol=1e-6)


def test_weights_are_gaussians_of_an_eighth_of_the_window():
    """Windows that know their place: each predicts its own number, and a pixel is their weighted mean."""
    x, patch, numbers = image(10, 1), 4, itertools.count(1.0)
    result = sliding_window(lambda w: np.full_like(w, next(numbers)), x, (patch,), overlap=0.5)
    sums, norms = np.zeros(10), np.zeros(10)
    for number, start in enumerate((0, 2, 4, 6), start=1):  # 4 windows of 4 over 10, two apart
        for i in range(patch):
            weight = np.exp(-0.5 * ((i - 1.5) / 0.5) ** 2)
            sums[start + i] += weight * number
            norms[start + i] += weight
    np.testing.assert_allclose(result[:, 0], sums / norms, rtol=1e-5)


@pytest.mark.parametrize(("size", "overlap", "starts"), [(10, 0.5, [0, 2, 4, 6]), (11, 0, [0, 4, 7]), (4, 0.5, [0])])
def test_windows_are_spread_evenly(size, overlap, starts):
    """The fewest whose steps are at most `4 (1 - overlap)`: 11 pixels need three, at 0, 3.5 and 7."""
    x = np.arange(size, dtype="float32")[:, None]
    seen = []
    sliding_window(lambda w: seen.append(w[0, 0, 0]) or w, x, (4,), overlap)
    assert seen == starts


def test_mirrorings_are_averaged():
    """A function that favours the first corner: by hand over the four flips."""
    x, ramp = image(6, 5, 1), np.arange(30.0).reshape(6, 5, 1)
    result = sliding_window(lambda w: w * ramp, x, (6, 5), mirror_axes=(0, 1))
    flips = [ramp, ramp[::-1], ramp[:, ::-1], ramp[::-1, ::-1]]
    np.testing.assert_allclose(result, x * np.mean(flips, axis=0), rtol=1e-5)
    one = sliding_window(lambda w: w * ramp, x, (6, 5), mirror_axes=(1,))
    np.testing.assert_allclose(one, x * (ramp + ramp[:, ::-1]) / 2, rtol=1e-5)


def test_every_call_has_the_same_number_of_windows():
    counts = []
    sliding_window(lambda w: counts.append(len(w)) or w, image(20, 1), (4,), overlap=0, batch_size=3)
    assert counts == [3, 3]
    sliding_window(lambda w: counts.append(len(w)) or w, image(4, 1), (4,), batch_size=8)
    assert counts == [3, 3, 1]


def test_the_whole_image_as_one_window_is_the_network():
    network = networks.unet((None, None, 1), 3, filters=(2, 3))
    x = image(9, 13, 1)
    result = sliding_window(network, x, (9, 13))
    np.testing.assert_allclose(result, network(x[None])[0], atol=1e-6)
    assert sliding_window(network, x, (4, 4), batch_size=4).shape == (9, 13, 3)


def test_unpadded_convolutions_tile_the_image_seamlessly():
    """Tiles of an unpadded convolution are those of the whole image, continued by its mirror image."""
    layer = keras.layers.Conv2D(2, (5, 3))
    x = image(11, 8, 1)
    whole = layer(np.pad(x, [(2, 2), (1, 1), (0, 0)], mode="reflect")[None])[0]
    for overlap in (0, 0.5):
        result = sliding_window(layer, x, (4, 3), overlap, margin=(2, 1), batch_size=2)
        np.testing.assert_allclose(result, whole, atol=1e-5)
    network = networks.unet((None, None, 1), 1, filters=(2, 2), padding="valid")  # 16 less: 8 on either side
    assert sliding_window(network, x, (4, 4), margin=8).shape == (11, 8, 1)


def test_bad_arguments_are_refused():
    for options, message in (
        ({"patch_size": (4,)}, "`patch_size`"),
        ({"patch_size": (4, 0)}, "`patch_size`"),
        ({"patch_size": 4}, "`patch_size`"),
        ({"image": np.zeros((0, 6, 1))}, "image should have pixels"),
        ({"overlap": 1.0}, "`overlap`"),
        ({"overlap": "half"}, "`overlap`"),
        ({"weighting": "hann"}, "`weighting`"),
        ({"mirror_axes": (2,)}, "`mirror_axes`"),
        ({"mirror_axes": (0, 0)}, "`mirror_axes`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"margin": (1,)}, "`margin`"),
        ({"margin": 0.5}, "`margin`"),
        ({"predict": lambda w: w[..., :0]}, r"return an array of shape \(1, 4, 4\) and outputs"),
        ({"predict": lambda w: w[:, :2]}, r"return an array of shape \(1, 4, 4\)"),
    ):
        with pytest.raises(ValueError, match=f"{message}.*Received: "):
            sliding_window(**{"predict": lambda w: w, "image": image(5, 6, 1), "patch_size": (4, 4), **options})
