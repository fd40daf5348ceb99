"""Generative adversarial networks."""

import math

import keras
import tensorflow as tf

from keras_dl import objectives
from keras_dl.checks import check_count
from keras_dl.models import conditioning, gan_checks, gan_signatures
from keras_dl.models.base import Draw, ObjectiveModel, Update
from keras_dl.models.endings import check_parameters, last_activation
from keras_dl.models.scorer import Scorer
from keras_dl.objectives.schedules import check_weight, value_at


@keras.saving.register_keras_serializable(package="keras_dl")
class GAN(ObjectiveModel):
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
    and `evaluate` track `critic_loss`, `critic_real` and `critic_fake` (mean scores), `critic_penalty` where there is
    one, and `generator_loss`; with attributes also `critic_attributes` and `generator_attributes`.

    Args:
        generator: Built Keras model from latents `(batch, latent_size)` to data. The factories of `keras_dl.networks`
            end in a sigmoid, for data in [0, 1] as `keras_dl.data.load` gives them; see their `output_activation`. A
            conditional one takes `{"latents": ..., "condition": ...}`.
        critic: Built Keras model from data to one linear score, `(batch, 1)`: a logit, for objectives that want
            logits. A conditional one takes `{"x": ..., "condition": ...}`.
        latent_size: Number of latents; `None` takes the generator's.
        objective: `keras_dl.objectives.Minimax`, `NonSaturating`, `LeastSquares`, `Hinge`, `Wasserstein` or
            `RelativisticAverage` object; `None` means `NonSaturating()`.
        penalty: `None`, a penalty object (`GradientPenalty`, `WeightClipping`, `R1`, `R2`, `Dragan`,
            `ConsistencyTerm`, `OutputVariance`), or a list of them.
        critic_steps: Critic updates a generator update.
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
    #: Arguments of `__init__`, beside the networks, that `get_config` stores.
    config_names: tuple[str, ...] = (
        "latent_size", "objective", "penalty", "critic_steps", "instance_noise", "attributes"
    )  # fmt: skip

    def __init__(
        self,
        generator,
        critic,
        latent_size=None,
        objective=None,
        penalty=None,
        critic_steps=1,
        instance_noise=0.0,
        attributes=None,
        attribute_critic=None,
        seed=None,
        ema_momentum=None,
        name=None,
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

    def make_updates(self, generator_optimizer, critic_optimizer):
        read = () if self.attributes is None else ("attributes",)
        charged = ("penalty",) if any(not penalty.constrains for penalty in self.penalties) else ()
        critic = Update(
            "critic",
            self.critic_loss,
            tuple(self.networks[1:]),
            critic_optimizer,
            terms=("real", "fake", *charged, *read),
            repeats=self.critic_steps,
            after=self._constrain if any(penalty.constrains for penalty in self.penalties) else None,
        )
        generator = Update(
            "generator", self.generator_loss, (self.generator,), generator_optimizer, read, slices=self.critic_steps
        )
        return critic, generator

    def critic_loss(self, batch, draw):
        """The critic's loss of every sample of a batch, and the terms to track; see `Update.loss`."""
        real, condition = self._unpack(batch)
        fake = self._fakes(condition, draw)
        real, fake = self._with_noise(real, draw), self._with_noise(tf.stop_gradient(fake), draw)
        scorer = Scorer(self.critic, condition, draw.training)
        outputs = scorer.outputs(real), scorer.outputs(fake)
        terms = {"real": outputs[0][:, 0], "fake": outputs[1][:, 0]}
        values = self.objective.critic_loss(**terms)
        charges = [penalty(scorer, real, fake, draw) for penalty in self.penalties if not penalty.constrains]
        if charges:
            terms["penalty"] = tf.add_n(charges)
            values += terms["penalty"]
        if self.attributes is not None:
            pairs = list(zip((real, fake), outputs, strict=True))[: 2 if self.attributes.on_generated else 1]
            found = [self._attribute_loss(x, output, condition, draw.training) for x, output in pairs]
            terms["attributes"] = tf.add_n(found)
            values += self.attributes.weight * terms["attributes"]
        return values, terms

    def generator_loss(self, batch, draw):
        """The generator's loss of as many samples as the batch has rows, and the terms to track; see `Update.loss`."""
        real, condition = self._unpack(batch)
        fake = self._with_noise(self._fakes(condition, draw), draw)
        scorer = Scorer(self.critic, condition, draw.training)
        outputs = scorer.outputs(fake)
        compared = scorer(self._with_noise(real, draw)) if self.objective.generator_sees_real else None
        values = self.objective.generator_loss(outputs[:, 0], compared)
        if self.attributes is None:
            return values
        read = self._attribute_loss(fake, outputs, condition, draw.training)
        return values + self.attributes.weight * read, {"attributes": read}

    def _unpack(self, batch):
        real, condition = conditioning.unpack(batch)
        return tf.cast(real, tf.float32), condition

    def _fakes(self, condition, draw):
        latents = draw.normal((self.latent_size,))
        fake = conditioning.apply(self.generator, "latents", latents, condition, draw.training)
        return tf.cast(fake, tf.float32)

    def _with_noise(self, x, draw):
        if self.instance_noise == 0.0:
            return x
        return x + value_at(self.instance_noise, self.state.step.value) * draw.normal(tuple(x.shape[1:]))

    def _attribute_loss(self, x, outputs, condition, training):
        if "attribute_critic" in self.network_names:
            outputs = Scorer(self.attribute_critic, condition, training).outputs(x)
        else:
            outputs = outputs[:, 1:]
        return self.attributes(outputs, condition)

    def _constrain(self):
        for penalty in self.penalties:
            penalty.constrain(self.critic.trainable_variables)

    def call(self, inputs, training=False):
        """Maps latents, `(latents, condition)` or a dict of these names to data: what `predict` returns."""
        return self._generate(*conditioning.unpack(inputs))

    # What users call. Everything is compiled once and takes any number of rows.

    def generate(self, latents, condition=None):
        """Returns $G(z)$, shape `(rows, *data_shape)`, for latents `(rows, latent_size)`."""
        latents = conditioning.as_latents(latents, self.latent_size)
        condition = self._condition(self.generator, condition, len(latents))
        return conditioning.by_rows(self.as_graph(self._generate), latents, condition)

    def sample(self, num_samples, condition=None, seed=None, truncation=None):
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
        condition = conditioning.repeat_condition([self.generator], condition, num_samples)
        condition = self._condition(self.generator, condition, num_samples)
        return self.as_graph(self._sample)(tf.constant(num_samples), condition, *self.sampling_seed(seed), bound)

    def discriminate(self, x, condition=None):
        """Returns the critic's scores of data, float32 of shape `(rows,)`: what `objective` takes, logits or others."""
        x = conditioning.as_rows(x, conditioning.input_shape(self.critic, "x"))
        condition = self._condition(self.critic, condition, len(x))
        return conditioning.by_rows(self.as_graph(self._discriminate), x, condition)

    @property
    def data_range(self):
        """`(low, high)`, what the generator's last activation can make, or `None` for any numbers."""
        return gan_checks.RANGES.get(last_activation(self.generator))

    def signatures(self):
        """What `export` writes: named functions with named inputs. See `keras_dl.runtime.export`."""
        return gan_signatures.signatures(self)

    def check_data(self, data):
        gan_checks.check_data(self, data)

    def condition_classes(self):
        return super().condition_classes() if self.attributes is None else self.attributes.sizes

    def check_inputs(self, inputs):
        latents, condition = conditioning.unpack(inputs)
        conditioning.check_x(latents, (self.latent_size,), "latents")
        conditioning.check_condition([self.generator], condition, len(latents))

    def get_config(self):
        parts = {name: getattr(self, name) for name in (*self.network_names, *self.config_names)}
        return {**super().get_config(), **{k: keras.saving.serialize_keras_object(v) for k, v in parts.items()}}

    @classmethod
    def from_config(cls, config):
        read = keras.saving.deserialize_keras_object
        return cls(**{k: read(v) if isinstance(v, (dict, list)) else v for k, v in config.items()})

    # The graphs behind them.

    def _generate(self, latents, condition=None):
        made = conditioning.apply(self.averaged("generator"), "latents", latents, condition)
        return tf.cast(made, tf.float32)

    def _sample(self, num_samples, condition, seed, call, bound):
        draw = Draw.for_sampling(seed, call, num_samples)
        # The inverse distribution function of the normal cut at +-bound; uncut, these are the draw's normals.
        signed = draw.uniform((self.latent_size,), -1.0, 1.0) * tf.math.erf(bound / math.sqrt(2.0))
        return self._generate(math.sqrt(2.0) * tf.math.erfinv(signed), condition)

    def _discriminate(self, x, condition=None):
        return Scorer(self.critic, condition)(x)

    def _condition(self, network, condition, rows):
        gan_checks.check_condition(self, [network], condition, rows)
        return conditioning.as_condition([network], condition)
