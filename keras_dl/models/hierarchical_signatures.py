"""What an exported hierarchical autoencoder offers."""

import tensorflow as tf

from keras_dl.models import shapes
from keras_dl.models.base import Signature, fresh_seed

LOG_PROB_SAMPLES = 16


def signatures(model):
    """Returns the `Signature`s by name: reconstruct (the default), encode, decode, sample and log_prob.

    `sample` takes `num_samples` (int32), `temperature` (float32) and `seed` (int64; -1 for fresh noise).
    """
    x = tf.TensorSpec([None, *shapes.input_shape(model.encoder, "x")], tf.float32)
    latents = tf.TensorSpec([None, model.latent_size], tf.float32)
    scalars = {"num_samples": tf.int32, "temperature": tf.float32, "seed": tf.int64}
    seed_of_estimate = model.seed

    def sample(num_samples, temperature, seed):
        return {"x": model._sample(num_samples, temperature, fresh_seed(seed), tf.constant(0, tf.int64))}

    def log_prob(x):
        return {"log_prob": model._weigh_latents(x, None, LOG_PROB_SAMPLES, seed_of_estimate, 0).estimate}

    return {
        "reconstruct": Signature(lambda x: {"x": model._reconstruct(x)}, {"x": x}),
        "encode": Signature(lambda x: {"latents": model._encode(x)}, {"x": x}),
        "decode": Signature(lambda z: {"x": model._decode(z)}, {"latents": latents}),
        "sample": Signature(sample, {name: tf.TensorSpec([], dtype) for name, dtype in scalars.items()}),
        "log_prob": Signature(log_prob, {"x": x}),
    }
