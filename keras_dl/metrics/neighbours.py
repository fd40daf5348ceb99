"""Precision and recall, density and coverage: how two sets lie in each other's neighbourhoods."""

from typing import Any, NamedTuple

import numpy as np

from keras_dl.checks import check_count
from keras_dl.metrics.estimate import Estimate, check_pair, mean
from keras_dl.metrics.features import Features
from keras_dl.metrics.sample_metric import SampleMetric, vectors
from keras_dl.types import Tensor

ROWS = 1024


class PrecisionAndRecall(NamedTuple):
    """Shares from 0 to 1.

    Attributes:
        precision: `Estimate`, the share of generated samples within the real ones' neighbourhoods.
        recall: `Estimate`, the share of real samples within the generated ones' neighbourhoods.
    """

    precision: Estimate
    recall: Estimate


class DensityAndCoverage(NamedTuple):
    """Where generated samples lie.

    Attributes:
        density: `Estimate`, how many real neighbourhoods a generated sample lies in, over k; about 1 for samples of
            the data's distribution, and not bounded by it.
        coverage: `Estimate`, the share of real neighbourhoods with a generated sample in them.
    """

    density: Estimate
    coverage: Estimate


def precision_recall(real: Tensor, generated: Tensor, k: int = 3) -> PrecisionAndRecall:
    r"""Improved precision and recall (Kynkaanniemi et al., 2019).

    A set's manifold is the union of the closed balls around its vectors that reach to their k-th nearest neighbours in
    the set. Precision is the share of generated vectors in the real manifold, recall that of real vectors in the
    generated one.

    Args:
        real: Array of shape `(num_real, size)`.
        generated: Array of shape `(num_generated, size)`.
        k: Int, which nearest neighbour a ball reaches to, itself not counted.

    Returns:
        A `PrecisionAndRecall` of `Estimate`s; the standard errors are those of shares, the manifolds being given.

    Raises:
        ValueError: If the arrays have other shapes, no more than `k` rows, or hold NaN.

    Example:

    >>> x, y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.5], [1.5], [9.0]])
    >>> precision, recall = precision_recall(x, y, k=1)
    >>> float(precision.value), float(recall.value)
    (0.6666666666666666, 1.0)
    """
    real, generated = _prepared(real, generated, k)
    radii = _squared_radii(real, k), _squared_radii(generated, k)
    precise, recalled = np.zeros(len(generated), bool), []
    for rows, squared in _blocks(real, generated):
        precise |= (squared <= radii[0][rows, None]).any(0)
        recalled.append((squared <= radii[1]).any(1))
    return PrecisionAndRecall(mean(precise.astype(float)), mean(np.concatenate(recalled).astype(float)))


def density_coverage(real: Tensor, generated: Tensor, k: int = 5) -> DensityAndCoverage:
    r"""Density and coverage (Naeem et al., 2020).

    With the closed ball $B_i$ around every real vector that reaches to its k-th nearest real neighbour, density is the
    mean over generated vectors of how many balls they lie in, divided by k; coverage is the share of balls with a
    generated vector in them. For $n$ real and $m$ generated vectors of one distribution their means are 1 and
    $1 - \prod_{j=1}^{k} (n - j) / (n + m - j)$.

    Args:
        real: Array of shape `(num_real, size)`.
        generated: Array of shape `(num_generated, size)`.
        k: Int, which nearest neighbour a ball reaches to, itself not counted.

    Returns:
        A `DensityAndCoverage` of `Estimate`s; the standard errors are those of means over one set, the other given.

    Raises:
        ValueError: If the arrays have other shapes, no more than `k` rows, or hold NaN.

    Example:

    >>> x, y = np.array([[0.0], [1.0], [2.0]]), np.array([[0.5], [1.5], [9.0]])
    >>> density, coverage = density_coverage(x, y, k=1)
    >>> float(density.value), float(coverage.value)
    (1.3333333333333333, 1.0)
    """
    real, generated = _prepared(real, generated, k)
    radii = _squared_radii(real, k)
    counts, covered = np.zeros(len(generated)), []
    for rows, squared in _blocks(real, generated):
        inside = squared <= radii[rows, None]
        counts += inside.sum(0)
        covered.append(inside.any(1))
    return DensityAndCoverage(mean(counts / k), mean(np.concatenate(covered).astype(float)))


def _prepared(real, generated, k):
    least = check_count(k, "k") + 1
    real, generated = check_pair(real, generated, least)
    middle = real.mean(0)  # squared distances from inner products lose digits far from the origin
    return real - middle, generated - middle


def _blocks(x, y):
    """Yields rows of the first set, as a slice, and their squared distances to all of the second."""
    lengths = np.sum(y**2, axis=1)
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        squared = np.sum(x[rows] ** 2, axis=1)[:, None] + lengths - 2 * x[rows] @ y.T
        yield rows, np.maximum(squared, 0.0)


def _squared_radii(x, k):
    """Squared distance of every vector to its k-th nearest other one."""
    radii = []
    for rows, squared in _blocks(x, x):
        own = np.arange(len(squared))
        squared[own, own + rows.start] = np.inf
        radii.append(np.partition(squared, k - 1, axis=1)[:, k - 1])
    rounding = 1e-12 * np.max(np.sum(x**2, axis=1))  # the balls are closed: vectors on their edge stay inside
    return np.concatenate(radii) + rounding


class PrecisionRecall(SampleMetric):
    """Improved precision and recall of generated samples; keys `"precision"` and `"recall"`, higher is better.

    See `precision_recall`.

    Args:
        features: `keras_dl.metrics.Features`, or `None` to compare the samples as vectors.
        k: Int, which nearest neighbour a ball reaches to.

    Example:

    >>> x = np.random.default_rng(0).standard_normal((100, 2))
    >>> float(PrecisionRecall()(x, x + 100.0)["precision"].value)
    0.0
    """

    titles = {"precision": "precision", "recall": "recall"}
    direction = "max"

    def __init__(self, features: Features | None = None, k: int = 3):
        super().__init__(features)
        self.k = check_count(k, "k")

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        return precision_recall(vectors(real), vectors(generated), self.k)._asdict()


class DensityCoverage(SampleMetric):
    """Density and coverage of generated samples; keys `"density"` and `"coverage"`, higher is better.

    See `density_coverage`.

    Args:
        features: `keras_dl.metrics.Features`, or `None` to compare the samples as vectors.
        k: Int, which nearest neighbour a ball reaches to.

    Example:

    >>> x = np.random.default_rng(0).standard_normal((100, 2))
    >>> float(DensityCoverage()(x, x)["coverage"].value)
    1.0
    """

    titles = {"density": "density", "coverage": "coverage"}
    direction = "max"

    def __init__(self, features: Features | None = None, k: int = 5):
        super().__init__(features)
        self.k = check_count(k, "k")

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        return density_coverage(vectors(real), vectors(generated), self.k)._asdict()
