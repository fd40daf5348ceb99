"""The weights of a linear Gaussian latent variable model, and what follows from them."""

import math

import keras
import numpy as np
import tensorflow as tf

#: The least noise variance, as a share of the mean variance of the data: without noise there is no density.
NOISE_FLOOR = 1e-10
LOG_2PI = math.log(2.0 * math.pi)
_TRAINED = ("mean", "loadings", "log_noise")
#: Below it a variance is rounding.
_TINY = 1e-30


class LinearGaussian(keras.layers.Layer):
    r"""Mean $\mu$, loadings $W$ and noise $\sigma^2$ of $x = W z + \mu + \epsilon$, and what follows from them.

    What follows is kept as weights that are not trained, so that exported functions are products of matrices.

    Args:
        size: $d$, values per sample.
        latent_size: $q$.
        **kwargs: Options of `keras.layers.Layer`.
    """

    def __init__(self, size, latent_size, **kwargs):
        super().__init__(**kwargs)
        self.size, self.latent_size = size, latent_size
        options = {"dtype": "float32", "autocast": False}
        self.mean = self.add_weight(name="mean", shape=(size,), initializer="zeros", **options)
        start = keras.initializers.RandomNormal(stddev=1 / math.sqrt(size), seed=0)
        self.loadings = self.add_weight(name="loadings", shape=(size, latent_size), initializer=start, **options)
        self.log_noise = self.add_weight(name="log_noise", shape=(), initializer="zeros", **options)
        shapes = {
            "projection": (latent_size, size),
            "expansion": (size, latent_size),
            "posterior_scale": (latent_size, latent_size),
            "log_det": (),
            "components": (latent_size, size),
            "explained_variance": (latent_size,),
            "total_variance": (),
        }
        for name, shape in shapes.items():
            weight = self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False, **options)
            setattr(self, name, weight)
        self.built = True
        self.refresh()

    def set(self, mean, loadings, noise):
        """Takes parameters and what follows from them."""
        for name, value in zip(_TRAINED, (mean, loadings, np.log(max(noise, _TINY))), strict=True):
            getattr(self, name).assign(np.asarray(value, "float32"))

    def refresh(self, components=None, variances=None, total=None):
        """Computes what follows from mean, loadings and noise, in float64.

        Args:
            components: Principal directions, shape `(q, d)`; `None` takes them from the loadings.
            variances: The variances along them; `None` likewise.
            total: The sum of all variances; `None` for that of the model.
        """
        loadings = np.asarray(self.loadings, "float64")
        noise = math.exp(float(np.asarray(self.log_noise)))
        precision = loadings.T @ loadings + noise * np.eye(self.latent_size)
        inverse = np.linalg.inv(precision)
        if components is None:
            left, values, _ = np.linalg.svd(loadings, full_matrices=False)
            components, variances = left.T, np.square(values) + noise
        if total is None:
            total = np.square(loadings).sum() + self.size * noise
        log_det = (self.size - self.latent_size) * math.log(noise) + np.linalg.slogdet(precision)[1]
        scale = np.linalg.cholesky(noise * (inverse + inverse.T) / 2)
        orthogonal, triangle = np.linalg.qr(loadings)
        expansion = orthogonal @ np.linalg.pinv(triangle.T) @ precision
        values = inverse @ loadings.T, expansion, scale, log_det, components, variances, total
        names = ("projection", "expansion", "posterior_scale", "log_det", "components")
        names += ("explained_variance", "total_variance")
        for name, value in zip(names, values, strict=True):
            getattr(self, name).assign(np.asarray(value, "float32"))

    def get_config(self):
        return {**super().get_config(), "size": self.size, "latent_size": self.latent_size}


def log_density(x, mean, loadings, log_noise):
    r"""$\log \mathcal{N}(x; \mu, W W^\top + \sigma^2 I)$ of rows, by matrices of $q \times q$ alone.

    With $M = W^\top W + \sigma^2 I$ and $z = M^{-1} W^\top (x - \mu)$, the quadratic form is
    $|x - \mu - W z|^2 / \sigma^2 + |z|^2$: sums of squares, no difference of large numbers.
    """
    size, latent_size = loadings.shape
    noise = tf.exp(log_noise)
    centred = x - mean
    precision = tf.matmul(loadings, loadings, transpose_a=True) + noise * tf.eye(latent_size, dtype=x.dtype)
    scale = tf.linalg.cholesky(precision)
    z = tf.transpose(tf.linalg.cholesky_solve(scale, tf.matmul(loadings, centred, transpose_a=True, transpose_b=True)))
    log_det = (size - latent_size) * log_noise + 2.0 * tf.reduce_sum(tf.math.log(tf.linalg.diag_part(scale)))
    return density_at(centred - tf.matmul(z, loadings, transpose_b=True), z, noise, log_det)


def density_at(residual, z, noise, log_det):
    """The log-density of rows whose posterior means are `z` and whose residuals are `residual`."""
    quadratic = tf.reduce_sum(tf.square(residual), -1) / noise + tf.reduce_sum(tf.square(z), -1)
    return -0.5 * (quadratic + log_det + residual.shape[-1] * LOG_2PI)
