"""Priors over latents."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_dl")
class StandardNormal(keras.layers.Layer):
    r"""The prior $p(z) = \mathcal{N}(0, I)$.

    Calling it without arguments gives a `tfp.distributions.Distribution` of event shape `(latent_size,)`. Like a
    likelihood it is a Keras layer so that a model saves it, and so that a prior with weights can take its place.

    Args:
        latent_size: Number of latents.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If `latent_size` is not a positive integer.

    Example:

    >>> prior = StandardNormal(2)
    >>> round(float(prior().log_prob([0.0, 0.0])), 4)     # -log(2 pi)
    -1.8379
    """

    def __init__(self, latent_size, **kwargs):
        from keras_dl.likelihoods import distributions  # noqa: F401 - tfp, before a graph is traced

        super().__init__(**kwargs)
        if isinstance(latent_size, bool) or not isinstance(latent_size, (int, np.integer)) or latent_size < 1:
            raise ValueError(f"`latent_size` must be a positive integer. Received: latent_size={latent_size!r}")
        self.latent_size = int(latent_size)
        self.built = True

    def __call__(self):
        from keras_dl.likelihoods import distributions

        normal = distributions.Normal(tf.zeros([self.latent_size]), tf.ones([self.latent_size]))
        return distributions.Independent(normal, reinterpreted_batch_ndims=1)

    def get_config(self):
        return {**super().get_config(), "latent_size": self.latent_size}
