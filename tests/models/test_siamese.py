"""Siamese networks: the contract, each kind of data, what their losses are, and what the embeddings are worth."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from keras_dl import data, losses, models

RANDOM = np.random.default_rng(0)
X = RANDOM.random((24, 6), "float32")
Y = np.arange(24) % 3


def siamese(**options):
    network = keras_dl.networks.mlp_critic((6,), hidden=(8,), num_outputs=4)
    return keras_dl.models.Siamese(network, seed=0, **options)


def compiled(loss=None, **options):
    keras.utils.set_random_seed(0)
    model = siamese()
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=False, **options)
    return model


def adam():
    return {"optimizer": keras.optimizers.Adam(1e-2), "jit_compile": False}


def test_predictions_are_averaged_embeddings():
    model = siamese(ema_momentum=0.9)
    model.compile(**adam())
    model.fit(X, Y, batch_size=8, verbose=0)
    np.testing.assert_allclose(model.predict(X, verbose=0), model.embed(X), rtol=1e-5, atol=1e-6)


MINED = {mining: losses.TripletMargin(mining=mining) for mining in ("all", "semi-hard", "hard")}


@pytest.mark.parametrize("mining", MINED)
def test_mined_triplets(mining):
    model = compiled(MINED[mining])
    embeddings = model.embed(X)
    found = model.evaluate(X, Y, batch_size=24, verbose=0)
    assert found == pytest.approx(float(MINED[mining](Y, embeddings)), rel=1e-5)
    before = model.get_weights()
    model.fit(X, Y, batch_size=24, verbose=0)
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("loss", [losses.Contrastive(2.0), losses.CosineEmbedding(0.5)], ids=lambda loss: loss.name)
def test_pairs(loss):
    model = compiled(loss)
    a, b, alike = X[:12], X[12:], RANDOM.integers(0, 2, 12)
    alike = 2 * alike - 1 if isinstance(loss, losses.CosineEmbedding) else alike
    found = model.evaluate((a, b), alike, batch_size=5, verbose=0)
    assert found == pytest.approx(float(loss(alike, (model.embed(a), model.embed(b)))), rel=1e-5)
    model.fit((a, b), alike, batch_size=5, verbose=0)
    expected = np.linalg.norm(model.embed(a) - model.embed(b), axis=1)
    np.testing.assert_allclose(model.distance(a, b), expected, rtol=1e-5)


def test_given_triplets():
    model = compiled(losses.TripletMargin(margin=0.3))
    parts = X[:8], X[8:16], X[16:]
    found = model.evaluate(parts, batch_size=3, verbose=0)
    assert found == pytest.approx(float(losses.TripletMargin(margin=0.3)(*map(model.embed, parts))), rel=1e-5)
    history = model.fit(parts, batch_size=4, epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.full
def test_embeddings_of_digits():
    (x, y), (x_test, y_test) = keras_dl.data.load("digits")
    keras.utils.set_random_seed(0)
    network = keras_dl.networks.mlp_critic(x.shape[1:], hidden=(128,), num_outputs=8)
    model = keras_dl.models.Siamese(network, seed=0)
    model.compile(keras.optimizers.Adam(3e-3))
    before = keras_dl.metrics.knn_accuracy(model.embed(x), y, model.embed(x_test), y_test).value
    model.fit(x, y, batch_size=128, epochs=25, verbose=0)
    found = keras_dl.metrics.knn_accuracy(model.embed(x), y, model.embed(x_test), y_test).value
    assert found > max(0.9, before + 0.1)


BAD = [
    (None, (X, None), "Received: no targets y|Received: no labels"),
    (None, ((X, X), Y), r"TripletMargin should be given samples and labels \(x, labels\). Received: 2 tensors"),
    (losses.Contrastive(), (X, Y), r"Contrastive should be given pairs \(\(a, b\), labels\). Received: 1 tensors"),
    (losses.TripletMargin(), (X, Y), r"given triplets \(anchor, positive, negative\). Received: 1 tensors"),
    (None, (X, np.eye(3)[Y]), r"of one-hot labels, their argmax. Received: shape \(24, 3\)"),
    (losses.Contrastive(), ((X, X), 2 * (Y > 0) - 1), r"labels of pairs should be 0 or 1. Received: \[-1\]"),
    (losses.CosineEmbedding(), ((X, X), Y > 0), r"labels of pairs should be -1 or 1. Received: \[False\]"),
    (losses.Contrastive(), ((X, X[:, :5]), Y), r"shape \(batch, 6\). Received: \(24, 5\)"),
]


@pytest.mark.parametrize(("loss", "given", "message"), BAD)
def test_data_that_does_not_fit_is_refused(loss, given, message):
    with pytest.raises(ValueError, match=message):
        compiled(loss).fit(*given, verbose=0)


PAIRS = "labels of pairs should be both 0 and 1: .*Received: {} alone"
TRIPLETS = "labels should name two classes at least, one of them in two rows: .*Received: labels {}"
ONE_KIND = {
    "one class": (None, (X, np.full(24, 7)), TRIPLETS.format("7 alone")),
    "one class, a column": (MINED["all"], (X, np.zeros((24, 1))), TRIPLETS.format("0.0 alone")),
    "no class twice": (MINED["hard"], (X, np.arange(24)), TRIPLETS.format("24 classes in as many rows")),
    "one class in the data alone": (None, ((X, tf.zeros(24, "int32")),), TRIPLETS.format("0 alone")),
    "one class in a pipeline": (None, (data.pipeline(X, np.ones(24)),), TRIPLETS.format("1.0 alone")),
    "pairs all alike": (losses.Contrastive(), ((X, X), np.ones(24)), PAIRS.format("1.0")),
    "pairs all different": (losses.Contrastive(), ((X, X), np.zeros(24, bool)), PAIRS.format("False")),
    "pairs all of one share": (losses.Contrastive(), ((X, X), np.full(24, 0.5)), PAIRS.format("0.5")),
    "directions all different": (losses.CosineEmbedding(), ((X, X), np.full(24, -1)), "both -1 and 1.*-1 alone"),
}


@pytest.mark.parametrize("name", ONE_KIND)
def test_labels_of_one_kind_are_refused(name):
    loss, given, message = ONE_KIND[name]
    with pytest.raises(ValueError, match=message):
        compiled(loss).fit(*given, verbose=0)


def test_of_a_split_the_labels_to_train_on_count():
    y = np.repeat([0, 1], 12)
    with pytest.raises(ValueError, match=TRIPLETS.format("0 alone")):
        compiled().fit(X, y, validation_split=0.5, verbose=0)
    compiled().fit(X, y, validation_split=0.25, verbose=0)


@pytest.mark.parametrize("y", [np.full(24, 7), np.arange(24)], ids=["one class", "no class twice"])
def test_a_loss_without_triplets_is_warned_of_where_it_is_evaluated(y):
    model = compiled()
    split = np.concatenate([Y, y])
    for call in (
        lambda: model.evaluate(X, y, verbose=0),
        lambda: model.fit(X, Y, validation_data=(X, y), epochs=2, verbose=0),
        lambda: model.fit(np.concatenate([X, X]), split, validation_split=0.5, epochs=2, verbose=0),
    ):
        with pytest.warns(UserWarning, match="labels to evaluate by should name two.*Received: labels ") as caught:
            call()
        assert sum("labels" in str(warning.message) for warning in caught) == 1


def batches(*parts, size=6):
    """A stream: of a generator nothing is known before it is read."""
    return lambda: (tf.nest.map_structure(lambda part, i=i: part[i : i + size], parts) for i in range(0, 24, size))


STREAMS = {
    "one class": (None, (X, np.full(24, 7)), "two classes at least.*Received: 7 alone"),
    "a class a batch": (None, (X, np.repeat(np.arange(4), 6)), "two classes at least.*Received: 3 alone"),
    "no class twice": (None, (X, np.arange(24)), "two classes at least.*Received: 6 classes in as many rows"),
    "pairs all alike": (losses.Contrastive(), ((X, X), np.ones(24)), PAIRS.format("1.0")),
}


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("name", STREAMS)
def test_streams_of_one_kind_are_warned_of_once(name, epochs):
    loss, parts, message = STREAMS[name]
    stream = tf.data.Dataset.from_generator(batches(*parts), output_signature=tf.nest.map_structure(spec, parts))
    varied = (parts[0], np.arange(24) % 2)  # what is held out says nothing of what is trained on
    with pytest.warns(UserWarning, match=message) as caught:
        compiled(loss).fit(stream, epochs=epochs, validation_data=varied, verbose=0)
    assert sum("labels" in str(warning.message) for warning in caught) == 1


def spec(part):
    return tf.TensorSpec((None, *part.shape[1:]), part.dtype)


def test_of_several_kinds_and_of_rankings_nothing_is_said(recwarn):
    compiled().fit(X, Y, validation_data=(X, Y), verbose=0)
    compiled(losses.Contrastive()).evaluate((X, X), np.ones(24), verbose=0)  # how far alike ones are apart is a number
    compiled().fit(batches(X, np.repeat([0, 1, 2, 2], 6)[RANDOM.permutation(24)])(), verbose=0)
    alike = np.repeat([0, 1], 12)  # pairs of one kind a batch
    compiled(losses.Contrastive()).fit(batches((X, X), alike)(), verbose=0)
    network = keras_dl.networks.mlp_critic((6,), hidden=(8,), num_outputs=1)
    ranking = keras_dl.models.Siamese(network, seed=0)
    ranking.compile("adam", losses.MarginRanking(0.5), jit_compile=False)
    ranking.fit((X, X[::-1]), np.ones((24, 1)), verbose=0)  # the first always above the second
    assert not [warning for warning in recwarn if "labels" in str(warning.message)]


def test_networks_and_metrics_that_do_not_fit_are_refused():
    maps = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match="network should take one tensor and return vectors .*Received: "):
        keras_dl.models.Siamese(maps)
    with pytest.raises(ValueError, match="metrics should not be given"):
        siamese().compile("adam", metrics=["accuracy"])
    with pytest.raises(ValueError, match="as many rows. Received: 2 and 3"):
        siamese().distance(X[:2], X[:3])


def test_a_blank_sample_does_no_harm():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras_dl.layers.UnitNormalization()])
    model = models.Siamese(network, seed=0)
    model.compile(keras.optimizers.SGD(0.1), losses.TripletMargin(mining="all"), jit_compile=True)
    x, y = np.random.default_rng(0).normal(size=(8, 4)).astype("float32"), np.arange(8) % 2
    x[0] = 0.0
    before = network.get_weights()[0]
    history = model.fit(x, y, batch_size=8, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(history).all() and min(history) > 0
    assert np.isfinite(network.get_weights()[0]).all() and (network.get_weights()[0] != before).any()


def test_keras_unit_normalization_is_warned_of():
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.UnitNormalization()])
    with pytest.warns(UserWarning, match=r"keras_dl\.layers\.UnitNormalization"):
        models.Siamese(keras.Sequential([keras.Input((4,)), inner]))
