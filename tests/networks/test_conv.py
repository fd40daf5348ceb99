"""Convolutional encoders and decoders: contract, the reference network, odd sizes, the adjoint, bad arguments."""

import re

import keras
import numpy as np
import pytest

from keras_dl.networks import conv_decoder, conv_encoder
from keras_dl.networks.conv import halved_sizes, upsample
from keras_dl.testing import check_network

LABELS = np.array([0, 2, 1], dtype="int32")


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.mark.parametrize(
    ("shape", "flat"),
    [((8, 8, 1), 2 * 2 * 4), ((7, 9, 2), 2 * 3 * 4), ((5, 5, 3), 2 * 2 * 4), ((1, 6, 1), 1 * 2 * 4)],
)
@pytest.mark.grid("shape1-24", "shape3-8")
def test_encoder(shape, flat):
    convolutions = 9 * shape[-1] * 3 + 3 + 9 * 3 * 4 + 4
    arguments = {"latent_size": 2, "filters": (3, 4), "hidden": (6,), "activation": "gelu"}
    check_network(
        lambda: conv_encoder(shape, **arguments), normal(3, *shape), (4,), convolutions + flat * 6 + 6 + 6 * 4 + 4
    )


@pytest.mark.parametrize(
    ("shape", "small"), [((8, 8, 1), 2 * 2 * 4), ((7, 9, 2), 2 * 3 * 4), ((5, 5, 3), 2 * 2 * 4), ((1, 6, 1), 1 * 2 * 4)]
)
@pytest.mark.grid("shape1-24", "shape3-8")
def test_decoder(shape, small):
    dense = 2 * 6 + 6 + 6 * small + small
    convolutions = 9 * 4 * 3 + 3 + 9 * 3 * 2 * shape[-1] + 2 * shape[-1]
    arguments = {"filters": (4, 3), "hidden": (6,), "activation": "gelu", "parameters_per_value": 2}
    output_shape = (*shape[:2], 2 * shape[2])
    check_network(lambda: conv_decoder(2, shape, **arguments), normal(3, 2), output_shape, dense + convolutions)


def test_conditions():
    common = {"filters": (3,), "hidden": (), "activation": "gelu"}
    check_network(
        lambda: conv_encoder((4, 4, 1), 2, num_classes=5, **common),
        {"x": normal(3, 4, 4, 1), "condition": LABELS},
        (4,),
        9 * 3 + 3 + (12 + 5) * 4 + 4,
    )
    check_network(
        lambda: conv_decoder(2, (4, 4, 1), condition_shape=(3,), **common),
        {"latents": normal(3, 2), "condition": normal(3, 3)},
        (4, 4, 1),
        (2 + 3) * 12 + 12 + 9 * 3 + 1,
    )


def reference_networks():
    options = {"strides": 2, "padding": "same"}
    encoder = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu", **options),
            keras.layers.Conv2D(64, 3, activation="relu", **options),
            keras.layers.Flatten(),
            keras.layers.Dense(256, "relu"),
            keras.layers.Dense(32),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((16,)),
            keras.layers.Dense(256, "relu"),
            keras.layers.Dense(7 * 7 * 64, "relu"),
            keras.layers.Reshape((7, 7, 64)),
            keras.layers.Conv2DTranspose(32, 3, activation="relu", **options),
            keras.layers.Conv2DTranspose(1, 3, **options),
        ]
    )
    return encoder, decoder


def test_defaults_are_the_reference_network():
    """The convolutional VAE of the throughput workload, weight for weight."""
    ours = conv_encoder((28, 28, 1), 16), conv_decoder(16, (28, 28, 1))
    for network, reference, inputs in zip(
        ours, reference_networks(), (normal(3, 28, 28, 1), normal(3, 16)), strict=True
    ):
        network.set_weights(reference.get_weights())
        np.testing.assert_allclose(network(inputs), reference(inputs), atol=1e-6)


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (7, 9, 2), (5, 5, 1), (1, 1, 1), (3, 2, 4)])
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.grid("1-shape0", "4-shape2", "2-shape4", "4-shape4", "1-shape5")
def test_any_size_and_depth(shape, depth):
    filters = (2,) * depth
    assert conv_encoder(shape, 3, filters=filters, hidden=(2,)).output_shape == (None, 6)
    decoder = conv_decoder(3, shape, filters=filters, hidden=(2,))
    assert decoder.output_shape == (None, *shape)
    assert decoder(normal(2, 3)).shape == (2, *shape)


@pytest.mark.parametrize("size", [(6, 6), (7, 9), (5, 8), (1, 2)])
def test_upsampling_is_the_adjoint_of_the_convolution(size):
    """<convolve(x), y> = <x, upsample(y)> for one kernel: the decoder mirrors the encoder also where sizes are odd."""
    large, small = (*size, 2), (*halved_sizes(size, 1)[1], 3)
    inputs, features = keras.Input(large), keras.Input(small)
    convolve = keras.Model(inputs, keras.layers.Conv2D(3, 3, strides=2, padding="same")(inputs))
    expand = keras.Model(features, upsample(features, 2, size, None, "expand"))
    expand.set_weights([convolve.get_weights()[0], np.zeros(2)])
    x, y = normal(4, *large), normal(4, *small, seed=1)
    assert expand(y).shape == x.shape
    np.testing.assert_allclose(np.vdot(convolve(x), y), np.vdot(x, expand(y)), rtol=1e-4)


@pytest.mark.parametrize("shape", [(28, 28), (8, 8, 1, 1), (64,), ()])
def test_refuses_what_is_no_image(shape):
    lacks = ": grey images should have an axis of channels, x[..., None]" if len(shape) == 2 else ""
    message = re.escape(f" should be (height, width, channels){lacks}. Received: ")
    with pytest.raises(ValueError, match=f"`input_shape`{message}"):
        conv_encoder(shape, 2)
    with pytest.raises(ValueError, match=f"`output_shape`{message}"):
        conv_decoder(2, shape)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_shape": (8, None, 1)}, "`output_shape` should be a sequence of positive integers"),
        ({"latent_size": 0}, "`latent_size` should be a positive integer"),
        ({"filters": ()}, "`filters` should have at least one entry"),
        ({"filters": (32, -1)}, "`filters` should be a sequence of positive integers"),
        ({"hidden": (0,)}, "`hidden` should be a sequence of positive integers"),
        ({"parameters_per_value": 0}, "`parameters_per_value` should be a positive integer"),
        ({"num_classes": 3, "condition_shape": (2,)}, "not both"),
    ],
)
def test_decoder_refuses(arguments, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        conv_decoder(**{"latent_size": 2, "output_shape": (8, 8, 1), **arguments})
