"""Activation functions, exact to the last case.

Keras' own functions where they agree with the course (values, and gradients at the kinks too); the others are written
here. Any Keras layer takes them as objects, `activation=keras_dl.activations.sine`, or by their registered names,
`activation="keras_dl>sine"`; the plain names `"sine"` and `"softmin"` work as well. The plain names that Keras has
(`"leaky_relu"`) keep Keras' meaning inside a Keras layer; `keras_dl.activations.get` reads them as ours.

    linear       x
    sigmoid      1 / (1 + e^-x)
    tanh         (e^x - e^-x) / (e^x + e^-x)
    relu         max(0, x)
    relu6        min(max(0, x), 6)                       Krizhevsky 2010
    elu          x for x > 0, alpha (e^x - 1) below      Clevert et al. 2016
    log_sigmoid  -log(1 + e^-x)
    softmax      e^x_i / sum_j e^x_j
    log_softmax  x_i - log sum_j e^x_j
"""

from keras.activations import elu, linear, log_sigmoid, log_softmax, relu, relu6, sigmoid, softmax, tanh

from keras_dl.activations.functions import celu, gelu, leaky_relu, prelu, selu, sine, softmin, softplus, sparsemax
from keras_dl.activations.naming import Activation, get

__all__ = [
    "Activation",
    "celu",
    "elu",
    "gelu",
    "get",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sine",
    "softmax",
    "softmin",
    "softplus",
    "sparsemax",
    "tanh",
]
