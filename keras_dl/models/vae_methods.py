"""What users call of variational autoencoders: codes, reconstructions, samples and log-densities."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_dl import likelihoods
from keras_dl.checks import check_count
from keras_dl.likelihoods import LogDensity
from keras_dl.models import conditions, monte_carlo, shapes
from keras_dl.models.anomaly_scores import check_score, squared_error
from keras_dl.models.base import Draw
from keras_dl.types import Tensor


class VAEMethods:
    """The part of a `VAE` that computes with its networks, in graphs compiled once for any number of rows."""

    # Of the model.
    latent_size: int
    data_shape: tuple | None
    networks: Mapping
    encoder: Any
    decoder: Any
    likelihood: Any
    posterior: Any
    prior: Any
    averaged: Callable
    as_graph: Callable
    sampling_seed: Callable
    check_data: Callable

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the means of the posterior, $\\mathbb{E}_{q(z|x)}[z]$, shape `(batch, latent_size)`."""
        return self.as_graph(self._encode)(*self._inputs(x, condition))

    def decode(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the mean of $p(x | z)$, shape `(batch, *data_shape)`, for latents `(batch, latent_size)`."""
        latents = shapes.as_latents(latents, self.latent_size)
        conditions.check([self.encoder, self.decoder], condition, len(latents))
        return self.as_graph(self._decode)(latents, conditions.as_tensor(self.networks, condition))

    def from_latents(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns `decode(latents)`."""
        return self.decode(latents, condition)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the mean of $p(x | z)$ at the posterior's mean, of the shape of `x`."""
        return self.as_graph(self._reconstruct)(*self._inputs(x, condition))

    def sample(self, num_samples: int, condition: Tensor | None = None, seed: int | None = None) -> Tensor:
        """Draws $z \\sim p(z)$ and returns the mean of $p(x | z)$.

        Args:
            num_samples: How many.
            condition: For conditional models: one condition, or one for each sample.
            seed: Integer that fixes the draw; `None` gives others at every call.

        Returns:
            Tensor of shape `(num_samples, *data_shape)`, on the scale of the data.
        """
        num_samples = check_count(num_samples, "num_samples")
        condition = conditions.repeated(self.networks, condition, num_samples)
        conditions.check([self.encoder, self.decoder], condition, num_samples)
        condition = conditions.as_tensor(self.networks, condition)
        seed, call = self.sampling_seed(seed)
        return self.as_graph(self._sample)(tf.constant(num_samples), condition, seed, call)

    def posterior_of(self, x: Tensor, condition: Tensor | None = None) -> Any:
        """Returns $q(z | x)$, a `tfp.distributions.Distribution` of batch shape `(batch,)`."""
        return self.posterior(self.as_graph(self.posterior_parameters)(*self._inputs(x, condition)))

    def log_prob(
        self, x: Tensor, condition: Tensor | None = None, num_samples: int = 512, seed: int | None = None
    ) -> Tensor:
        """Returns the values of `log_density`, an estimate of $\\log p(x)$: shape `(batch,)`, in nats."""
        return self.log_density(x, condition, num_samples, seed).values

    def log_density(
        self,
        x: Tensor,
        condition: Tensor | None = None,
        num_samples: int = 512,
        seed: int | None = None,
        kind: str = "estimate",
    ) -> LogDensity:
        r"""Estimates or bounds $\log p(x)$ by importance weights $w_k = p(x | z_k)\, p(z_k) / q(z_k | x)$.

        The estimate is $\log \tfrac1K \sum_k w_k$, the bound of `IWAE`, which tightens as samples grow; the bound is
        $\tfrac1K \sum_k \log w_k$, the evidence lower bound at $\beta = 1$.

        Evaluated in chunks: 5,000 samples an image need no more memory than 50.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: Their conditions, where the model is conditional.
            num_samples: $K$.
            seed: Integer that fixes the draws; `None` means the model's seed: the same draws at every call.
            kind: `"estimate"` or `"bound"`.

        Returns:
            A `keras_dl.likelihoods.LogDensity`: values and standard errors in nats, shape `(batch,)`.
        """
        x, condition = self._inputs(x, condition)
        return monte_carlo.log_density(self, self._weigh_latents, x, condition, num_samples, seed, kind)

    #: What `anomaly_score` knows.
    anomaly_scores = ("likelihood", "reconstruction")

    def anomaly_score(
        self, x: Tensor, condition: Tensor | None = None, score: str = "likelihood", num_samples: int = 512
    ) -> Tensor:
        r"""Returns how unlike the training data each sample is: higher for anomalies; see `keras_dl.metrics.roc_auc`.

        Args:
            x: Data, shape `(batch, *data_shape)`.
            condition: Their conditions, where the model is conditional.
            score: `"likelihood"`, $-\log p(x)$ in nats as `log_prob` estimates it; or `"reconstruction"`,
                $|x - \hat x|^2$, the squared error of `reconstruct`.
            num_samples: Latents of the likelihood.

        Returns:
            Tensor of shape `(batch,)`.

        Raises:
            ValueError: If there is no such score.
        """
        check_score(self, score)
        if score == "likelihood":
            return -self.log_prob(x, condition, num_samples)
        return squared_error(x, self.reconstruct(x, condition))

    # The graphs behind them.

    def posterior_parameters(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        return conditions.apply(self.averaged("encoder"), "x", x, condition)

    def prior_beside(self, encoder: keras.Model) -> Any:
        """What gives $p(z)$ and its draws; a prior that reads the encoder, `VampPrior`, reads the one given."""
        if not isinstance(self.prior, likelihoods.Prior):
            return self.prior

        def encode(x, index):
            return self.posterior(conditions.apply(encoder, "x", x, conditions.labels_in_turn(encoder, index)))

        return self.prior.beside(encode, self.posterior.reparameterize)

    def _encode(self, x, condition=None):
        return self.posterior(self.posterior_parameters(x, condition)).mean()

    def _decode(self, latents, condition=None):
        return self.likelihood.mean(conditions.apply(self.averaged("decoder"), "latents", latents, condition))

    def _reconstruct(self, x, condition=None):
        return self._decode(self._encode(x, condition), condition)

    def _sample(self, num_samples, condition, seed, call):
        draw = Draw.for_sampling(seed, call, num_samples)
        if isinstance(self.prior, likelihoods.Prior):
            return self._decode(self.prior_beside(self.averaged("encoder")).draw_latents(draw), condition)
        return self._decode(draw.normal((self.latent_size,)), condition)

    def _weigh_latents(self, x, condition, num_samples, seed, offset):
        return monte_carlo.weigh_latents(self, x, condition, num_samples, seed, offset)

    def _inputs(self, x, condition):
        """Checked tensors of data and condition."""
        if not shapes.is_symbolic(x):
            x = shapes.as_rows(x, self.data_shape)
            self.check_data((x, condition))
        return tf.cast(x, tf.float32), conditions.as_tensor(self.networks, condition)
