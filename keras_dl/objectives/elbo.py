"""Bounds on the log-likelihood of latent variable models."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.configurable import Configurable
from keras_dl.objectives.schedules import Schedule, check_weight, value_at
from keras_dl.types import Tensor


class Bound(Configurable):
    """Base class of bounds on the log-likelihood, which a `VAE` takes as its `objective`.

    A subclass writes `__init__`, which sets `num_samples`, and `__call__`.

    Attributes:
        num_samples: How many latents are drawn per sample of data.
        terms: Names of the terms that `__call__` returns, in the order in which logs show them.
    """

    num_samples = 1
    terms: tuple[str, ...] = ("elbo", "rate", "distortion")

    def __call__(
        self, x: Tensor, posterior: Any, prior: Any, latents: Tensor, log_likelihood: Callable, step: Tensor
    ) -> tuple[Tensor, dict]:
        """Returns the objective of every sample and the terms to track.

        Args:
            x: Data, shape `(batch, ...)`.
            posterior: Distribution of batch shape `(batch,)` and event shape `(latent_size,)`.
            prior: Distribution of event shape `(latent_size,)`.
            latents: Draws from the posterior, shape `(num_samples, batch, latent_size)`.
            log_likelihood: Function of latents that gives $\\log p(x | z)$, shape `(num_samples, batch)`.
            step: The training step, for schedules.

        Returns:
            `(values, terms)`: a tensor of shape `(batch,)`, and a dict of such tensors.
        """
        raise NotImplementedError(
            f"{type(self).__name__} should define __call__(x, posterior, prior, latents, log_likelihood, step)."
        )


def per_latent_kl(posterior, prior):
    r"""KL divergence of each latent dimension, $D_{KL}(q(z_j | x) \| p(z_j))$ in nats, shape `(batch, latent_size)`.

    Raises:
        ValueError: If tfp has no closed form for the two distributions.
    """
    import tensorflow_probability as tfp  # here, as it takes more than a second

    try:
        return tfp.distributions.kl_divergence(posterior.distribution, prior.distribution)
    except (NotImplementedError, AttributeError):  # a joint distribution has none of single latents
        raise refusal(
            'kl="analytic" should be used if tfp knows the KL divergence in closed form; use kl="monte_carlo"',
            f"{type(posterior).__name__} and {type(prior).__name__}",
        ) from None


@keras.saving.register_keras_serializable(package="keras_dl")
class ELBO(Bound):
    r"""Negative evidence lower bound, in nats per sample (Kingma & Welling 2014, "Auto-encoding variational Bayes").

    $$-\mathcal{L}_\beta(x) = \underbrace{-\tfrac1K \textstyle\sum_k \log p(x | z_k)}_\text{distortion}
      + \beta \underbrace{D_{KL}(q(z | x) \| p(z))}_\text{rate}, \qquad z_k \sim q(z | x)$$

    With $\beta = 1$ it bounds $-\log p(x)$; other values are the $\beta$-VAE of Higgins et al. 2017. With free bits
    (Kingma et al. 2016) the rate is replaced by $\sum_j \max(\lambda, D_{KL}(q(z_j | x) \| p(z_j)))$: a latent that
    carries less than $\lambda$ nats about a sample is not pushed further. Tracked beside the loss are `elbo`
    ($-$ distortion $-$ rate, whatever $\beta$ and $\lambda$), `rate` and `distortion`.

    Args:
        beta: $\beta$, a number or a schedule of the training step (`Linear`, `Sigmoid`, `Cyclical`).
        num_samples: $K$, latents drawn per sample.
        kl: `"analytic"` if tfp has a closed form, or `"monte_carlo"`: the mean of $\log q(z_k | x) - \log p(z_k)$.
        free_bits: $\lambda$, nats per latent dimension.

    Example:

    >>> keras_dl.objectives.ELBO(beta=keras_dl.objectives.Linear(1000)).num_samples
    1
    """

    def __init__(
        self, beta: float | Schedule = 1.0, num_samples: int = 1, kl: str = "analytic", free_bits: float = 0.0
    ):
        if kl not in ("analytic", "monte_carlo"):
            raise refusal('kl should be "analytic" or "monte_carlo"', kl=kl)
        self.num_samples = check_count(num_samples, "num_samples")
        self.kl = kl
        self.beta = check_weight(beta, "beta")
        self.free_bits = check_weight(free_bits, "free_bits")

    def __call__(
        self, x: Tensor, posterior: Any, prior: Any, latents: Tensor, log_likelihood: Callable, step: Tensor
    ) -> tuple[Tensor, dict]:
        """Returns the objective of every sample and the terms to track; see `Bound.__call__`."""
        distortion = -tf.reduce_mean(log_likelihood(latents), 0)
        if self.kl == "monte_carlo" and not self.free_bits:  # of latents that may depend on one another
            charged = rate = tf.reduce_mean(posterior.log_prob(latents) - prior.log_prob(latents), 0)
        else:
            kl = self._kl(posterior, prior, latents)
            rate = tf.reduce_sum(kl, -1)
            charged = tf.reduce_sum(tf.maximum(kl, self.free_bits), -1) if self.free_bits else rate
        terms = {"elbo": -distortion - rate, "rate": rate, "distortion": distortion}
        return distortion + value_at(self.beta, step) * charged, terms

    def _kl(self, posterior, prior, latents):
        if self.kl == "analytic":
            return per_latent_kl(posterior, prior)
        if getattr(prior, "distribution", None) is None:
            raise refusal("free_bits should be 0 with a prior of dependent latents", f"{type(prior).__name__}")
        ratio = posterior.distribution.log_prob(latents) - prior.distribution.log_prob(latents)
        return tf.reduce_mean(ratio, 0)


@keras.saving.register_keras_serializable(package="keras_dl")
class IWAE(Bound):
    r"""The negative importance-weighted bound, in nats per sample.

    (Burda et al. 2016, "Importance weighted autoencoders".)

    $$-\mathcal{L}_K(x) = -\log \tfrac1K \sum_{k=1}^K \frac{p(x | z_k)\, p(z_k)}{q(z_k | x)}, \qquad z_k \sim q(z | x)$$

    It is tighter the larger $K$, and the ELBO at $K = 1$. The loss is the bound; `elbo`, `rate` and `distortion` are
    Monte Carlo means over the same draws.

    Args:
        num_samples: $K$.

    Example:

    >>> keras_dl.objectives.IWAE(50)
    IWAE(num_samples=50)
    """

    def __init__(self, num_samples: int = 50):
        self.num_samples = check_count(num_samples, "num_samples")

    def __call__(
        self, x: Tensor, posterior: Any, prior: Any, latents: Tensor, log_likelihood: Callable, step: Tensor
    ) -> tuple[Tensor, dict]:
        """Returns the objective of every sample and the terms to track; see `Bound.__call__`."""
        fit = log_likelihood(latents)
        ratio = posterior.log_prob(latents) - prior.log_prob(latents)
        bound = tf.reduce_logsumexp(fit - ratio, 0) - tf.math.log(float(self.num_samples))
        distortion, rate = -tf.reduce_mean(fit, 0), tf.reduce_mean(ratio, 0)
        return -bound, {"elbo": -distortion - rate, "rate": rate, "distortion": distortion}
