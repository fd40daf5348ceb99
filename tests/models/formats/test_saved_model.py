"""Exported functions without variables, and which keep them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from keras_dl import runtime
from keras_dl.models.formats import saved_model as exporting
from tests.models.builders import images, small_vae

SPECS = [tf.TensorSpec((None, 4, 4, 1), tf.float32, name="x")]


def normalized_network():
    """A convolution and a batch normalization whose averages are not those it starts with."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4, 4, 1))
    normalization = keras_dl.layers.BatchNormalization()
    network = keras.Model(inputs, normalization(keras.layers.Conv2D(3, 3)(inputs)))
    for weight in normalization.weights:
        weight.assign(keras.random.uniform(weight.shape, 0.5, 2))
    return network


def captured(function):
    return tf.function(function, input_signature=SPECS).get_concrete_function().captured_inputs


def test_the_same_numbers_without_a_variable():
    network = normalized_network()
    function = exporting.frozen(lambda x: {"z": network(x), "a": x}, SPECS)
    assert not captured(function)
    x = images(3)
    expected = network(x)
    network.layers[1].kernel.assign(0 * network.layers[1].kernel)  # it is what it was
    found = function(tf.constant(x))
    np.testing.assert_allclose(found["z"], expected, atol=1e-6)
    np.testing.assert_array_equal(found["a"], x)


def test_functions_that_change_variables_or_hold_other_things_stay_as_they_are():
    count, table = tf.Variable(0.0), tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, 0)
    inner = tf.function(lambda x: x + count.assign_add(1))
    for function in (lambda x: {"y": inner(x)}, lambda x: {"y": x, "size": table.size()}):
        assert exporting.frozen(function, SPECS) is function


def test_models_too_large_for_a_graph_keep_their_variables(monkeypatch):
    network = normalized_network()

    def function(x):
        return {"y": network(x)}

    size = sum(weight.numpy().nbytes for weight in network.weights)
    for largest, is_frozen in ((size, True), (size - 1, False)):
        monkeypatch.setattr(exporting, "LARGEST", largest)
        assert (exporting.frozen(function, SPECS) is not function) == is_frozen


@pytest.mark.parametrize("make", [lambda: keras_dl.models.Supervised(normalized_network()), small_vae])
def test_one_signature_has_constants_and_several_share_variables(make, tmp_path):
    model = make()
    folder = runtime.export(model, tmp_path)
    loaded = tf.saved_model.load(folder)
    names = set(model.signatures())
    assert set(loaded.signatures) == {"serving_default", *names}
    for signature in loaded.signatures.values():
        assert bool(signature.captured_inputs) == (len(names) > 1)
    shapes = [shape for _, shape in tf.train.list_variables(f"{folder}/variables/variables") if shape]
    assert sorted(shapes) == (sorted(list(w.shape) for w in model.weights) if len(names) > 1 else [])  # each once


def quantized():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16), keras.layers.Dense(3)])
    network.quantize("int8")
    return network


def looked_up(lookup, vocabulary, dtype):
    inputs = keras.Input((1,), dtype=dtype)
    return keras.Model(inputs, keras.layers.Dense(3)(lookup(vocabulary=vocabulary, output_mode="one_hot")(inputs)))


class Holding(keras.layers.Layer):
    """A layer with a weight, a table, and a layer that it never builds."""

    def __init__(self):
        super().__init__()
        self.lookup = keras.layers.IntegerLookup(vocabulary=[3, 5], output_mode="one_hot")
        self.dense, self.unused = keras.layers.Dense(3), keras.layers.Dense(4)

    def call(self, x):
        return self.dense(self.lookup(x))


def holding():
    inputs = keras.Input((1,), dtype="int64")
    return keras.Model(inputs, Holding()(inputs))


@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize`")
@pytest.mark.parametrize(
    ("make", "x"),
    [
        (quantized, np.float32([[0.5, 1, -1, 2], [0, 0, 3, 1]])),
        (holding, [[3], [9]]),
        (lambda: looked_up(keras.layers.IntegerLookup, [3, 5], "int64"), [[3], [9]]),
        (lambda: looked_up(keras.layers.StringLookup, ["a", "c"], "string"), [["a"], ["b"]]),
    ],
    ids=["int8", "a layer never built", "table of integers", "table of strings"],
)
def test_layers_that_hold_more_than_variables(make, x, tmp_path):
    network = make()
    loaded = tf.saved_model.load(runtime.export(keras_dl.models.Supervised(network), tmp_path))
    found = loaded.signatures["predict"](x=tf.constant(x, network.inputs[0].dtype))["predictions"]
    np.testing.assert_allclose(found, network(tf.constant(x)), atol=1e-6)
