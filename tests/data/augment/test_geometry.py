"""Changes of place beside SciPy and NumPy, and masks beside the images that they belong to."""

import numpy as np
import pytest
import scipy.interpolate
import scipy.ndimage
import tensorflow as tf

from keras_dl.data import augment
from keras_dl.data.augment import resampling

KEY = tf.constant([5, 6], tf.int64)


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("sizes", [(9,), (7, 5), (4, 5, 6)])
@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect"])
@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_resampling_is_scipys(sizes, fill_mode, interpolation):
    x = noise(2, *sizes, 3)
    places = np.random.default_rng(1).uniform(-12, 20, (2, 8, 4, len(sizes))).astype("float32")
    found = resampling.resample(tf.constant(x), tf.constant(places), interpolation, fill_mode, 0.5)
    mode = "grid-constant" if fill_mode == "constant" else fill_mode
    for i, c in np.ndindex(2, 3):
        order = 1 if interpolation == "linear" else 0
        at = np.moveaxis(places[i] if order else np.round(places[i]), -1, 0)
        expected = scipy.ndimage.map_coordinates(x[i, ..., c], at, order=order, mode=mode, cval=0.5)
        np.testing.assert_allclose(found[i, ..., c], expected, atol=1e-5)


@pytest.mark.parametrize("quarters", [1, 2, -1])
def test_quarter_turns(quarters):
    x, turn = noise(3, 6, 6, 2), augment.Affine(rotation=(90 * quarters, 90 * quarters))
    expected = np.rot90(x, quarters, axes=(1, 2))
    np.testing.assert_allclose(augment.augment([turn], x), expected, atol=1e-5)
    volume = noise(2, 5, 5, 5, 1)
    for plane in ((0, 1), (0, 2), (1, 2)):
        turn = augment.Affine(rotation=(90 * quarters, 90 * quarters), planes=[plane])
        expected = np.rot90(volume, quarters, axes=[axis + 1 for axis in plane])
        np.testing.assert_allclose(augment.augment([turn], volume), expected, atol=1e-4)


def test_affine_is_scipys():
    """All parts at once, in the order rotation, scale and shear, then the shift."""
    x = noise(1, 9, 12, 1)
    transform = augment.Affine((30, 30), scale=(1.3, 1.3), translation=(0.1, 0.1), shear=(0.2, 0.2))
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    matrix = np.array([[cos, -sin], [sin, cos]]) @ (1.3 * np.array([[1, 0.2], [0.2, 1]]))
    back, centre = np.linalg.inv(matrix), np.array([4.0, 5.5])
    offset = centre - back @ (centre + 0.1 * np.array([9, 12]))
    expected = scipy.ndimage.affine_transform(x[0, ..., 0], back, offset, order=1, mode="grid-constant")
    np.testing.assert_allclose(augment.augment([transform], x)[0, ..., 0], expected, atol=1e-5)


def test_scales_above_one_enlarge():
    x = np.zeros((1, 16, 16, 1), "float32")
    x[:, 6:10, 6:10] = 1
    for scale, side in ((2.0, 8), (0.5, 2)):
        found = augment.augment([augment.Affine(scale=(scale, scale))], x).numpy()
        assert abs(found.sum() - side**2) < 0.1 * side**2


def test_perspective():
    """All corners moved alike are a shift; moved at random they land where they should, and lines stay lines."""
    x = noise(1, 10, 8, 1)
    shift = augment.augment([augment.Perspective((0.2, 0.2))], x)
    expected = np.zeros_like(x)
    expected[:, :8] = x[:, 2:]
    expected = scipy.ndimage.shift(expected[0, ..., 0], (0, -1.6), order=1, mode="grid-constant")
    np.testing.assert_allclose(shift[0, ..., 0], expected, atol=1e-5)
    places = augment.Perspective(0.3).places(4, (10, 8), KEY).numpy()
    moved = places[:, [0, 0, -1, -1], [0, -1, 0, -1]] - [[0, 0], [0, 7], [9, 0], [9, 7]]
    assert np.all(np.abs(moved) <= [3.0 + 1e-4, 2.4 + 1e-4]) and np.abs(moved).max() > 1 and moved.std() > 0.5
    for line in (places[:, 3], places[:, :, 2], places[:, range(8), range(8)]):
        lines = np.concatenate([line, np.ones((*line.shape[:-1], 1))], axis=-1)
        assert np.linalg.svd(lines)[1][:, 2].max() < 1e-3


def test_splines_are_scipys():
    size, points = 11, 6
    knots = np.arange(-2, points + 2.0)
    at = np.linspace(1, points - 2, size)
    expected = scipy.interpolate.BSpline.design_matrix(at, knots, 3).toarray()
    np.testing.assert_allclose(resampling.spline_basis(size, points), expected, atol=1e-6)
    assert resampling.spline_basis(1, 4).sum() == pytest.approx(1)


@pytest.mark.parametrize("sizes", [(12, 9), (6, 7, 8)])
def test_elastic_shifts_have_the_variance_of_their_splines(sizes):
    shifts = augment.Elastic(3.0, points=5).places(4000, sizes, KEY) - resampling.pixel_centres(sizes)
    energies = [np.square(resampling.spline_basis(size, 5)).sum(1) for size in sizes]
    expected = 9.0 * np.prod(np.meshgrid(*energies, indexing="ij"), axis=0)
    variances = np.square(shifts).mean(0)
    np.testing.assert_allclose(variances, np.stack([expected] * len(sizes), -1), rtol=0.2)
    correlation = np.corrcoef(shifts.numpy().reshape(4000, -1, len(sizes))[:, 0].T)
    assert np.abs(correlation - np.eye(len(sizes))).max() < 0.1  # each axis its own
    assert np.abs(np.diff(shifts, 2, axis=1)).max() < 6.0


def test_crop_and_pad():
    x = np.arange(1.0, 36 * 7 * 5 + 1, dtype="float32").reshape(36, 7, 5, 1)
    parts = augment.augment([augment.CropAndPad(pad=2)], x).numpy()
    starts = set()
    for part, image in zip(parts, x, strict=True):
        padded = np.pad(image, [(2, 2), (2, 2), (0, 0)])
        found = [s for s in np.ndindex(5, 5) if (padded[s[0] : s[0] + 7, s[1] : s[1] + 5] == part).all()]
        assert len(found) == 1
        starts |= set(found)
    assert len(starts) > 12 and {s[0] for s in starts} == {s[1] for s in starts} == set(range(5))
    part = augment.augment([augment.CropAndPad((3, 9), fill_mode="nearest")], x).numpy()
    assert part.shape == (36, 3, 9, 1)
    assert all((np.diff(row[:, 0]) >= 0).all() and row[0] != row[-1] for row in part[:, 0])
    assert augment.augment([augment.CropAndPad((2, 3, 4))], noise(2, 3, 4, 5, 1)).shape == (2, 2, 3, 4, 1)


def test_flips_are_independent():
    x = np.arange(6.0, dtype="float32").reshape(1, 2, 3, 1).repeat(400, 0)
    found = augment.augment([augment.Flip(axes=[0, 1], probability=0.3)], x).numpy()
    kinds = {(r, c): np.flip(x[0], [axis for axis, on in ((0, r), (1, c)) if on]) for r in (0, 1) for c in (0, 1)}
    shares = {kind: np.mean([np.array_equal(image, flipped) for image in found]) for kind, flipped in kinds.items()}
    assert sum(shares.values()) == 1
    for (r, c), share in shares.items():
        assert abs(share - (0.3 if r else 0.7) * (0.3 if c else 0.7)) < 0.08


MOVES = [
    augment.Flip(axes=[0, -1]),
    augment.Affine(rotation=20, scale=0.2, translation=0.1, shear=0.1, fill_mode="nearest"),
    augment.Elastic(2.0, fill_mode="nearest"),
    augment.Perspective(0.1, fill_mode="nearest"),
    augment.CropAndPad(pad=2, fill_mode="nearest"),
    augment.Affine(rotation=20, fill_mode="nearest", probability=0.5),
]


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("sizes", [(12, 10), (6, 7, 8)])
def test_masks_move_with_their_images(move, sizes):
    """An image that holds its pixels' places says where each mask value comes from."""
    if isinstance(move, augment.Perspective) and len(sizes) == 3:
        with pytest.raises(ValueError, match="not volumes.*Received: "):
            augment.augment([move], noise(1, *sizes, 1))
        return
    ramps = np.repeat(resampling.pixel_centres(sizes).numpy()[None], 5, 0)
    masks = np.random.default_rng(0).integers(0, 7, (5, *sizes), dtype="int32")
    places, moved = augment.augment([move], ramps, masks, seed=3)
    assert moved.dtype == tf.int32 and moved.shape == masks.shape
    assert not np.array_equal(moved, masks)
    sure = (np.abs(places - np.round(places)) < 0.45).all(-1)
    came_from = np.round(places).astype(int)
    expected = np.stack([mask[tuple(np.moveaxis(at, -1, 0))] for mask, at in zip(masks, came_from, strict=True)])
    assert sure.mean() > 0.5
    np.testing.assert_array_equal(moved.numpy()[sure], expected[sure])
    with_channel, again = augment.augment([move], ramps, masks[..., None], seed=3)
    np.testing.assert_array_equal(again[..., 0], moved)
    np.testing.assert_array_equal(with_channel, places)


@pytest.mark.parametrize("degrees", [90, -90])
def test_masks_at_halves_of_pixels(degrees):
    """Each row of a mask turned by a quarter is another one: rounding to even numbers takes every other one twice."""
    rows = np.tile(np.arange(14)[None, :, None], (1, 1, 11))
    turn = augment.Affine(rotation=(degrees, degrees), fill_mode="nearest")
    _, turned = augment.augment([turn], np.zeros((1, 14, 11, 1), "float32"), rows)
    middle = turned[0, 7].numpy()
    assert set(np.abs(np.diff(middle))) == {1}
