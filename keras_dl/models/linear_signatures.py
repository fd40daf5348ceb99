"""What exported linear Gaussian models offer."""

import tensorflow as tf

from keras_dl.models.base import SavedModelSignature, Signature, fresh_seed


def signatures(model):
    """Returns the `Signature`s of a model by name: predict (the default), encode, transform, decode, log_prob, sample.

    `predict` reconstructs. `sample` takes `num_samples` (int32) and `seed` (int64; -1 for fresh noise).
    """
    x = {"x": tf.TensorSpec([None, *model.shape], tf.float32)}
    latents = {"latents": tf.TensorSpec([None, model.latent_size], tf.float32)}
    scalars = {"num_samples": tf.TensorSpec([], tf.int32), "seed": tf.TensorSpec([], tf.int64)}

    def encode(x):
        loc, scale = model._posterior(x)
        return {"latents": loc, "scale_tril": scale}

    def sample(num_samples, seed):
        return {"x": model._sample(num_samples, fresh_seed(seed), tf.constant(0, tf.int64))}

    # Every pattern of missing values has a posterior of its own, by operations that ONNX and LiteRT lack.
    of_rows = SavedModelSignature if model.missing else Signature
    return {
        "predict": of_rows(lambda x: {"x": model._reconstruct(x)}, x),
        "encode": of_rows(encode, x),
        "transform": of_rows(lambda x: {"latents": model._transform(x)}, x),
        "inverse_transform": Signature(lambda z: {"x": model._inverse_transform(z)}, latents),
        "decode": Signature(lambda z: {"x": model._decode(z)}, latents),
        "log_prob": of_rows(lambda x: {"log_prob": model._log_prob(x)}, x),
        "sample": Signature(sample, scalars),
    }
