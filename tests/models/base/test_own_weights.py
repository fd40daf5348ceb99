"""Weights of a family itself, beside those of its networks, in files."""

import keras
import numpy as np
import pytest

from keras_dl.models.base import ObjectiveModel, Update, mean_and_variance

X = np.random.default_rng(0).random((12, 2)).astype("float32")


@keras.saving.register_keras_serializable(package="keras_dl_tests")
class Shifted(ObjectiveModel):
    """A network of what lies about a mean, which is a weight of the model and found at the start."""

    def __init__(self, network, own=True, **options):
        super().__init__({"network": network}, **options)
        self.own = own
        self.mean = self.add_weight(shape=(2,), initializer="zeros", trainable=False, name="mean") if own else 0.0

    def initialize(self, batch, draw):
        self.mean.assign(mean_and_variance(batch)[0])

    def make_updates(self, optimizer):
        return (Update("main", lambda x, draw: self.network(x - self.mean)[:, 0] ** 2, (self.network,), optimizer),)

    def call(self, x, training=False):
        return self.network(x - self.mean)

    def get_config(self):
        return {**super().get_config(), "network": keras.saving.serialize_keras_object(self.network), "own": self.own}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})


def shifted(**options):
    model = Shifted(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), seed=0, **options)
    model.compile("sgd", jit_compile=False)
    return model


def test_files_hold_the_weights_of_the_model_itself(tmp_path):
    model = shifted()
    model.fit(X, batch_size=12, verbose=0)
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    read = shifted()
    read.load_weights(tmp_path / "m.weights.h5")
    for other in (keras.saving.load_model(tmp_path / "m.keras"), read):
        np.testing.assert_array_equal(other.mean, model.mean)
        np.testing.assert_allclose(other.mean, X.mean(0), rtol=1e-6)
        np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_file_without_the_models_own_weight_is_refused(tmp_path):
    plain = shifted(own=False)
    plain.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match=r"should hold the model's own weight '.*mean'. Received: none"):
        shifted().load_weights(tmp_path / "m.weights.h5")
