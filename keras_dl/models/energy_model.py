"""Energy-based models."""

from collections.abc import Callable
from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl import objectives, samplers
from keras_dl.checks import check_count, check_flag, check_number, refusal
from keras_dl.models import diffusion_checks, energy_checks, energy_signatures, shapes
from keras_dl.models.base import (
    Carried,
    NotFiniteError,
    ObjectiveModel,
    SampleBuffer,
    Signature,
    Update,
    moving,
)
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.energy_losses import EnergyLosses
from keras_dl.models.energy_methods import EnergyMethods
from keras_dl.models.energy_parts import Normalizer, Reference
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class EnergyModel(EnergyLosses, EnergyMethods, ObjectiveModel):  # type: ignore[misc, override]
    r"""Energy-based model (LeCun et al. 2006): a network gives the energy of a density that is known up to a constant.

    $$p(x) = \frac{e^{-E(x)}}{Z}, \qquad Z = \int e^{-E(x)} dx$$

    The objective says how it is trained: with chains of the sampler (`ContrastiveDivergence`,
    `PersistentContrastiveDivergence`, `ImprovedContrastiveDivergence`), or without (`ScoreMatching`,
    `DenoisingScoreMatching`, `NoiseContrastive`, `ConditionalNoiseContrastive`, `GridLikelihood`). Chains are at the
    sampler's temperature $T$: where that is not 1, training by chains makes $e^{-E(x)/T}$ the density of the data, and
    $e^{-E(x)}$ is not.

    Energies should be smooth: use `"swish"` or `"tanh"` in the network, and no batch normalization, which mixes data
    with the ends of chains. Spectral normalization (`networks.mlp_critic(spectral_norm=True)`) bounds slopes.

    Args:
        network: Built Keras model from samples to energies, of shape `(batch, 1)` or `(batch,)`.
        objective: A `keras_dl.objectives.EnergyObjective`; `None` for `PersistentContrastiveDivergence()`.
        sampler: A `keras_dl.samplers.MarkovChain`, in training and in `sample`; `None` for `Langevin()`.
        value_range: `(low, high)` of the data, which chains cannot leave and beyond which the density is 0; `None` for
            no bounds; `"auto"` for (0, 1) of images and none of others.
        relative: Whether the network gives the energy relative to a reference $q$, which makes the density one that can
            be normalised: $E(x) = f(x) - \log q(x)$, with the mean and variance of the first batch.
        sample_steps: Steps of the sampler in `sample`; `None` for as many as in training.
        penalty: `keras_dl.objectives.GradientPenalty`, `Dragan`, `R1` or `R2`, which keeps the energy's slopes small,
            at data, at samples, or between; `None` for none. `GradientPenalty(weight, target, one_sided=True)` makes
            the energy Lipschitz of the constant `target`.
        energy_limit: Absolute energy beyond which training ends with a `DivergenceError`.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights, used by everything but training; `None` for none.
        name: Name of the model.

    Raises:
        TypeError: If objective or sampler is of the wrong kind.
        ValueError: If the network gives other than one energy per sample, or an argument is out of range.

    Example:

    >>> x, _ = keras_dl.data.sample_points("eight_gaussians", 256)
    >>> network = keras_dl.networks.mlp_critic((2,), hidden=(16,), activation="swish")
    >>> model = keras_dl.models.EnergyModel(network, keras_dl.objectives.NoiseContrastive())
    >>> model.compile(keras.optimizers.Adam(1e-3))
    >>> sorted(model.fit(x, batch_size=64, epochs=1, verbose=0).history)
    ['energy', 'loss']
    >>> model.energy(x[:3]).shape, model.score(x[:3]).shape, model.sample(4, steps=5).shape
    (TensorShape([3]), TensorShape([3, 2]), TensorShape([4, 2]))
    """

    def __init__(
        self,
        network: keras.Model,
        objective: Any = None,
        sampler: Any = None,
        value_range: Any = "auto",
        relative: bool = False,
        sample_steps: int | None = None,
        penalty: Any = None,
        energy_limit: float = 1e6,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        shape = self.check_network(network)
        objective = objectives.PersistentContrastiveDivergence() if objective is None else objective
        sampler = samplers.Langevin() if sampler is None else sampler
        energy_checks.check_parts(objective, sampler, shape)
        energy_checks.check_penalty(penalty, objective)
        value_range = diffusion_checks.check_range(value_range, shape)
        networks = {"network": network, "reference": Reference(shape, value_range)}
        networks |= {"normalizer": Normalizer()} if objective.normalizes else {}
        self.averaged_networks = tuple(name for name in networks if name != "reference")
        super().__init__(networks, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.data_shape, self.value_range = shape, value_range
        self.objective, self.sampler, self.penalty = objective, sampler, penalty
        self.relative = bool(check_flag(relative, "relative"))
        self.sample_steps = None if sample_steps is None else check_count(sample_steps, "sample_steps")
        self.energy_limit = check_number(energy_limit, "energy_limit", above=0)
        if objective.chains == "buffer":
            self.carry("buffer", SampleBuffer(objective.capacity, shape))
        if objective.chains and sampler.adjusted:
            self.carry("step_size", Carried(start=sampler.step_size, rule=moving(0.9)))

    #: What refuses networks, and gives the shape of a sample.
    check_network = staticmethod(energy_checks.check_network)

    def make_updates(self, optimizer: keras.optimizers.Optimizer) -> tuple[Update, ...]:
        networks = (self.network, *([self.normalizer] if self.objective.normalizes else []))
        return (Update("energy", self.losses, networks, optimizer, self._terms(), hands_back=tuple(self.carried)),)

    def _terms(self):
        """Names of what the loss tracks beside its values."""
        chains = ("sample_energy", *(["acceptance"] if self.sampler.adjusted else []))
        chains += ("log_distance",) if self.objective.last_steps else ()
        return ("energy", *(chains if self.objective.chains else ()), *(["penalty"] if self.penalty else []))

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Returns the energies of samples: what `predict` returns."""
        x = inputs[0] if isinstance(inputs, (tuple, list)) else inputs
        return self.energy_of(self.averaged("network"))(tf.cast(x, tf.float32))

    def energy_of(self, network: keras.Model, training: bool = False) -> Callable:
        """The energy that a network gives, a function from samples to float32 values of shape `(rows,)`."""

        def energy(x):
            values = samplers.energies(lambda x: self.raw_energy(network, x, training), x)
            return values - self.reference.log_prob(x) if self.relative else values

        return energy

    def raw_energy(self, network: keras.Model, x: Tensor, training: bool = False) -> Tensor:
        """What the network says of samples."""
        return network(x, training=training)

    def fit(
        self, x: Nest | None = None, y: Nest | None = None, batch_size: int | None = None, *args, **options
    ) -> keras.callbacks.History:
        energy_checks.check_batch(self.objective, x, batch_size)
        try:
            return super().fit(x, y, batch_size, *args, **options)
        except NotFiniteError as error:
            name = (self.first_not_finite() or ("", 0))[0]
            if name not in self._terms():
                raise
            raise refusal(
                f"Energies should stay within {self.energy_limit:g}: more steps of the sampler, a smaller rate, an "
                "`energy_penalty` or spectral normalization hold them",
                f"update 'energy', term {name!r}, step {self.first_not_finite()[1]}",
                error=energy_checks.DivergenceError,
            ).at(error.place, error.epoch) from error

    def check_data(self, data: Nest) -> None:
        bounds = getattr(self.objective, "bounds", None)
        energy_checks.check_values(shapes.alone(data, self.data_shape), self.value_range, bounds)

    def check_inputs(self, inputs: Nest) -> None:
        shapes.alone(inputs, self.data_shape)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return energy_signatures.signatures(self)

    def get_config(self) -> dict[str, Any]:
        write = keras.saving.serialize_keras_object
        parts = {name: getattr(self, name) and write(getattr(self, name)) for name in self.parts}
        names = ("value_range", "relative", "sample_steps", "energy_limit")
        return {**super().get_config(), **parts, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        read = keras.saving.deserialize_keras_object
        return cls(**{**config, **{name: config.get(name) and read(config[name]) for name in cls.parts}})

    #: Arguments that are objects with a configuration.
    parts: tuple[str, ...] = ("network", "objective", "sampler", "penalty")
