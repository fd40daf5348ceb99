"""Translation of images by pairs (Isola et al. 2017)."""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl import objectives
from keras_dl.checks import check_number, refusal
from keras_dl.models import shapes
from keras_dl.models import translation_parts as parts
from keras_dl.models.base import Draw, ObjectiveModel, Signature, Update, fresh_seed
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.dropout_noise import layers_that_drop, with_dropout
from keras_dl.models.gan_checks import data_range
from keras_dl.models.supervised import unpack
from keras_dl.types import Nest, Tensor

_ADAM = {"class_name": "Adam", "config": {"learning_rate": 2e-4, "beta_1": 0.5}}


@keras.saving.register_keras_serializable(package="keras_dl")
class Pix2Pix(ObjectiveModel):
    r"""Image-to-image translation by pairs (Isola et al. 2017, "Image-to-image translation with conditional adversarial
    networks").

    A generator $G$ translates a source $x$ to a target $y$; a critic $D$ judges patches of pairs:

    $$\min_D \tfrac12 \mathbb{E}[\ell_\text{critic}(D(x, y), D(x, G(x)))], \qquad
      \min_G \mathbb{E}[\ell_\text{generator}(D(x, G(x)))] + \lambda\, \mathbb{E}[|y - G(x)|]$$

    Data are `(source, target)`. In each step the critic learns first. `fit` and `evaluate` track `critic_loss`,
    `critic_real`, `critic_fake`, `generator_loss`, `generator_adversarial` and `generator_l1`.

    Args:
        generator: Built Keras model from source to target images, `keras_dl.networks.pix2pix_generator`. Dropout in it
            is the noise, which `translate` leaves out unless it gets a seed.
        critic: Built Keras model from `{"x": target, "source": source}` to logits of patches,
            `keras_dl.networks.patch_critic(..., source_channels=...)`.
        l1_weight: $\lambda$; 100 in the paper. With `adversarial_weight=0` the generator is a plain U-Net.
        adversarial_weight: Factor of the generator's adversarial loss.
        objective: `keras_dl.objectives` object; `None` means `NonSaturating()`, the paper's.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights of the generator, which `translate` then uses; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not fit together, or a weight is negative.
        TypeError: If `objective` is none.

    Example:

    >>> generator = keras_dl.networks.pix2pix_generator((16, 16, 1), filters=4, levels=2, output_activation="sigmoid")
    >>> critic = keras_dl.networks.patch_critic((16, 16, 1), source_channels=1, filters=4, num_layers=1)
    >>> model = keras_dl.models.Pix2Pix(generator, critic)
    >>> model.compile()
    >>> x = np.random.default_rng(0).random((8, 16, 16, 1), dtype="float32")
    >>> sorted(model.fit(x, 1 - x, batch_size=4, verbose=0).history)[:3]
    ['critic_fake', 'critic_loss', 'critic_real']
    >>> model.translate(x[:2]).shape
    TensorShape([2, 16, 16, 1])
    """

    optimizer_names = ("generator_optimizer", "critic_optimizer")
    averaged_networks = ("generator",)
    paper_optimizers = dict.fromkeys(optimizer_names, _ADAM)

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        l1_weight: float = 100.0,
        adversarial_weight: float = 1.0,
        objective: Any = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        source, target = parts.check_translator("generator", generator)
        parts.check_judges("critic", critic, target, source)
        super().__init__({"generator": generator, "critic": critic}, seed, ema_momentum, name, **kwargs)
        self.objective = parts.checked_objective(objective, objectives.NonSaturating())
        self.l1_weight = check_number(l1_weight, "l1_weight", least=0)
        self.adversarial_weight = check_number(adversarial_weight, "adversarial_weight", least=0)
        self.source_shape, self.target_shape = source, target

    def make_updates(
        self, generator_optimizer: keras.optimizers.Optimizer, critic_optimizer: keras.optimizers.Optimizer
    ) -> tuple[Update, ...]:
        terms = ("adversarial", "l1")
        return (
            Update("critic", self.critic_loss, (self.critic,), critic_optimizer, terms=("real", "fake")),
            Update("generator", self.generator_loss, (self.generator,), generator_optimizer, terms=terms),
        )

    def critic_loss(self, batch: Nest, draw: Draw) -> Nest:
        """Half of the critic's loss of every pair, and its mean scores; see `Update.loss`."""
        source, target, _ = unpack(batch)
        fake = tf.stop_gradient(self.generator(source, training=draw.training))
        real, fake = (self._judged(x, source, draw.training) for x in (target, fake))
        terms = {"real": parts.per_sample(real), "fake": parts.per_sample(fake)}
        return 0.5 * parts.critic_values(self.objective, real, fake), terms

    def generator_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The generator's loss of every pair, and its two parts; see `Update.loss`."""
        source, target, _ = unpack(batch)
        fake = self.generator(source, training=draw.training)
        judged = self._judged(fake, source, draw.training)
        real = self._judged(target, source, draw.training) if self.objective.generator_sees_real else None
        adversarial, l1 = parts.generator_values(self.objective, judged, real), parts.distance(fake, target)
        return self.adversarial_weight * adversarial + self.l1_weight * l1, {"adversarial": adversarial, "l1": l1}

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Translates images: what `predict` returns."""
        return self._translate(inputs)

    def translate(self, x: Tensor, seed: int | None = None) -> Tensor:
        """Returns the translations of source images, float32 `(rows, height, width, channels)`.

        Args:
            x: Source images.
            seed: Integer that decides the noise, the generator's dropout: row `i` gets the same whatever rows are
                beside it. `None` for translations without noise.

        Raises:
            ValueError: If images have another shape, or there is a seed but no dropout.
        """
        x = shapes.as_rows(x, self.source_shape)
        if seed is None:
            return shapes.by_rows(self.as_graph(self._of_rows), x)
        self._check_noise(seed)
        method = self._noisy if None in self.source_shape else self.as_graph(self._noisy)
        key, call = self.sampling_seed(seed)
        return shapes.by_rows(lambda rows, _: method(rows, key, call), x)

    @property
    def data_range(self) -> tuple[float, float] | None:
        """`(low, high)`, what the generator's last activation can make, or `None` for any numbers."""
        return data_range(self.generator)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: `translate`, and of a generator with dropout `translate_noisy`.

        The latter takes `seed` (int64; -1 for fresh noise) too. It needs images of one size.
        """
        inputs = {"x": tf.TensorSpec([None, *self.source_shape])}
        signatures = {"translate": Signature(lambda x: {"translated": self._translate(x)}, inputs)}
        if layers_that_drop(self.generator) and None not in self.source_shape:
            zero, inputs = tf.constant(0, tf.int64), {**inputs, "seed": tf.TensorSpec([], tf.int64)}
            noisy = Signature(lambda x, seed: {"translated": self._noisy(x, fresh_seed(seed), zero)}, inputs)
            signatures["translate_noisy"] = noisy
        return signatures

    def check_data(self, data: Nest) -> None:
        source, target, weights = unpack(data)
        if weights is not None:
            raise refusal("data should be (source, target)", "sample weights beside them")
        shapes.check_x(source, self.source_shape, "source images")
        expected = parts.translated_shape(self.generator, np.shape(source)[1:])
        parts.check_images(target, expected, "target images", self.data_range)
        parts.check_sizes("critic", self.critic, expected, np.shape(source)[1:])

    def check_inputs(self, inputs: Nest) -> None:
        shapes.check_x(inputs, self.source_shape)

    def get_config(self) -> dict[str, Any]:
        weights = {"l1_weight": self.l1_weight, "adversarial_weight": self.adversarial_weight}
        return {**super().get_config(), **parts.serialized(self, ("generator", "critic", "objective")), **weights}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**parts.deserialized(config))

    def _judged(self, x, source, training):
        return self.critic({"x": x, "source": source}, training=training)

    def _translate(self, x):
        return tf.cast(self.averaged("generator")(x, training=False), tf.float32)

    def _check_noise(self, seed):
        if not layers_that_drop(self.generator):
            raise refusal("`seed` decides the noise of a generator with dropout, of which this one has none", seed=seed)

    def _noisy(self, x, seed, call):
        draw = Draw.for_sampling(seed, call, tf.shape(x)[0])
        return tf.cast(with_dropout(self.averaged("generator"), x, draw), tf.float32)

    def _of_rows(self, x, condition=None):
        return self._translate(x)
