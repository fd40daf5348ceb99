"""Hierarchical variational autoencoders: groups of latents over several scales."""

from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl import likelihoods
from keras_dl.models import conditions, hierarchical_checks, hierarchical_signatures, shapes
from keras_dl.models.anomaly_scores import AnomalyScores
from keras_dl.models.base import Carried, Draw, ObjectiveModel, Signature, Update
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.endings import check_parameters
from keras_dl.models.hierarchical_draws import PosteriorDraws
from keras_dl.models.hierarchical_methods import HierarchicalMethods
from keras_dl.models.hierarchical_recalibration import Recalibration
from keras_dl.models.latent_normals import LatentNormals
from keras_dl.objectives import HierarchicalELBO
from keras_dl.types import Nest, Tensor

_PARTS = ("encoder", "decoder", "likelihood")


@keras.saving.register_keras_serializable(package="keras_dl")
class HierarchicalVAE(  # type: ignore[misc, override]
    AnomalyScores, HierarchicalMethods, Recalibration, ObjectiveModel
):
    r"""Variational autoencoder with groups of latents, each drawn given those before.

    (Sønderby et al. 2016, "Ladder variational autoencoders"; Vahdat & Kautz 2020, "NVAE: a deep hierarchical
    variational autoencoder".)

    $$p(x, z) = p(x | z) \prod_{l=1}^L p(z_l | z_{<l}), \qquad q(z | x) = \prod_{l=1}^L q(z_l | x, z_{<l})$$

    The encoder goes up from `x`, the decoder comes down through the groups, the coarsest first, and its posteriors see
    what was drawn above. `fit` tracks `loss`, `elbo`, `rate`, `distortion` and the rate of each group, `rate_1` to
    `rate_L`, in nats; see `keras_dl.objectives.HierarchicalELBO` for what is minimised. Options say where the published
    code of NVAE departs from its paper; the defaults here are the paper's, those of `NVAE` the code's.

    Args:
        encoder: Built Keras model from `x` to a list of features, one tensor per group, the coarsest group first.
        decoder: A `keras_dl.networks.TopDown`: `ladder_decoder` and `nvae_decoder` make some.
        likelihood: A `keras_dl.likelihoods.Likelihood`, or its name.
        posterior: `"residual"`, `"plain"` or `"precision_weighted"`: how the posterior's parameters stand to the
            prior's. A ladder autoencoder is precision-weighted.
        beta: Weight of the rate, a number or a schedule of the step (`keras_dl.objectives.Linear` and others).
        free_bits: Nats per group below which its rate is not pushed.
        balancing: `None`, `"code"` or `"paper"`: how groups are balanced while `beta` is below 1.
        soft_clamp: Locations and log scales are $c \tanh(\cdot / c)$; `None` for none. The code has 5.
        scale_offset: Added to every scale. The code has 0.01, so that its first prior is $\mathcal{N}(0, 1.01^2)$.
        flow: A `keras_dl.bijectors.Bijector`, not built, of vectors: each group's posterior gets a copy behind its
            normal. Rates are then Monte Carlo estimates. `None` for normals alone.
        spectral: A `keras_dl.objectives.SpectralRegularization` of all convolutions, or its weight; `None` for none.
            `fit` then tracks `spectral`, the sum of the largest singular values.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by everything but training and `evaluate`; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If encoder, decoder and likelihood do not fit together, or an option is out of range.

    Example: two layers of latents.

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> vae = keras_dl.models.HierarchicalVAE(
    ...     keras_dl.networks.ladder_encoder(x.shape[1:], hidden=(32, 16)),
    ...     keras_dl.networks.ladder_decoder(x.shape[1:], latent_sizes=(8, 4), hidden=(32, 16)),
    ... )
    >>> vae.compile(optimizer=keras.optimizers.Adam(1e-2))
    >>> history = vae.fit(x[:256], batch_size=64, epochs=2, verbose=0)
    >>> sorted(history.history)
    ['distortion', 'elbo', 'loss', 'rate', 'rate_1', 'rate_2']
    >>> vae.sample(3, temperature=0.7).shape
    TensorShape([3, 8, 8, 1])
    """

    log_prob_kind = "estimate"
    anomaly_scores = ("likelihood", "reconstruction")
    averaged_networks: tuple[str, ...] = ("encoder", "decoder")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.layers.Layer,
        likelihood: Any = "bernoulli",
        posterior: str = "residual",
        beta: Any = 1.0,
        free_bits: float = 0.0,
        balancing: str | None = None,
        soft_clamp: float | None = None,
        scale_offset: float = 0.0,
        flow: Any = None,
        spectral: Any = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        likelihood = likelihoods.get(likelihood)
        hierarchical_checks.check_parts(encoder, decoder, likelihood)
        check_parameters("decoder", decoder.head, likelihood.reads, type(likelihood).__name__)
        flows = hierarchical_checks.flows_of(flow, decoder.sizes)
        self._flow_names = tuple(f"flow_{number}" for number in range(1, len(flows) + 1))
        self.averaged_networks = (*type(self).averaged_networks, *self._flow_names)
        networks = {"encoder": encoder, "decoder": decoder, "likelihood": likelihood}
        networks |= dict(zip(self._flow_names, flows, strict=True))
        super().__init__(networks, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.latent_size = decoder.latent_size
        self.normals = LatentNormals(posterior, soft_clamp, scale_offset)
        self.objective = HierarchicalELBO(beta, free_bits, balancing)
        self._flow = hierarchical_checks.serialized(flow)
        self.checks_values = not likelihood.of_ranges
        self.carry("mean_rates", Carried((len(decoder.groups),)))
        self.spectral = hierarchical_checks.spectral_of(spectral)
        if self.spectral is not None:
            start = self.spectral.start([encoder, decoder])
            self.carry("singular_vectors", Carried(start.shape, start, combine="same"))

    def make_updates(self, optimizer: keras.optimizers.Optimizer) -> tuple[Update, ...]:
        terms, hands_back = self.objective.terms(len(self.decoder.groups)), ("mean_rates",)
        if self.spectral is not None:
            terms, hands_back = (*terms, "spectral"), (*hands_back, "singular_vectors")
        return (Update("vae", self.loss_terms, tuple(self.networks), optimizer, terms, hands_back=hands_back),)

    def loss_terms(self, batch: Nest, draw: Draw) -> Nest:
        """The objective of every sample of a batch, the terms to track, and the rates; see `Update.loss`."""
        x, _ = conditions.unpack(batch)
        features = tf.nest.flatten(self.encoder(x, training=draw.training))
        noise = self.decoder.split(draw.normal((self.latent_size,)))
        drawn = PosteriorDraws(self, noise, self.flows(), draw.training)
        parameters = self.decoder.descend(tf.shape(x)[0], drawn.choose, features, draw.training)
        distortion = -self.likelihood(parameters).log_prob(x)
        rates = tf.stack(drawn.rates, -1)
        mean_rates = self.carried["mean_rates"].value
        shapes_of = self.decoder.latent_shapes
        values, terms = self.objective(distortion, rates, mean_rates, shapes_of, self.state.step.value)
        handed_back = {"mean_rates": tf.stop_gradient(rates)}
        if self.spectral is not None:
            values, terms, handed_back = self._regularized(values, terms, handed_back)
        return values, terms, handed_back

    def _regularized(self, values, terms, handed_back):
        """Charges every sample with the networks' largest singular values."""
        vectors, step = self.carried["singular_vectors"].value, self.state.step.value
        charge, norms, vectors = self.spectral([self.encoder, self.decoder], vectors, step)
        terms = {**terms, "spectral": tf.fill(tf.shape(values), tf.stop_gradient(norms))}
        return values + charge, terms, {**handed_back, "singular_vectors": vectors}

    def flows(self, averaged: bool = False) -> list[keras.Model]:
        """The bijectors of the groups' posteriors, empty without flows."""
        return [self.averaged(name) if averaged else getattr(self, name) for name in self._flow_names]

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Reconstructs `x`: what `predict` returns."""
        return self._reconstruct(conditions.unpack(inputs)[0])

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return hierarchical_signatures.signatures(self)

    def check_data(self, data: Nest) -> None:
        self.likelihood.check(shapes.alone(data, shapes.input_shape(self.encoder, "x")))

    def check_inputs(self, inputs: Nest) -> None:
        self.check_data(inputs)

    def get_config(self) -> dict[str, Any]:
        parts = {name: hierarchical_checks.serialized(getattr(self, name)) for name in _PARTS}
        options = {"posterior": self.normals.kind, "soft_clamp": self.normals.soft_clamp}
        options["scale_offset"] = self.normals.scale_offset
        options |= {"flow": self._flow, "spectral": hierarchical_checks.serialized(self.spectral)}
        return {**super().get_config(), **self.objective.get_config(), **options, **parts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        loaded = {k: keras.saving.deserialize_keras_object(v) for k, v in config.items() if isinstance(v, dict)}
        return cls(**{**config, **loaded})
