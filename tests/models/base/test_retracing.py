"""What TensorFlow's log says of ordinary use: nothing of retracing."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from keras_dl.models.fitting import graphs
from keras_dl.models.fitting.graphs import traced_alone

IMAGES = np.random.default_rng(0).random((18, 8, 8, 1)).astype("float32")
LATENTS = np.random.default_rng(1).standard_normal((10, 3)).astype("float32")


@pytest.fixture
def warnings_of_retracing(monkeypatch):
    """The messages about retracing, as if the process had begun with the test and TensorFlow said each of them."""
    from tensorflow.python.eager.polymorphic_function import polymorphic_function

    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger = tf.get_logger()
    manager = polymorphic_function._FrequentTracingDetectorManager()
    monkeypatch.setattr(polymorphic_function, "_frequent_tracing_detector_manager", manager)
    monkeypatch.setattr(polymorphic_function, "FREQUENT_TRACING_WARNING_MAX_WARNING_PER_DETECTOR", 10**6)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel("WARNING")
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)


def dcgan():
    critic = keras_dl.networks.dcgan_critic((8, 8, 1), filters=2)
    gan = keras_dl.models.DCGAN(keras_dl.networks.dcgan_generator(3, (8, 8, 1), filters=2), critic)
    gan.compile()
    return gan


def use(gan):
    gan.fit(IMAGES, batch_size=8, epochs=2, verbose=0, validation_data=(IMAGES[:10],))
    gan.evaluate(IMAGES, batch_size=8, verbose=0)
    gan.predict(LATENTS, batch_size=4, verbose=0)
    gan.sample(3)


def test_that_the_warnings_are_seen(warnings_of_retracing):
    for _ in range(5):
        tf.function(lambda x: x + 1)(tf.constant(1))
    assert any("retracing" in line for line in warnings_of_retracing)


def test_each_function_is_counted_alone(warnings_of_retracing):
    for _ in range(7):
        traced_alone(lambda x: x + 1)(tf.constant(1))
    assert warnings_of_retracing == []
    function = traced_alone(lambda x: x + 1)
    for value in range(5):
        function(value)  # a number is no tensor: the warning is the user's
    assert any("retracing" in line for line in warnings_of_retracing)


def test_a_dcgan_made_and_loaded(warnings_of_retracing, tmp_path):
    gan = dcgan()
    use(gan)
    gan.save(tmp_path / "gan.keras")
    for _ in range(2):
        use(keras.saving.load_model(tmp_path / "gan.keras"))
    assert warnings_of_retracing == []


@pytest.mark.full
@pytest.mark.parametrize("jit_compile", [False, True])
def test_many_models_that_predict(warnings_of_retracing, jit_compile):
    for _ in range(5):
        network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model = keras_dl.models.Supervised(network)
        model.compile("sgd", "mse", jit_compile=jit_compile)
        outputs = model.predict(LATENTS, batch_size=4, verbose=0)
        np.testing.assert_allclose(outputs, network(LATENTS), atol=1e-6)
        np.testing.assert_allclose(model.predict_on_batch(LATENTS), outputs, atol=1e-6)
    assert warnings_of_retracing == []


def test_batches_of_many_sizes(warnings_of_retracing):
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model = keras_dl.models.Supervised(network)
    model.compile("sgd", "mse", jit_compile=False)
    for size in range(1, 11):
        model.train_on_batch(LATENTS[:size], LATENTS[:size, :2])
        model.test_on_batch(LATENTS[:size], LATENTS[:size, :2])
        assert model.predict_on_batch(LATENTS[:size]).shape == (size, 2)
    assert warnings_of_retracing == []


def test_graphs_of_images_of_many_sizes_know_their_channels():
    """Convolutions prepare themselves anew for each size where a graph does not know their channels."""

    def shapes_of_graphs(shapes, of_targets, dtype):
        seen = []
        graph = graphs.compiled(lambda x, y: seen.append((x.shape.as_list(), y.shape.as_list())) or tf.reduce_sum(x))
        for shape in shapes:
            graph(tf.ones(shape), tf.ones(of_targets(shape), dtype))
        return [(x[1:], y[1:]) for x, y in seen]

    images = [(2, 4, 4, 3), (2, 5, 4, 3), (2, 6, 7, 3), (2, 4, 4, 3)]
    assert shapes_of_graphs(images, lambda shape: shape[:3], "int64") == [
        ([4, 4, 3], [4, 4]),
        ([None, None, 3], [None, None]),
    ]
    series = [(2, 4, 2), (2, 5, 2), (2, 5, 3), (2, 6, 4)]
    assert shapes_of_graphs(series, lambda shape: (2, 3), "float32") == [
        ([4, 2], [3]),
        ([None, 2], [3]),
        ([None, None], [3]),
    ]


@pytest.mark.full
def test_a_search_of_three_trials(warnings_of_retracing, tmp_path):
    kt = pytest.importorskip("keras_tuner")

    def build(hp):
        hidden = (hp.Int("hidden", 2, 40),)
        encoder = keras_dl.networks.mlp_encoder((3,), latent_size=2, hidden=hidden)
        decoder = keras_dl.networks.mlp_decoder(2, (6,), hidden=hidden)
        vae = keras_dl.models.VAE(encoder, decoder, likelihood="gaussian")
        vae.compile("adam", jit_compile=False)
        return vae

    goal = keras_dl.runtime.objective("val_elbo")
    tuner = kt.RandomSearch(build, goal, max_trials=3, directory=tmp_path, seed=1)
    tuner.search(LATENTS, epochs=2, batch_size=4, validation_data=(LATENTS,), verbose=0)
    assert len(tuner.oracle.get_best_trials(3)) == 3
    assert warnings_of_retracing == []
