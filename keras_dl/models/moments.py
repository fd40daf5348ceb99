"""Means, covariances and leading eigenvectors of arrays in float64, centred first."""

import numpy as np

from keras_dl.checks import refusal

BLOCK = 4096
#: Shapes beyond which products of centred float32 data are summed in float32 within a block, in float64 across.
_LARGE = 5e9
SOLVERS = ("auto", "covariance", "full", "randomized")


def as_matrix(x):
    """Data as a matrix of a row per sample, without a copy where there need be none."""
    x = np.asarray(x)
    x = x if x.dtype in (np.float32, np.float64) else x.astype("float64")
    return x.reshape(len(x), -1)


def covariance(x):
    r"""The mean and the covariance $\tfrac1N \sum_i (x_i - \bar x)(x_i - \bar x)^\top$, float64.

    Data are centred before they are multiplied, so that an offset of thousands of deviations costs no digits.
    """
    from scipy.linalg import blas

    mean = x.mean(0, dtype="float64")
    rows, size = x.shape
    single = x.dtype == np.float32 and rows * size**2 > _LARGE
    product, dtype = (blas.ssyrk, "float32") if single else (blas.dsyrk, "float64")
    total = np.zeros((size, size), order="F")
    # Half of the products: the matrix is symmetric. In Fortran's order the transposed block is what it is.
    for start in range(0, rows, BLOCK):
        centred = _centred(x[start : start + BLOCK], mean, dtype)
        total += product(1.0, centred.T)
    return mean, _symmetric(total / rows)


def _centred(block, mean, dtype):
    """A block minus the mean; large float32 data lose no digits, since their mean is split into two floats."""
    if dtype == "float64":
        return block.astype("float64") - mean
    high = mean.astype("float32")
    return (block - high) - (mean - high).astype("float32")


def _symmetric(upper):
    return np.triu(upper) + np.triu(upper, 1).T


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
        return (mean, *of_covariance(matrix, count))
    mean = x.mean(0, dtype="float64")
    centred = x.astype("float64") - mean
    total = np.square(centred).sum() / rows
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


def of_covariance(matrix, count):
    """The `count` largest eigenvalues of a covariance, their eigenvectors as rows, and the sum of all eigenvalues."""
    from scipy.linalg import eigh

    size = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=[size - count, size - 1])
    return np.maximum(values[::-1], 0.0), _signed(vectors.T[::-1]), np.trace(matrix)


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
