"""What an exported diffusion model offers."""

import tensorflow as tf

from keras_dl import samplers
from keras_dl.models.base import Signature, conditions, fresh_seed


def signatures(model):
    """Returns the `Signature`s of a diffusion model by name: denoise (the default), sample, encode and log_prob.

    A conditional model's functions take `condition` as a further input. `sample` takes `num_samples` and `steps`
    (int32) and `seed` (int64; -1 for fresh noise), and uses the model's own sampler; its condition has one row, for
    all samples, or one per sample. `log_prob` estimates the divergence along one direction. A model whose data carry
    their source has neither.
    """
    x = tf.TensorSpec([None, *model.data_shape], tf.float32)
    time = tf.TensorSpec([None], tf.float32)
    given = conditions.spec([model.network])
    count, seed = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int64)
    sampler = samplers.get(model.sampler)

    def sample(num_samples, *rest):
        *condition, steps, seed = rest
        condition = conditions.for_rows(condition[0], num_samples) if condition else None
        options = {"steps": steps, "sampler": sampler, "guidance": 1.0}
        return {"x": model._sample(num_samples, condition, fresh_seed(seed), tf.constant(0, tf.int64), **options)}

    def encode(x, condition=None):
        return {"latents": model._encode(x, condition, tolerance=1e-5)}

    seed_of_model = model.seed

    def log_prob(x, condition=None):
        values = model._log_prob(x, condition, tf.constant(seed_of_model, tf.int64), num_samples=1, tolerance=1e-5)
        return {"log_prob": values[0]}

    functions = {}
    if model.denoises:
        inputs = {"x": x, "time": time, **given}
        functions["denoise"] = Signature(lambda x, t, *c: {"x": model._denoise(x, t, *c)}, inputs)
    if not model.carries_source:
        functions["sample"] = Signature(sample, {"num_samples": count, **given, "steps": count, "seed": seed})
    functions["encode"] = Signature(encode, {"x": x, **given})
    if not model.carries_source:
        functions["log_prob"] = Signature(log_prob, {"x": x, **given})
    return functions
