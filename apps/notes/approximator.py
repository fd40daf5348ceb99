"""Universal approximation: the error of one hidden layer against its width.

The function is x (1 - x) on [0, 1]. The weights of each network are written down, not trained, so that its largest
error is known: `steps` of steep sigmoids make a staircase, ramps (ReLU) the chords between n + 1 points, and sines
(here cosines, sines a quarter of a period on) the first n terms of its Fourier series.
"""

import math

import numpy as np

WIDTHS = (2, 4, 8, 16, 32, 64)
STEEPNESS = 1e6
GRID = np.linspace(0.0, 1.0, 12_801)  # every point and every middle of all the widths


def target(x):
    return x * (1 - x)


def layer(x, activation, weights, biases, outputs, constant):
    """A network with one hidden layer: `outputs . activation(weights x + biases) + constant`."""
    return activation(np.outer(x, weights) + biases) @ outputs + constant


def sigmoid(x):
    return 0.5 * (1 + np.tanh(x / 2))


def staircase(width):
    """The network of steep sigmoids: a step at each point between two pieces, at the height of its piece's middle."""
    ends = target(np.linspace(0, 1, width + 1))
    levels = (ends[1:] + ends[:-1]) / 2
    knots = np.arange(1, width) / width
    return layer(GRID, sigmoid, np.full(width - 1, STEEPNESS), -STEEPNESS * knots, np.diff(levels), levels[0])


def chords(width):
    """The network of ramps: at each point the slope changes to that of the next chord."""
    points = np.linspace(0, 1, width + 1)
    slopes = np.diff(target(points)) * width
    changes = np.diff(slopes, prepend=0.0)
    return layer(GRID, lambda z: np.maximum(z, 0), np.ones(width), -points[:-1], changes, 0.0)


def series(width):
    """The network of sines: x (1 - x) = 1/6 - sum of cos(2 pi k x) / (pi k)^2."""
    k = np.arange(1, width + 1)
    return layer(GRID, np.sin, 2 * np.pi * k, np.pi / 2, -1 / (np.pi * k) ** 2, 1 / 6)


#: Activation -> the network, and its largest error in closed form.
NETWORKS = {
    "sigmoid": (staircase, lambda n: (1 - 1 / n) / (2 * n)),
    "relu": (chords, lambda n: 1 / (4 * n**2)),
    "sine": (series, lambda n: 1 / 6 - sum(1 / (math.pi * k) ** 2 for k in range(1, n + 1))),
}


def measure():
    rows = {}
    for name, (network, closed) in NETWORKS.items():
        for width in WIDTHS:
            rows[f"{name}, width {width}"] = (float(np.abs(network(width) - target(GRID)).max()), closed(width))
    return rows


def draw(figure):
    fits, errors = figure.subplots(1, 2)
    fits.plot(GRID, target(GRID), color="0.6", linewidth=4, label="x (1 - x)")
    rows = measure()
    for number, (name, (network, closed)) in enumerate(NETWORKS.items()):
        fits.plot(GRID, network(4), color=f"C{number}", label=f"{name}, width 4")
        errors.plot(WIDTHS, [closed(n) for n in WIDTHS], color=f"C{number}", label=f"{name}, closed form")
        errors.plot(WIDTHS, [rows[f"{name}, width {n}"][0] for n in WIDTHS], "o", color=f"C{number}")
    fits.set(title="One hidden layer of width 4", xlabel="x")
    errors.set(title="Largest error (points: measured)", xlabel="width", xscale="log", yscale="log")
    errors.set_xticks(WIDTHS, WIDTHS)
    errors.minorticks_off()
    fits.legend()
    errors.legend()
