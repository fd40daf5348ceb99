"""Wasserstein distances between sets of samples: along random directions, and in the plane exactly."""

import math
from typing import Any

import numpy as np

from keras_dl import lazy
from keras_dl.checks import check_count, check_seed, refusal
from keras_dl.metrics.estimate import Estimate, check_pair, mean
from keras_dl.metrics.features import Features
from keras_dl.metrics.sample_metric import SampleMetric, vectors
from keras_dl.types import Tensor

DIRECTIONS = 64


def sliced_wasserstein(
    real: Tensor, generated: Tensor, num_projections: int = 512, order: int = 2, seed: int = 0
) -> Estimate:
    r"""Sliced Wasserstein distance of two sets of vectors (Bonneel et al., 2015).

    $$SW_p = \left(\mathbb{E}_\theta\, W_p^p(\theta \cdot x, \theta \cdot y)\right)^{1/p}$$

    over unit vectors $\theta$ of even distribution, each distance on the line being that of the sorted projections.
    Images are compared as vectors of pixels.

    Args:
        real: Array of shape `(num_real, size)`.
        generated: Array of shape `(num_generated, size)`; another number of rows is exact, too.
        num_projections: Int, directions.
        order: Int, 1 or 2, the power p.
        seed: Int, of the directions: the same seed compares along the same ones.

    Returns:
        An `Estimate(value, standard_error)`; the error is that of the random directions, the sets being given.

    Raises:
        ValueError: If the arrays have other shapes or hold NaN, or an argument is out of range.

    Example:

    >>> x = np.random.default_rng(0).standard_normal((100, 1))
    >>> round(float(sliced_wasserstein(x, x + 3.0, num_projections=2).value), 6)
    3.0
    """
    real, generated = check_pair(real, generated, least=1)
    if order not in (1, 2):
        raise refusal("`order` should be 1 or 2", order=order)
    count = check_count(num_projections, "num_projections", least=2)
    directions = np.random.default_rng(check_seed(seed)).standard_normal((real.shape[1], count))
    directions /= np.linalg.norm(directions, axis=0)
    pairing = _pairing(len(real), len(generated))
    parts = [directions[:, start : start + DIRECTIONS] for start in range(0, count, DIRECTIONS)]
    powers = np.concatenate([_line_distances(real @ part, generated @ part, pairing, order) for part in parts])
    return _root(mean(powers), order)


def _pairing(n, m):
    """Which sorted values of sets of n and m meet, and the share of mass that each such pair moves."""
    levels = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # upper quantile levels, times n m
    return (levels - 1) // m, (levels - 1) // n, np.diff(levels, prepend=0) / (n * m)


def _line_distances(x, y, pairing, order):
    """The p-th powers of Wasserstein distances between columns of values."""
    first, second, mass = pairing
    gaps = np.abs(np.sort(x, axis=0)[first] - np.sort(y, axis=0)[second])
    return mass @ gaps**order


def _root(power, order):
    """The root of an estimated power, with the error that follows."""
    value = float(max(power.value, 0.0)) ** (1 / order)
    slope = 1 / (order * value ** (order - 1)) if value else 0.0
    return Estimate(value, float(power.standard_error) * slope)


def wasserstein_2(real: Tensor, generated: Tensor, max_samples: int = 4000) -> Estimate:
    r"""Wasserstein distance of order 2 between two sets of vectors, by exact optimal transport.

    $$W_2 = \left(\min_\pi \mathbb{E}_{(x, y) \sim \pi} |x - y|^2\right)^{1/2}$$

    It takes the package POT (`pip install pot`). Time grows with about the cube of the number of samples: a second or
    so for 2,000 of each. The distance of finite sets is larger than that of the distributions: compare only distances
    of equally many samples, of few dimensions.

    Args:
        real: Array of shape `(num_real, size)`.
        generated: Array of shape `(num_generated, size)`.
        max_samples: Int, how many rows of each set are compared, the first ones.

    Returns:
        An `Estimate(value, standard_error)`: the error is that of first order, by the transport's potentials (del
        Barrio and Loubes, 2019), without the bias.

    Raises:
        ImportError: If POT is not installed, which the extra `transport` installs.
        ValueError: If the arrays have other shapes, fewer than two rows, or hold NaN.
        RuntimeError: If the transport was not solved.

    Example:

    >>> x = np.random.default_rng(0).standard_normal((200, 2))
    >>> round(float(wasserstein_2(x, x + [3.0, 4.0]).value), 6)
    5.0
    """
    real, generated = check_pair(real, generated)
    count = check_count(max_samples, "max_samples", least=2)
    real, generated = real[:count], generated[:count]
    value, potentials = _transport(real, generated)
    variance = sum(np.var(potential, ddof=1) / len(potential) for potential in potentials)
    return _root(Estimate(value, math.sqrt(variance)), order=2)


def _transport(x, y):
    """The least mean squared distance of a transport, and its potentials on both sets."""
    ot = lazy.need("ot", "wasserstein_2")
    masses = [np.full(len(points), 1 / len(points)) for points in (x, y)]
    value, log = ot.emd2(*masses, ot.dist(x, y), log=True, numItermax=10_000_000)
    if log.get("warning"):
        raise refusal("the optimal transport should be solved", f"{log['warning']}", error=RuntimeError)
    return float(value), (log["u"], log["v"])


class SlicedWasserstein(SampleMetric):
    """Sliced Wasserstein distance of generated samples; key `"sliced_wasserstein"`, lower is better.

    See `sliced_wasserstein`. Without features images are compared as vectors of pixels.

    Args:
        features: `keras_dl.metrics.Features`, or `None` to compare the samples as vectors.
        num_projections: Int, directions.
        order: Int, 1 or 2.
        seed: Int, of the directions.

    Example:

    >>> images = np.random.default_rng(0).random((20, 8, 8, 1))
    >>> float(SlicedWasserstein()(images, images)["sliced_wasserstein"].value)
    0.0
    """

    titles = {"sliced_wasserstein": "sliced Wasserstein"}
    direction = "min"

    def __init__(self, features: Features | None = None, num_projections: int = 512, order: int = 2, seed: int = 0):
        super().__init__(features)
        self.num_projections, self.order, self.seed = num_projections, order, seed

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        options = {"num_projections": self.num_projections, "order": self.order, "seed": self.seed}
        return {"sliced_wasserstein": sliced_wasserstein(vectors(real), vectors(generated), **options)}


class Wasserstein2(SampleMetric):
    """Wasserstein distance of order 2 of generated samples; key `"w2"`, lower is better.

    See `wasserstein_2`, which takes the package POT (the extra `transport`).

    Args:
        features: `keras_dl.metrics.Features`, or `None` to compare the samples as vectors.
        max_samples: Int, how many samples of each set are compared.

    Example:

    >>> x = np.random.default_rng(0).standard_normal((100, 2))
    >>> round(float(Wasserstein2()(x, x - 2.0)["w2"].value), 4)
    2.8284
    """

    titles = {"w2": "W2"}
    direction = "min"

    def __init__(self, features: Features | None = None, max_samples: int = 4000):
        super().__init__(features)
        self.max_samples = check_count(max_samples, "max_samples", least=2)

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        return {"w2": wasserstein_2(vectors(real), vectors(generated), self.max_samples)}
