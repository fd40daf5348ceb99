"""Normals of a group of latents: the prior, and the posterior that is given relative to it."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from keras_dl.checks import check_number, refusal
from keras_dl.likelihoods.base import clip_log_scale

POSTERIORS = ("residual", "plain", "precision_weighted")


class Normal(NamedTuple):
    r"""A normal of independent latents, $\mathcal{N}(\mu, \sigma^2)$; both tensors are float32.

    Attributes:
        loc: $\mu$, shape `(batch, ...)`.
        scale: $\sigma$.
    """

    loc: Any
    scale: Any

    def draw(self, noise, temperature=1.0):
        """Draws made of standard normal noise, of `temperature` times the standard deviation."""
        return self.loc + temperature * self.scale * noise

    def log_prob(self, z):
        """Log-density in nats, summed over a sample's latents, shape `(batch,)`."""
        deviation = (z - self.loc) / self.scale
        return _sum(-0.5 * tf.square(deviation) - tf.math.log(self.scale) - 0.5 * math.log(2.0 * math.pi))

    def kl_divergence(self, prior):
        r"""$D_{KL}(q \| p)$ in nats, summed over a sample's latents, shape `(batch,)`."""
        ratio = self.scale / prior.scale
        deviation = (self.loc - prior.loc) / prior.scale
        return _sum(0.5 * (tf.square(ratio) + tf.square(deviation) - 1.0) - tf.math.log(ratio))


class LatentNormals:
    r"""Makes the normals of a group of the parameters `[loc, log_scale]` that networks give.

    With $(\mu, \log\sigma)$ the prior's parameters and $(\Delta\mu, \log\Delta\sigma)$ the posterior's,

    - `"residual"`: $q = \mathcal{N}(\mu + \Delta\mu, (\sigma \Delta\sigma)^2)$ (Vahdat & Kautz 2020, equation 2);
    - `"plain"`: $q = \mathcal{N}(\Delta\mu, \Delta\sigma^2)$;
    - `"precision_weighted"`: the normalised product of both (Sønderby et al. 2016, equations 17 and 18).

    A group whose prior is fixed takes its posterior plain.

    Args:
        posterior: One of these names.
        soft_clamp: $c$, which takes locations and log scales to $c \tanh(\cdot / c)$ after the sums; `None` for none.
        scale_offset: $o$, added to every scale: $\sigma = e^{\log\sigma} + o$.
    """

    def __init__(self, posterior="residual", soft_clamp=None, scale_offset=0.0):
        if posterior not in POSTERIORS:
            raise refusal(f"`posterior` should be one of {POSTERIORS}", posterior=posterior)
        self.kind = posterior
        self.soft_clamp = None if soft_clamp is None else check_number(soft_clamp, "soft_clamp", above=0)
        self.scale_offset = check_number(scale_offset, "scale_offset", least=0)

    def prior(self, parameters):
        """The `Normal` of a prior's parameters."""
        return self._normal(tf.cast(parameters, tf.float32))

    def posterior(self, parameters, prior, fixed=False):
        """The `Normal` of a posterior's parameters beside the prior's; `fixed` says that no network gives these."""
        parameters, prior = tf.cast(parameters, tf.float32), tf.cast(prior, tf.float32)
        if fixed or self.kind == "plain":
            return self._normal(parameters)
        if self.kind == "residual":
            return self._normal(prior + parameters)
        return _product(self._normal(parameters), self._normal(prior))

    def _normal(self, parameters):
        if self.soft_clamp is not None:
            parameters = self.soft_clamp * tf.tanh(parameters / self.soft_clamp)
        loc, log_scale = tf.split(parameters, 2, -1)
        return Normal(loc, tf.exp(clip_log_scale(log_scale)) + self.scale_offset)


def _product(one, other):
    """The normal whose density is the product of two normals', normalised."""
    precisions = 1.0 / tf.square(one.scale), 1.0 / tf.square(other.scale)
    total = precisions[0] + precisions[1]
    return Normal((one.loc * precisions[0] + other.loc * precisions[1]) / total, tf.math.rsqrt(total))


def _sum(values):
    return tf.reduce_sum(values, list(range(1, values.shape.rank)))
