"""Named sets of scans, made up or read, and the random changes of published systems."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl.data import augment, segmentation
from keras_dl.data.segmentation import Fingerprint


@pytest.mark.parametrize(("name", "shape", "count"), [("blobs", (64, 72), 30), ("blobs3d", (24, 28, 20), 20)])
def test_blobs_are_functions_of_their_names(name, shape, count):
    cases = segmentation.load(name)
    assert len(cases) == len(cases.names) == count
    for case in cases[:3]:
        assert case.image.shape == (*shape, 1) and case.image.dtype == np.float32 and case.labels.shape == shape
        assert np.unique(case.labels).tolist() == [0, 1, 2]
        again = segmentation.load(name).select([case.name])[0]
        np.testing.assert_array_equal(case.image, again.image)
        means = [case.image[case.labels == label].mean() for label in range(3)]
        assert means[0] < means[2] < means[1]  # the rim is brightest
    assert (cases[0].image != cases[1].image).any()
    with pytest.raises(ValueError, match="names should be from blobs_00.*Received: other"):
        cases.select(["other"])


def test_unknown_names_and_missing_files(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="the nearest: blobs.*Received: 'blob'"):
        segmentation.load("blob")
    monkeypatch.delenv("KERAS_DL_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="KERAS_DL_DATA should name a folder with isbi2012/"):
        segmentation.load("isbi2012")
    monkeypatch.setenv("KERAS_DL_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="there should be a folder of images"):
        segmentation.load("isbi2012")


def test_the_real_sets(real_data):
    real_data("mnist")  # skips where there are no files
    cases = segmentation.load("isbi2012")
    assert len(cases) == 30 and cases.num_classes == 2 and cases.label_values == (0, 255)
    assert cases[0].image.shape == (512, 512, 1)
    share = np.mean([case.labels.mean() for case in cases])
    assert share == pytest.approx(0.78, abs=0.005)  # not membrane


def planned(shape, spacing=None):
    return segmentation.plan(Fingerprint((spacing or (1.0,) * len(shape),), (shape,), 3))


@pytest.mark.parametrize("shape", [(32, 40), (16, 20, 24)])
@pytest.mark.parametrize("name", segmentation.AUGMENTATIONS)
def test_changes_keep_shapes_and_classes_and_follow_the_key(name, shape):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(6, *shape, 1)).astype("float32")
    masks = rng.integers(0, 3, (6, *shape)).astype("int32")
    transforms = segmentation.augmentation(name, planned(shape))
    found = [augment.augment(transforms, images, masks, seed=tf.constant([seed, 5])) for seed in (1, 1, 2)]
    for x, y in found:
        assert x.shape == images.shape and y.shape == masks.shape and y.dtype == tf.int32
        assert np.isfinite(x).all() and set(np.unique(y)) <= {0, 1, 2}
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert (name == "none") == bool((found[0][0].numpy() == found[2][0].numpy()).all())


@pytest.mark.parametrize("name", ["elastic", "nnunet"])
def test_slices_of_flat_patches_keep_together(name):
    """Where slices are far apart, turns stay in their planes: each slice still holds one label."""
    shape = (4, 64, 64)
    plan = planned(shape, spacing=(6.0, 1.0, 1.0))
    assert plan.axes_in_plane == (1, 2)
    masks = np.broadcast_to(np.arange(4).reshape(1, 4, 1, 1), (8, *shape)).astype("int32")
    transforms = segmentation.augmentation(name, plan)
    moved = augment.augment(transforms, masks[..., None].astype("float32"), masks, seed=3)[1].numpy()
    for volume in moved:
        held = [np.unique(part).tolist() for part in volume]
        assert held in ([[0], [1], [2], [3]], [[3], [2], [1], [0]])


def test_images_and_masks_move_together():
    """A mask that is where the image is bright stays there, but for pixels at edges that interpolation blurs."""
    masks = np.zeros((16, 40, 40), "int32")
    masks[:, 8:24, 12:30] = 1
    transforms = [t for t in segmentation.augmentation("nnunet", planned((40, 40))) if isinstance(t, augment.Affine)]
    images, moved = augment.augment(transforms, masks[..., None].astype("float32"), masks, seed=1)
    agree = (images[..., 0].numpy() > 0.5) == moved.numpy()
    assert agree.mean() > 0.985 and (moved.numpy() != masks).any()


def test_without_flips_sides_stay_apart():
    found = segmentation.augmentation("nnunet", planned((16, 20)), flips=False)
    assert [type(change).__name__ for change in found if type(change).__name__ == "Flip"] == []
    assert segmentation.augmentation("flips", planned((16, 20)), flips=False) == []


def test_unknown_augmentations_are_refused():
    with pytest.raises(ValueError, match="should be one of none, flips.*Received: name='turns'"):
        segmentation.augmentation("turns", planned((16, 16)))


def test_validation_batches_repeat():
    cases = segmentation.load("blobs")
    found = segmentation.plan(segmentation.fingerprint(cases[:4]))._replace(patch_size=(16, 16), batch_size=2)
    patches = segmentation.Patches([segmentation.prepare(case, found) for case in cases[:4]], found)
    first, again = ([x.numpy() for x, _ in data] for data in [patches.dataset(3, repeat=True)] * 2)
    other, another = ([x.numpy() for x, _ in data] for data in [patches.dataset(3)] * 2)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, other)
    assert (np.array(other) != np.array(another)).any()
