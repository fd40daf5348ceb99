"""Points in the plane from known distributions, on which a generative model's mistakes can be seen."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_dl.checks import check_count, check_seed, refusal

NAMES = ("eight_gaussians", "ring", "grid", "moons", "circles", "spirals", "wave", "checkerboard")
DEVIATION = 0.05
_NODES = 1000  # along a curve, for its density


def sample_points(name: str, num_samples: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draws points of a named distribution in the plane.

    | name | distribution |
    |---|---|
    | `eight_gaussians` | mixture of 8 normals of deviation 0.05 around points evenly spaced on the circle of radius 2 |
    | `ring` | the circle of radius 2, with normal noise of deviation 0.05 in each coordinate |
    | `grid` | mixture of 25 normals of deviation 0.05 around the points of {-2, -1, 0, 1, 2}^2 |
    | `moons` | two half circles of radius 1.5 that interlock, with such noise |
    | `circles` | the circles of radius 1 and 2, with such noise |
    | `spirals` | two spirals of one and a half turns, with such noise |
    | `wave` | two periods of a sine, with such noise |
    | `checkerboard` | uniform on the black squares of side 1 of a board on [-2, 2]^2 |

    Args:
        name: One of the names above.
        num_samples: How many points.
        seed: Integer that fixes the draw.

    Returns:
        `(x, y)`: float32 points of shape `(num_samples, 2)`, and which component each comes from, int32 of shape
        `(num_samples,)`; `None` for the ring and the wave.

    Raises:
        ValueError: For an unknown name, or a number or seed that is none.

    Example:

    >>> x, y = sample_points("eight_gaussians", 1000)
    >>> bool(np.abs(x - centres("eight_gaussians")[y]).max() < 0.25)
    True
    """
    if name not in NAMES:
        raise refusal(f"name should be one of {NAMES}", name=name)
    num_samples, rng = check_count(num_samples, "num_samples"), np.random.default_rng(check_seed(seed))
    if name == "checkerboard":
        return _checkerboard(rng, num_samples)
    if name in _CURVES and name != "ring":
        y = rng.integers(0, _CURVES[name].parts, num_samples).astype("int32")
        middle = _CURVES[name].points(rng.uniform(size=num_samples), y)
        y = None if _CURVES[name].parts == 1 else y
    elif name == "ring":
        angle = rng.uniform(0, 2 * math.pi, num_samples)
        middle, y = 2.0 * np.stack([np.cos(angle), np.sin(angle)], axis=-1), None
    else:
        y = rng.integers(0, len(centres(name)), num_samples).astype("int32")
        middle = centres(name)[y]
    return (middle + DEVIATION * rng.standard_normal((num_samples, 2))).astype("float32"), y


def log_density(name, x):
    """Returns the logarithm of the density from which `sample_points` draws, float64 of shape `(rows,)`.

    That of a curve with noise is the mean of normals around 1,000 points of each of its parts.

    Args:
        name: One of the names.
        x: Points, shape `(rows, 2)`.

    Example:

    >>> line = (np.arange(200) + 0.5) / 40 - 2.5
    >>> grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
    >>> round(float(np.exp(log_density("moons", grid)).sum() / 40**2), 2)
    1.0
    """
    if name not in NAMES:
        raise refusal(f"name should be one of {NAMES}", name=name)
    x = np.asarray(x, "float64")
    if name == "checkerboard":
        black = (np.floor(x).sum(-1) % 2 == 0) & (np.abs(x) < 2).all(-1)
        return np.where(black, -math.log(8.0), -np.inf)
    nodes = _curve_nodes(name) if name in _CURVES else centres(name)
    chunks = [_log_mean_normal(x[start : start + 1000], nodes) for start in range(0, len(x), 1000)]
    return np.concatenate(chunks)


def _curve_nodes(name):
    times = (np.arange(_NODES) + 0.5) / _NODES
    parts = range(_CURVES[name].parts)
    return np.concatenate([_CURVES[name].points(times, np.full(_NODES, part)) for part in parts])


def _log_mean_normal(x, nodes):
    squares = np.square(x[:, None] - nodes).sum(-1) / (2 * DEVIATION**2)
    least = squares.min(-1, keepdims=True)
    mean = np.exp(least - squares).mean(-1)
    return np.log(mean) - least[:, 0] - math.log(2 * math.pi * DEVIATION**2)


def _checkerboard(rng, count):
    """Uniform on eight squares: columns of two, shifted in turn."""
    y = rng.integers(0, 8, count).astype("int32")
    corner = np.stack([y // 2, 2 * (y % 2) + (y // 2) % 2], axis=-1) - 2.0
    return (corner + rng.uniform(size=(count, 2))).astype("float32"), y


class _Curve(NamedTuple):
    """Parts of a curve: the points at times from 0 to 1, evenly in time, and the number of parts."""

    points: Callable
    parts: int


def _ring(times, part):
    return 2.0 * np.stack([np.cos(2 * math.pi * times), np.sin(2 * math.pi * times)], -1)


def _circles(times, part):
    return _ring(times, part) * (0.5 + 0.5 * part)[:, None]


def _moons(times, part):
    sign = 1.0 - 2.0 * part
    x, y = 1.5 * np.cos(math.pi * times), 1.5 * np.sin(math.pi * times)
    return np.stack([sign * x - 0.75 * sign, sign * y - 0.25 * sign], -1)


def _spirals(times, part):
    radius, angle = 0.2 + 2.0 * np.sqrt(times), 3 * math.pi * np.sqrt(times) + math.pi * part
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)


def _wave(times, part):
    x = 5.0 * times - 2.5
    return np.stack([x, 1.5 * np.sin(4 * math.pi * times)], -1)


_CURVES = {
    "ring": _Curve(_ring, 1),
    "circles": _Curve(_circles, 2),
    "moons": _Curve(_moons, 2),
    "spirals": _Curve(_spirals, 2),
    "wave": _Curve(_wave, 1),
}


def centres(name: str) -> np.ndarray:
    """The means of a mixture's components, float64 of shape `(num_components, 2)`.

    Raises:
        ValueError: For a name that is not a mixture's.
    """
    if name == "eight_gaussians":
        angles = np.arange(8) * math.pi / 4
        return 2.0 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    if name == "grid":
        return np.stack(np.meshgrid(*[np.arange(-2.0, 3.0)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    raise refusal('name should be "eight_gaussians" or "grid", a mixture', name=name)


def load(name):
    """Returns 50,000 training points and 10,000 held-out ones, as `keras_dl.data.load` gives them."""
    return sample_points(name, 50_000, seed=0), sample_points(name, 10_000, seed=1)
