"""The kernel distance between features of real and of generated samples."""

import math
from typing import Any

import numpy as np

from keras_dl.checks import check_count
from keras_dl.metrics.estimate import Estimate, check_pair
from keras_dl.metrics.features import Features
from keras_dl.metrics.sample_metric import SampleMetric, vectors
from keras_dl.types import Tensor

ROWS = 1024


def kernel_distance(real: Tensor, generated: Tensor, degree: int = 3) -> Estimate:
    r"""Unbiased estimate of the squared maximum mean discrepancy by a polynomial kernel (Binkowski et al., 2018).

    $$\frac{1}{n (n - 1)} \sum_{i \neq j} k(x_i, x_j) + \frac{1}{m (m - 1)} \sum_{i \neq j} k(y_i, y_j)
      - \frac{2}{n m} \sum_{i, j} k(x_i, y_j), \qquad k(x, y) = (x \cdot y / d + 1)^3$$

    over all pairs, so that, unlike the paper's mean over small subsets, no sample is left out. It is unbiased, and
    therefore below 0 now and then if the two distributions are the same. The standard error is the jackknife's,
    each vector left out in turn; if the two distributions are the same it is up to 1.4 times too large.

    Args:
        real: Array of shape `(num_real, size)`.
        generated: Array of shape `(num_generated, size)`.
        degree: Int, the kernel's power.

    Returns:
        An `Estimate(value, standard_error)`.

    Raises:
        ValueError: If the arrays have other shapes, fewer than three rows, or hold NaN.

    Example:

    >>> x, y = np.random.default_rng(0).standard_normal((2, 500, 4))
    >>> estimate = kernel_distance(x, y)
    >>> bool(abs(estimate.value) < 3 * estimate.standard_error)
    True
    """
    real, generated = check_pair(real, generated, least=3)
    degree = check_count(degree, "degree")
    inside = [_others(x, degree) for x in (real, generated)]
    across = _sums(real, generated, degree)
    n, m = len(real), len(generated)
    value = inside[0].sum() / (n * (n - 1)) + inside[1].sum() / (m * (m - 1)) - 2 * across[0].sum() / (n * m)
    variance = _jackknife(inside[0], across[0], m) + _jackknife(inside[1], across[1], n)
    return Estimate(float(value), math.sqrt(variance))


def _others(x, degree):
    """Sums of the kernel of every vector with all others of its set."""
    return _sums(x, x, degree)[0] - _kernel(np.sum(x**2, axis=1), x.shape[1], degree)


def _sums(x, y, degree):
    """Sums of the kernel over the second set for every vector of the first, and the other way round."""
    over_y, over_x = [], np.zeros(len(y))
    for start in range(0, len(x), ROWS):
        block = _kernel(x[start : start + ROWS] @ y.T, x.shape[1], degree)
        over_y.append(block.sum(1))
        over_x += block.sum(0)
    return np.concatenate(over_y), over_x


def _kernel(products, size, degree):
    return (products / size + 1) ** degree


def _jackknife(inside, across, count):
    """Variance by leaving out each of the vectors whose sums these are; `count` is how many the other set has."""
    n = len(inside)
    left = (inside.sum() - 2 * inside) / ((n - 1) * (n - 2)) - 2 * (across.sum() - across) / ((n - 1) * count)
    return (n - 1) * left.var()


class KID(SampleMetric):
    """Kernel distance between features of real and generated samples; key `"kid"`, lower is better.

    See `kernel_distance`. Other than the Frechet distance it is unbiased: sets of any sizes compare.

    Args:
        features: `keras_dl.metrics.Features`, or `None` to compare the samples as vectors.
        degree: Int, the kernel's power.

    Example:

    >>> x = np.random.default_rng(0).standard_normal((300, 2))
    >>> bool(KID()(x, x + 1.0)["kid"].value > 0.5)
    True
    """

    titles = {"kid": "KID"}
    direction = "min"

    def __init__(self, features: Features | None = None, degree: int = 3):
        super().__init__(features)
        self.degree = check_count(degree, "degree")

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        return {"kid": kernel_distance(vectors(real), vectors(generated), self.degree)}
