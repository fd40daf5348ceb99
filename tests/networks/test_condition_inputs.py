"""Labels and vectors as conditions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.networks import condition_inputs, conv_decoder, mlp_decoder, mlp_encoder
from keras_dl.networks.condition_inputs import OneHot

LABELS = [0, 3, 1]


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32", "float16"])
def test_labels_of_any_number_type(dtype):
    decoder, z = mlp_decoder(2, (3,), hidden=(), num_classes=4), tf.zeros((3, 2))
    expected = decoder.get_weights()[0][2:][LABELS]
    labels = tf.constant(LABELS, dtype)
    for condition in (labels, labels[:, None]):
        np.testing.assert_allclose(decoder({"latents": z, "condition": condition}), expected, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_keeps_large_labels_apart(policy):
    """3000 and 3001 are one number in both half precisions: labels must not pass through them."""
    keras.config.set_dtype_policy(policy)
    encoder = mlp_encoder((1,), 1, hidden=(), num_classes=4000)
    kernel = np.zeros((4001, 2), "float32")
    kernel[3001:3003] = [[1.0, 2.0], [3.0, 4.0]]
    encoder.set_weights([kernel, np.zeros(2)])
    for dtype in ("int64", "float32"):
        outputs = encoder({"x": tf.zeros((2, 1)), "condition": tf.constant([3000, 3001], dtype)})
        np.testing.assert_array_equal(tf.cast(outputs, "float32"), kernel[3001:3003])


def test_one_hot():
    layer = OneHot(4)
    np.testing.assert_array_equal(layer(np.array(LABELS)), np.eye(4)[LABELS])
    assert layer(keras.KerasTensor((None,), "int32")).shape == (None, 4)
    assert layer.compute_output_shape((7,)) == (7, 4)
    assert OneHot.from_config(layer.get_config()).num_classes == 4
    assert OneHot(4, dtype="mixed_bfloat16")(np.array(LABELS)).dtype == "bfloat16"
    np.testing.assert_array_equal(layer(np.array([-1, 4])), np.zeros((2, 4)))


def test_num_classes_survives_a_configuration():
    for network in (mlp_encoder((4,), 2, num_classes=7), conv_decoder(2, (4, 4, 1), num_classes=7)):
        assert condition_inputs.num_classes(network) == 7
        assert condition_inputs.num_classes(keras.Model.from_config(network.get_config())) == 7
    assert condition_inputs.num_classes(mlp_encoder((4,), 2)) is None
    assert condition_inputs.num_classes(mlp_encoder((4,), 2, condition_shape=(3,))) is None


def test_a_conditional_network_wants_its_condition():
    encoder = mlp_encoder((4,), 2, num_classes=3)
    assert set(encoder.input) == {"x", "condition"}
    with pytest.raises(ValueError, match="condition|expects 2 input"):  # as the version of Keras says it
        encoder(np.zeros((2, 4), "float32"))


@pytest.mark.parametrize("num_classes", [0, -1, 2.5, None, True])
def test_refuses_other_numbers_of_classes(num_classes):
    with pytest.raises(ValueError, match="`num_classes` should be a positive integer. Received: "):
        OneHot(num_classes)
