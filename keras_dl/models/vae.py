"""Variational autoencoders."""

from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl import likelihoods
from keras_dl.checks import refusal
from keras_dl.models import conditions, shapes, vae_checks, vae_signatures
from keras_dl.models.base import Draw, ObjectiveModel, Signature, Update
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.endings import check_parameters
from keras_dl.models.vae_methods import VAEMethods
from keras_dl.objectives import ELBO
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class VAE(VAEMethods, ObjectiveModel):  # type: ignore[misc, override]
    r"""Variational autoencoder (Kingma & Welling 2014, "Auto-encoding variational Bayes").

    A decoder gives $p_\theta(x | z)$ with $z \sim p(z)$, an encoder the approximate posterior $q_\phi(z | x)$; both
    are trained to maximise the evidence lower bound, in nats a sample:

    $$\mathcal{L}(x) = \mathbb{E}_{q_\phi(z|x)}[\log p_\theta(x | z)] - \beta D_{KL}(q_\phi(z | x) \| p(z))$$

    Data are `x`, or `(x, condition)` where the networks are conditional (see `ConditionalVAE`). `fit` tracks `loss`,
    `elbo`, `rate` (the KL divergence) and `distortion` (minus the log-likelihood).

    Args:
        encoder: Built Keras model from `x` to the posterior's parameters, `(batch, 2 * latent_size)` for the Gaussian
            `[loc, log_scale]`. A conditional one takes `{"x": ..., "condition": ...}`.
        decoder: Built Keras model from latents `(batch, latent_size)` to the likelihood's parameters: logits for
            `"bernoulli"`, so without a last sigmoid. A conditional one takes `{"latents": ..., "condition": ...}`.
        likelihood: A `keras_dl.likelihoods.Likelihood`, or its name (`"bernoulli"`, `"gaussian"`,
            `"discretized_logistic"`).
        beta: Weight of the rate, a number or a schedule of the step (`keras_dl.objectives.Linear` and others).
        kl: `"analytic"` or `"monte_carlo"`.
        num_samples: Latents drawn a sample in training.
        free_bits: Nats a latent dimension below which the rate is not pushed.
        objective: An objective in place of `ELBO(beta, num_samples, kl, free_bits)`, such as `IWAE(50)`.
        posterior: Likelihood object that reads the encoder's output; `None` means `likelihoods.Gaussian()`.
        prior: Prior over latents, such as `likelihoods.MixturePrior(10)` or `VampPrior(500)`; `None` means
            `likelihoods.StandardNormal`.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by everything but training and `evaluate`; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If encoder, decoder, likelihood and prior do not fit together.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> vae = keras_dl.models.VAE(
    ...     keras_dl.networks.mlp_encoder(x.shape[1:], latent_size=2, hidden=(16,)),
    ...     keras_dl.networks.mlp_decoder(2, x.shape[1:], hidden=(16,)),
    ... )
    >>> vae.compile(optimizer=keras.optimizers.Adam(1e-2))
    >>> history = vae.fit(x[:256], batch_size=64, epochs=2, verbose=0)
    >>> sorted(history.history)
    ['distortion', 'elbo', 'loss', 'rate']
    >>> vae.sample(3).shape
    TensorShape([3, 8, 8, 1])
    """

    has_conditions = True
    log_prob_kind = "estimate"
    averaged_networks = ("encoder", "decoder")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        likelihood: str | likelihoods.Likelihood = "bernoulli",
        beta: Any = 1.0,
        kl: str = "analytic",
        num_samples: int = 1,
        free_bits: float = 0.0,
        objective: Any = None,
        posterior: Any = None,
        prior: Any = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        likelihood = likelihoods.get(likelihood)
        posterior = likelihoods.Gaussian() if posterior is None else likelihoods.get(posterior, "posterior")
        latent_size, data_shape = vae_checks.sizes(encoder, decoder, posterior, likelihood)
        if prior is None:
            prior = likelihoods.StandardNormal(latent_size)
        else:
            vae_checks.check_prior(prior, latent_size, data_shape)
        for key, network, reader in (("encoder", encoder, posterior), ("decoder", decoder, likelihood)):
            check_parameters(key, network, reader.reads, type(reader).__name__)
        networks = {"encoder": encoder, "decoder": decoder, "likelihood": likelihood}
        networks |= {"posterior": posterior, "prior": prior}
        if not (objective is None or (callable(objective) and hasattr(objective, "terms"))):
            raise refusal(
                "objective should be an object like keras_dl.objectives.IWAE(5)", objective=objective, error=TypeError
            )
        super().__init__(networks, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.latent_size, self.data_shape = latent_size, data_shape
        self.checks_values = not likelihood.of_ranges
        self.given_objective = objective
        self.objective = ELBO(beta, num_samples, kl, free_bits) if objective is None else objective

    def make_updates(self, optimizer: keras.optimizers.Optimizer) -> tuple[Update, ...]:
        networks = self.encoder, self.decoder, self.likelihood, self.posterior, self.prior
        return (Update("vae", self.loss_terms, networks, optimizer, self.objective.terms),)

    def loss_terms(self, batch: Nest, draw: Draw) -> Nest:
        """The objective of every sample of a batch, and the terms to track; see `Update.loss`."""
        x, condition = conditions.unpack(batch)
        parameters = conditions.apply(self.encoder, "x", x, condition, draw.training)
        posterior = self.posterior(parameters)
        count = self.objective.num_samples
        epsilon = tf.transpose(draw.normal((count, self.latent_size)), [1, 0, 2])
        latents = self.posterior.reparameterize(posterior, epsilon)

        def log_likelihood(latents):
            return self.log_likelihood(self.decoder, x, latents, condition, draw.training)

        prior = self.prior_beside(self.encoder)()
        return self.objective(x, posterior, prior, latents, log_likelihood, self.state.step.value)

    def log_likelihood(
        self, decoder: keras.Model, x: Tensor, latents: Tensor, condition: Tensor | None, training: bool = False
    ) -> Tensor:
        """$\\log p(x | z)$ for latents of shape `(num_samples, batch, latent_size)`, shape `(num_samples, batch)`."""
        count, rows = tf.shape(latents)[0], tf.shape(latents)[1]
        if condition is not None:
            condition = tf.repeat(condition[None], count, 0)
            condition = tf.reshape(condition, tf.concat([[count * rows], tf.shape(condition)[2:]], 0))
        flat = tf.reshape(latents, [-1, self.latent_size])
        parameters = conditions.apply(decoder, "latents", flat, condition, training)
        parameters = tf.reshape(parameters, tf.concat([[count, rows], tf.shape(parameters)[1:]], 0))
        parameters.set_shape([None, None, *shapes.output_shape(decoder)])
        return self.likelihood(parameters, event_rank=parameters.shape.rank - 2).log_prob(x)

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Reconstructs `x`, or `(x, condition)`: what `predict` returns."""
        return self._reconstruct(*conditions.unpack(inputs))

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return vae_signatures.signatures(self)

    def check_data(self, data: Nest) -> None:
        x, condition = conditions.unpack(data)
        conditions.check([self.encoder, self.decoder], condition, len(x))
        shapes.check_x(x, self.data_shape)
        self.likelihood.check(x)

    def check_inputs(self, inputs: Nest) -> None:
        self.check_data(inputs)

    def get_config(self) -> dict[str, Any]:
        objective = self.given_objective
        own = {} if objective is not None else self.objective.get_config()
        parts = {k: keras.saving.serialize_keras_object(getattr(self, k)) for k in self.network_names}
        return {
            **super().get_config(),
            **parts,
            **own,
            "objective": None if objective is None else keras.saving.serialize_keras_object(objective),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        loaded = {k: keras.saving.deserialize_keras_object(v) for k, v in config.items() if isinstance(v, dict)}
        return cls(**{**config, **loaded})


@keras.saving.register_keras_serializable(package="keras_dl")
class ConditionalVAE(VAE):
    r"""Conditional variational autoencoder: $p(x | y)$ for labels or vectors $y$.

    (Sohn et al. 2015, "Learning structured output representation using deep conditional generative models".)

    The same model and bound as `VAE` with everything conditioned on $y$; data are `(x, condition)`.

    Args:
        encoder: Encoder that takes `{"x": ..., "condition": ...}`.
        decoder: Decoder that takes `{"latents": ..., "condition": ...}`.
        **kwargs: As for `VAE`.

    Example:

    >>> (x, y), _ = keras_dl.data.load("digits")
    >>> cvae = keras_dl.models.ConditionalVAE(
    ...     keras_dl.networks.mlp_encoder(x.shape[1:], 2, hidden=(16,), num_classes=10),
    ...     keras_dl.networks.mlp_decoder(2, x.shape[1:], hidden=(16,), num_classes=10),
    ... )
    >>> cvae.sample(2, condition=[3, 7]).shape
    TensorShape([2, 8, 8, 1])
    """

    def __init__(self, encoder: keras.Model, decoder: keras.Model, *args, **kwargs):
        if not conditions.takes_condition(decoder):
            raise refusal("decoder should be conditional: its input a dict with 'condition'", "one without")
        super().__init__(encoder, decoder, *args, **kwargs)
