"""W8: one image of 224x224 through ResNet-18, as users of keras_dl, plain Keras and TensorFlow ask for its scores.

A variant is a function without arguments that returns the scores, fetched.
"""

import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf

import keras_dl
from benchmarks import formats, plain_networks

SHAPE = (224, 224, 3)


def image():
    """A batch of one."""
    return np.random.default_rng(0).random((1, *SHAPE), dtype=np.float32)


def exported(format):
    """The signature `predict` of keras_dl's network, exported by `runtime.export` and read back."""
    model = keras_dl.models.Supervised(keras_dl.networks.resnet18(SHAPE))
    with tempfile.TemporaryDirectory() as folder:
        run = formats.RUNNERS[format](keras_dl.runtime.export(model, folder, format=format))["predict"]
    x = image()
    return lambda: run({"x": x})["predictions"]


def function(network):
    """A `tf.function` around a network."""
    call = tf.function(lambda x: network(x, training=False), input_signature=[tf.TensorSpec([None, *SHAPE])])
    x = image()
    return lambda: call(tf.constant(x)).numpy()


def predict_on_batch(network):
    """Keras' own."""
    x = image()
    return lambda: network.predict_on_batch(x)


def saved_model(network):
    """Keras' `export`, read back."""
    with tempfile.TemporaryDirectory() as folder:
        network.export(folder, verbose=False)
        loaded = tf.saved_model.load(folder)
    x = image()
    return lambda: loaded.serve(tf.constant(x)).numpy()


def frozen(network):
    """A graph whose variables are constants, which TensorFlow folds into its convolutions."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    call = tf.function(lambda x: network(x, training=False), input_signature=[tf.TensorSpec([1, *SHAPE])])
    graph, x = convert_variables_to_constants_v2(call.get_concrete_function()), image()
    return lambda: graph(tf.constant(x))[0].numpy()


WAYS = {"function": function, "predict_on_batch": predict_on_batch, "saved_model": saved_model, "frozen": frozen}


def resnet18(variant, framework):
    """keras_dl's network by framework `keras_dl`, the one of plain Keras layers by `tf`."""
    keras.utils.set_random_seed(0)
    if framework == "tf":
        return WAYS[variant](plain_networks.resnet18(SHAPE))
    if variant in formats.RUNNERS:
        return exported(variant)
    return WAYS[variant](keras_dl.networks.resnet18(SHAPE))


#: The worker's first argument is the framework.
INFERENCE = {"W8": lambda variant: resnet18(variant, framework=sys.argv[1])}
