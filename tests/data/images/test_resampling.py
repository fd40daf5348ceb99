"""Bicubic resampling: against Pillow, and against MATLAB's rule written as loops; what makes large images small."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_dl.data import augment
from keras_dl.data.images import Degradation, bicubic, cropped, enlarged, reduced


def random(*shape):
    return np.random.default_rng(0).random(shape).astype("float32")


def pillow(image, size):
    """Pillow's bicubic of one channel of floats."""
    resized = Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC)
    return np.asarray(resized)


@pytest.mark.parametrize("size", [(12, 9), (8, 9), (6, 5), (48, 54), (31, 20)])
def test_pillows_values(size):
    x = random(24, 27)
    np.testing.assert_allclose(bicubic(x[..., None], size, border="cut")[..., 0], pillow(x, size), atol=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_pillows_bytes_to_rounding(scale):
    levels = np.random.default_rng(1).integers(0, 256, (24, 36, 3), "uint8")
    small = np.asarray(Image.fromarray(levels).resize((36 // scale, 24 // scale), Image.Resampling.BICUBIC))
    ours = 255 * reduced(levels / np.float32(255), scale, border="cut")
    assert np.abs(np.clip(np.round(ours), 0, 255) - small.astype(int)).max() <= 1


def matlab(line, target):
    """`imresize` of one axis as it is published: weights of all places, those beyond the border mirrored."""

    def cubic(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    size = len(line)
    scale = target / size
    width = 4.0 if scale >= 1 else 4.0 / scale
    values = []
    for out in range(1, target + 1):
        u = out / scale + 0.5 * (1 - 1 / scale)
        left = int(np.floor(u - width / 2))
        total, weights = 0.0, 0.0
        for place in range(left, left + int(np.ceil(width)) + 2):
            weight = cubic((u - place) * min(scale, 1.0))
            mirrored = (place - 1) % (2 * size)
            mirrored = mirrored if mirrored < size else 2 * size - 1 - mirrored
            total, weights = total + weight * line[mirrored], weights + weight
        values.append(total / weights)
    return np.array(values)


@pytest.mark.parametrize("target", [6, 4, 3, 24, 5])
def test_matlabs_rule(target):
    line = random(12)
    np.testing.assert_allclose(bicubic(line[:, None, None], (target, 1))[:, 0, 0], matlab(line, target), atol=1e-5)


def test_a_straight_line_stays_straight_when_it_is_enlarged():
    """Cubic convolution reproduces polynomials of second degree away from the border (Keys 1981)."""
    line = np.arange(12.0, dtype="float32")
    x = enlarged(line[:, None, None] ** 2, 2, border="cut")[4:-4, 0, 0]
    places = (np.arange(24) + 0.5) / 2 - 0.5
    np.testing.assert_allclose(x, places[4:-4] ** 2, atol=1e-4)


def test_a_batch_is_its_images():
    x = random(3, 8, 12, 2)
    np.testing.assert_allclose(reduced(x, 4)[1], reduced(x[1], 4), atol=1e-6)
    assert cropped(x, 5).shape == (3, 5, 10, 2)


def test_the_standard_degradation_is_reduction_and_rounding():
    x = random(2, 8, 8, 3)
    expected = np.round(255 * np.clip(reduced(x, 2), 0, 1)) / 255
    np.testing.assert_allclose(Degradation(2)(x, tf.constant([0, 0])), expected, atol=1e-6)
    exact = Degradation(2, rounded=False)(x, tf.constant([0, 0]))
    np.testing.assert_allclose(exact, np.clip(reduced(x, 2), 0, 1), atol=1e-6)


def test_blur_noise_and_compression_take_part():
    x = random(2, 16, 16, 3)
    degradation = Degradation(2, [augment.Blur(1.0)], [augment.Noise(0.05), augment.JPEG(40)])
    one, other, again = (degradation(x, tf.constant([0, number])).numpy() for number in (0, 1, 0))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 0.01
    assert one.shape == (2, 8, 8, 3)
    assert one.min() >= 0 and one.max() <= 1
    assert Degradation.from_config(degradation.get_config()) == degradation


def test_jpeg_is_tensorflows_of_each_quality():
    x = random(2, 16, 16, 3)
    changed, masks = augment.JPEG(35)(x, None, tf.constant([0, 0]))
    assert masks is None
    for image, ours in zip(x, changed, strict=True):
        levels = tf.cast(tf.round(255 * image), tf.uint8)
        expected = tf.io.decode_jpeg(tf.io.encode_jpeg(levels, quality=35)) / 255
        np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bicubic(random(4, 4, 1), (0, 2)),
        lambda: bicubic(random(4, 4, 1), (2, 2), border="reflect"),
        lambda: reduced(random(8, 9, 1), 2),
        lambda: bicubic(random(8, 8), (4, 4)),
        lambda: bicubic(random(1, 0, 8, 1), (4, 4)),
        lambda: reduced(random(8, 8), 2),
        lambda: enlarged(random(8, 8), 2),
        lambda: cropped(random(8), 2),
        lambda: cropped(random(8, 8, 1), 0),
        lambda: Degradation(0),
        lambda: Degradation(2, border="wrapped"),
        lambda: Degradation(2)(255 * random(1, 8, 8, 3), tf.constant([0, 0])),
        lambda: Degradation(2)((255 * random(1, 8, 8, 3)).astype("uint8"), tf.constant([0, 0])),
        lambda: Degradation(2)(2 * random(1, 8, 8, 3) - 1, tf.constant([0, 0])),
        lambda: augment.JPEG(0),
        lambda: augment.JPEG((50, 101)),
        lambda: augment.JPEG(50)(random(1, 8, 8, 2), None, tf.constant([0, 0])),
    ],
)
def test_bad_arguments_are_refused(call):
    with pytest.raises(ValueError, match="Received: "):
        call()


def test_a_change_is_asked_for():
    with pytest.raises(TypeError, match="Received: "):
        Degradation(2, before=["blur"])
