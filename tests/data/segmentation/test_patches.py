"""Patches: what they show, how many are on foreground, and that seed and step decide them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import losses, models, networks
from keras_dl.data import augment
from keras_dl.data.segmentation import Case, Fingerprint, Patches, fingerprint, places, plan, prepare
from keras_dl.data.segmentation.patches import PLACES_A_CLASS


def case(shape, seed=0, spacing=None, empty=False):
    """An image whose pixels are their own numbers, from 1 on, and labels in two corners."""
    image = np.arange(1.0, np.prod(shape) + 1).reshape(*shape, 1)
    labels = np.zeros(shape, int)
    if not empty:
        labels[tuple(slice(0, 2) for _ in shape)] = 1
        labels[tuple(slice(-1, None) for _ in shape)] = 2
    return Case(image, labels, spacing or (1.0,) * len(shape), f"case {seed}")


def planned(shape, patch_size, batch_size=6, dimensions=None, spacing=None):
    prints = Fingerprint((spacing or (1.0,) * len(shape),), (shape,), 3, modalities=("none",))
    return plan(prints, dimensions=dimensions)._replace(patch_size=patch_size, batch_size=batch_size)


def patches(shape, patch_size, count=1, empty=False, dimensions=None, spacing=None, **options):
    found = planned(shape, patch_size, dimensions=dimensions, spacing=spacing)
    cases = [prepare(case(shape, seed, spacing, empty), found) for seed in range(count)]
    return Patches(cases, found, **options)


@pytest.mark.parametrize(
    ("shape", "size"), [((12, 15), (4, 6)), ((9, 8, 7), (4, 4, 4)), ((3, 20), (8, 8)), ((2, 3, 4), (5, 6, 7))]
)
def test_patches_are_cut_out_of_the_image(shape, size):
    """Each pixel of a patch is the image's where its number says so; labels go with it; beyond the image all is 0."""
    whole = case(shape)
    sampler = patches(shape, size)
    for step in range(20):
        images, labels = sampler.batch(step)
        assert images.shape == (6, *size, 1) and labels.shape == (6, *size)
        for image, mask in zip(images[..., 0], labels, strict=True):
            inside = image > 0
            numbers = image[inside].astype(int) - 1
            np.testing.assert_array_equal(mask[inside], whole.labels.ravel()[numbers])
            assert not mask[~inside].any()
            places = np.stack(np.unravel_index(numbers, shape), -1)
            offsets = places - np.argwhere(inside)
            assert (offsets == offsets[0]).all()  # shifted as one
            full = [min(n, s) for n, s in zip(shape, size, strict=True)]
            assert inside.sum() == np.prod(full)


def test_a_third_is_on_foreground():
    """In a batch of 6 the last two; both classes equally often, though one has 4 pixels and the other 1."""
    sampler = patches((40, 40), (4, 4))
    counts = np.zeros((6, 3))
    for step in range(400):
        _, labels = sampler.batch(step)
        counts += [[(mask == c).any() for c in range(3)] for mask in labels]
    assert (counts[4:, 1:].sum(axis=1) == 400).all()
    np.testing.assert_allclose(counts[4:, 1:].sum(axis=0) / 800, 0.5, atol=0.06)
    assert (counts[:4, 1:].sum(axis=1) < 40).all()
    for foreground, first in ((0.0, 6), (1.0, 0), (0.5, 3)):
        sampler = patches((40, 40), (4, 4), foreground=foreground)
        always = np.all([(sampler.batch(step)[1] > 0).any(axis=(1, 2)) for step in range(60)], axis=0)
        np.testing.assert_array_equal(always, np.arange(6) >= first)


def test_places_are_spread_evenly():
    """Patches anywhere reach every place that fits, each as often as any other."""
    sampler = patches((9, 4), (4, 4), foreground=0.0)
    starts = [int(image.min()) // 4 for step in range(500) for image in sampler.batch(step)[0]]
    counts = np.bincount(starts, minlength=6)
    assert len(counts) == 6 and counts.min() > 400 and counts.max() < 600


def test_seed_and_step_decide():
    sampler, again, other = (patches((20, 20), (4, 4), count=3, seed=seed) for seed in (1, 1, 2))
    for step in (5, 0):
        for one, two in zip(sampler.batch(step), again.batch(step), strict=True):
            np.testing.assert_array_equal(one, two)
    assert (sampler.batch(0)[0] != other.batch(0)[0]).any() and (sampler.batch(0)[0] != sampler.batch(1)[0]).any()


def test_empty_masks_and_many_pixels():
    images, labels = patches((20, 20), (4, 4), empty=True).batch(0)
    assert images.any() and not labels.any()
    found = planned((300, 300), (4, 4))
    large = Case(np.ones((300, 300, 1)), np.ones((300, 300), int), (1.0, 1.0), "a")
    assert len(Patches([prepare(large, found)], found)._places[0][0]) == PLACES_A_CLASS


def test_patches_of_partly_annotated_cases(monkeypatch):
    """All lie on pixels that train something, wherever these are; what is not annotated at all is not drawn."""
    monkeypatch.setattr("keras_dl.data.segmentation.places.BLOCK", 100)  # several blocks
    found = planned((40, 40), (4, 4))
    whole = case((40, 40))
    known = np.full((40, 40), -100)
    known[30:32, 3:37] = 0
    known[31, 20] = 2
    parts = [prepare(whole._replace(labels=labels), found) for labels in (known, np.full((40, 40), -100))]
    sampler = Patches(parts, found)
    for step in range(60):
        images, labels = sampler.batch(step)
        assert (labels != -100).any(axis=(1, 2)).all() and (labels[4:] == 2).any(axis=(1, 2)).all()
        assert images.any(axis=(1, 2, 3)).all()
    starts = [sampler._start(0, False, np.random.default_rng(seed))[1] for seed in range(300)]
    assert min(starts) < 4 and max(starts) > 30  # all of them are reached
    with pytest.raises(ValueError, match="some pixels should not be ignored. Received: 1 cases"):
        Patches(parts[1:], found)


def test_places_are_those_of_the_whole_array(monkeypatch):
    labels = np.random.default_rng(0).integers(-1, 4, (7, 8, 9))
    labels[labels == -1] = -100
    for block in (1000, 50):
        monkeypatch.setattr("keras_dl.data.segmentation.places.BLOCK", block)
        rng, again = np.random.default_rng(1), np.random.default_rng(1)
        for label, found in zip((1, 2, 3), places.of_classes(labels, 60, rng), strict=True):
            expected = np.flatnonzero(labels == label)
            np.testing.assert_array_equal(found, again.choice(expected, 60, replace=False))
        np.testing.assert_array_equal(places.annotated(labels, 1000, rng), np.flatnonzero(labels != -100))
    assert places.annotated(np.zeros((3, 4), int), 5, rng) is None


def test_batches_of_ignored_pixels_alone_change_nothing():
    """A network of several outputs, the coarser of which see ignored pixels alone more often."""
    found = planned((12, 12), (8, 8))
    model = models.Supervised(networks.create(**{**found.network, "filters": (4,) * len(found.filters)}))
    weights = found.loss_weights
    model.compile("sgd", [losses.DiceCrossEntropy() for _ in weights], loss_weights=list(weights))
    before = [value.numpy() for value in model.trainable_variables]
    targets = tuple(np.full((2, *(8 // s for s in stride)), -100) for stride in found.output_strides)
    loss = model.train_on_batch(np.ones((2, 8, 8, 1), "float32"), targets if len(weights) > 1 else targets[0])
    assert np.all(np.asarray(loss) == 0)
    for value, old in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_slices_of_volumes():
    """The axis of 5 mm is cut: patches show one slice each."""
    sampler = patches((10, 4, 12), (6, 6), dimensions=2, spacing=(1.0, 5.0, 1.0))
    images, labels = sampler.batch(0)
    assert images.shape == (6, 6, 6, 1) and labels.shape == (6, 6, 6)
    slices = (images[..., 0].astype(int) - 1) // 12 % 4
    assert all(len(np.unique(s)) == 1 for s in slices) and len(np.unique(slices)) > 1


def test_the_dataset_goes_on_where_it_stopped():
    sampler = patches((20, 20), (4, 4), count=2, batch_size=3)
    dataset = sampler.dataset(steps=4)
    assert dataset.cardinality() == 4
    epochs = [[x.numpy() for x, _ in dataset] for _ in range(2)]
    for epoch in range(2):
        for i in range(4):
            np.testing.assert_array_equal(epochs[epoch][i], sampler.batch(4 * epoch + i)[0])
    resumed = sampler.dataset(steps=4)
    resumed.order.place(1)
    for (x, _), expected in zip(resumed, epochs[1], strict=True):
        np.testing.assert_array_equal(x, expected)


def test_strides_and_transforms():
    sampler = patches((20, 20), (4, 6), seed=7)
    keys = []

    def transform(images, labels, key):
        keys.append(key.shape)
        return images + 1.0, labels + keras.ops.cast(key[1], "int32")

    dataset = sampler.dataset(steps=3, strides=((1, 1), (2, 3)), transform=transform)
    for step, (x, (fine, coarse)) in enumerate(dataset):
        images, labels = sampler.batch(step)
        np.testing.assert_array_equal(x, images + 1)
        np.testing.assert_array_equal(fine, labels + step)
        np.testing.assert_array_equal(coarse, labels[:, ::2, ::3] + step)
    assert x.shape == (6, 4, 6, 1) and keys == [(2,)]


def test_augmented_patches():
    """Images and all their targets are flipped together, otherwise in each step and the same in a second run."""
    sampler = patches((20, 20), (4, 4))

    def flipped(images, labels, key):
        return augment.augment([augment.Flip(probability=0.5)], images, labels, seed=key)

    dataset = sampler.dataset(steps=3, strides=((1, 1), (2, 2)), transform=flipped)
    runs = [[tf.nest.map_structure(lambda t: t.numpy(), batch) for batch in dataset] for _ in range(2)]
    dataset.order.place(0)
    runs.append([tf.nest.map_structure(lambda t: t.numpy(), batch) for batch in dataset])
    labels = case((20, 20)).labels.ravel()
    changed = []
    for step, (x, (fine, coarse)) in enumerate(runs[0]):
        np.testing.assert_array_equal(fine, labels[x[..., 0].astype(int) - 1])
        np.testing.assert_array_equal(coarse, fine[:, ::2, ::2])
        np.testing.assert_array_equal(x, runs[2][step][0])
        changed.append((x != sampler.batch(step)[0]).any(axis=(1, 2, 3)))
    assert 0 < np.mean(changed) < 1
    assert (runs[0][0][0] != runs[1][0][0]).any()


@pytest.mark.full
def test_a_planned_network_trains_on_it():
    """From arrays to `fit`: fingerprint's plan, deep supervision, a few steps; the loss falls."""
    shape = (32, 32, 32)
    found = plan(Fingerprint(((1.0,) * 3,) * 4, (shape,) * 4, 3))
    assert found.patch_size == shape and found.output_strides == ((1, 1, 1), (2, 2, 2))
    rng = np.random.default_rng(0)
    cases = []
    for number in range(4):
        labels = np.zeros(shape, int)
        labels[8:24, 8:24, 8:20] = 1
        labels[12:18, 12:18, 12:18] = 2
        image = (labels + 0.3 * rng.standard_normal(shape))[..., None]
        cases.append(prepare(Case(image, labels, (1.0, 1.0, 1.0), f"case {number}"), found))
    network = networks.create(**{**found.network, "filters": [4] * len(found.filters)})
    model = models.Supervised(network, seed=0)
    losses = [keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in found.output_strides]
    model.compile(keras.optimizers.Adam(1e-2), loss=losses, loss_weights=list(found.loss_weights))
    history = model.fit(Patches(cases, found).dataset(10, found.output_strides), epochs=3, verbose=0).history["loss"]
    assert history[-1] < 0.6 * history[0]


def test_bad_arguments_are_refused():
    found = planned((9, 9), (4, 4))
    prepared = prepare(case((9, 9)), found)
    for call, message in (
        (lambda: Patches([], found), "cases should be prepared and have labels"),
        (lambda: Patches([prepared._replace(labels=None)], found), "cases should be prepared and have labels"),
        (lambda: Patches([prepared], found, foreground=1.5), "`foreground`"),
        (lambda: Patches([prepared], found, patch_size=(4,)), "`patch_size`"),
        (lambda: Patches([prepared], found, patch_size=(4, 0)), "`patch_size`"),
        (lambda: Patches([prepared], found, seed=-1), "`seed`"),
        (lambda: Patches([prepared], found).dataset(0), "`steps`"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            call()
        assert "Received: " in str(error.value)


@pytest.mark.parametrize(("batch_size", "foreground", "expected"), [(1, 1 / 3, 1 / 3), (2, 0.1, 0.2), (3, 1 / 3, 1.0)])
def test_small_batches_have_their_share_of_foreground(batch_size, foreground, expected):
    labels = np.zeros((40,) * 3, int)
    labels[20, 20, 20] = 1
    case = Case(np.random.default_rng(0).random((40, 40, 40, 1)), labels, (1.0,) * 3, "a")
    found = plan(fingerprint([case], 2))
    patches = Patches([prepare(case, found)], found, foreground, batch_size=batch_size, patch_size=(4, 4, 4))
    share = np.mean([patches.batch(step)[1].any() for step in range(300)])
    assert share == pytest.approx(expected, abs=0.06)
