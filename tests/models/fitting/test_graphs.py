"""Graphs with custom gradients are freed with their model, and their gradients are found as long as they live."""

import gc
import weakref

import keras
import numpy as np
import tensorflow as tf

from keras_dl import models
from keras_dl.models.fitting import graphs

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")


class Watched(keras.layers.Layer):
    """Swish, whose gradient is TensorFlow's own, and a list of the graphs that it was traced in."""

    graphs: list = []

    def call(self, inputs):
        if not tf.executing_eagerly() and not isinstance(inputs, keras.KerasTensor):
            self.graphs.append(weakref.ref(tf.compat.v1.get_default_graph()))
        return tf.nn.silu(inputs)


def train_and_predict():
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), Watched(), keras.layers.Dense(1)])
    model = models.Supervised(network, seed=0)
    model.compile("sgd", "mse", jit_compile=False)
    Watched.graphs.clear()  # of Keras' own, those of a network that is being built
    model.fit(X, X[:, :1], batch_size=4, verbose=0)
    model.predict(X, verbose=0)
    assert len(Watched.graphs) == 2


def test_the_graphs_of_a_model_with_swish_are_freed_with_it():
    train_and_predict()
    keras.backend.clear_session()
    gc.collect()
    assert [graph() is None for graph in Watched.graphs] == [True, True]


def test_gradients_of_graphs_are_found_after_their_release():
    """Those of a loop's body too, and gradients of gradients."""

    @tf.function(autograph=False)
    def turned(x):
        return tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, tf.nn.silu(x)), (0, x))[1]

    def plain(x):
        for _ in range(3):
            x = x * tf.sigmoid(x)
        return x

    def slopes(function, x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = function(x)
            slope = inner.gradient(y, x)
        return slope, outer.gradient(slope, x)

    x = tf.constant(X)
    turned(x)
    graphs.release()
    for ours, expected in zip(slopes(turned, x), slopes(plain, x), strict=True):
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_tensors_by_name_are_inputs_and_other_options_have_graphs_of_their_own():
    traces = []

    def power(x, exponent, sign):
        traces.append(sign)
        return sign * x**exponent

    function = graphs.compiled(power)
    values = [float(function(tf.constant([3.0]), exponent=tf.constant(float(n)), sign=1)[0]) for n in (1, 2, 3)]
    assert values == [3.0, 9.0, 27.0] and traces == [1]
    assert float(function(tf.constant([3.0]), exponent=tf.constant(2.0), sign=-1)[0]) == -9.0 and traces == [1, -1]
