"""Keras' layers for augmentation as functions of a key: what they do to labels and masks."""

import keras
import numpy as np
import pytest

from keras_dl.data import augment

LABELS = np.array([0, 3, 300, 5001])


def images(*shape):
    return np.random.default_rng(0).uniform(size=shape).astype("float32")


def masks():
    return np.random.default_rng(0).choice(LABELS, (4, 16, 16))


@pytest.mark.parametrize(
    "layer",
    [keras.layers.MixUp(alpha=1.0), keras.layers.CutMix(), keras.layers.CutMix(dtype="float16")],
    ids=["MixUp", "CutMix", "CutMix in half precision"],
)
def test_layers_that_mix_samples_are_refused(layer):
    with pytest.raises(ValueError, match="`layer` should leave labels as they are.*Received: layer=<"):
        augment.KerasLayer(layer)


def test_random_grayscale():
    """Keras draws for it from the images, not from a dict of them."""
    x = images(2, 8, 8, 3)
    grey = augment.augment([augment.KerasLayer(keras.layers.RandomGrayscale(1.0))], x).numpy()
    assert grey.shape == x.shape and np.ptp(grey, axis=-1).max() < 1e-6
    np.testing.assert_allclose(grey[..., 0], x @ np.array([0.2989, 0.587, 0.114], "float32"), atol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.RandomRotation(0.2, dtype="bfloat16"),  # which holds no 300
        keras.layers.RandomElasticTransform(1.0, value_range=(0, 1)),
        keras.layers.RandomShear(0.3, 0.3),
        keras.layers.RandomShear((0.1, 0.3), 0.3, dtype="float16"),
        keras.layers.RandAugment(),
        keras.layers.RandomCrop(8, 8),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_labels_of_masks_stay(layer):
    x = images(4, 16, 16, 3)
    _, moved = augment.augment([augment.KerasLayer(layer)], x, masks(), seed=1)
    assert set(np.unique(moved)) == set(LABELS)


@pytest.mark.parametrize(
    "layer",
    [keras.layers.AugMix(), keras.layers.RandomCrop(24, 24)],
    ids=lambda layer: type(layer).__name__,
)
def test_masks_under_layers_that_mix_their_values_are_refused(layer):
    for _ in range(4):  # AugMix does now this and now that, by Python's random numbers
        with pytest.raises(ValueError, match=r"move the values of masks .* of size \(16, 16\). Received: layer=<"):
            augment.augment([augment.KerasLayer(layer)], images(4, 16, 16, 3), masks())
    transform = augment.KerasLayer(layer)
    assert len(augment.augment([transform], images(4, 16, 16, 3))) == 4


def test_layers_without_a_rule_for_masks_are_refused():
    transform = augment.KerasLayer(keras.layers.ContrastLimitedAdaptiveHistogramEqualization(value_range=(0, 1)))
    assert len(augment.augment([transform], images(4, 16, 16, 3))) == 4
    with pytest.raises(ValueError, match="should have a rule for masks. Received: layer=<Contrast"):
        augment.augment([transform], images(4, 16, 16, 3), masks())
