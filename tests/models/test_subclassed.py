"""Networks that are subclasses of `keras.Model`, built by a call: shapes are found by tracing them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl

SHAPE = (4, 4, 1)


@keras.saving.register_keras_serializable("keras_dl_tests")
class Dense(keras.Model):
    """One dense layer between shapes."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)
        self.flatten = keras.layers.Flatten()
        self.dense = keras.layers.Dense(int(np.prod(self.shape)))
        self.reshape = keras.layers.Reshape(self.shape)

    def call(self, inputs):
        return self.reshape(self.dense(self.flatten(inputs)))

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}


def built(shape, *inputs):
    network = Dense(shape)
    network(np.zeros((1, *inputs), "float32"))
    return network


def vae(**options):
    model = keras_dl.models.VAE(built((4,), *SHAPE), built(SHAPE, 2), seed=0, **options)
    model.compile(keras.optimizers.Adam(1e-2))
    return model


@pytest.mark.parametrize("options", [{}, {"ema_momentum": 0.9}])
@pytest.mark.grid("options1")
def test_vae(options, tmp_path):
    x = np.random.default_rng(0).random((40, *SHAPE), "float32")
    model = vae(**options)
    model.fit(x, batch_size=16, epochs=2, verbose=0)
    model.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert loaded.evaluate(x, verbose=0) == model.evaluate(x, verbose=0)
    exported = tf.saved_model.load(keras_dl.runtime.export(model, tmp_path / "vae", version=1))
    found = exported.signatures["reconstruct"](x=tf.constant(x))
    assert all(tuple(t.shape) == x.shape for t in found.values())
    np.testing.assert_allclose(model.log_prob(x, num_samples=4).shape, (40,))


def test_shapes_that_do_not_meet_are_refused():
    with pytest.raises(ValueError, match=r"decoder should take 2 latents.*Received: shape \(3,\)"):
        keras_dl.models.VAE(built((4,), *SHAPE), built(SHAPE, 3))
    with pytest.raises(ValueError, match="decoder should return the parameters of a Bernoulli"):
        keras_dl.models.VAE(built((4,), *SHAPE), built((4, 5, 1), 2))


def test_supervised_exports(tmp_path):
    model = keras_dl.models.Supervised(built((3,), *SHAPE), seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).random((8, *SHAPE), "float32")
    model.fit(x, np.arange(8) % 3, verbose=0)
    exported = tf.saved_model.load(keras_dl.runtime.export(model, tmp_path / "net", version=1))
    found = exported.signatures["predict"](x=tf.constant(x))["predictions"]
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-6)
