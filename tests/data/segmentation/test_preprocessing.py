"""Resampling, normalisation, and predictions brought back to the grid that a case came on."""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from keras_dl import metrics
from keras_dl.data.segmentation import (
    Case,
    Fingerprint,
    Intensities,
    fingerprint,
    fold,
    open_folder,
    plan,
    prepare,
    resample,
    resample_labels,
    restore,
    segment,
)
from keras_dl.data.segmentation.resampling import coarse_axis


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def blobs(*shape, seed=0, classes=3):
    """Smooth random regions of several classes."""
    fields = [ndimage.gaussian_filter(normal(*shape, seed=seed + i), 2.0) for i in range(classes)]
    return np.argmax(fields, axis=0)


def planned(shape, spacing, target=None, num_classes=3, modalities=("mri",), dimensions=None, **options):
    """The plan for a data set of one case; with `target`, for one whose median spacing that is."""
    prints = Fingerprint((target or spacing,), (shape,), num_classes, modalities, **options)
    return plan(prints, dimensions=dimensions)


@pytest.mark.parametrize(("shape", "new"), [((7, 9), (13, 5)), ((5, 6, 4), (5, 9, 8)), ((1, 6), (3, 6))])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_resampling_is_splines_at_the_new_centres(shape, new, order):
    """A new centre i lies at (i + 1/2) n_old / n_new - 1/2."""
    x = normal(*shape, 2)
    centres = [(np.arange(n) + 0.5) * o / n - 0.5 for n, o in zip(new, shape, strict=True)]
    grid = np.meshgrid(*centres, indexing="ij")
    for channel in range(2):
        expected = ndimage.map_coordinates(x[..., channel], grid, order=order, mode="nearest")
        np.testing.assert_allclose(resample(x, new, order)[..., channel], expected, atol=1e-5)
    np.testing.assert_array_equal(resample(x, shape, order), x)


def test_a_coarse_axis_takes_the_nearest_slice():
    x = normal(4, 6, 5, 1)
    result = resample(x, (8, 12, 5), 3, coarse_axis=0)
    assert result.shape == (8, 12, 5, 1)
    np.testing.assert_array_equal(result[::2], result[1::2])
    np.testing.assert_allclose(result[2], resample(x[1], (12, 5), 3), atol=1e-6)
    np.testing.assert_array_equal(resample(x, (2, 6, 5), 3, coarse_axis=0), x[1::2])
    assert coarse_axis((1, 1, 3), (1, 1, 1)) is None and coarse_axis((1, 1, 3.1), (1, 1, 1)) == 2
    assert coarse_axis((1, 1, 1), (4, 1, 1)) == 0 and coarse_axis((1, 4), (1, 1)) is None
    with pytest.raises(ValueError, match="3 positive sizes. Received: "):
        resample(x, (2, 0, 3))


def test_labels_keep_their_classes():
    labels = 2 * blobs(20, 24)
    large = resample_labels(labels, (40, 48))
    assert set(np.unique(large)) <= {0, 2, 4} and large.dtype == labels.dtype
    np.testing.assert_array_equal(resample_labels(large, (20, 24))[4:-4, 4:-4].shape, (12, 16))
    assert (resample_labels(large, (20, 24)) == labels).mean() > 0.97
    np.testing.assert_array_equal(resample_labels(np.full((3, 3), 5), (4, 2)), np.full((4, 2), 5))


@pytest.mark.parametrize(
    ("shape", "spacing", "target", "dimensions"),
    [
        ((12, 14, 9), (1.0, 1.0, 1.0), None, None),
        ((20, 22, 16), (1.0, 0.8, 1.0), (1.3, 1.0, 0.9), None),
        ((24, 24, 8), (1.0, 1.0, 5.0), (0.9, 1.2, 5.0), None),  # the nearest slice on the last axis
        ((24, 9, 24), (1.0, 5.0, 1.0), (1.0, 5.0, 1.0), 2),  # slices across the second axis
        ((24, 9, 24), (1.0, 5.0, 1.0), (0.8, 5.0, 0.9), 2),
        ((30, 26), (1.0, 1.0), (0.7, 1.1), None),
    ],
)
def test_labels_come_back_from_the_prepared_grid(shape, spacing, target, dimensions):
    """Scores that are the prepared labels: exactly the labels without resampling, nearly with it."""
    image = np.zeros((*shape, 1), "float32")
    inner = tuple(slice(2, n - 1) for n in shape)
    image[inner] = 1 + np.abs(normal(*shape, 1))[inner]
    labels = np.zeros(shape, int)
    labels[inner] = blobs(*shape)[inner]
    found = planned(shape, spacing, target, dimensions=dimensions)
    prepared = prepare(Case(image, labels, spacing, "a"), found)
    cut = [n - 3 for n in shape]
    expected = [max(round(n * s / t), 1) for n, s, t in zip(cut, spacing, target or spacing, strict=True)]
    if dimensions == 2:
        expected.insert(0, expected.pop(found.slice_axis))
    assert prepared.image.shape[:-1] == prepared.labels.shape == tuple(expected)
    back = restore(np.eye(3)[prepared.labels], prepared)
    assert back.shape == shape
    if target in (None, spacing):
        np.testing.assert_array_equal(back, labels)
    assert np.nanmin(metrics.dice_score(labels, back)) > 0.93


def test_normalizations_by_numpy():
    rng = np.random.default_rng(0)
    image = rng.normal(40, 10, (9, 11, 4)).astype("float32")
    image[:2] = 0
    image[5, 5] = 0  # a hole, which counts as inside
    found = planned(
        (9, 11),
        (1.0, 1.0),
        modalities=("ct", "mri", "rgb", "none"),
        intensities=(Intensities(38.0, 9.0, 25.0, 60.0),) * 4,
    )
    result = prepare(Case(image, None, (1.0, 1.0), "a"), found).image
    inner = image[2:]
    np.testing.assert_allclose(result[..., 0], (np.clip(inner[..., 0], 25, 60) - 38) / 9, rtol=1e-5)
    np.testing.assert_allclose(
        result[..., 1], (inner[..., 1] - inner[..., 1].mean()) / inner[..., 1].std(), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(result[..., 2], inner[..., 2] / 255, rtol=1e-6)
    np.testing.assert_array_equal(result[..., 3], inner[..., 3])


def test_zscores_inside():
    """Where much was cut off, zeros in corners stay zero and do not count; a hole does."""
    image = np.zeros((12, 12, 1), "float32")
    image[:6, 3:] = image[3:, :6] = 5 + normal(12, 12, 1)[:6, 3:].mean()
    image[2:8, 4:9] += np.abs(normal(6, 5, 1))
    image[4, 5] = 0
    found = planned((12, 12), (1.0, 1.0), share_after_crop=0.5)
    prepared = prepare(Case(image, None, (1.0, 1.0), "a"), found)
    inside = ndimage.binary_fill_holes(image[..., 0] != 0)
    values = image[..., 0][inside]
    expected = np.where(inside, (image[..., 0] - values.mean()) / values.std(), 0)
    np.testing.assert_allclose(prepared.image[..., 0], expected, rtol=1e-4, atol=1e-4)
    assert inside[4, 5] and not inside[0, 0]
    black = prepare(Case(np.zeros((4, 4, 1)), None, (1.0, 1.0), "a"), found)
    np.testing.assert_array_equal(black.image, np.zeros((4, 4, 1)))


def test_cases_that_do_not_fit_the_plan_are_refused():
    found = planned((9, 11), (1.0, 1.0))
    image, labels = normal(9, 11, 1), np.zeros((9, 11), int)
    for case, message in (
        (Case(normal(9, 11, 2), None, (1.0, 1.0), "a"), "2 axes and 1 channels"),
        (Case(normal(9, 11, 3, 1), None, (1.0, 1.0, 1.0), "a"), "2 axes and 1 channels"),
        (Case(image, labels + 3, (1.0, 1.0), "a"), "labels should be from 0 to 2"),
        (Case(image, labels - 1, (1.0, 1.0), "a"), "integers of at least 0"),
        (Case(image, labels + 0.5, (1.0, 1.0), "a"), "integers of at least 0"),
        (Case(image, labels[1:], (1.0, 1.0), "a"), "labels should have the image's shape"),
        (Case(image[..., 0], labels, (1.0, 1.0), "a"), "each axis of an image"),
        (Case(image, labels, (1.0, 0.0), "a"), "`spacing` should be positive"),
        (Case(image * np.nan, labels, (1.0, 1.0), "a"), "values should be finite"),
        (Case(image[:0], labels[:0], (1.0, 1.0), "a"), "image should hold numbers"),
    ):
        with pytest.raises(ValueError, match=f"{message}.*Received: .*in a"):
            prepare(case, found)
        with pytest.raises(ValueError, match="Received: "):
            fingerprint([Case(image, labels, (1.0, 1.0), "b"), case], num_classes=3)


@pytest.mark.parametrize(
    ("shape", "spacing", "dimensions"),
    [((21, 18), (1.0, 1.0), None), ((10, 9, 14), (1.0, 1.0, 1.0), None), ((20, 7, 18), (1.0, 4.0, 1.0), 2)],
)
def test_segmenting_a_case_by_a_threshold(shape, spacing, dimensions):
    """A predictor that knows two thresholds gives the same by windows as on the whole image."""
    image = 100 + 7 * normal(*shape, 1)
    found = planned(shape, spacing, dimensions=dimensions)._replace(patch_size=(8,) * (dimensions or len(shape)))
    z = (image[..., 0] - image.mean()) / image.std()
    expected = (z > -0.5).astype(int) + (z > 0.5)

    def by_thresholds(patches):
        return np.eye(3)[((patches > -0.5).astype(int) + (patches > 0.5))[..., 0]]

    case = Case(image, None, spacing, "a")
    options = {"overlap": 0.5, "mirror": True, "batch_size": 3}
    np.testing.assert_array_equal(segment(by_thresholds, case, found, **options), expected)
    # An ensemble of a sure member and one that says nothing is the sure one.
    ensemble = [by_thresholds, lambda patches: np.ones((*patches.shape[:-1], 3)) / 3]
    np.testing.assert_array_equal(segment(ensemble, case, found, **options), expected)
    np.testing.assert_array_equal(segment(by_thresholds, case, found, overlap=0, mirror=False), expected)


def test_folds():
    """Each name is left out once; nnU-Net's own, which are scikit-learn's with its seed."""
    names = [f"case_{i:02d}" for i in range(23)]
    left_out = []
    for number in range(5):
        training, validation = fold(names[::-1], number)
        assert sorted(training + validation) == names
        left_out += validation
    assert sorted(left_out) == names
    assert fold(names, 0)[1] == fold(names[::-1], 0)[1] != fold(names, 0, seed=1)[1]
    for call in (lambda: fold(names, 5), lambda: fold(names[:3], 0), lambda: fold(["a"] * 9, 0)):
        with pytest.raises(ValueError, match="different names, and a fold.*Received: "):
            call()


def test_from_a_folder_to_written_predictions(tmp_path):
    """Oblique and flipped axes, zeros around: a predictor by thresholds writes the files of the labels."""
    nibabel = pytest.importorskip("nibabel")
    turn = np.deg2rad(25)
    affine = np.array([[0, -2 * np.sin(turn), -np.cos(turn), 7], [0, 2 * np.cos(turn), -np.sin(turn), 8]])
    affine = np.concatenate([affine, [[-2.5, 0, 0, 9], [0, 0, 0, 1]]])
    for number in range(3):
        labels = np.zeros((14, 16, 20), "uint8")
        labels[3:12, 3:13, 2:18] = blobs(9, 10, 16, seed=number)
        image = np.where(labels == 0, 0, 1000.0 * labels)
        image[3:12, 3:13, 2:18] += 500
        for kind, array in (("imagesTr", image.astype("float32")), ("labelsTr", labels)):
            (tmp_path / kind).mkdir(exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / kind / f"{number}.nii.gz")
    cases = open_folder(tmp_path)
    found = plan(fingerprint(cases, modalities=["none"]))._replace(patch_size=(8, 8, 8))

    def by_thresholds(patches):
        return np.eye(3)[np.digitize(patches[..., 0], [1000, 2000])]

    for case in cases:
        path = tmp_path / "predictions" / f"{case.name}.nii.gz"
        case.source.write(segment(by_thresholds, case, found), path)
        written, expected = nibabel.load(path), nibabel.load(tmp_path / "labelsTr" / f"{case.name}.nii.gz")
        np.testing.assert_array_equal(np.asanyarray(written.dataobj), np.asanyarray(expected.dataobj))
        np.testing.assert_allclose(written.affine, expected.affine, atol=1e-5)


def test_memory_of_many_labels():
    """One mask at a time: 32 classes take as much as 2 do."""

    def peak(classes):
        labels = np.random.default_rng(0).integers(0, classes, (20,) * 3)
        tracemalloc.start()
        resample_labels(labels, (40,) * 3)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(32) < 1.5 * peak(2)


def test_axes_that_are_coarse_within_rounding():
    assert coarse_axis((1.0, 5.0, 5.0 + 1e-6), (1.0, 1.0, 1.0)) is None


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_z_scores_of_any_unit(scale):
    """A diffusivity in m^2/s has a deviation below every fixed smallest one."""
    image = normal(9, 8, 1) + 3
    found = plan(Fingerprint(((1.0, 1.0),), ((9, 8),), 2))
    scaled = prepare(Case((scale * image).astype("float32"), None, (1.0, 1.0), "a"), found).image
    assert scaled.std() == pytest.approx(1, abs=1e-4)
    constant = prepare(Case(np.full((9, 8, 1), 0.1 * scale, "float32"), None, (1.0, 1.0), "a"), found).image
    assert np.abs(constant).max() < 1e-3


def test_rescaled_channels():
    image = np.stack([normal(9, 8) * 5 - 2, np.full((9, 8), 3.0, "float32")], -1)
    found = plan(Fingerprint(((1.0, 1.0),), ((9, 8),), 2, ("rescale_to_0_1",) * 2))
    scaled = prepare(Case(image, None, (1.0, 1.0), "a"), found).image
    low, high = image[..., 0].min(), image[..., 0].max()
    np.testing.assert_allclose(scaled[..., 0], (image[..., 0] - low) / (high - low), atol=1e-6)
    np.testing.assert_array_equal(scaled[..., 1], 0)


@pytest.mark.parametrize("values", [(-1.0, 1.0), (0.0, 0.5), (0.0, 256.0)])
def test_colours_that_are_not_from_0_to_255_are_refused(values):
    image = np.linspace(*values, 72, dtype="float32").reshape(9, 8, 1) * np.ones(3, "float32")
    found = plan(Fingerprint(((1.0, 1.0),), ((9, 8),), 2, ("rgb",) * 3))
    with pytest.raises(ValueError, match="colours should be from 0 to 255, .*Received: values from .* in a"):
        prepare(Case(image, None, (1.0, 1.0), "a"), found)
