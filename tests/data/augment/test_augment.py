"""Intensities, Keras' layers, seeds, probabilities, datasets whose changes resume, configurations, bad arguments."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import data, models
from keras_dl.data import augment

TRANSFORMS = [
    augment.Flip(axes=[0]),
    augment.Affine(rotation=10, scale=(0.8, 1.3), translation=(0.0, 0.1), planes=[(0, 1)], probability=0.5),
    augment.Perspective(0.2, fill_value=1.0),
    augment.Elastic((1.0, 2.0), points=4),
    augment.CropAndPad((6, 7), pad=1, fill_mode="reflect"),
    augment.Intensity(0.2, (0.0, 0.3)),
    augment.Contrast((0.5, 0.6)),
    augment.Gamma(),
    augment.Noise((0.1, 0.2)),
    augment.KerasLayer(keras.layers.RandomContrast(0.5, value_range=(0, 1))),
]


def images(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype("float32")


def test_intensity_and_contrast():
    x = images(500, 4, 5, 2)
    found = augment.augment([augment.Intensity(factor=0.3, shift=(1.0, 2.0))], x).numpy()
    factors = (found[:, 0, 0, 0] - found[:, 1, 1, 1]) / (x[:, 0, 0, 0] - x[:, 1, 1, 1])
    shifts = found - factors[:, None, None, None] * x
    np.testing.assert_allclose(shifts, np.broadcast_to(shifts[:, :1, :1, :1], shifts.shape), atol=2e-2)
    assert 0.7 - 1e-2 < factors.min() < 0.75 and 1.25 < factors.max() < 1.3 + 1e-2
    assert 0.99 < shifts.min() < 1.05 and 1.95 < shifts.max() < 2.01
    found = augment.augment([augment.Contrast((3.0, 3.0))], x)
    mean = x.mean((1, 2), keepdims=True)
    np.testing.assert_allclose(found, mean + 3 * (x - mean), atol=1e-5)


def test_gamma_and_noise():
    x = 4 * images(300, 6, 6, 1) - 1
    low, high = x.min((1, 2, 3), keepdims=True), x.max((1, 2, 3), keepdims=True)
    expected = low + (high - low) * ((x - low) / (high - low)) ** 2.5
    np.testing.assert_allclose(augment.augment([augment.Gamma(2.5)], x), expected, atol=1e-4)
    flat = augment.augment([augment.Gamma(2.5)], np.full((1, 3, 3, 1), 2.0, "float32"))
    np.testing.assert_array_equal(flat, 2.0)
    noise = augment.augment([augment.Noise((0.5, 1.5))], np.zeros((400, 20, 20, 1), "float32")).numpy()
    spreads = noise.std((1, 2, 3))
    assert 0.45 < spreads.min() < 0.6 and 1.4 < spreads.max() < 1.6 and abs(noise.mean()) < 0.01


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: type(transform).__name__)
@pytest.mark.grid("Affine", "Elastic", "Flip", "Noise", "Contrast")
def test_seeds_steps_samples_and_functions(transform):
    x, masks = np.repeat(images(1, 8, 8, 3), 6, 0), np.arange(6 * 64).reshape(6, 8, 8)
    first, moved = augment.augment([transform], x, masks, seed=1)
    for found, expected in zip(augment.augment([transform], x, masks, seed=1), (first, moved), strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(augment.augment([transform], x, seed=1), first)  # with or without masks
    others = [augment.augment([transform], x, seed=2), augment.augment([transform], x, seed=1, step=1)]
    assert all(np.abs(other - first).max() > 1e-3 for other in others)
    assert np.abs(first - first[:1]).max() > 1e-3  # each sample its own
    specs = [tf.TensorSpec((None, 8, 8, 3)), tf.TensorSpec((None, 8, 8), tf.int64)]
    traced = tf.function(lambda x, m: augment.augment([transform], x, m, seed=1), input_signature=specs)
    for found, expected in zip(traced(x, masks), (first, moved), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    half = augment.augment([transform], x.astype("float16"), seed=1)
    assert half.dtype == tf.float16


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda transform: type(transform).__name__)
def test_configurations(transform):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(transform)))
    copy = keras.saving.deserialize_keras_object(config)
    x = images(4, 8, 8, 3)
    np.testing.assert_array_equal(augment.augment([copy], x, seed=4), augment.augment([transform], x, seed=4))


def test_probability():
    x = images(600, 2, 2, 1)
    changed = augment.augment([augment.Intensity(shift=(1, 1), probability=0.3)], x).numpy() - x
    assert abs((changed > 0.5).mean() - 0.3) < 0.06
    np.testing.assert_array_equal(changed[:, 0, 0, 0] > 0.5, changed[:, 1, 1, 0] > 0.5)
    twice = [augment.Intensity(shift=(1, 1), probability=0.5)] * 2
    assert set(np.round(augment.augment(twice, x) - x).ravel()) == {0.0, 1.0, 2.0}  # each draws for itself


KERAS_LAYERS = [
    keras.layers.RandomFlip(),
    keras.layers.RandomRotation(0.1, interpolation="nearest"),
    keras.layers.RandomZoom(0.2, interpolation="nearest"),
    keras.layers.RandomElasticTransform(1.0, (0.9, 1.0), interpolation="nearest"),
]


@pytest.mark.parametrize("layer", KERAS_LAYERS, ids=lambda layer: type(layer).__name__)
def test_keras_layers_move_masks_as_the_images_and_keep_no_state(layer):
    masks = np.random.default_rng(0).integers(0, 99, (3, 40, 40))
    x, transform = masks[..., None].astype("float32"), augment.KerasLayer(layer)
    found, moved = augment.augment([transform], x, masks, seed=2)
    assert (moved.numpy() != masks).mean() > 0.3
    np.testing.assert_array_equal(found[..., 0], moved)
    layer(x)  # its own state goes on
    np.testing.assert_array_equal(augment.augment([transform], x, masks, seed=2)[1], moved)


def test_datasets():
    x = np.arange(10.0, dtype="float32")[:, None, None, None] * np.ones((10, 4, 4, 1), "float32")
    masks = np.tile(np.arange(16).reshape(1, 4, 4), (10, 1, 1))
    transforms = [augment.Flip(probability=0.5), augment.Intensity(shift=(0.0, 0.4))]

    def make():
        return augment.augmented(data.pipeline(x, masks, batch_size=4, seed=1), transforms, seed=5, masks=True)

    dataset = make()
    assert dataset.cardinality() == 3
    epochs = [[tuple(part.numpy() for part in batch) for batch in dataset] for _ in range(3)]
    rows = [np.concatenate([batch[0][:, 0, 0, 0] for batch in epoch]) for epoch in epochs]
    assert all(sorted(np.floor(row)) == list(range(10)) for row in rows)
    shifts = [dict(zip(np.floor(row), row - np.floor(row), strict=True)) for row in rows]
    assert all(shifts[0][i] != shifts[1][i] for i in range(10))  # afresh in every epoch
    flipped = [batch[1][:, 0, 0] for epoch in epochs for batch in epoch]
    assert set(np.concatenate(flipped)) == {0, 3}
    again = make()
    again.order.place(2)
    for found, expected in zip(again, epochs[2], strict=True):
        for part, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(part, other)
    plain = tf.data.Dataset.from_tensor_slices(x).batch(5)
    one, two = (np.concatenate(list(epoch)) for epoch in [augment.augmented(plain, transforms)] * 2)
    assert np.floor(one[:, 0, 0, 0]).tolist() == list(range(10)) and not np.array_equal(one, two)


def test_training_resumes_with_the_changes_that_it_would_have_seen(tmp_path):
    x, y = images(12, 6, 6, 1), np.arange(12) % 2
    transforms = [augment.Affine(rotation=30), augment.Noise(0.3)]

    def dataset():
        return augment.augmented(data.pipeline(x, y, batch_size=5, seed=1), transforms, seed=2)

    network = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model = models.Supervised(network, seed=0)
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(dataset(), epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    model.fit(dataset(), epochs=1, verbose=0)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.fit(dataset(), epochs=1, verbose=0)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: augment.Flip(probability=1.5), "`probability` should be in"),
        (lambda: augment.Affine(rotation=(10, -10)), "`rotation` should be a number or an ascending pair"),
        (lambda: augment.Affine(scale=1.0), "`scale` should be .* of at least 0.001"),
        (lambda: augment.Affine(fill_mode="wrap"), "`fill_mode` should be one of"),
        (lambda: augment.Perspective(0.5), "`distortion` should be between"),
        (lambda: augment.Elastic(-1.0), "`stddev` should be"),
        (lambda: augment.Elastic(points=3), "`points` should be an integer of at least 4"),
        (lambda: augment.CropAndPad((0, 3)), "`size` should be positive"),
        (lambda: augment.augment([augment.CropAndPad((2,))], images(1, 4, 4, 1)), "`size` should have one entry an"),
        (lambda: augment.Gamma(0.0), "`gamma` should be"),
        (lambda: augment.Noise((0.2, 0.1)), "`stddev` should be"),
        (lambda: augment.KerasLayer(keras.layers.Dense(3)), "`layer` should be one of Keras'"),
        (lambda: augment.augment([], np.zeros((1, 4, 4, 1), "uint8")), "images should have a float type"),
        (lambda: augment.augment([], images(4, 12, 12)), "images should have the axes .*: grey ones x"),
        (lambda: augment.augment([augment.JPEG()], images(1, 4, 4, 4, 1)), "written as JPEG, and be no volumes"),
        (lambda: augment.augment([], images(1, 4, 4, 1), np.zeros((1, 4, 5))), "masks should have the images' size"),
        (lambda: augment.augmented(data.pipeline(images(4, 2, 2, 1)), [], masks=True), "`masks=True` needs batches"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        make()
