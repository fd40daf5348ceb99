"""Flows as parts of other models: a prior and a posterior of a variational autoencoder."""

from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl import likelihoods
from keras_dl.bijectors.chain import build as build_bijector
from keras_dl.checks import check_count, refusal
from keras_dl.models.base import Draw
from keras_dl.models.flow_checks import check_base, check_parts
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class FlowPrior(likelihoods.Prior):
    r"""A flow as the prior of latents (Chen et al. 2017, "Variational lossy autoencoder").

    $\log p(z) = \log p(f(z)) + \log|\det \partial f(z) / \partial z|$. Its divergence has no closed form: a `VAE` takes
    `kl="monte_carlo"`, or an objective such as `IWAE`.

    Args:
        latent_size: Number of latents.
        bijector: A `keras_dl.bijectors.Bijector` of vectors, from `z` on.
        base: Prior behind it; `None` for the standard normal.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> prior = keras_dl.models.FlowPrior(2, keras_dl.bijectors.AffineCoupling(hidden=(8,)))
    >>> prior().log_prob(tf.zeros([3, 2])).shape
    TensorShape([3])
    """

    def __init__(self, latent_size: int, bijector: Any, base: Any = None, **kwargs):
        super().__init__(latent_size, **kwargs)
        check_parts(bijector, base)
        self.bijector, self.base = bijector, likelihoods.StandardNormal(latent_size) if base is None else base
        check_base(self.base, self.latent_size)
        build_bijector(bijector, (None, self.latent_size))

    def __call__(self) -> "FlowDistribution":
        return FlowDistribution(self)

    def draw_latents(self, draw: Draw, temperature: float = 1.0) -> Tensor:
        return self.bijector.inverse_and_log_det(self.base.draw_latents(draw, temperature))[0]

    def get_config(self) -> dict[str, Any]:
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("bijector", "base")}
        return {**super().get_config(), **parts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("bijector", "base")}
        return cls(**{**config, **parts})


class FlowDistribution:
    """What a `FlowPrior` gives: a distribution over vectors by its `log_prob`.

    Attributes:
        event_shape: Shape of a vector.
    """

    def __init__(self, prior):
        self._prior = prior
        self.event_shape = tf.TensorShape([prior.latent_size])

    def log_prob(self, latents):
        """Log-density in nats of latents of shape `(..., latent_size)`."""
        flat = tf.reshape(latents, [-1, self._prior.latent_size])
        z, log_det = self._prior.bijector.forward_and_log_det(flat)
        return tf.reshape(self._prior.base().log_prob(z) + log_det, tf.shape(latents)[:-1])

    @property
    def distribution(self):
        raise refusal("kl should be 'monte_carlo', without free_bits: a flow's latents depend on one another", "a flow")


@keras.saving.register_keras_serializable(package="keras_dl")
class FlowPosterior(likelihoods.Likelihood):
    r"""A posterior by an inverse autoregressive flow, or any other (Kingma et al. 2016).

    $$z = f(\mu + \sigma \epsilon; h), \qquad
      \log q(z|x) = \log \mathcal{N}(\epsilon) - \textstyle\sum \log \sigma
      - \log \left|\det \frac{\partial f}{\partial z_0}\right|$$

    The encoder gives `[loc, log_scale, h]` per latent, three parameters: `networks.mlp_encoder(...,
    parameters_per_latent=3)`. Densities of the posterior's own draws take no inverse. A `VAE` takes
    `kl="monte_carlo"`, or an objective such as `IWAE`.

    Args:
        latent_size: Number of latents.
        bijector: A bijector of vectors from the Gaussian's draws to latents, conditioned on $h$, such as
            `Autoregressive(hidden=(32,))`, which makes an inverse autoregressive flow.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> flow = keras_dl.bijectors.Autoregressive(hidden=(8,))
    >>> posterior = keras_dl.models.FlowPosterior(2, flow)
    >>> q = posterior(tf.zeros([3, 6]))
    >>> z = posterior.reparameterize(q, tf.ones([5, 3, 2]))
    >>> q.log_prob(z).shape
    TensorShape([5, 3])
    """

    parameters_per_value = 3
    reads = "[loc, log_scale, h]"

    def __init__(self, latent_size: int, bijector: Any, **kwargs):
        super().__init__(**kwargs)
        self.latent_size, self.bijector = check_count(latent_size, "latent_size"), bijector
        self.gaussian = likelihoods.Gaussian()
        check_parts(bijector)
        build_bijector(bijector, (None, self.latent_size), (None, self.latent_size))

    def __call__(self, parameters: Tensor, event_rank: int | None = None) -> "FlowDraws":
        parameters = self._float_parameters(parameters)
        return FlowDraws(self, parameters)

    def reparameterize(self, distribution: Any, noise: Tensor) -> Tensor:
        """Returns draws made of standard normal noise of shape `(..., batch, latent_size)`, and of that shape."""
        return distribution.draw(noise)

    def mean(self, parameters: Tensor) -> Tensor:
        return self(parameters).mean()

    def get_config(self) -> dict[str, Any]:
        bijector = keras.saving.serialize_keras_object(self.bijector)
        return {**super().get_config(), "latent_size": self.latent_size, "bijector": bijector}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "bijector": keras.saving.deserialize_keras_object(config["bijector"])})


class FlowDraws:
    """What a `FlowPosterior` gives for parameters `(batch, 3 * latent_size)`: draws, and log-densities of latents."""

    def __init__(self, posterior, parameters):
        size = posterior.latent_size
        self._bijector, self._size = posterior.bijector, size
        self._before = posterior.gaussian(parameters[:, : 2 * size])
        self._context = parameters[:, 2 * size :]
        self._drawn = None, None

    def draw(self, noise):
        """Latents of standard normal noise, whose log-density is remembered."""
        start = self._before.mean() + self._before.stddev() * noise
        latents, log_det = self._mapped(self._bijector.forward_and_log_det, start)
        self._drawn = latents, self._before.log_prob(start) - log_det
        return latents

    def log_prob(self, latents):
        """Log-density in nats of latents of shape `(..., batch, latent_size)`; of other draws by the inverse."""
        known, log_prob = self._drawn
        if latents is known:
            return log_prob
        start, log_det = self._mapped(self._bijector.inverse_and_log_det, latents)
        return self._before.log_prob(start) + log_det

    def mean(self):
        """What the flow makes of the Gaussian's mean."""
        return self._mapped(self._bijector.forward_and_log_det, self._before.mean())[0]

    def stddev(self):
        """Standard deviations of the Gaussian before the flow."""
        return self._before.stddev()

    @property
    def distribution(self):
        raise refusal("kl should be 'monte_carlo', without free_bits: a flow's latents depend on one another", "a flow")

    def _mapped(self, direction, values):
        shape = tf.shape(values)
        flat = tf.reshape(values, [-1, self._size])
        context = tf.reshape(tf.broadcast_to(self._context, shape), [-1, self._size])
        mapped, log_det = direction(flat, context)
        return tf.ensure_shape(tf.reshape(mapped, shape), values.shape), tf.reshape(log_det, shape[:-1])
