"""Pair and triplet losses in stock `compile` and `fit`, where a model has one output tensor."""

import keras
import numpy as np
import pytest

from keras_dl import losses

RANDOM = np.random.default_rng(0)
CLASSES = np.repeat(np.arange(4), 16)
POINTS = (np.eye(4)[CLASSES] + 0.3 * RANDOM.normal(size=(64, 4))).astype("float32") @ RANDOM.normal(size=(4, 8))


def embedding():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(2)])


def train(model, loss, x, y, jit_compile=False):
    model.compile(keras.optimizers.Adam(0.03), loss=loss, jit_compile=jit_compile)
    before = float(loss(y, model(x)))
    # One epoch of 40 times the data: an epoch costs far more than its one step.
    often = [np.tile(part, (40, 1)) for part in (x if isinstance(x, list) else [x])]
    model.fit(often if len(often) > 1 else often[0], np.tile(y, 40), batch_size=64, shuffle=False, verbose=0)
    return before, float(loss(y, model(x)))


def silhouette(points):
    """Mean distance to one's own class over the mean distance to the others."""
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    same = CLASSES[:, None] == CLASSES[None]
    return distance[same].mean() / distance[~same].mean()


@pytest.mark.full
def test_mined_triplets_pull_classes_apart():
    for mining in ("all", "semi-hard", "hard"):
        keras.utils.set_random_seed(0)
        model = embedding()
        before = silhouette(model(POINTS).numpy())
        # As Keras chooses for the first; XLA takes longer to compile than these take to train.
        train(model, losses.TripletMargin(mining=mining), POINTS, CLASSES, "auto" if mining == "all" else False)
        assert silhouette(model(POINTS).numpy()) < 0.6 * before, mining


@pytest.mark.full
def test_stacked_pairs_and_triplets():
    rows = RANDOM.permutation(64)
    network, inputs = embedding(), [keras.Input((8,)) for _ in range(3)]
    parts = [keras.layers.Reshape((1, 2))(network(x)) for x in inputs]
    similar = (CLASSES[rows] == CLASSES).astype("float32")
    for loss, count, labels in (
        (losses.Contrastive(), 2, similar),
        (losses.CosineEmbedding(margin=0.2), 2, 2 * similar - 1),
        (losses.TripletMargin(swap=True), 3, np.zeros(64)),
    ):
        model = keras.Model(inputs[:count], keras.layers.Concatenate(axis=1)(parts[:count]))
        arrays = [POINTS, POINTS[rows] if count == 2 else np.roll(POINTS, 1, 0), np.roll(POINTS, 20, 0)][:count]
        before, after = train(model, loss, arrays, labels, "auto" if count == 3 else False)
        assert after < 0.6 * before, loss.name
