"""Dense encoders and decoders: contract, parameter counts by hand, NumPy's matrix products, bad arguments."""

import keras
import numpy as np
import pytest

from keras_dl.networks import mlp_decoder, mlp_encoder
from keras_dl.testing import check_network


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


LABELS = np.array([0, 2, 1, 2], dtype="int32")


@pytest.mark.parametrize(
    ("arguments", "inputs", "output_size", "num_parameters"),
    [
        ({"input_shape": (8, 8, 1)}, normal(4, 8, 8, 1), 6, 64 * 5 + 5 + 5 * 7 + 7 + 7 * 6 + 6),
        ({"input_shape": (9,), "hidden": ()}, normal(4, 9), 6, 9 * 6 + 6),
        (
            {"input_shape": (2, 3), "hidden": [5], "parameters_per_latent": 1, "num_classes": 3, "activation": "tanh"},
            {"x": normal(4, 2, 3), "condition": LABELS},
            3,
            (6 + 3) * 5 + 5 + 5 * 3 + 3,
        ),
        (
            {"input_shape": (4, 2, 1, 3), "condition_shape": (2, 2)},
            {"x": normal(4, 4, 2, 1, 3), "condition": normal(4, 2, 2)},
            6,
            (24 + 4) * 5 + 5 + 5 * 7 + 7 + 7 * 6 + 6,
        ),
    ],
)
def test_encoder(arguments, inputs, output_size, num_parameters):
    arguments = {"latent_size": 3, "hidden": (5, 7), "activation": "gelu", **arguments}
    check_network(lambda: mlp_encoder(**arguments), inputs, (output_size,), num_parameters)


@pytest.mark.parametrize(
    ("arguments", "inputs", "output_shape", "num_parameters"),
    [
        ({"output_shape": (8, 8, 1)}, normal(4, 3), (8, 8, 1), 3 * 5 + 5 + 5 * 7 + 7 + 7 * 64 + 64),
        ({"output_shape": (9,), "hidden": (), "parameters_per_value": 2}, normal(4, 3), (18,), 3 * 18 + 18),
        (
            {"output_shape": (2, 3, 2), "hidden": [5], "parameters_per_value": 4, "num_classes": 3},
            {"latents": normal(4, 3), "condition": LABELS},
            (2, 3, 8),
            (3 + 3) * 5 + 5 + 5 * 48 + 48,
        ),
        (
            {"output_shape": (4, 2), "condition_shape": (2,)},
            {"latents": normal(4, 3), "condition": normal(4, 2)},
            (4, 2),
            (3 + 2) * 5 + 5 + 5 * 7 + 7 + 7 * 8 + 8,
        ),
    ],
)
def test_decoder(arguments, inputs, output_shape, num_parameters):
    arguments = {"latent_size": 3, "hidden": (5, 7), "activation": "gelu", **arguments}
    check_network(lambda: mlp_decoder(**arguments), inputs, output_shape, num_parameters)


def test_encoder_is_a_chain_of_matrix_products():
    network, x = mlp_encoder((2, 3), 2, hidden=(5,), num_classes=3), normal(4, 2, 3)
    kernel, bias, last_kernel, last_bias = network.get_weights()
    hidden = np.maximum(np.concatenate([x.reshape(4, 6), np.eye(3)[LABELS]], axis=1) @ kernel + bias, 0)
    outputs = network({"x": x, "condition": LABELS})
    np.testing.assert_allclose(outputs, hidden @ last_kernel + last_bias, atol=1e-5)


def test_decoder_is_a_chain_of_matrix_products():
    network, z, y = mlp_decoder(3, (2, 3), hidden=(5,), condition_shape=(2,)), normal(4, 3), normal(4, 2)
    kernel, bias, last_kernel, last_bias = network.get_weights()
    hidden = np.maximum(np.concatenate([z, y], axis=1) @ kernel + bias, 0)
    outputs = network({"latents": z, "condition": y})
    np.testing.assert_allclose(outputs, (hidden @ last_kernel + last_bias).reshape(4, 2, 3), atol=1e-5)


def test_default_widths():
    """784-400-400-2x20, the network of the throughput workload."""
    assert mlp_encoder((28, 28, 1), 20).count_params() == 784 * 400 + 400 + 400 * 400 + 400 + 400 * 40 + 40
    assert mlp_decoder(20, (28, 28, 1)).count_params() == 20 * 400 + 400 + 400 * 400 + 400 + 400 * 784 + 784


@pytest.mark.parametrize("bias", [-2, 0.5, normal(4, 3, 2)])
def test_output_bias(bias):
    decoder = mlp_decoder(3, (4, 3, 2), hidden=(), output_bias=bias)
    np.testing.assert_allclose(decoder(np.zeros((1, 3)))[0], np.broadcast_to(bias, (4, 3, 2)))
    copy = keras.Model.from_config(decoder.get_config())
    np.testing.assert_allclose(copy(np.zeros((1, 3)))[0], np.broadcast_to(bias, (4, 3, 2)))


@pytest.mark.parametrize("bias", ["zeros", np.nan, [1.0, np.inf], np.zeros((3, 2)), np.zeros((5, 4, 3))])
def test_refuses_other_output_biases(bias):
    with pytest.raises(ValueError, match="`output_bias` should be None, a finite number.*Received: "):
        mlp_decoder(3, (4, 3), output_bias=bias)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": ()}, "`input_shape` should have at least one axis"),
        ({"input_shape": (8, -8)}, "`input_shape` should be a sequence of positive integers"),
        ({"input_shape": (8, None)}, "`input_shape` should be a sequence of positive integers"),
        ({"input_shape": 64}, "`input_shape` should be a sequence of positive integers"),
        ({"latent_size": 0}, "`latent_size` should be a positive integer"),
        ({"latent_size": 2.0}, "`latent_size` should be a positive integer"),
        ({"latent_size": True}, "`latent_size` should be a positive integer"),
        ({"hidden": (400, 0)}, "`hidden` should be a sequence of positive integers"),
        ({"hidden": 400}, "`hidden` should be a sequence of positive integers"),
        ({"parameters_per_latent": 0}, "`parameters_per_latent` should be a positive integer"),
        ({"num_classes": 0}, "`num_classes` should be a positive integer"),
        ({"condition_shape": (0,)}, "`condition_shape` should be a sequence of positive integers"),
        ({"num_classes": 3, "condition_shape": (2,)}, "not both"),
    ],
)
def test_encoder_refuses(arguments, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        mlp_encoder(**{"input_shape": (8, 8), "latent_size": 2, **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_shape": ()}, "`output_shape` should have at least one axis"),
        ({"output_shape": (8, 0)}, "`output_shape` should be a sequence of positive integers"),
        ({"latent_size": -1}, "`latent_size` should be a positive integer"),
        ({"parameters_per_value": None}, "`parameters_per_value` should be a positive integer"),
    ],
)
def test_decoder_refuses(arguments, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        mlp_decoder(**{"output_shape": (8, 8), "latent_size": 2, **arguments})


def test_gated_linear_units():
    encoder = mlp_encoder((4,), 2, hidden=(3,), activation="glu")
    assert encoder.count_params() == 4 * 6 + 6 + 3 * 4 + 4
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    (w, b), (v, c) = (encoder.get_layer(name).get_weights() for name in ("hidden_1", "parameters"))
    linear, gate = np.split(x @ w + b, 2, axis=-1)
    np.testing.assert_allclose(encoder(x), (linear / (1 + np.exp(-gate))) @ v + c, rtol=1e-4, atol=1e-5)
