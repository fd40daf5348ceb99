"""Activations with their derivatives, the step function too, and a signal through 50 layers.

Derivatives are central differences beside closed forms. With weights of variance 2 / n a ReLU passes the mean square of
a signal on (He et al. 2015); with 1 / n (Glorot and Bengio 2010) it halves it, layer by layer, as a linear layer would
keep it; sigmoids forget the signal.
"""

import functools
from collections.abc import Callable

import keras
import numpy as np
from scipy import special

from keras_dl import activations

DEPTH, WIDTH, ROWS = 50, 256, 32


def sigmoid(x):
    return special.expit(x)


def normal(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # of SELU (Klambauer et al. 2017)
SLOPE = 0.25  # of PReLU below 0, as it begins (He et al. 2015)
#: Activation -> its derivative, away from kinks.
DERIVATIVES: dict[str, Callable] = {
    "step": lambda x: np.zeros_like(x),
    "linear": np.ones_like,
    "sigmoid": lambda x: sigmoid(x) * (1 - sigmoid(x)),
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "relu": lambda x: (x > 0) * 1.0,
    "relu6": lambda x: ((x > 0) & (x < 6)) * 1.0,
    "leaky_relu": lambda x: np.where(x > 0, 1.0, 0.01),
    "elu": lambda x: np.where(x > 0, 1.0, np.exp(x)),
    "celu": lambda x: np.where(x > 0, 1.0, np.exp(x)),
    "selu": lambda x: SCALE * np.where(x > 0, 1.0, ALPHA * np.exp(x)),
    "gelu": lambda x: special.ndtr(x) + x * normal(x),
    "softplus": sigmoid,
    "log_sigmoid": lambda x: sigmoid(-x),
    "sine": np.cos,
    "prelu": lambda x: np.where(x > 0, 1.0, SLOPE),
    "softmax": lambda x: sigmoid(x) * (1 - sigmoid(x)),
    "log_softmax": lambda x: sigmoid(-x),
    "softmin": lambda x: -sigmoid(x) * (1 - sigmoid(x)),
    "sparsemax": lambda x: (np.abs(x) < 1) * 0.5,
}
#: Activations of vectors, which are shown by the first value that they give for the vector (x, 0).
OF_VECTORS = ("softmax", "log_softmax", "softmin", "sparsemax")
#: Activation and variance of the weights times the width -> factor of the mean square per layer.
SIGNALS = {("linear", 1.0): 1.0, ("relu", 1.0): 0.5, ("relu", 2.0): 1.0}


def values(name, x):
    """An activation's values; the step function, which has no use in a network that learns, is 1 from 0 on."""
    if name == "step":
        return np.heaviside(x, 1.0)
    if name == "prelu":
        return keras.ops.convert_to_numpy(activations.prelu(keras.ops.convert_to_tensor(x, "float64"), SLOPE))
    if name in OF_VECTORS:
        pairs = keras.ops.convert_to_tensor(np.stack([x, np.zeros_like(x)], -1), "float64")
        return keras.ops.convert_to_numpy(getattr(activations, name)(pairs))[..., 0]
    return keras.ops.convert_to_numpy(getattr(activations, name)(keras.ops.convert_to_tensor(x, "float64")))


def difference(name, x, step=1e-6):
    return (values(name, x + step) - values(name, x - step)) / (2 * step)


@functools.cache
def signal(name, gain, depth=DEPTH):
    """Returns the mean square of a normal signal after each layer, and before the first."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, WIDTH))
    squares = [np.mean(x**2)]
    for _ in range(depth):
        x = values(name, x) if len(squares) > 1 else x
        x = x @ (rng.standard_normal((WIDTH, WIDTH)) * np.sqrt(gain / WIDTH))
        squares.append(np.mean(x**2))
    return np.array(squares)


def measure():
    x, rows = np.linspace(-3.95, 7.95, 120), {}  # no kink among them
    for name, closed in DERIVATIVES.items():
        rows[f"{name}: largest error of the derivative"] = (np.abs(difference(name, x) - closed(x)).max(), 0.0)
    for (name, gain), factor in SIGNALS.items():
        squares = signal(name, gain)[1:]
        measured = (squares[-1] / squares[0]) ** (1 / (len(squares) - 1))
        rows[f"{name}, variance {gain:g} / n: factor per layer"] = (measured, factor)
    return rows


def draw(figure):
    functions, slopes, deep = figure.subplots(1, 3)
    x = np.linspace(-4, 4, 401)
    for number, name in enumerate(DERIVATIVES):
        look = {"label": name, "color": f"C{number % 10}", "linestyle": ("-", "--")[number // 10]}
        functions.plot(x, values(name, x), **look)
        slopes.plot(x, DERIVATIVES[name](x), **look)
    for name, gain in [*SIGNALS, ("tanh", 1.0), ("sigmoid", 1.0)]:
        deep.plot(signal(name, gain), label=f"{name}, {gain:g} / n")
    functions.set(title="Activations", ylim=(-4, 4))
    slopes.set(title="Their derivatives", ylim=(-1.1, 2))
    deep.set(title="Mean square through 50 layers", xlabel="layer", yscale="log")
    functions.legend(fontsize=7, ncols=2)
    deep.legend()
