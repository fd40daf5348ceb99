"""Convolution and correlation: their laws, and what kernels cost.

Convolution is commutative, associative and distributive. Correlation, which networks compute, is neither of the first
two: a * b is b * a reversed. Two 3x3 see what a 5x5 sees with 18/25 of its weights, 5x1 and 1x5 with 10/25.
"""

import keras
import numpy as np
from scipy import signal

SHAPE = (28, 28, 64)
CHANNELS = 64
#: Path -> its kernels with their numbers of filters, all in and out of 64 channels.
PATHS = {
    "5x5": [((5, 5), CHANNELS)],
    "two 3x3": [((3, 3), CHANNELS), ((3, 3), CHANNELS)],
    "5x1 + 1x5": [((5, 1), CHANNELS), ((1, 5), CHANNELS)],
    "Inception: 1x1 to 16, 5x5": [((1, 1), 16), ((5, 5), CHANNELS)],
}


def laws():
    """Returns the largest deviation from each law, over the size of the result, for random images."""
    rng = np.random.default_rng(0)
    a, b, c = (rng.standard_normal(shape) for shape in ((16, 16), (5, 5), (5, 5)))
    convolve, correlate = signal.convolve2d, signal.correlate2d
    pairs = {
        "convolution commutes": (convolve(a, b), convolve(b, a)),
        "convolution is associative": (convolve(convolve(a, b), c), convolve(a, convolve(b, c))),
        "convolution is distributive": (convolve(a, b + c), convolve(a, b) + convolve(a, c)),
        "correlation is distributive": (correlate(a, b + c), correlate(a, b) + correlate(a, c)),
        "correlation is convolution with the reversed kernel": (correlate(a, b), convolve(a, b[::-1, ::-1])),
        "correlation reverses as its arguments change places": (correlate(a, b), correlate(b, a)[::-1, ::-1]),
    }
    return {law: float(np.abs(one - other).max() / np.abs(one).max()) for law, (one, other) in pairs.items()}


def layers(path):
    """The path as Keras layers."""
    return keras.Sequential(
        [keras.Input(SHAPE), *(keras.layers.Conv2D(filters, size, padding="same") for size, filters in path)]
    )


def counted(path):
    """Returns a path's weights and multiply-adds, in millions, for a 28x28 map: sums of k F C, and biases."""
    weights = adds = 0
    channels = SHAPE[-1]
    for (height, width), filters in path:
        weights += filters * (height * width * channels + 1)
        adds += SHAPE[0] * SHAPE[1] * height * width * filters * channels
        channels = filters
    return weights, adds / 1e6


def multiply_adds(model):
    """Returns a model's multiply-adds in millions, from the sizes of its kernels and maps."""
    total = 0
    for layer in model.layers:
        total += int(np.prod(layer.output.shape[1:-1])) * int(np.prod(layer.kernel.shape))
    return total / 1e6


def measure():
    rows = {f"{law}: deviation": (value, 0.0) for law, value in laws().items()}
    for name, path in PATHS.items():
        model, (weights, adds) = layers(path), counted(path)
        rows[f"{name}: weights"] = (model.count_params(), weights)
        rows[f"{name}: million multiply-adds"] = (multiply_adds(model), adds)
    return rows


def draw(figure):
    costs, edges, swapped = figure.subplots(1, 3, width_ratios=(2, 1, 1))
    rows = measure()
    adds = [rows[f"{name}: million multiply-adds"][0] for name in PATHS]
    bars = costs.barh(list(PATHS), adds)
    costs.bar_label(bars, [f"{value:.0f} ({value / adds[0]:.0%})" for value in adds], padding=3)
    costs.set(title="Million multiply-adds, 28x28x64", xlim=(0, 1.35 * adds[0]))
    costs.invert_yaxis()
    image, kernel = np.zeros((15, 15)), np.array([[0, 0, 0], [0, 1, 2], [0, 3, 4.0]])
    image[4, 4] = image[10, 10] = 1
    for panel, title, values in (
        (edges, "Convolution", signal.convolve2d(image, kernel, "same")),
        (swapped, "Correlation", signal.correlate2d(image, kernel, "same")),
    ):
        panel.imshow(values, cmap="gray")
        panel.set(title=title, xticks=[], yticks=[])
