"""Adversarial networks that grow (Karras et al. 2018)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl import objectives
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models import conditions, gan_checks, gan_signatures
from keras_dl.models import progressive_growth as growth
from keras_dl.models.base import Draw, Phase, Signature, Update
from keras_dl.models.gan import GAN
from keras_dl.models.gan_variants import check_fixed
from keras_dl.types import Nest

_ADAM = {"class_name": "Adam", "config": {"learning_rate": 1e-3, "beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-8}}


@keras.saving.register_keras_serializable(package="keras_dl")
class ProgressiveGAN(GAN):
    r"""Progressive GAN (Karras et al. 2018, "Progressive growing of GANs for improved quality, stability, and
    variation").

    Generator and critic begin with small images. A phase in which a level is stable is followed by one in which the
    next fades in, by a share $\alpha$ that rises from 0 to 1 with the number of images seen; data are blended likewise.
    The critic minimises the Wasserstein loss with gradient penalty and a drift term on data,

    $$\mathbb{E}[f(G(z)) - f(x)] + \lambda\, \mathbb{E}[(\|\nabla f(\hat x)\| - 1)^2] +
      \epsilon\, \mathbb{E}[f(x)^2]$$

    Networks hold all levels from the start. A step runs and moves the layers of the level that was reached, and its
    graph is compiled once per phase. Both optimizers begin anew with each phase, as published. The number of images is
    saved: a run that is resumed within a fade goes on with it.

    Data are images `x` of the finest level, of any numbers. What samples and scores, too, takes and gives images of
    this size, at the level that was reached. See `GAN` for what is tracked.

    Args:
        generator: `keras_dl.networks.progressive_generator`.
        critic: `keras_dl.networks.progressive_critic` of the same levels.
        latent_size: Number of latents; `None` takes the generator's.
        stable_images: Images for which each level but the last is stable; the last has no end. A sequence has one
            number per level but the last.
        fade_images: Images for which each level but the first fades in; a number, or a sequence.
        steps_per_batch: In how many steps a batch is taken, a number, or a sequence with one per level: `(1, 1, 1, 2)`
            with `batch_size=128` takes batches of 64 at the fourth level.
        gradient_penalty: $\lambda$; 0 for none.
        drift: $\epsilon$.
        value_range: `(low, high)`, to which samples are clipped, as the generator has no last activation; `None` for
            none.
        attributes: `keras_dl.objectives.Attributes(10, on_generated=True)` for ten classes, as published: the critic,
            with as many further outputs, also reads labels off images, and the generator, made with `num_classes`,
            shows those asked for. `None` for no classes.
        **kwargs: Further arguments of `GAN`, but `objective`, `penalty` and `attribute_critic`. The paper's
            `ema_momentum` is 0.999.

    Raises:
        ValueError: If the networks' levels do not meet, or a phase has no images.

    Example:

    >>> (x, _), _ = keras_dl.data.load("digits")
    >>> model = keras_dl.models.ProgressiveGAN(
    ...     keras_dl.networks.progressive_generator(8, (8, 8, 1), filters=4),
    ...     keras_dl.networks.progressive_critic((8, 8, 1), filters=4),
    ...     stable_images=64, fade_images=64,
    ... )
    >>> model.phases.starts, model.level
    ([0, 64, 128], 0.0)
    >>> model.sample(2, seed=0).shape
    TensorShape([2, 8, 8, 1])
    """

    paper_optimizers = dict.fromkeys(GAN.optimizer_names, _ADAM)
    config_names = (
        *("latent_size", "stable_images", "fade_images", "steps_per_batch", "gradient_penalty", "drift"),
        *("value_range", "critic_steps", "instance_noise", "attributes"),
    )

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        latent_size: int | None = None,
        stable_images: float | Sequence = 600_000,
        fade_images: float | Sequence = 600_000,
        steps_per_batch: int | Sequence[int] = 1,
        gradient_penalty: float = 10.0,
        drift: float = 1e-3,
        value_range: Any = None,
        attributes: Any = None,
        **kwargs,
    ):
        count = _check_levels(generator, critic)
        if conditions.takes_condition(generator) and attributes is None:
            raise refusal(
                "attributes should be given with a conditional generator, to hold it to its condition", "None"
            )
        stable = _per_level("stable_images", stable_images, count - 1)
        fade = _per_level("fade_images", fade_images, count - 1)
        parts = _per_level("steps_per_batch", steps_per_batch, count)
        check_fixed("ProgressiveGAN", kwargs, ("objective", "penalty", "attribute_critic"))
        weight = check_number(gradient_penalty, "gradient_penalty", least=0)
        penalty = objectives.GradientPenalty(weight) if weight else None
        options = {"attributes": attributes, **kwargs}
        super().__init__(generator, critic, latent_size, objectives.Wasserstein(), penalty, **options)
        self.stable_images, self.fade_images, self.steps_per_batch = stable_images, fade_images, steps_per_batch
        self.gradient_penalty, self.drift = gradient_penalty, check_number(drift, "drift", least=0)
        self.value_range = gan_checks.check_value_range(value_range)
        self.num_levels = count
        self.set_phases(self._schedule(stable, fade, parts))

    def _schedule(self, stable, fade, parts):
        """The phases: level 0, and a fade and a stable phase for each further level."""
        phases = []
        for level in range(self.num_levels):
            height, width = (side >> (self.num_levels - 1 - level) for side in self.generator.output_shape[1:3])
            restart = self.optimizer_names if level else ()
            if level:
                phases.append(Phase(f"fade {height}x{width}", fade[level - 1], None, restart, parts[level]))
            images = stable[level] if level < self.num_levels - 1 else None
            phases.append(Phase(f"{height}x{width}", images, None, restart, parts[level]))
        return phases

    def make_updates(
        self, generator_optimizer: keras.optimizers.Optimizer, critic_optimizer: keras.optimizers.Optimizer
    ) -> tuple[Update, ...]:
        for optimizer, network in ((generator_optimizer, self.generator), (critic_optimizer, self.critic)):
            if not optimizer.built:
                optimizer.build(network.trainable_variables)  # of all levels, though a phase moves some
        critic, generator = super().make_updates(generator_optimizer, critic_optimizer)
        critic = critic._replace(networks=(growth.Growing(self.critic, "from_rgb", "block", self._phase),))
        moved = growth.Growing(self.generator, "to_rgb", "features", self._phase)
        return critic, generator._replace(networks=(moved,))

    @property
    def data_range(self) -> tuple[float, float] | None:
        return self.value_range and tuple(self.value_range)

    def check_data(self, data: Nest) -> None:
        super().check_data(data)
        gan_checks.check_in_value_range(conditions.unpack(data)[0], self.value_range)

    @property
    def level(self) -> float:
        """The level that was reached, a float: 1.5 where level 2 shows by half."""
        return float(self._level())

    def critic_loss(self, batch: Nest, draw: Draw) -> Nest:
        values, terms = super().critic_loss(batch, draw)
        return values + self.drift * tf.square(terms["real"]), terms

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes, at the level that was reached; see `GAN`."""
        return gan_signatures.signatures(_AtLevel(self, self.level))

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        store["phase_starts"] = np.asarray(self.phases.starts)

    def load_own_variables(self, store: Any) -> None:
        starts = np.asarray(store["phase_starts"]).tolist() if "phase_starts" in set(store.keys()) else None
        if starts not in (None, self.phases.starts):
            expected = f"The schedule (stable_images, fade_images) should be the saved one, with phases from {starts}"
            raise refusal(f"{expected} images on", f"phases from {self.phases.starts}")
        super().load_own_variables(store)

    def _phase(self):
        """The level under way, and whether it fades in: Python numbers, constants of a phase's graph."""
        phase = self.state.phase
        return (phase + 1) // 2, phase % 2 == 1

    def _fade(self):
        return self.phase_fraction() if self._phase()[1] else None

    def _level(self):
        """The level that the images seen have reached, a scalar of the graph."""
        seen, starts = self.state.samples.value, self.phases.starts
        shares = [self.phases.fraction(phase, seen) for phase in range(1, len(starts), 2)]
        return tf.add_n(shares) if shares else tf.constant(0.0)

    def _unpack(self, batch):
        real, condition = super()._unpack(batch)
        return growth.data_at(real, self.num_levels - 1 - self._phase()[0], self._fade()), condition

    def _generated(self, latents, condition, training):
        latents = growth.joined(self.generator, latents, condition)
        return growth.images(self.generator, latents, self._phase()[0], self._fade(), training)

    def _scorer(self, condition, training):
        return growth.LevelScorer(self.critic, self._phase()[0], self._fade(), training)

    def _generate(self, latents, condition=None, level=None):
        given = {} if condition is None else {"condition": condition}
        inputs = {"latents": latents, **given, "level": self._levels(latents, level)}
        return gan_checks.clipped(tf.cast(self.averaged("generator")(inputs), tf.float32), self.value_range)

    def _discriminate(self, x, condition=None, level=None):
        return tf.cast(self.critic({"x": x, "level": self._levels(x, level)}), tf.float32)[:, 0]

    def _levels(self, rows, level):
        return tf.fill((tf.shape(rows)[0], 1), self._level() if level is None else level)


class _AtLevel:
    """A model's graphs at a fixed level, as what is exported has no state of a training."""

    def __init__(self, model, level):
        self.model, self.level = model, level
        self.generator, self.critic, self.latent_size = model.generator, model.critic, model.latent_size

    def _generate(self, latents, condition=None):
        return self.model._generate(latents, condition, self.level)

    def _discriminate(self, x, condition=None):
        return self.model._discriminate(x, level=self.level)

    def _sample(self, num_samples, condition, seed, call, bound):
        return self._generate(self.model.latents_of(num_samples, seed, call, bound), condition)


def _check_levels(generator, critic):
    """How many levels both networks have; refuses networks of others, or of none."""
    counts = [growth.num_levels(generator, "to_rgb"), growth.num_levels(critic, "from_rgb")]
    if 0 in counts:
        networks = "networks.progressive_generator and progressive_critic"
        raise refusal(f"generator and critic should grow, as those of {networks} do", f"levels {counts}")
    if counts[0] != counts[1]:
        raise refusal(f"critic should have the generator's levels, {counts[0]}", counts[1])
    return counts[0]


def _per_level(name, value, count):
    """A number per level: the same for all, or those of a sequence."""
    if not isinstance(value, (list, tuple)):
        return [check_count(value, name)] * count
    if len(value) != count:
        raise refusal(f"`{name}` should be a number, or a sequence of {count}", **{name: value})
    return [check_count(one, name) for one in value]
