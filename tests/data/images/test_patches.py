"""Patches and domains in an order that seed, epoch and place decide."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl.data import augment
from keras_dl.data.images import Degradation, ImagePatches, Images, open_unpaired, reduced, unpaired
from keras_dl.data.images.patches import turned, turned_back
from tests.data.images.test_folders import array, write

IMAGES = Images([array(12, 16), array(20, 10, seed=1)])


def patches(**options):
    return ImagePatches(IMAGES, 8, Degradation(2), **{"batch_size": 4, "seed": 3, **options})


def places_of(patch):
    """Where in the images a patch lies, in any of its eight versions: (image, top, left, way)."""
    places = []
    for number in range(len(IMAGES)):
        image = IMAGES[number]
        for top in range(image.shape[0] - 7):
            for left in range(image.shape[1] - 7):
                window = image[top : top + 8, left : left + 8]
                places += [(number, top, left, w) for w in range(8) if np.array_equal(turned(window, w), patch)]
    return places


def test_patches_are_of_the_images():
    seen = [places_of(patch) for step in range(8) for patch in patches().batch(step)]
    assert all(len(places) == 1 for places in seen)
    seen = [places[0] for places in seen]
    assert {place[0] for place in seen} == {0, 1}
    assert {place[3] for place in seen} == set(range(8))
    straight = [places_of(patch)[0] for step in range(4) for patch in patches(flips=False).batch(step)]
    assert {place[3] for place in straight} == {0}


def test_small_images_are_those_of_the_large_ones():
    (small, large), *_ = patches().dataset(2)
    np.testing.assert_allclose(large, patches().batch(0) / np.float32(255), atol=1e-7)
    np.testing.assert_allclose(small, np.round(255 * np.clip(reduced(large, 2), 0, 1)) / 255, atol=1e-6)


def test_epochs_go_on_from_any_place():
    degradation = Degradation(2, after=[augment.Noise(0.1)])

    def epochs(count, first=0):
        dataset = ImagePatches(IMAGES, 8, degradation, 4, seed=3).dataset(2)
        dataset.order.place(first)
        return [[x.numpy() for x, _ in dataset] for _ in range(count)]

    three = epochs(3)
    assert np.abs(three[0][0] - three[1][0]).max() > 0
    np.testing.assert_array_equal(epochs(1, first=2)[0], three[2])
    held_out = patches().dataset(2, repeat=True)
    np.testing.assert_array_equal(*([x.numpy() for x, _ in held_out] for _ in range(2)))


def test_a_run_with_other_flips_is_another():
    assert patches(flips=False).dataset(2).order.mark != patches().dataset(2).order.mark
    assert patches().dataset(2).order.mark == patches().dataset(2, repeat=True).order.mark


def test_versions_are_undone():
    image = array(5, 7)
    versions = [turned(image, way) for way in range(8)]
    assert len({version.tobytes() + bytes(version.shape) for version in versions}) == 8
    for way, version in enumerate(versions):
        np.testing.assert_array_equal(turned_back(version, way), image)


@pytest.mark.parametrize("options", [{"size": 9}, {"size": 16}, {"batch_size": 0}, {"flips": 2}, {"seed": -1}])
def test_bad_arguments_are_refused(options):
    with pytest.raises(ValueError, match="Received: "):
        ImagePatches(**{"images": IMAGES, "size": 8, "degradation": Degradation(2), **options})


def test_other_images_are_refused():
    for wrong in ([array(20, 20)], array(20, 20), "folder"):
        with pytest.raises(TypeError, match="`images` should be Images.*Received: "):
            ImagePatches(wrong, 8, Degradation(2))


def test_domains_are_gone_through_whole():
    """The smaller one three times and a half in two epochs of seven, each time in another order."""
    dataset = unpaired(np.arange(7.0), np.arange(4.0), batch_size=3, seed=5)
    epochs = [[tuple(part.numpy() for part in batch) for batch in dataset] for _ in range(2)]
    a, b = (np.concatenate([batch[side] for epoch in epochs for batch in epoch]) for side in (0, 1))
    assert [sorted(a[:7]), sorted(a[7:])] == [list(range(7))] * 2
    assert [sorted(b[start : start + 4]) for start in (0, 4, 8)] == [list(range(4))] * 3
    assert len({tuple(b[start : start + 4]) for start in (0, 4, 8)}) > 1
    dataset.order.place(1)
    for batch, expected in zip(dataset, epochs[1], strict=True):
        np.testing.assert_array_equal(batch, expected)


def test_domains_on_disk(tmp_path):
    for side, count in (("a", 3), ("b", 2)):
        for seed in range(count):
            write(tmp_path / side / f"{seed}.png", array(seed=seed))
    batches = list(unpaired(*open_unpaired(tmp_path), batch_size=2, shuffle=False))
    assert [[part.shape[0] for part in batch] for batch in batches] == [[2, 2], [1, 1]]
    np.testing.assert_allclose(batches[1][0][0], array(seed=2) / 255, atol=1e-6)
    np.testing.assert_allclose(batches[1][1][0], array(seed=0) / 255, atol=1e-6)
    assert tf.nest.flatten(batches[0])[0].shape == (2, 8, 10, 3)


def test_empty_domains_are_refused():
    with pytest.raises(ValueError, match="Received: "):
        unpaired(np.zeros((0, 4)), np.zeros((3, 4)))
