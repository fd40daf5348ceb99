"""What an exported variational autoencoder offers."""

import tensorflow as tf

from keras_dl.models import conditions, monte_carlo, shapes
from keras_dl.models.base import Signature, fresh_seed

LOG_PROB_SAMPLES = 128


def signatures(vae):
    """Returns the `Signature`s of a VAE by name: reconstruct (the default), encode, decode, sample and log_prob.

    A conditional model's functions take `condition` as a further input. `sample` takes `num_samples` (int32) and
    `seed` (int64; -1 for fresh noise); its condition has one row, for all samples, or one a sample.
    """
    x = tf.TensorSpec([None, *shapes.input_shape(vae.encoder, "x")], tf.float32)
    latents = tf.TensorSpec([None, vae.latent_size], tf.float32)
    given = conditions.spec([vae.decoder, vae.encoder])
    seed_of_estimate = vae.seed
    scalars = {"num_samples": tf.TensorSpec([], tf.int32)}, {"seed": tf.TensorSpec([], tf.int64)}

    def sample(num_samples, *rest):
        *condition, seed = rest
        condition = conditions.for_rows(condition[0], num_samples) if condition else None
        return {"x": vae._sample(num_samples, condition, fresh_seed(seed), tf.constant(0, tf.int64))}

    def log_prob(x, condition=None):
        weighed = monte_carlo.weigh_latents(vae, x, condition, LOG_PROB_SAMPLES, seed_of_estimate, 0)
        return {"log_prob": weighed.estimate}

    return {
        "reconstruct": Signature(lambda x, *c: {"x": vae._reconstruct(x, *c)}, {"x": x, **given}),
        "encode": Signature(lambda x, *c: _encoded(vae, x, *c), {"x": x, **given}),
        "decode": Signature(lambda z, *c: {"x": vae._decode(z, *c)}, {"latents": latents, **given}),
        "sample": Signature(sample, {**scalars[0], **given, **scalars[1]}),
        "log_prob": Signature(log_prob, {"x": x, **given}),
    }


def _encoded(vae, x, condition=None):
    posterior = vae.posterior(vae.posterior_parameters(x, condition))
    return {"latents": posterior.mean(), "scale": posterior.stddev()}
