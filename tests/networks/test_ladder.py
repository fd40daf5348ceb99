"""Networks of ladder autoencoders: shapes, weights counted by hand, and the contract of the way up and down."""

import keras
import numpy as np
import pytest

from keras_dl.networks import Group, TopDown, ladder_decoder, ladder_encoder
from keras_dl.testing import check_network


def joined(encoder, decoder, shape):
    """The way up and down as one network."""
    x, noise = keras.Input(shape, name="x"), keras.Input((decoder.latent_size,), name="noise")
    return keras.Model({"x": x, "noise": noise}, decoder({"noise": noise, "features": encoder(x)}))


def dense(size, units):
    return keras.Sequential([keras.Input((size,)), keras.layers.Dense(units)])


def test_contract():
    """Weights: dense layers of a x b + b."""
    rng = np.random.default_rng(0)
    inputs = {"x": rng.random((3, 4, 2), "float32"), "noise": rng.normal(size=(3, 5)).astype("float32")}
    up = (8 * 6 + 6) + (6 * 6 + 6) + (6 * 5 + 5) + (5 * 5 + 5)
    first = (5 * 4 + 4) + (2 * 5 + 5) + (5 * 5 + 5)
    second = (5 * 6 + 6) + ((5 + 6) * 6 + 6) + (6 * 6 + 6) + (6 * 6 + 6) + (3 * 6 + 6) + (6 * 6 + 6)
    head = 6 * 16 + 16

    def build():
        encoder = ladder_encoder((4, 2), hidden=(6, 5), activation="tanh")
        options = {"hidden": (6, 5), "activation": "tanh", "sees_latents": True, "parameters_per_value": 2}
        return joined(encoder, ladder_decoder((4, 2), (3, 2), **options), (4, 2))

    check_network(build, inputs, (4, 4), up + first + second + head)


def test_the_published_sizes():
    encoder, decoder = ladder_encoder((28, 28, 1)), ladder_decoder((28, 28, 1))
    assert [f.shape[-1] for f in encoder.outputs] == [32, 64, 128, 256, 512]
    assert decoder.latent_shapes == ((4,), (8,), (16,), (32,), (64,))


def test_batch_normalisation_stands_before_each_activation():
    encoder = ladder_encoder((4,), hidden=(3,), batch_normalization=True)
    kinds = [type(layer).__name__ for layer in encoder.layers[2:]]
    assert kinds == ["Dense", "BatchNormalization", "Activation"] * 2


def test_latents_are_split_by_groups_and_joined():
    decoder = ladder_decoder((4,), (3, 2), (6, 5))
    latents = np.arange(10, dtype="float32").reshape(2, 5)
    parts = decoder.split(latents)
    assert [part.shape for part in parts] == [(2, 2), (2, 3)]
    np.testing.assert_array_equal(decoder.join(parts), latents)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ladder_decoder((4,), (3, 2), (6,)), "`latent_sizes` should have an entry for each of `hidden`"),
        (lambda: ladder_encoder((4,), hidden=()), "`hidden` should have at least one entry"),
        (lambda: TopDown([], keras.Sequential()), "`groups` should hold at least one Group"),
        (lambda: Group(dense(4, 3), dense(2, 4)), r"posterior should return .* shape \(4,\)\. Received: \(3,\)"),
    ],
)
def test_refusals(build, message):
    with pytest.raises(ValueError, match=message):
        build()
