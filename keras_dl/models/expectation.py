r"""Expectation maximisation for linear Gaussian models: sums over rows, and the step that takes them.

With $\hat z = (z, 1)$ the step is the least-squares solution of $x - \mu = [W, \delta]\, \hat z$ in expectation, so
that mean and loadings move together (Tipping & Bishop 1999, appendix B). Missing values, NaN, are left out of the sums.
"""

import numpy as np
import tensorflow as tf

from keras_dl.models.linear_gaussian import LOG_2PI


def sum_shapes(size, latent_size, missing):
    """Shapes by name of the sums of `sums_of`."""
    wide = latent_size + 1
    moments = (size, wide, wide) if missing else (wide, wide)
    return {"latents": moments, "cross": (size, wide), "squares": (), "values": ()}


def posterior(x, mean, loadings, log_noise):
    """The posterior of rows with missing values.

    Returns:
        `(z, inverse, scale, centred, observed)`: means `(rows, q)`, inverses of $M_i$ `(rows, q, q)`, their Cholesky
        factors, centred data with 0 for missing values, and which are there, as 0 and 1.
    """
    seen = tf.math.is_finite(x)
    observed = tf.cast(seen, x.dtype)
    centred = tf.where(seen, x - mean, tf.zeros_like(x))
    latent_size = loadings.shape[1]
    squares = loadings[:, :, None] * loadings[:, None, :]
    noise = tf.exp(log_noise) * tf.eye(latent_size, dtype=x.dtype)
    scale = tf.linalg.cholesky(tf.tensordot(observed, squares, 1) + noise)
    z = tf.linalg.cholesky_solve(scale, tf.matmul(centred, loadings)[..., None])[..., 0]
    identity = tf.eye(latent_size, batch_shape=[tf.shape(x)[0]], dtype=x.dtype)
    return z, tf.linalg.cholesky_solve(scale, identity), scale, centred, observed


def log_density(x, mean, loadings, log_noise):
    """The log-density of the values that are there, shape `(rows,)`."""
    z, _, scale, centred, observed = posterior(x, mean, loadings, log_noise)
    count = tf.reduce_sum(observed, -1)
    residual = (centred - tf.matmul(z, loadings, transpose_b=True)) * observed
    quadratic = tf.reduce_sum(tf.square(residual), -1) / tf.exp(log_noise) + tf.reduce_sum(tf.square(z), -1)
    log_det = 2.0 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(scale)), -1)
    log_det += (count - loadings.shape[1]) * log_noise
    return -0.5 * (quadratic + log_det + count * LOG_2PI)


def sums_of(x, mean, loadings, log_noise, missing):
    """The sums over rows of an expectation step; `x` and parameters are float64."""
    rows = tf.cast(tf.shape(x)[0], x.dtype)
    noise = tf.exp(log_noise)
    if missing:
        z, inverse, _, centred, observed = posterior(x, mean, loadings, log_noise)
        wide = tf.concat([z, tf.ones_like(z[:, :1])], 1)
        spread = tf.pad(noise * inverse, [[0, 0], [0, 1], [0, 1]])
        moments = tf.tensordot(observed, wide[:, :, None] * wide[:, None, :] + spread, [[0], [0]])
        values = tf.reduce_sum(observed)
    else:
        centred = x - mean
        precision = tf.matmul(loadings, loadings, transpose_a=True)
        precision += noise * tf.eye(loadings.shape[1], dtype=x.dtype)
        inverse = tf.linalg.inv(precision)
        wide = tf.matmul(tf.matmul(centred, loadings), inverse)
        wide = tf.concat([wide, tf.ones_like(wide[:, :1])], 1)
        moments = tf.matmul(wide, wide, transpose_a=True) + rows * tf.pad(noise * inverse, [[0, 1], [0, 1]])
        values = rows * x.shape[1]
    cross = tf.matmul(centred, wide, transpose_a=True)
    return {"latents": moments, "cross": cross, "squares": tf.reduce_sum(tf.square(centred)), "values": values}


def rows_of(sums):
    """How many rows the sums are of; of rows with missing values, how many had the value that is missing least."""
    latents = np.asarray(sums["latents"])
    return latents[..., -1, -1].max()


def maximise(sums, mean):
    """The parameters of the next iteration, `(mean, loadings, noise)`, float64."""
    latents, cross, squares, values = (np.asarray(sums[name]) for name in ("latents", "cross", "squares", "values"))
    if latents.ndim == 2:
        solution = np.linalg.solve(latents, cross.T).T
    else:
        empty = latents[:, -1, -1] == 0  # a column without a value says nothing: it stays at the mean
        latents = np.where(empty[:, None, None], np.eye(latents.shape[1]), latents)
        solution = np.linalg.solve(latents, cross[..., None])[..., 0]
    noise = (squares - np.sum(solution * cross)) / values
    return np.asarray(mean, "float64") + solution[:, -1], solution[:, :-1], noise
