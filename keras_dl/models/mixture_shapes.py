r"""Covariances of mixtures: full, tied, diagonal and spherical, as what precisions need and what sums give.

A covariance is kept as the Cholesky factor of its precision, $P = L^{-\top}$ with $\Sigma = L L^\top$ and
$\Sigma^{-1} = P P^\top$ (upper triangular), or as the reciprocal of standard deviations.
"""

import numpy as np
import tensorflow as tf

from keras_dl.models.linear_gaussian import LOG_2PI

COVARIANCES = ("full", "tied", "diag", "spherical")


def precision_shape(covariance, components, size):
    """The shape of the factors of precisions."""
    shapes = {"full": (components, size, size), "tied": (size, size), "diag": (components, size)}
    return shapes.get(covariance, (components,))


def square_shape(covariance, components, size):
    """The shape of the sums of squares that an iteration takes."""
    return precision_shape({"tied": "full"}.get(covariance, covariance), components, size)


def num_parameters(covariance, components, size):
    """How many free parameters a mixture has."""
    triangle = size * (size + 1) // 2
    of_covariance = {"full": components * triangle, "tied": triangle, "diag": components * size}
    return of_covariance.get(covariance, components) + components * size + components - 1


def log_components(x, means, factors, covariance):
    """$\\log \\mathcal{N}(x; \\mu_k, \\Sigma_k)$, shape `(rows, components)`.

    Every component subtracts its mean before it multiplies, so that offsets cost no digits.
    """
    size = x.shape[-1]
    if covariance == "full":
        shift = tf.einsum("kd,kde->ke", means, factors)
        wide = tf.reshape(tf.transpose(factors, [1, 0, 2]), [size, -1])
        scaled = tf.reshape(tf.matmul(x, wide), [-1, *shift.shape]) - shift
        squares = tf.reduce_sum(tf.square(scaled), -1)
        log_det = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factors)), -1)
    elif covariance == "tied":
        scaled = tf.matmul(x, factors)[:, None] - tf.matmul(means, factors)
        squares = tf.reduce_sum(tf.square(scaled), -1)
        log_det = tf.reduce_sum(tf.math.log(tf.linalg.diag_part(factors)))
    else:
        scales = factors if covariance == "diag" else factors[:, None] * tf.ones_like(means)
        squares = tf.reduce_sum(tf.square((x[:, None] - means) * scales), -1)
        log_det = tf.reduce_sum(tf.math.log(scales), -1)
    return -0.5 * (size * LOG_2PI + squares) + log_det


def sums_of_squares(centred, weights, covariance):
    """Sums over rows of weighted squares or products, by component."""
    if covariance in ("full", "tied"):
        weighted = weights[:, :, None] * centred[:, None]
        flat = tf.reshape(weighted, [tf.shape(centred)[0], weights.shape[1] * centred.shape[1]])
        products = tf.matmul(flat, centred, transpose_a=True)
        return tf.reshape(products, [weights.shape[1], centred.shape[1], centred.shape[1]])
    squares = tf.matmul(weights, tf.square(centred), transpose_a=True)
    return squares if covariance == "diag" else tf.reduce_mean(squares, -1)


def covariances_of(counts, totals, squares, covariance):
    """Covariances from sums around one centre, float64, without a floor; means relative to the centre."""
    means = totals / counts[:, None]
    if covariance == "full":
        return means, squares / counts[:, None, None] - means[:, :, None] * means[:, None, :]
    if covariance == "tied":
        return means, (squares.sum(0) - (counts[:, None] * means).T @ means) / counts.sum()
    if covariance == "diag":
        return means, squares / counts[:, None] - np.square(means)
    return means, squares / counts - np.square(means).mean(-1)


def factors_of(covariances, covariance, floor):
    """Factors of the precisions of covariances whose variances along every direction are at least the floor's."""
    if covariance in ("diag", "spherical"):
        return 1.0 / np.sqrt(np.maximum(covariances, 0.0) + floor)
    with_floor = covariances + floor * np.eye(covariances.shape[-1])
    try:
        lower = np.linalg.cholesky(with_floor)
    except np.linalg.LinAlgError:  # rounding of a covariance without full rank
        values, vectors = np.linalg.eigh(with_floor)
        raised = np.maximum(values, floor)[..., None, :] * vectors
        lower = np.linalg.cholesky(raised @ np.swapaxes(vectors, -1, -2))
    return np.swapaxes(np.linalg.inv(lower), -1, -2)


def matrices_of(factors, covariance, components, size):
    """Covariances as matrices, shape `(components, size, size)`, of the factors of their precisions."""
    if covariance in ("diag", "spherical"):
        variances = np.broadcast_to((1.0 / np.square(factors)).reshape(components, -1), (components, size))
        return variances[:, :, None] * np.eye(size)
    inverse = np.linalg.inv(factors)
    return np.broadcast_to(np.swapaxes(inverse, -1, -2) @ inverse, (components, size, size))
