"""Generative adversarial networks."""

import math
from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl import objectives
from keras_dl.checks import check_count
from keras_dl.models import conditions, gan_checks, gan_signatures, shapes
from keras_dl.models.base import Draw, ObjectiveModel, Signature, Update
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.endings import check_parameters
from keras_dl.models.gan_losses import GameLosses
from keras_dl.models.scorer import Scorer
from keras_dl.objectives.schedules import check_weight
from keras_dl.types import Nest, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class GAN(GameLosses, ObjectiveModel):
    r"""Generative adversarial network (Goodfellow et al. 2014, "Generative adversarial nets").

    A generator makes samples $G(z)$ of latents $z \sim \mathcal{N}(0, I)$; a critic $f$ scores data and samples. Each
    step is `critic_steps` updates of the critic and one of the generator:

    $$\min_f \mathbb{E}[\ell_\text{critic}(f(x), f(G(z)))] + \text{penalties}, \qquad
      \min_G \mathbb{E}[\ell_\text{generator}(f(G(z)))]$$

    Every critic update sees fresh data, as in the algorithms of Goodfellow et al. and Arjovsky et al.: update $i$ takes
    the rows `i::critic_steps` of the batch, and the generator as many latents as one such slice has rows. With
    `critic_steps=5`, a `batch_size` of 320 thus means minibatches of 64. Batches of fewer rows than `critic_steps` are
    refused, but for later ones of a stream: each of their rows then is one update.

    Data are `x`, or `(x, condition)` or `{"x": x, "condition": condition}` where the networks are conditional. `fit`
    and `evaluate` track `critic_loss`, `critic_real` and `critic_fake` (mean scores), `critic_penalty` and
    `generator_penalty` if there is one, and `generator_loss`; with attributes also `critic_attributes` and
    `generator_attributes`.

    Args:
        generator: Built Keras model from latents `(batch, latent_size)` to data. The factories of `keras_dl.networks`
            end in a sigmoid, for data in [0, 1] as `keras_dl.data.load` gives them; see their `output_activation`. A
            conditional one takes `{"latents": ..., "condition": ...}`.
        critic: Built Keras model from data to one linear score, `(batch, 1)`: a logit, for objectives that want
            logits. A conditional one takes `{"x": ..., "condition": ...}`.
        latent_size: Number of latents; `None` takes the generator's.
        objective: `keras_dl.objectives.Minimax`, `NonSaturating`, `LeastSquares`, `Hinge`, `Wasserstein` or
            `RelativisticAverage` object; `None` means `NonSaturating()`.
        penalty: `None`, a penalty object, or a list of them. On the critic act `GradientPenalty`, `WeightClipping`,
            `R1`, `R2`, `Dragan`, `ConsistencyTerm` and `OutputVariance`, on the generator `JacobianClamping`.
        critic_steps: Critic updates per generator update.
        instance_noise: Deviation of Gaussian noise added to all that the critic sees (Sonderby et al. 2017), a number
            or a schedule of the step, such as `Linear(10_000, start=0.5, stop=0.0)`.
        attributes: `keras_dl.objectives.Attributes`: the critic then also learns to read the condition's attributes off
            data, and the generator to show those asked for.
        attribute_critic: Built network from data to `attributes.num_outputs` outputs, the second critic that reads the
            attributes. `None`: the critic's own outputs behind the score do (Odena et al. 2017).
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of an average of the generator's weights, which `generate`, `sample`, `predict` and
            `export` then use; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If generator, critic and latents do not fit together.
        TypeError: If an argument is of the wrong kind.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> gan = keras_dl.models.GAN(
    ...     keras_dl.networks.mlp_generator(2, x.shape[1:], hidden=(16,)),
    ...     keras_dl.networks.mlp_critic(x.shape[1:], hidden=(16,)),
    ...     penalty=keras_dl.objectives.R1(1.0),
    ... )
    >>> gan.compile(generator_optimizer=keras.optimizers.Adam(1e-3), critic_optimizer=keras.optimizers.Adam(2e-3))
    >>> history = gan.fit(x[:256], batch_size=64, epochs=2, verbose=0)
    >>> sorted(history.history)
    ['critic_fake', 'critic_loss', 'critic_penalty', 'critic_real', 'generator_loss']
    >>> gan.sample(3, seed=0).shape
    TensorShape([3, 8, 8, 1])
    """

    optimizer_names = ("generator_optimizer", "critic_optimizer")
    averaged_networks = ("generator",)
    has_conditions = True
    checks_values = False
    #: Arguments of `__init__`, beside the networks, that `get_config` stores.
    config_names: tuple[str, ...] = (
        "latent_size", "objective", "penalty", "critic_steps", "instance_noise", "attributes"
    )  # fmt: skip

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        latent_size: int | None = None,
        objective: Any = None,
        penalty: Any = None,
        critic_steps: int = 1,
        instance_noise: float = 0.0,
        attributes: Any = None,
        attribute_critic: keras.Model | None = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        latent_size = gan_checks.latent_size(generator, latent_size)
        objective = objectives.NonSaturating() if objective is None else objective
        penalties = tuple(penalty) if isinstance(penalty, (list, tuple)) else () if penalty is None else (penalty,)
        gan_checks.check_networks(generator, critic, attributes, attribute_critic)
        gan_checks.check_objective(objective, penalties, critic)
        if attribute_critic is not None:
            check_parameters("attribute_critic", attribute_critic, attributes.reads, "Attributes")
        networks = {"generator": generator, "critic": critic}
        if attribute_critic is not None:
            networks["attribute_critic"] = attribute_critic
        super().__init__(networks, seed=seed, ema_momentum=ema_momentum, name=name, **kwargs)
        self.latent_size = latent_size
        self.objective = objective
        self.penalty, self.penalties = penalty, penalties
        self.critic_steps = check_count(critic_steps, "critic_steps")
        self.instance_noise = check_weight(instance_noise, "instance_noise")
        self.attributes = attributes

    def make_updates(
        self, generator_optimizer: keras.optimizers.Optimizer, critic_optimizer: keras.optimizers.Optimizer
    ) -> tuple[Update, ...]:
        critic = Update(
            "critic",
            self.critic_loss,
            tuple(self.networks[1:]),
            critic_optimizer,
            terms=("real", "fake", *self.extra_terms("critic")),
            repeats=self.critic_steps,
            after=self.constraint_on("critic"),
        )
        generator = Update(
            "generator",
            self.generator_loss,
            (self.generator,),
            generator_optimizer,
            terms=self.extra_terms("generator"),
            slices=self.critic_steps,
            after=self.constraint_on("generator"),
        )
        return critic, generator

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Maps latents, `(latents, condition)` or a dict of these names to data: what `predict` returns."""
        return self._generate(*conditions.unpack(inputs))

    # What users call. Everything is compiled once and takes any number of rows.

    def generate(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns $G(z)$, shape `(rows, *data_shape)`, for latents `(rows, latent_size)`."""
        latents = shapes.as_latents(latents, self.latent_size)
        condition = self._condition(self.generator, condition, len(latents))
        return shapes.by_rows(self.as_graph(self._generate), latents, condition)

    def from_latents(self, latents: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns `generate(latents)`."""
        return self.generate(latents, condition)

    def sample(
        self,
        num_samples: int,
        condition: Tensor | None = None,
        seed: int | None = None,
        truncation: float | None = None,
    ) -> Tensor:
        r"""Draws $z \sim \mathcal{N}(0, I)$ and returns $G(z)$.

        Args:
            num_samples: How many.
            condition: For conditional models: one condition (a label, or the row of several attributes), or one for
                each sample.
            seed: Integer that fixes the draw; `None` gives others at every call.
            truncation: Latents are drawn from the normal distribution cut at plus and minus this many deviations
                (Brock et al. 2019: better samples, less variety); `None` cuts nothing.

        Returns:
            Float32 tensor of shape `(num_samples, *data_shape)`.
        """
        num_samples = check_count(num_samples, "num_samples")
        bound = tf.constant(gan_checks.check_truncation(truncation))
        condition = conditions.repeated([self.generator], condition, num_samples)
        condition = self._condition(self.generator, condition, num_samples)
        return self.as_graph(self._sample)(tf.constant(num_samples), condition, *self.sampling_seed(seed), bound)

    def discriminate(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Returns the critic's scores of data, float32 of shape `(rows,)`: what `objective` takes, logits or others."""
        x = shapes.as_rows(x, shapes.input_shape(self.critic, "x"))
        condition = self._condition(self.critic, condition, len(x))
        return shapes.by_rows(self.as_graph(self._discriminate), x, condition)

    @property
    def data_range(self) -> tuple[float, float] | None:
        """`(low, high)`, what the generator's end can make, or `None` for numbers without a bound."""
        return gan_checks.data_range(self.generator)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return gan_signatures.signatures(self)

    def check_data(self, data: Nest) -> None:
        gan_checks.check_data(self, data)

    def condition_classes(self) -> int | tuple | None:
        return super().condition_classes() if self.attributes is None else self.attributes.sizes

    def check_inputs(self, inputs: Nest) -> None:
        latents, condition = conditions.unpack(inputs)
        shapes.check_x(latents, (self.latent_size,), "latents")
        conditions.check([self.generator], condition, len(latents))

    def get_config(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in (*self.network_names, *self.config_names)}
        return {**super().get_config(), **{k: keras.saving.serialize_keras_object(v) for k, v in parts.items()}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        read = keras.saving.deserialize_keras_object
        return cls(**{k: read(v) if isinstance(v, (dict, list)) else v for k, v in config.items()})

    # The graphs behind them.

    def _generate(self, latents, condition=None):
        made = conditions.apply(self.averaged("generator"), "latents", latents, condition)
        return tf.cast(made, tf.float32)

    def _sample(self, num_samples, condition, seed, call, bound):
        return self._generate(self.latents_of(num_samples, seed, call, bound), condition)

    def latents_of(self, num_samples: Tensor, seed: Tensor, call: Tensor, bound: Tensor) -> Tensor:
        """The latents of a call of `sample`, in a graph."""
        draw = Draw.for_sampling(seed, call, num_samples)
        # The inverse distribution function of the normal cut at +-bound; uncut, these are the draw's normals.
        signed = draw.uniform((self.latent_size,), -1.0, 1.0) * tf.math.erf(bound / math.sqrt(2.0))
        return math.sqrt(2.0) * tf.math.erfinv(signed)

    def _discriminate(self, x, condition=None):
        return Scorer(self.critic, condition)(x)

    def _condition(self, network, condition, rows):
        gan_checks.check_condition(self, [network], condition, rows)
        return conditions.as_tensor([network], condition)
