"""Means, covariances and leading eigenvectors of arrays in float64, centred first."""

import functools

import numpy as np
from threadpoolctl import ThreadpoolController

from keras_dl.checks import refusal

#: Rows that are centred and multiplied at a time.
BLOCK = 4096
#: Rows whose mean data are centred by; what it misses of their mean is taken off at the end.
_LOOKED_AT = 1024
#: Shapes beyond which products of centred float32 data are summed in float32 within a block, in float64 across.
_LARGE = 5e9
SOLVERS = ("auto", "covariance", "full", "randomized")


def as_matrix(x):
    """Data as a matrix of a row per sample, without a copy where there need be none."""
    x = np.asarray(x)
    x = x if x.dtype in (np.float32, np.float64) else x.astype("float64")
    return x.reshape(len(x), -1)


def covariance(x):
    r"""The mean and the covariance $\tfrac1N \sum_i (x_i - \bar x)(x_i - \bar x)^\top$, float64, in one pass.

    Data are centred before they are multiplied, so that an offset of thousands of deviations costs no digits, and block
    by block, so that no copy of them is made. Large float32 data of an offset below their deviation, such as pixels,
    are centred afterwards, which costs none of float32's digits.
    """
    rows, size = x.shape
    dtype = "float32" if x.dtype == np.float32 and rows * size**2 > _LARGE else "float64"
    looked_at = x[:: max(1, rows // _LOOKED_AT)].astype("float64")
    shift = looked_at.mean(0).astype(dtype)
    centred_first = dtype == "float64" or np.square(shift).sum() > looked_at.var(0).sum()
    shift = shift if centred_first else np.zeros_like(shift)
    total, outer = np.zeros(size), np.zeros((size, size))
    step = BLOCK if centred_first else 4 * BLOCK
    room, products = np.empty((min(rows, step), size), dtype), np.empty((size, size), dtype)
    ones = np.ones(step, dtype)
    for start in range(0, rows, step):
        block = x[start : start + step]
        centred = np.subtract(block, shift, dtype=dtype, out=room[: len(block)]) if centred_first else block
        total += ones[: len(block)] @ centred
        # NumPy sees that both are one matrix, and computes half.
        outer += np.matmul(centred.T, centred, out=products)
    drift = total / rows
    outer /= rows
    outer -= np.outer(drift, drift)
    return shift + drift, outer


def leading(x, count, solver="auto", seed=0):
    """The mean of data, and their `count` largest principal variances and directions.

    Args:
        x: Matrix, shape `(rows, size)`.
        count: How many.
        solver: `"covariance"` takes eigenvectors of the covariance, in float64; `"full"` the singular values of the
            centred data; `"randomized"` those of a random projection (Halko et al. 2011); `"auto"` chooses by shape.
        seed: Integer of the projection.

    Returns:
        `(mean, variances, components, total)`: variances with `1 / N`, components of shape `(count, size)`, and the sum
        of all variances.
    """
    rows, size = x.shape
    if solver == "auto":
        solver = _by_shape(rows, size, count)
    if solver == "covariance":
        mean, matrix = covariance(x)
        return (mean, *of_covariance(matrix, count, overwrite=True))
    mean = x.mean(0, dtype="float64")
    centred = x - mean
    total = np.vdot(centred, centred) / rows
    if solver == "randomized":
        from sklearn.utils.extmath import randomized_svd

        _, values, vectors = randomized_svd(centred, count, n_iter=7, random_state=seed % 2**32)
    else:
        _, values, vectors = np.linalg.svd(centred, full_matrices=count > min(rows, size))
    variances = np.zeros(count)
    variances[: min(count, len(values))] = np.square(values[:count]) / rows
    return mean, variances, _signed(vectors[:count]), total


def _by_shape(rows, size, count):
    if size <= 1500:
        return "covariance"
    return "randomized" if count < 0.1 * min(rows, size) else "full"


def of_covariance(matrix, count, overwrite=False):
    """The `count` largest eigenvalues of a covariance, their eigenvectors as rows, and the sum of all eigenvalues.

    Args:
        matrix: The covariance, float64.
        count: How many.
        overwrite: Whether the matrix may be used as room to work in.
    """
    from scipy.linalg import eigh

    size, total = len(matrix), np.trace(matrix)
    with one_thread():
        # The transposed matrix is the same one, in LAPACK's order.
        values, vectors = eigh(matrix.T, subset_by_index=[size - count, size - 1], overwrite_a=overwrite)
    return np.maximum(values[::-1], 0.0), _signed(vectors.T[::-1]), total


def one_thread():
    """A context in which a product or a decomposition takes one thread.

    Small ones wait longer for their threads than they work, above all where other programs keep the processors busy.
    """
    return _libraries().limit(limits=1, user_api="blas")


@functools.cache
def _libraries():
    """The libraries of linear algebra of this process, which take milliseconds to find."""
    return ThreadpoolController()


def _signed(components):
    """Components of which the entry of the largest magnitude is positive: a sign that no solver decides."""
    largest = np.abs(components).argmax(1)
    signs = np.sign(components[np.arange(len(components)), largest])
    return components * np.where(signs == 0, 1.0, signs)[:, None]


def check_solver(solver):
    """Returns a solver's name, or refuses it."""
    if solver not in SOLVERS:
        raise refusal(f"`solver` should be one of {SOLVERS}", solver=solver)
    return solver
