r"""Covariances of mixtures: full, tied, diagonal and spherical, as what precisions need and what sums give.

A covariance is kept as the Cholesky factor of its precision, $P = L^{-\top}$ with $\Sigma = L L^\top$ and
$\Sigma^{-1} = P P^\top$ (upper triangular), or as the reciprocal of standard deviations.
"""

import numpy as np
import tensorflow as tf

from keras_dl.models import low_rank
from keras_dl.models.linear_gaussian import LOG_2PI

#: Columns of the components that are worked on at a time, and the most groups of these.
_WIDE, _MOST_GROUPS = 256, 8
COVARIANCES = ("full", "tied", "diag", "spherical")


def form_of(covariance):
    """The kind of matrices by which covariances are kept: those of low rank are kept in full."""
    return "full" if covariance in low_rank.KINDS else covariance


def precision_shape(covariance, components, size):
    """The shape of the factors of precisions."""
    shapes = {"full": (components, size, size), "tied": (size, size), "diag": (components, size)}
    return shapes.get(covariance, (components,))


def square_shape(covariance, components, size):
    """The shape of the sums of squares that an iteration takes."""
    return precision_shape({"tied": "full"}.get(covariance, covariance), components, size)


def num_parameters(covariance, components, size, rank=None):
    """How many free parameters a mixture has."""
    triangle = size * (size + 1) // 2
    if covariance in low_rank.KINDS:
        return components * (low_rank.num_parameters(covariance, size, rank) + size) + components - 1
    of_covariance = {"full": components * triangle, "tied": triangle, "diag": components * size}
    return of_covariance.get(covariance, components) + components * size + components - 1


def whitened(x, means, factors, covariance):
    """Differences of rows from means in the directions and scales of factors, a list of `(components, rows, size)`.

    Full covariances subtract before they multiply, so that offsets cost no digits. A tied one multiplies the rows once.
    """
    if covariance == "full":
        groups = _groups(means.shape[0], x.shape[-1])
        return [tf.matmul(x[None] - means[group][:, None], factors[group]) for group in groups]
    if covariance == "tied":
        return [tf.matmul(x, factors)[None] - tf.matmul(means, factors)[:, None]]
    scales = factors if covariance == "diag" else factors[:, None]
    return [(x[None] - means[:, None]) * scales[:, None]]


def log_components(parts, factors, covariance):
    """$\\log \\mathcal{N}(x; \\mu_k, \\Sigma_k)$ of what `whitened` gives, shape `(rows, components)`.

    Factors may have entries of any sign on the diagonal, as gradients may give them: the precision is the same.
    """
    size = parts[0].shape[-1]
    squares = tf.concat([tf.reduce_sum(tf.square(part), -1) for part in parts], 0)
    if covariance in ("full", "tied"):
        log_det = tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(factors))), -1)
    else:
        scales = factors if covariance == "diag" else factors[:, None] * tf.ones([1, size], factors.dtype)
        log_det = tf.reduce_sum(tf.math.log(tf.abs(scales)), -1)
    return -0.5 * (size * LOG_2PI + tf.transpose(squares)) + log_det


def _groups(components, size):
    """Slices of components that are worked on at a time, which bounds the memory of `rows * components * size`."""
    parts = min(_MOST_GROUPS, components, -(-components * size // _WIDE))
    ends = [components * part // parts for part in range(parts + 1)]
    return [slice(*pair) for pair in zip(ends[:-1], ends[1:], strict=True)]


def sums_of_squares(centred, weights, covariance):
    """Sums over rows of weighted squares or products, by component."""
    if covariance in ("full", "tied"):
        groups = _groups(weights.shape[1], centred.shape[1])
        return tf.concat([_weighted_products(centred, weights[:, group]) for group in groups], 0)
    squares = tf.matmul(weights, tf.square(centred), transpose_a=True)
    return squares if covariance == "diag" else tf.reduce_mean(squares, -1)


def _weighted_products(centred, weights):
    """Sums over rows of weighted products of values, shape `(components, size, size)`."""
    count, size = weights.shape[1], centred.shape[1]
    flat = tf.reshape(weights[:, :, None] * centred[:, None], [tf.shape(centred)[0], count * size])
    return tf.reshape(tf.matmul(flat, centred, transpose_a=True), [count, size, size])


def whitened_sums(parts, weights, covariance):
    """Sums over rows of weights, and of weighted rows and their squares or products, of what `whitened` gives.

    They are of the order of one in every direction, so that float32 is enough within a batch.
    """
    of_parts = tf.split(tf.transpose(weights), [part.shape[0] for part in parts])
    weighted = [part * share[..., None] for part, share in zip(parts, of_parts, strict=True)]
    pairs = list(zip(weighted, parts, strict=True))
    if covariance in ("full", "tied"):
        squares = tf.concat([tf.matmul(one, part, transpose_a=True) for one, part in pairs], 0)
    else:
        squares = tf.concat([tf.reduce_sum(one * part, 1) for one, part in pairs], 0)
    squares = tf.reduce_mean(squares, -1) if covariance == "spherical" else squares
    totals = tf.concat([tf.reduce_sum(one, 1) for one in weighted], 0)
    sums = {"counts": tf.reduce_sum(weights, 0), "totals": totals, "squares": squares}
    return {name: tf.cast(value, tf.float64) for name, value in sums.items()}


def unwhitened(means, covariances, factors, covariance):
    """Means and covariances of rows from those of what `whitened` gives, relative to the means before, in float64."""
    if covariance in ("full", "tied"):
        back = np.linalg.inv(factors)
        return (means[:, None] @ back)[:, 0], np.swapaxes(back, -1, -2) @ covariances @ back
    scales = factors if covariance == "diag" else factors[:, None]
    return means / scales, covariances / np.square(factors)


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


def squares_of(counts, means, covariances, covariance):
    """The sums of squares around the centre that lead to covariances: what `covariances_of` takes."""
    if covariance in ("full", "tied"):
        return counts[:, None, None] * (covariances + means[:, :, None] * means[:, None, :])
    if covariance == "diag":
        return counts[:, None] * (covariances + np.square(means))
    return counts * (covariances + np.square(means).mean(-1))


def parameters_of(counts, totals, squares, covariance, floor):
    """Log-weights, means relative to the centre and factors of precisions from sums, in a graph of float64."""
    counts = counts + 10 * np.finfo("float64").eps
    means, total = totals / counts[:, None], tf.reduce_sum(counts)
    if covariance == "full":
        spread = squares / counts[:, None, None] - means[:, :, None] * means[:, None, :]
    elif covariance == "tied":
        spread = (tf.reduce_sum(squares, 0) - tf.matmul(counts[:, None] * means, means, transpose_a=True)) / total
    elif covariance == "diag":
        spread = squares / counts[:, None] - tf.square(means)
    else:
        spread = squares / counts - tf.reduce_mean(tf.square(means), -1)
    if covariance in ("diag", "spherical"):
        factors = tf.math.rsqrt(tf.maximum(spread, 0.0) + floor)
    else:
        identity = tf.eye(means.shape[1], dtype=means.dtype) + tf.zeros_like(spread)
        lower = tf.linalg.cholesky(spread + floor * identity)
        factors = tf.linalg.matrix_transpose(tf.linalg.triangular_solve(lower, identity))
    return tf.math.log(counts / total), means, factors


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
