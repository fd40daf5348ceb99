"""Paths of weights: each its own, in every model and after a reload."""

import keras
import numpy as np
import pytest

from keras_dl import models
from tests.models.builders import small_vae
from tests.models.gan_builders import small_gan


def nested():
    """Three networks within a network whose layers have one name."""
    y = x = keras.Input((2,))
    for number in range(3):
        inputs = keras.Input((2,))
        y = keras.Model(inputs, keras.layers.Dense(2, name="a")(inputs), name=f"part_{number}")(y)
    return models.Supervised(keras.Model(x, y))


CASES = {
    "vae": small_vae,
    "gan": lambda: small_gan(models.GAN),
    "averaged": lambda: small_gan(models.GAN, ema_momentum={"a": 0.9, "b": 0.5}),
    "nested": nested,
}


@pytest.mark.parametrize("name", CASES)
def test_every_weight_has_a_path_of_its_own(name, tmp_path):
    model = CASES[name]()
    model.compile(**({} if name != "nested" else {"optimizer": "sgd", "loss": "mse"}))
    paths = [weight.path for weight in model.weights]
    assert len(set(paths)) == len(paths)
    tree = model.get_state_tree(value_format="numpy_array")
    assert "trainable_variables" in tree  # which Keras refuses where two weights share a path
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert [weight.path for weight in loaded.weights] == paths


def test_paths_that_are_nobody_elses_stay():
    x = keras.Input((2,))
    network = keras.Model(x, keras.layers.Dense(2, name="a")(x))
    model = models.Supervised(network)
    assert [weight.path for weight in model.weights] == ["a/kernel", "a/bias"]
    np.testing.assert_array_equal(model.weights[0], network.weights[0])


def test_histograms_of_both_networks(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    gan = small_gan(models.GAN)
    gan.compile()
    callback = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1)
    callback.set_model(gan)
    tags = []
    monkeypatch.setattr(callback.summary, "histogram", lambda tag, *_, **__: tags.append(tag))
    callback._log_weights(0)
    assert len(set(tags)) == len(tags) == len(gan.weights)
