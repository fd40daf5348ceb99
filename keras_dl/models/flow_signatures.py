"""What an exported normalizing flow offers."""

import tensorflow as tf

from keras_dl.models import conditions
from keras_dl.models.base import Signature, fresh_seed

NOISE_DRAWS = 8


def signatures(flow):
    """Returns the `Signature`s of a flow by name: log_prob (the default), encode; with an inverse, decode and sample.

    A conditional flow's functions take `condition` as a further input. `sample` takes `num_samples` (int32),
    `temperature` (float32) and `seed` (int64; -1 for fresh noise). Of integers `log_prob` is the bound over 8 draws of
    noise by the model's seed.
    """
    x = tf.TensorSpec([None, *flow.shape], tf.float32)
    latents = tf.TensorSpec([None, *flow.latent_shape], tf.float32)
    condition = conditions.spec(flow._conditional)
    seed_of_bound = flow.seed

    def log_prob(x, condition=None):
        if flow.dequantized is None:
            return {"log_prob": flow._log_prob(x, condition)}
        return {"log_prob": flow._weigh_noise(x, condition, NOISE_DRAWS, seed_of_bound, 0).bound}

    def sample(num_samples, *rest):
        *condition, temperature, seed = rest
        condition = conditions.for_rows(condition[0], num_samples) if condition else None
        return {"x": flow._sample(num_samples, condition, fresh_seed(seed), tf.constant(0, tf.int64), temperature)}

    offered = {
        "log_prob": Signature(log_prob, {"x": x, **condition}),
        "encode": Signature(lambda x, *c: {"latents": flow._encode(x, *c)}, {"x": x, **condition}),
    }
    if flow.bijector.has_inverse:
        scalars = {"temperature": tf.TensorSpec([], tf.float32), "seed": tf.TensorSpec([], tf.int64)}
        inputs = {"num_samples": tf.TensorSpec([], tf.int32), **condition, **scalars}
        offered["decode"] = Signature(lambda z, *c: {"x": flow._decode(z, *c)}, {"latents": latents, **condition})
        offered["sample"] = Signature(sample, inputs)
    return offered


def decode_steps(flow):
    """The `Signature` that gives every state on the way from latents to data, which a page in the browser draws."""
    latents = tf.TensorSpec([None, *flow.latent_shape], tf.float32)
    inputs = {"latents": latents, **conditions.spec(flow._conditional)}
    return Signature(lambda z, *c: {"x": flow._decode_steps(z, *c)}, inputs)
