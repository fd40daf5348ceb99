"""Log-likelihoods of latent variable models by importance sampling, in chunks."""

import math

import tensorflow as tf

from keras_dl.models.base import Draw

_CHUNK = 64  # samples drawn together
_DECODED_AT_ONCE = 8192  # rows of latents that are decoded together


def log_prob(vae, x, condition, num_samples, seed):
    """Returns `bound` of `x`, block of rows by block of rows; arguments as there."""
    block = max(1, min(512, _DECODED_AT_ONCE // min(num_samples, _CHUNK)))
    compiled = vae.as_graph(vae.importance_bound)
    seed, count = tf.constant(seed, tf.int64), tf.constant(num_samples)
    found = []
    for first in range(0, x.shape[0], block):
        rows = slice(first, first + block)
        part = None if condition is None else condition[rows]
        found.append(compiled(x[rows], part, count, seed, tf.constant(first, tf.int64)))
    return tf.concat(found, 0)


def bound(vae, x, condition, num_samples, seed, offset):
    r"""Returns $\log \tfrac1K \sum_k p(x|z_k) p(z_k) / q(z_k|x)$, $z_k \sim q(z|x)$, shape `(batch,)`.

    The sum runs over chunks of samples in a loop that carries its logarithm, so memory does not grow with $K$.

    Args:
        vae: The model.
        x: Data, shape `(batch, *data_shape)`.
        condition: Conditions, or `None`.
        num_samples: $K$, an integer or a scalar tensor.
        seed: int64 scalar that decides the draws.
        offset: int64 scalar, the row at which `x` stands in all the data: draws belong to the row.
    """
    rows = tf.shape(x)[0]
    num_samples = tf.cast(num_samples, tf.int32)
    posterior = vae.posterior(vae.posterior_parameters(x, condition))
    prior = vae.prior()

    def add_chunk(index, total):
        draw = Draw.for_sampling(seed, index, rows, offset, stream=1)
        epsilon = tf.transpose(draw.normal((_CHUNK, vae.latent_size)), [1, 0, 2])
        wanted = tf.minimum(_CHUNK, num_samples - index * _CHUNK)
        latents = vae.posterior.reparameterize(posterior, epsilon[:wanted])
        fit = vae.log_likelihood(vae.averaged("decoder"), x, latents, condition)
        weights = fit + prior.log_prob(latents) - posterior.log_prob(latents)
        return index + 1, log_add_exp(total, tf.reduce_logsumexp(weights, 0))

    chunks = (num_samples + _CHUNK - 1) // _CHUNK
    start = tf.constant(0), tf.fill([rows], -math.inf)
    _, total = tf.while_loop(lambda index, _: index < chunks, add_chunk, start)
    return total - tf.math.log(tf.cast(num_samples, tf.float32))


def log_add_exp(a, b):
    """$\\log(e^a + e^b)$, also where `a` is minus infinity."""
    return tf.maximum(a, b) + tf.math.log1p(tf.exp(-tf.abs(tf.where(tf.math.is_inf(a), math.inf, a - b))))
