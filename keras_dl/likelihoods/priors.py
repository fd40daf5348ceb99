"""Priors over latents: the standard normal, one that is learned, and mixtures."""

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_number, check_numbers, check_seed, refusal


class Prior(keras.layers.Layer):
    """Base class of priors over vectors of latents.

    Calling it without arguments gives a `tfp.distributions.Distribution` of event shape `(latent_size,)`. Like a
    likelihood it is a Keras layer so that a model saves it and trains its weights. A subclass writes `__call__` and
    `draw_latents`.

    Args:
        latent_size: Number of latents.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If `latent_size` is not a positive integer.
    """

    def __init__(self, latent_size, **kwargs):
        from keras_dl.likelihoods import distributions  # noqa: F401 - tfp, before a graph is traced

        super().__init__(**kwargs)
        self.latent_size = check_count(latent_size, "latent_size")
        self.built = True

    def __call__(self):
        raise NotImplementedError(f"{type(self).__name__} should define __call__(), which returns a distribution.")

    def draw_latents(self, draw, temperature=1.0):
        """Returns latents of shape `(rows, latent_size)`.

        Args:
            draw: A `keras_dl.models.base.Draw`, whose noise belongs to the row.
            temperature: Factor of the standard deviations: below 1, samples are more typical and less varied.
        """
        raise NotImplementedError(f"{type(self).__name__} should define draw_latents(draw, temperature).")

    def get_config(self):
        return {**super().get_config(), "latent_size": self.latent_size}


@keras.saving.register_keras_serializable(package="keras_dl")
class StandardNormal(Prior):
    r"""The prior $p(z) = \mathcal{N}(0, I)$.

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

    def __call__(self):
        from keras_dl.likelihoods import distributions

        normal = distributions.Normal(tf.zeros([self.latent_size]), tf.ones([self.latent_size]))
        return distributions.Independent(normal, reinterpreted_batch_ndims=1)

    def draw_latents(self, draw, temperature=1.0):
        return temperature * draw.normal((self.latent_size,))


@keras.saving.register_keras_serializable(package="keras_dl")
class LearnedNormal(Prior):
    r"""The prior $p(z) = \mathcal{N}(\mu, \operatorname{diag}(\sigma^2))$ with trained $\mu$ and $\log \sigma$, from 0.

    Args:
        latent_size: Number of latents.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> prior = LearnedNormal(2)
    >>> round(float(prior().log_prob([0.0, 0.0])), 4), len(prior.trainable_weights)
    (-1.8379, 2)
    """

    def __init__(self, latent_size, **kwargs):
        super().__init__(latent_size, **kwargs)
        options = {"shape": (self.latent_size,), "dtype": "float32", "autocast": False, "initializer": "zeros"}
        self.loc = self.add_weight(name="loc", **options)
        self.log_scale = self.add_weight(name="log_scale", **options)

    def __call__(self):
        from keras_dl.likelihoods import distributions

        normal = distributions.Normal(tf.convert_to_tensor(self.loc), tf.exp(self.log_scale))
        return distributions.Independent(normal, reinterpreted_batch_ndims=1)

    def draw_latents(self, draw, temperature=1.0):
        return self.loc + temperature * tf.exp(self.log_scale) * draw.normal((self.latent_size,))


@keras.saving.register_keras_serializable(package="keras_dl")
class NormalMixture(Prior):
    r"""A mixture $p(z) = \sum_k \pi_k \mathcal{N}(\mu_k, \operatorname{diag}(\sigma_k^2))$ with trained parameters.

    A posterior has no analytic divergence from it: a `VAE` takes `kl="monte_carlo"`.

    Args:
        latent_size: Number of latents.
        components: Number of components.
        spread: Standard deviation of the first means.
        seed: Integer that decides the first means.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> prior = NormalMixture(2, components=3, spread=0.0)
    >>> round(float(prior().log_prob([0.0, 0.0])), 4)     # three times the standard normal
    -1.8379
    """

    def __init__(self, latent_size, components, spread=1.0, seed=0, **kwargs):
        super().__init__(latent_size, **kwargs)
        self.components, self.seed = check_count(components, "components"), check_seed(seed)
        self.spread = float(spread)
        options, shape = {"dtype": "float32", "autocast": False}, (self.components, self.latent_size)
        start = keras.initializers.RandomNormal(stddev=self.spread, seed=self.seed)
        self.loc = self.add_weight(name="loc", shape=shape, initializer=start, **options)
        self.log_scale = self.add_weight(name="log_scale", shape=shape, initializer="zeros", **options)
        self.logits = self.add_weight(name="logits", shape=shape[:1], initializer="zeros", **options)

    def __call__(self):
        from keras_dl.likelihoods import distributions

        normals = distributions.Normal(tf.convert_to_tensor(self.loc), tf.exp(self.log_scale))
        return distributions.MixtureSameFamily(
            distributions.Categorical(logits=tf.convert_to_tensor(self.logits)),
            distributions.Independent(normals, reinterpreted_batch_ndims=1),
        )

    def draw_latents(self, draw, temperature=1.0):
        ends = tf.cumsum(tf.nn.softmax(self.logits))[:-1]
        component = tf.reduce_sum(tf.cast(draw.uniform()[:, None] >= ends, tf.int32), -1)
        loc, scale = tf.gather(self.loc, component), tf.exp(tf.gather(self.log_scale, component))
        return loc + temperature * scale * draw.normal((self.latent_size,))

    def get_config(self):
        own = {"components": self.components, "spread": self.spread, "seed": self.seed}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="keras_dl")
class FixedMixture(Prior):
    r"""A mixture $p(z) = \frac1k \sum_k \mathcal{N}(\mu_k, \sigma^2 I)$ that is not trained: a source of flow matching.

    Args:
        centres: The means $\mu_k$, nested sequences of numbers of shape `(k, latent_size)`.
        scale: Standard deviation $\sigma$.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If `centres` is no such table, or `scale` is not positive.

    Example:

    >>> prior = FixedMixture([[-1.0], [1.0]], scale=1.0)
    >>> round(float(prior().log_prob([0.0])), 4)           # a normal at distance 1
    -1.4189
    """

    def __init__(self, centres, scale=1.0, **kwargs):
        table = np.asarray(check_numbers(centres, "centres"), "float32")
        if table.ndim != 2 or not table.size:
            raise refusal("`centres` should have shape (k, latent_size)", f"shape {table.shape}")
        super().__init__(table.shape[1], **kwargs)
        self.centres, self.scale = table.tolist(), float(check_number(scale, "scale", above=0))

    def __call__(self):
        from keras_dl.likelihoods import distributions

        loc = tf.constant(self.centres)
        normals = distributions.Normal(loc, self.scale * tf.ones_like(loc))
        return distributions.MixtureSameFamily(
            distributions.Categorical(logits=tf.zeros(len(self.centres))),
            distributions.Independent(normals, reinterpreted_batch_ndims=1),
        )

    def draw_latents(self, draw, temperature=1.0):
        component = draw.integers(high=len(self.centres))
        return tf.gather(tf.constant(self.centres), component) + (
            temperature * self.scale * draw.normal((self.latent_size,))
        )

    def get_config(self):
        config = {name: value for name, value in super().get_config().items() if name != "latent_size"}
        return {**config, "centres": self.centres, "scale": self.scale}
