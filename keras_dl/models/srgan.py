"""Adversarial super-resolution: SRGAN (Ledig et al. 2017) and ESRGAN (Wang et al. 2018)."""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl import objectives
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models import shapes, tiling
from keras_dl.models import translation_parts as parts
from keras_dl.models.base import Draw, ObjectiveModel, Phase, Signature, Update
from keras_dl.models.base.averages import HalfLife
from keras_dl.models.enlarging import Enlarging
from keras_dl.models.structure import check_network
from keras_dl.models.supervised import unpack
from keras_dl.types import Nest, Tensor

DISTANCES = ("mse", "mae")
_NAMES = ("generator_optimizer", "critic_optimizer")


def _adam(beta_1):
    config = {"class_name": "Adam", "config": {"learning_rate": 1e-4, "beta_1": beta_1, "beta_2": 0.999}}
    return dict.fromkeys(_NAMES, config)


@keras.saving.register_keras_serializable(package="keras_dl")
class SRGAN(Enlarging, ObjectiveModel):
    r"""Super-resolution by an adversarial game (Ledig et al. 2017, "Photo-realistic single image super-resolution using
    a generative adversarial network").

    A generator $G$ enlarges small images $x$; a critic judges large ones $y$; $\phi$ are features of a network that
    does not learn:

    $$\min_G \eta\, d(G(x), y) + \nu\, d(\phi(G(x)), \phi(y)) + \lambda\, \ell_\text{generator}(D(G(x)))$$

    with means of squares or of absolute values $d$. Without a pre-training for pixels such games fail: the first
    `pretraining` images that are seen train the generator alone, by $d(G(x), y)$, then it begins anew with Adam and
    the game begins. Both are phases of one run, which is resumed exactly in either. Data are `(small, large)` in
    [0, 1].

    `fit` tracks `pixels_loss` in the pre-training, and `generator_loss` with `pixels`, `features` (where there are
    some) and `adversarial`, `critic_loss`, `critic_real` and `critic_fake` in the game; `evaluate` tracks all of them.

    Args:
        generator: Built Keras model that enlarges images, `keras_dl.networks.srresnet`.
        critic: Built Keras model from large images to logits, `keras_dl.networks.srgan_critic` for patches of one
            size, or `patch_critic`.
        features: Built Keras model from large images in [0, 1] to maps, or a nest of them; the paper's is VGG19 after
            the last convolution of its fifth stage. `None` for a game of pixels. Figures depend on it: its name is part
            of the configuration.
        pixel_weight: $\eta$; `None` for 0 with features, 1 without.
        feature_weight: $\nu$.
        adversarial_weight: $\lambda$.
        distance: $d$, `"mse"` or `"mae"`.
        pretraining: Number of large images seen in the pre-training; 0 for none.
        objective: `keras_dl.objectives` object; `None` means `NonSaturating()`.
        seed: Integer that decides noise and data order; `None` draws one.
        ema_momentum: Momentum of averaged weights of the generator, which `upscale` then uses; `None` for none.
        name: Name of the model.

    Raises:
        ValueError: If the networks do not fit together, or an argument is out of range.
        TypeError: If `objective` is none.

    Example:

    >>> generator = keras_dl.networks.srresnet((None, None, 3), 2, filters=4, num_blocks=1)
    >>> critic = keras_dl.networks.patch_critic(filters=4, num_layers=1, normalization=None)
    >>> model = keras_dl.models.SRGAN(generator, critic, pretraining=8)
    >>> model.compile()
    >>> large = np.random.default_rng(0).random((8, 16, 16, 3), dtype="float32")
    >>> history = model.fit(large[:, ::2, ::2], large, batch_size=4, epochs=2, verbose=0).history
    >>> history["phase"], len(history["pixels_loss"]), len(history["generator_loss"])
    ([1, 2], 1, 1)
    """

    enlarger = "generator"
    optimizer_names = _NAMES
    averaged_networks = ("generator",)
    paper_optimizers = _adam(0.9)
    #: Arguments of `__init__`, beside networks and objective, that `get_config` stores.
    config_names = ("pixel_weight", "feature_weight", "adversarial_weight", "distance", "pretraining")

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        features: Any = None,
        pixel_weight: float | None = None,
        feature_weight: float = 0.006,
        adversarial_weight: float = 1e-3,
        distance: str = "mse",
        pretraining: int = 0,
        objective: Any = None,
        seed: int | None = None,
        ema_momentum: float | HalfLife | dict | None = None,
        name: str | None = None,
        **kwargs,
    ):
        tiling.scale_of(generator)
        parts.check_judges("critic", critic, shapes.output_shape(generator))
        networks = {"generator": generator, "critic": critic}
        if features is not None:
            check_network("features", features)
            parts.check_taken("features", features, shapes.output_shape(generator))
            networks["features"] = features
        super().__init__(networks, seed, ema_momentum, name, **kwargs)
        self.objective = parts.checked_objective(objective, objectives.NonSaturating())
        self.pixel_weight = float(features is None) if pixel_weight is None else pixel_weight
        self.feature_weight, self.adversarial_weight = feature_weight, adversarial_weight
        for weight in ("pixel_weight", "feature_weight", "adversarial_weight"):
            check_number(getattr(self, weight), weight, least=0)
        if distance not in DISTANCES:
            raise refusal(f"`distance` should be one of {DISTANCES}", distance=distance)
        self.distance = distance
        self.pretraining = check_count(pretraining, "pretraining", least=0)
        if self.pretraining:
            game = Phase("game", updates=("generator", "critic"), restart=("generator_optimizer",))
            self.set_phases([Phase("pretraining", self.pretraining, updates=("pixels",)), game])

    @property
    def has_features(self) -> bool:
        """Whether there is a network of features."""
        return "features" in self.network_names

    def make_updates(
        self, generator_optimizer: keras.optimizers.Optimizer, critic_optimizer: keras.optimizers.Optimizer
    ) -> tuple[Update, ...]:
        terms = ("pixels", "features", "adversarial") if self.has_features else ("pixels", "adversarial")
        generator = (self.generator,)
        game = (
            Update("generator", self.generator_loss, generator, generator_optimizer, terms=terms),
            Update("critic", self.critic_loss, (self.critic,), critic_optimizer, terms=("real", "fake")),
        )
        if not self.pretraining:
            return game
        return Update("pixels", self.pixels_loss, generator, generator_optimizer), *game

    def pixels_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The difference of every image to what it should be; see `Update.loss`."""
        small, large, _ = unpack(batch)
        return self._distance(self.generator(small, training=draw.training), large)

    def generator_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The generator's loss of every image, and its parts; see `Update.loss`."""
        small, large, _ = unpack(batch)
        enlarged = self.generator(small, training=draw.training)
        scores = self.critic(enlarged, training=draw.training)
        real = self.critic(large, training=draw.training) if self.objective.generator_sees_real else None
        terms = {
            "pixels": self._distance(enlarged, large),
            "adversarial": parts.generator_values(self.objective, scores, real),
        }
        values = self.pixel_weight * terms["pixels"] + self.adversarial_weight * terms["adversarial"]
        if self.has_features:
            maps = (tf.nest.flatten(self.features(x, training=False)) for x in (enlarged, large))
            terms["features"] = tf.add_n([self._distance(a, b) for a, b in zip(*maps, strict=True)])
            values += self.feature_weight * terms["features"]
        return values, terms

    def critic_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The critic's loss of every image, and its mean scores; see `Update.loss`."""
        small, large, _ = unpack(batch)
        enlarged = tf.stop_gradient(self.generator(small, training=draw.training))
        real, fake = (self.critic(x, training=draw.training) for x in (large, enlarged))
        terms = {"real": parts.per_sample(real), "fake": parts.per_sample(fake)}
        return parts.critic_values(self.objective, real, fake), terms

    def call(self, inputs: Nest, training: bool = False) -> Tensor:
        """Enlarges images: what `predict` returns."""
        return self._enlarge(inputs)

    def signatures(self) -> dict[str, Signature]:
        """What `export` writes: `upscale`, of images of the sizes that the generator takes."""
        spec = tf.TensorSpec([None, *shapes.input_shape(self.generator, "x")])
        return {"upscale": Signature(lambda x: {"upscaled": self._enlarge(x)}, {"x": spec})}

    def check_data(self, data: Nest) -> None:
        small, large, weights = unpack(data)
        if weights is not None:
            raise refusal("data should be (small, large)", "sample weights beside them")
        shapes.check_x(small, shapes.input_shape(self.generator, "x"), "small images")
        expected = (*(self.scale * n for n in np.shape(small)[1:3]), shapes.output_shape(self.generator)[-1])
        shapes.check_x(large, expected, "large images")
        self.check_levels(small, large)
        parts.check_sizes("critic", self.critic, expected)
        if self.has_features:
            parts.check_taken("features", self.features, expected)

    def get_config(self) -> dict[str, Any]:
        config = {name: getattr(self, name) for name in self.config_names}
        return {**super().get_config(), **parts.serialized(self, (*self.network_names, "objective")), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**parts.deserialized(config))

    def _distance(self, x, y):
        x, y = tf.cast(x, tf.float32), tf.cast(y, tf.float32)
        return parts.per_sample(tf.square(x - y) if self.distance == "mse" else tf.abs(x - y))


@keras.saving.register_keras_serializable(package="keras_dl")
class ESRGAN(SRGAN):
    r"""Enhanced SRGAN (Wang et al. 2018, "ESRGAN: Enhanced super-resolution generative adversarial networks").

    `SRGAN` with a relativistic critic, absolute differences, features before their activation, and the paper's weights,
    $\eta = 0.01$, $\nu = 1$, $\lambda = 0.005$; the generator is `keras_dl.networks.rrdb`. Images between those of the
    pre-trained and those of the last generator: `keras_dl.networks.interpolate`.

    Args:
        generator, critic, features: See `SRGAN`.
        pixel_weight, feature_weight, adversarial_weight, distance, pretraining: See `SRGAN`.
        objective: `None` means `RelativisticAverage()`.
        **kwargs: As for `SRGAN`.

    Example:

    >>> generator = keras_dl.networks.rrdb((None, None, 3), 2, filters=4, growth=2, num_blocks=1)
    >>> critic = keras_dl.networks.patch_critic(filters=4, num_layers=1, normalization=None)
    >>> keras_dl.models.ESRGAN(generator, critic).upscale(np.zeros((8, 9, 3))).shape
    (16, 18, 3)
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        features: Any = None,
        pixel_weight: float = 1e-2,
        feature_weight: float = 1.0,
        adversarial_weight: float = 5e-3,
        distance: str = "mae",
        pretraining: int = 0,
        objective: Any = None,
        **kwargs,
    ):
        objective = objectives.RelativisticAverage() if objective is None else objective
        weights = pixel_weight, feature_weight, adversarial_weight
        super().__init__(generator, critic, features, *weights, distance, pretraining, objective, **kwargs)
