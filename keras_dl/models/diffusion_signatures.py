"""What an exported diffusion model offers."""

import tensorflow as tf

from keras_dl import samplers
from keras_dl.models import conditions
from keras_dl.models.base import SavedModelSignature, Signature, fresh_seed

_TOLERANCE = 1e-5


def signatures(model):
    """Returns the `Signature`s of a diffusion model by name: denoise (the default), sample, decode, encode, log_prob.

    A conditional model's functions take `condition` as a further input. `sample` takes `num_samples` and `steps`
    (int32) and `seed` (int64; -1 for fresh noise), and uses the model's own sampler; its condition has one row, for
    all samples, or one per sample. `decode` takes `latents` and `steps`, and draws no noise, so that files of other
    formats hold a whole sampler: the model's own if it is deterministic, else `"heun"`. `encode` and `log_prob` choose
    their steps and are in SavedModels alone. `log_prob` is exact for up to 8 values per sample, else it estimates the
    divergence along one direction. A model whose data carry their source has neither `sample` nor `log_prob`.
    """
    x, time = tf.TensorSpec([None, *model.data_shape], tf.float32), tf.TensorSpec([None], tf.float32)
    given = conditions.spec([model.network])
    count, seed = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int64)
    functions = {}
    if model.denoises:
        inputs = {"x": x, "time": time, **given}
        functions["denoise"] = Signature(lambda x, t, *c: {"x": model._denoise(x, t, *c)}, inputs)
    if not model.carries_source:
        inputs = {"num_samples": count, **given, "steps": count, "seed": seed}
        functions["sample"] = Signature(_sample(model), inputs)
    functions["decode"] = Signature(_decode(model), {"latents": x, **given, "steps": count})
    functions["encode"] = SavedModelSignature(_encode(model), {"x": x, **given})
    if not model.carries_source:
        functions["log_prob"] = SavedModelSignature(_log_prob(model), {"x": x, **given})
    return functions


def velocity(model):
    """The `Signature` of the velocity dx/dt of a continuous flow, by which a page in the browser takes steps."""
    inputs = {"x": tf.TensorSpec([None, *model.data_shape], tf.float32), "time": tf.TensorSpec([None], tf.float32)}

    def velocity(x, time, *condition):
        return {"x": model.call({"x": x, "time": time, **({"condition": condition[0]} if condition else {})})}

    return Signature(velocity, inputs | conditions.spec([model.network]))


def _sample(model):
    sampler = samplers.get(model.sampler)

    def sample(num_samples, *rest):
        *condition, steps, seed = rest
        condition = conditions.for_rows(condition[0], num_samples) if condition else None
        options = {"steps": steps, "sampler": sampler, "guidance": 1.0}
        return {"x": model._sample(num_samples, condition, fresh_seed(seed), tf.constant(0, tf.int64), **options)}

    return sample


def _decode(model):
    sampler = samplers.get(model.sampler if model.sampler in samplers.DETERMINISTIC else "heun")

    def decode(latents, *rest):
        *condition, steps = rest
        zero = tf.constant(0, tf.int64)
        options = {"steps": steps, "sampler": sampler, "guidance": 1.0}
        return {"x": model._decode(latents, condition[0] if condition else None, zero, zero, **options)}

    return decode


def _encode(model):
    def encode(x, condition=None):
        return {"latents": model._encode(x, condition, tolerance=_TOLERANCE)}

    return encode


def _log_prob(model):
    seed, directions = model.seed, 0 if model.log_prob_kind == "exact" else 1

    def log_prob(x, condition=None):
        options = {"num_samples": directions, "tolerance": _TOLERANCE}
        return {"log_prob": model._log_prob(x, condition, tf.constant(seed, tf.int64), **options)[0]}

    return log_prob
