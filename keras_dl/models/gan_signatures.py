"""What an exported adversarial model offers."""

import math

import tensorflow as tf

from keras_dl.models import conditions, shapes
from keras_dl.models.base import Signature, fresh_seed


def signatures(gan):
    """Returns the `Signature`s of a GAN by name: generate (the default), sample and discriminate.

    Where a network is conditional its functions take `condition` as a further input. `sample` takes `num_samples`
    (int32) and `seed` (int64; -1 for fresh noise); its condition has one row, for all samples, or one a sample.
    """
    latents = tf.TensorSpec([None, gan.latent_size], tf.float32)
    x = tf.TensorSpec([None, *shapes.input_shape(gan.critic, "x")], tf.float32)
    given = conditions.spec([gan.generator])
    num_samples, seed = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int64)

    def sample(num_samples, *rest):
        *condition, seed = rest
        condition = conditions.for_rows(condition[0], num_samples) if condition else None
        zero = tf.constant(0, tf.int64)
        return {"x": gan._sample(num_samples, condition, fresh_seed(seed), zero, tf.constant(math.inf))}

    return {
        "generate": Signature(lambda z, *c: {"x": gan._generate(z, *c)}, {"latents": latents, **given}),
        "sample": Signature(sample, {"num_samples": num_samples, **given, "seed": seed}),
        "discriminate": Signature(
            lambda x, *c: {"score": gan._discriminate(x, *c)}, {"x": x, **conditions.spec([gan.critic])}
        ),
    }
