"""Log-densities by Monte Carlo, block of rows by block of rows: of latent variable models and of dequantised data."""

import tensorflow as tf

from keras_dl.checks import check_count, check_seed
from keras_dl.likelihoods.log_density import Weighed, weigh
from keras_dl.models.base import Draw

_CHUNK = 64  # samples drawn together
_DECODED_AT_ONCE = 8192  # rows that a network sees at once


def log_density(model, method, x, condition, num_samples, seed, kind, chunk=_CHUNK, at_once=_DECODED_AT_ONCE):
    """Returns the `LogDensity` that a model's method gives, a block of rows after the other.

    Args:
        model: The model, an `ObjectiveModel`.
        method: Its method of `(x, condition, num_samples, seed, offset)` that returns a `Weighed`; `seed` and
            `offset` (the row at which `x` stands in all the data) are those of `Draw.for_sampling`.
        x: Tensor of data, shape `(batch, *data_shape)`.
        condition: Nest of tensors of conditions, or `None`.
        num_samples: How many draws each sample gets.
        seed: Integer that decides them; `None` means the model's.
        kind: `"bound"` or `"estimate"`.
        chunk: How many draws the method makes together.
        at_once: How many rows a network may see at once.
    """
    num_samples = check_count(num_samples, "num_samples")
    seed = model.seed if seed is None else check_seed(seed)
    block = max(1, min(512, at_once // min(num_samples, chunk)))
    compiled = model.as_graph(method)
    seed, count = tf.constant(seed, tf.int64), tf.constant(num_samples)
    blocks = []
    for first in range(0, x.shape[0], block):
        rows = slice(first, first + block)
        part = tf.nest.map_structure(lambda t, rows=rows: None if t is None else t[rows], condition)
        blocks.append(compiled(x[rows], part, count, seed, tf.constant(first, tf.int64)))
    return Weighed(*(tf.concat(parts, 0) for parts in zip(*blocks, strict=True))).log_density(kind)


def weigh_latents(vae, x, condition, num_samples, seed, offset):
    r"""Returns the means of $p(x|z_k) p(z_k) / q(z_k|x)$, $z_k \sim q(z|x)$, as a `Weighed`.

    Args:
        vae: The model.
        x: Data, shape `(batch, *data_shape)`.
        condition: Conditions, or `None`.
        num_samples: $K$, an integer or a scalar tensor.
        seed: int64 scalar that decides the draws.
        offset: int64 scalar, the row at which `x` stands in all the data: draws belong to the row.
    """
    rows = tf.shape(x)[0]
    posterior = vae.posterior(vae.posterior_parameters(x, condition))
    prior = vae.prior_beside(vae.averaged("encoder"))()

    def log_weights(index, count):
        draw = Draw.for_sampling(seed, index, rows, offset, stream=1)
        epsilon = tf.transpose(draw.normal((_CHUNK, vae.latent_size)), [1, 0, 2])
        latents = vae.posterior.reparameterize(posterior, epsilon[:count])
        fit = vae.log_likelihood(vae.averaged("decoder"), x, latents, condition)
        return fit + prior.log_prob(latents) - posterior.log_prob(latents)

    return weigh(log_weights, num_samples, rows, _CHUNK)


def weigh_noise(dequantized, log_prob, x, num_samples, seed, offset):
    r"""Returns the means of $p(y_k) |dy_k/dx| / q(u_k|x)$ over the noise of dequantised data, as a `Weighed`.

    Args:
        dequantized: A `keras_dl.likelihoods.Dequantized`.
        log_prob: Function of $y$ that returns $\log p(y)$ per sample, in nats.
        x: Data, shape `(batch, *dequantized.shape)`.
        num_samples: How often noise is drawn, an integer or a scalar tensor.
        seed: int64 scalar that decides the draws.
        offset: int64 scalar, the row at which `x` stands in all the data.
    """
    rows = tf.shape(x)[0]

    def log_weights(index, _):
        noise = dequantized.draw_noise(Draw.for_sampling(seed, index, rows, offset, stream=2))
        y, log_weight = dequantized.forward_and_log_weight(x, noise)
        return (tf.cast(log_prob(y), tf.float32) + log_weight)[None]

    return weigh(log_weights, num_samples, rows, chunk=1)
