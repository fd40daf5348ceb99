"""What exported energy models offer."""

import tensorflow as tf

from keras_dl.models.base import SavedModelSignature, Signature, fresh_seed


def signatures(model):
    """Returns the `Signature`s of an energy model by name: energy (the default), score and sample.

    `sample` takes `num_samples` and `steps` (int32) and `seed` (int64; -1 for fresh noise), and uses the model's own
    sampler. Gradients are no operations of ONNX and LiteRT, whose files hold the energy alone.
    """
    x = tf.TensorSpec([None, *model.data_shape], tf.float32)
    count, seed = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int64)
    sampler = model.sampler

    def sample(num_samples, steps, seed):
        zero = tf.constant(0, tf.int64)
        return {"x": model._sample(num_samples, steps, fresh_seed(seed), zero, sampler=sampler)[0]}

    return {
        "energy": Signature(lambda x: {"energy": model._energy(x)}, {"x": x}),
        "score": SavedModelSignature(lambda x: {"score": model._score(x)}, {"x": x}),
        "sample": Signature(sample, {"num_samples": count, "steps": count, "seed": seed}),
    }


def of_jem(model):
    """Returns those of a joint energy-based model: classify (the default) and those of an energy model."""
    x = tf.TensorSpec([None, *model.data_shape], tf.float32)
    classify = Signature(lambda x: {"probabilities": model._classify(x)}, {"x": x})
    return {"classify": classify, **signatures(model)}


def of_rbm(model):
    """Returns those of a restricted Boltzmann machine: energy, encode, reconstruct, and sample with its steps."""
    x = tf.TensorSpec([None, *model.shape], tf.float32)
    count, seed = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int64)

    def sample(num_samples, steps, seed):
        return {"x": model._sample(num_samples, steps, fresh_seed(seed), tf.constant(0, tf.int64))}

    return {
        "energy": Signature(lambda x: {"energy": model._energy(x)}, {"x": x}),
        "encode": Signature(lambda x: {"latents": model._encode(x)}, {"x": x}),
        "reconstruct": Signature(lambda x: {"x": model._reconstruct(x)}, {"x": x}),
        "sample": Signature(sample, {"num_samples": count, "steps": count, "seed": seed}),
    }
