"""Adaptive augmentation: its maps and colours beside SciPy and matrices, derivatives, the critic's signs."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage
from scipy.spatial.transform import Rotation

from keras_dl import objectives
from keras_dl.models.base import Draw
from keras_dl.objectives import augmentation_transforms as transforms
from keras_dl.objectives.augmentation import KINDS


def draw(rows, seed=3):
    return Draw(tf.constant(seed, tf.int64), tf.constant(0, tf.int64), 0, rows)


def images(*shape):
    return tf.constant(np.random.default_rng(0).random(shape, dtype="float32"))


def test_nothing_happens_at_probability_0():
    x = images(3, 6, 5, 2)
    np.testing.assert_allclose(objectives.AdaptiveAugmentation()(x, 0.0, draw(3)), x, atol=1e-5)


def test_about_that_share_of_images_changes():
    x = images(4000, 4, 4, 1)
    y = objectives.AdaptiveAugmentation()(x, 0.1, draw(4000))
    unchanged = (np.abs(y - x).max((1, 2, 3)) < 1e-4).mean()
    # Mirror images and inverted greys half the time, turns three times of four, shifts of at most half a pixel never;
    # scale, two rotations that are one, stretching, part of a pixel, brightness and contrast always.
    assert unchanged == pytest.approx(0.95**2 * 0.925 * 0.9**6, abs=0.03)


@pytest.mark.parametrize("kinds", [("blit",), ("geometric",), ("colour",), KINDS])
def test_derivatives(kinds):
    """Linear in the images apart from brightness: a gradient along a direction is the difference, and has its own."""
    augmentation = objectives.AdaptiveAugmentation(kinds=kinds)
    x, direction = images(8, 6, 6, 3), images(8, 6, 6, 3) - 0.5
    weights = images(8, 6, 6, 3)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(weights * augmentation(x, 0.8, draw(8)) ** 2)
        gradient = tape.gradient(total, x)
        squares = tf.reduce_sum(gradient**2)
    step = 1e-2
    ends = [tf.reduce_sum(weights * augmentation(x + s * direction, 0.8, draw(8)) ** 2) for s in (-step, step)]
    np.testing.assert_allclose((ends[1] - ends[0]) / (2 * step), tf.reduce_sum(gradient * direction), rtol=2e-3)
    second = outer.gradient(squares, x)
    assert np.isfinite(second).all() and np.abs(second).max() > 0


def test_quarter_turns_and_mirror_images_are_among_what_happens():
    augmentation, x = objectives.AdaptiveAugmentation(kinds=("blit",)), images(1, 5, 5, 1)
    repeated = tf.repeat(x, 3000, axis=0)
    y = np.asarray(augmentation(repeated, 0.3, draw(3000)))
    for turned in (
        x[0, :, ::-1],
        np.rot90(x[0], 1),
        np.rot90(x[0], 2),
        np.pad(x[0], ((1, 0), (0, 0), (0, 0)), "reflect")[:-1],
    ):
        assert (np.abs(y - turned).max((1, 2, 3)) < 1e-3).any()


@pytest.mark.parametrize("size", [(7, 7), (6, 9)])
def test_images_are_read_where_the_map_says(size):
    """Beside SciPy's bilinear interpolation, with borders mirrored alike."""
    x, random = images(3, *size, 2), np.random.default_rng(1)
    matrices = np.eye(3) + 0.4 * random.standard_normal((3, 3, 3)) * [[1, 1, 4], [1, 1, 4], [0, 0, 0]]
    y = transforms.moved(x, tf.constant(matrices, tf.float32))
    centre = (np.array(size) - 1) / 2
    for image, result, matrix in zip(x.numpy(), y.numpy(), matrices, strict=True):
        of_rows = matrix[:2, :2][::-1, ::-1]  # of (row, column)
        offset = centre - of_rows @ centre + matrix[:2, 2][::-1]
        for channel in range(2):
            expected = ndimage.affine_transform(image[..., channel], of_rows, offset, order=1, mode="mirror")
            np.testing.assert_allclose(result[..., channel], expected, atol=1e-4)


def test_geometric_maps_are_drawn_as_published():
    """Areas change by scale alone, whose logarithm to the base of 2 has a deviation of 0.2; shifts have an eighth."""
    maps = transforms.maps((16, 32), 1.0, draw(20_000), ("geometric",)).numpy()
    scale = 0.5 * np.log2(np.linalg.det(maps[:, :2, :2]))
    assert np.std(scale) == pytest.approx(0.2, abs=0.004) and abs(np.mean(scale)) < 0.006
    values = np.linalg.svd(maps[:, :2, :2], compute_uv=False)
    stretch = 0.5 * np.log2(values[:, 0] / values[:, 1])  # its absolute value
    assert np.sqrt(np.mean(stretch**2)) == pytest.approx(0.2, abs=0.004)
    # The shift comes last, so that inputs are read at the inverse map of it.
    shifts = np.linalg.solve(maps[:, :2, :2], maps[:, :2, 2:])[..., 0]
    np.testing.assert_allclose(np.std(shifts, axis=0), [4.0, 2.0], rtol=0.03)


def test_blits_are_whole_pixels_turns_and_mirror_images():
    maps = transforms.maps((16, 32), 1.0, draw(4000), ("blit",)).numpy()
    np.testing.assert_allclose(np.abs(maps), np.round(np.abs(maps)), atol=1e-5)
    assert (np.linalg.det(maps) < 0).mean() == pytest.approx(0.5, abs=0.04)
    turned = np.abs(maps[:, 0, 0]) < 0.5
    assert turned.mean() == pytest.approx(0.5, abs=0.04)
    shifts = np.abs(np.linalg.solve(maps[:, :2, :2], maps[:, :2, 2:])[..., 0])
    np.testing.assert_allclose(shifts.max(axis=0), [4, 2], atol=1e-5)


def test_colours_are_those_of_explicit_matrices():
    """Products of matrices of four by four, as the paper writes them."""
    random = np.random.default_rng(2)
    x = 2 * images(5, 3, 3, 3).numpy() - 1
    brightness, contrast, hue, saturation = random.uniform(0.2, 2.0, (4, 5)).astype("float32")
    flip = np.array([0, 1, 0, 1, 1], "float32")
    result = transforms.coloured(tf.constant(x), *map(tf.constant, (brightness, contrast, flip, hue, saturation)))
    v = np.append(np.ones(3) / np.sqrt(3), 0)
    for row in range(5):
        total = np.eye(4)
        total[:3, 3] = brightness[row]
        total = np.diag([contrast[row]] * 3 + [1]) @ total
        total = (np.eye(4) - 2 * flip[row] * np.outer(v, v)) @ total
        rotation = np.eye(4)
        rotation[:3, :3] = Rotation.from_rotvec(hue[row] * v[:3]).as_matrix()
        total = rotation @ total
        total = (np.outer(v, v) + (np.eye(4) - np.outer(v, v)) @ np.diag([saturation[row]] * 3 + [1])) @ total
        expected = (total @ np.append(x[row], np.ones((3, 3, 1)), axis=-1)[..., None])[..., :3, 0]
        np.testing.assert_allclose(result[row], expected, atol=1e-4)


def test_brightness_is_measured_in_the_range_of_data():
    x = tf.fill((2000, 2, 2, 1), 0.3)
    narrow, wide = (
        objectives.AdaptiveAugmentation(kinds=("colour",), center=0.0, half_range=half)(half * x, 1.0, draw(2000))
        for half in (1.0, 100.0)
    )
    np.testing.assert_allclose(100 * narrow, wide, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("options", [{"kinds": ()}, {"kinds": "blit"}, {"kinds": ("noise",)}, {"half_range": 0}])
def test_bad_arguments_are_refused(options):
    with pytest.raises(ValueError, match="Received: "):
        objectives.AdaptiveAugmentation(**options)


def test_the_probability_follows_the_sign():
    augmentation = objectives.AdaptiveAugmentation(target=0.5, images=100.0)
    state = tf.constant([0.5, 0.5])
    for signs, change in ((8.0, 0.08), (-8.0, -0.08)):
        probability, rate = augmentation.next(state, tf.constant([signs, 8.0]))
        np.testing.assert_allclose(probability, 0.5 + change, rtol=1e-5)
        np.testing.assert_allclose(rate, 0.75 * 0.5 + 0.25 * np.sign(signs), rtol=1e-5)
    np.testing.assert_allclose(augmentation.next(tf.constant([0.0, -1.0]), tf.constant([-8.0, 8.0]))[0], 0.0)


@pytest.mark.parametrize("kinds", [True, 3, "blit", (), ("noise",), [["blit"]]])
def test_other_kinds_are_refused(kinds):
    with pytest.raises(ValueError, match="`kinds` should be some of .*Received: kinds="):
        objectives.AdaptiveAugmentation(kinds=kinds)
