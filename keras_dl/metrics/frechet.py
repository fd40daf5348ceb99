"""The Frechet distance between features of real and of generated samples."""

import math
import warnings
from typing import Any

import numpy as np

from keras_dl.metrics.estimate import Estimate, check_pair
from keras_dl.metrics.sample_metric import SampleMetric, vectors
from keras_dl.types import Tensor

FEWEST = 2048


def frechet_distance(real: Tensor, generated: Tensor) -> Estimate:
    r"""Squared Frechet distance between normal distributions fitted to two sets of vectors (Heusel et al., 2017).

    $$d^2 = |\mu_1 - \mu_2|^2 + \operatorname{tr}\left(C_1 + C_2 - 2 (C_1 C_2)^{1/2}\right)$$

    No square root of a matrix is taken: with triangular factors of the covariances, $C_i = R_i^T R_i$, found from the
    centred vectors without forming $C_i$, $\operatorname{tr}\,(C_1 C_2)^{1/2}$ is the sum of the singular values of
    $R_1 R_2^T$. This is as exact for fewer vectors than dimensions as for many.

    The distance of finite sets is larger than that of the distributions (Binkowski et al., 2018): below 2,048 vectors,
    or the number of dimensions if that is more, it warns. Compare only distances of equally many vectors.

    Args:
        real: Array of shape `(num_real, size)`.
        generated: Array of shape `(num_generated, size)`.

    Returns:
        An `Estimate(value, standard_error)`: the error is that of first order (the spread of the distance's linear
        part), without the bias, and too small if the two distributions are the same.

    Raises:
        ValueError: If the arrays have other shapes, fewer than two rows, or hold NaN.

    Example:

    >>> x = np.random.default_rng(0).standard_normal((5000, 2))
    >>> round(float(frechet_distance(x, x + [3.0, 4.0]).value), 6)
    25.0
    """
    real, generated = check_pair(real, generated)
    _warn(min(len(real), len(generated)), real.shape[1])
    shift = real.mean(0) - generated.mean(0)
    sets = [x - x.mean(0) for x in (real, generated)]
    factors = [np.linalg.qr(x) for x in sets]
    scales = [math.sqrt(len(x) - 1) for x in sets]
    u, singular, v = np.linalg.svd(factors[0].R @ factors[1].R.T / (scales[0] * scales[1]), full_matrices=False)
    traces = [np.sum(factor.R**2) / scale**2 for factor, scale in zip(factors, scales, strict=True)]
    value = np.sum(shift**2) + sum(traces) - 2 * singular.sum()
    variance = 0.0
    for x, factor, scale, turn, sign in zip(sets, factors, scales, (u, v.T), (1, -1), strict=True):
        variance += np.var(_influence(x, factor.Q * scale, singular, turn, sign * shift), ddof=1) / len(x)
    return Estimate(max(float(value), 0.0), math.sqrt(variance))


def _influence(x, whitened, singular, turn, shift):
    r"""The linear part of the distance in every vector of one set, but for a constant.

    The gradient of $-2 \operatorname{tr}\,(C_1 C_2)^{1/2}$ with respect to $C_1$ is minus the optimal transport map
    $T$. With $x = R_1^T q$ and $R_1 R_2^T = U S V^T$, $x^T T x = q^T U S U^T q$, so that nothing is inverted.
    """
    return 2 * x @ shift + np.sum(x**2, axis=1) - (whitened @ turn) ** 2 @ singular


def _warn(count, size):
    if count < max(FEWEST, size + 1):
        warnings.warn(
            f"The Frechet distance of {count:,} samples in {size:,} dimensions is biased upwards: compare it only with "
            f"distances of as many samples, or give at least {max(FEWEST, size + 1):,}.",
            stacklevel=3,
        )


class FID(SampleMetric):
    """Frechet distance between features of real and generated samples; key `"fid"`, lower is better.

    See `frechet_distance`. The name carries the features': only distances of the same features compare.

    Args:
        features: `keras_dl.metrics.Features`, or `None` to compare the samples as vectors.

    Example:

    >>> x = np.random.default_rng(0).standard_normal((3000, 2))
    >>> sorted(FID()(x, x + 1.0))
    ['fid']
    """

    titles = {"fid": "FID"}
    direction = "min"

    def compare(self, real: Any, generated: Any) -> dict[str, Estimate]:
        return {"fid": frechet_distance(vectors(real), vectors(generated))}
