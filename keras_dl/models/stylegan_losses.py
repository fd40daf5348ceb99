"""Losses of StyleGAN: the game with mixed styles, lazy R1, and lazy path-length regularisation."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_dl import objectives
from keras_dl.models import conditions
from keras_dl.models.base import Draw, Update
from keras_dl.models.gan_losses import GameLosses
from keras_dl.models.scorer import Scorer
from keras_dl.objectives.gradient_penalties import input_gradients
from keras_dl.types import Nest, Tensor


class StyleLosses(GameLosses):
    """The part of `StyleGAN` that trains."""

    # Of the model.
    r1_weight: float
    r1_every: int
    path_weight: float
    path_every: int
    mixing: float
    augmentation: Any
    carried: dict[str, Any]
    num_styles: int
    noise_size: int
    critic_shape: tuple

    def make_updates(
        self, generator_optimizer: keras.optimizers.Optimizer, critic_optimizer: keras.optimizers.Optimizer
    ) -> tuple[Update, ...]:
        critic = (self.critic,), critic_optimizer
        generator = (self.generator,), generator_optimizer
        signs = () if self.augmentation is None else ("augmentation",)
        updates = [Update("critic", self.critic_loss, *critic, terms=("real", "fake"), hands_back=signs)]
        if self.r1_weight:
            updates.append(Update("r1", self.r1_loss, *critic, every=self.r1_every, rescale=True))
        updates.append(Update("generator", self.generator_loss, *generator, hands_back=("mean_style",)))
        if self.path_weight:
            path = Update("path", self.path_loss, *generator, terms=("length",), every=self.path_every, rescale=True)
            updates.append(path._replace(slices=2, hands_back=("path_length",)))
        return tuple(updates)

    def critic_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The game's loss of the critic per sample, and its scores; see `Update.loss`."""
        real, condition = self._unpack(batch)
        styles, _ = self._drawn_styles(draw, condition)
        fake = self._synthesized(styles, draw.normal((self.noise_size,)), draw.training)
        scorer = Scorer(self.critic, condition, draw.training)
        shown = self._shown(real, draw), self._shown(tf.stop_gradient(fake), draw)
        terms = {"real": scorer(shown[0]), "fake": scorer(shown[1])}
        values = self.objective.critic_loss(**terms)
        if self.augmentation is None:
            return values, terms
        signs = tf.sign(terms["real"])
        return values, terms, {"augmentation": tf.stack([signs, tf.ones_like(signs)], axis=-1)}

    def generator_loss(self, batch: Nest, draw: Draw) -> Nest:
        """The game's loss of the generator per sample, and the styles before mixing, for their mean."""
        real, condition = self._unpack(batch)
        styles, unmixed = self._drawn_styles(draw, condition)
        fake = self._synthesized(styles, draw.normal((self.noise_size,)), draw.training)
        scorer = Scorer(self.critic, condition, draw.training)
        compared = scorer(self._shown(real, draw)) if self.objective.generator_sees_real else None
        scores = scorer(self._shown(fake, draw))
        return self.objective.generator_loss(scores, compared), {}, {"mean_style": unmixed}

    def r1_loss(self, batch: Nest, draw: Draw) -> Nest:
        """R1 at the data, times the number of steps from one to the next."""
        real, condition = self._unpack(batch)
        scorer = Scorer(self.critic, condition, draw.training)
        penalty = objectives.R1(self.r1_weight)
        return self.r1_every * penalty(lambda x: scorer(self._shown(x, draw)), real, None, draw)

    def path_loss(self, batch: Nest, draw: Draw) -> Nest:
        """Squared differences of path lengths from their mean, times the number of steps, and the lengths."""
        _, condition = self._unpack(batch)
        styles, _ = self._drawn_styles(draw, condition)
        lengths = self.path_lengths(styles, draw)
        excess = lengths - self.carried["path_length"].value
        values = self.path_every * self.path_weight * tf.square(excess)
        return values, {"length": lengths}, {"path_length": lengths}

    def path_lengths(self, styles: Tensor, draw: Draw) -> Tensor:
        r"""Lengths of the Jacobian's products with random images, $\sqrt{\tfrac1L \sum_l \|J_l^\top y\|^2}$.

        Args:
            styles: Styles of the $L$ layers, shape `(rows, num_styles, style_size)`.
            draw: The noise: of the generator and $y$, standard normal over the square root of the number of pixels.
        """
        noise = draw.normal((self.noise_size,))
        image = tuple(self.critic_shape)
        directions = draw.normal(image) / math.sqrt(image[0] * image[1])

        def products(styles):
            return tf.reduce_sum(self._synthesized(styles, noise, draw.training) * directions, axis=(1, 2, 3))

        squares = tf.reduce_sum(tf.square(input_gradients(products, styles)), axis=2)
        return tf.sqrt(tf.reduce_mean(squares, axis=1) + 1e-12)

    def _shown(self, images, draw):
        """Images as the critic sees them."""
        if self.augmentation is None:
            return images
        return self.augmentation(images, self.carried["augmentation"].value[0], draw)

    def _drawn_styles(self, draw, condition):
        """Styles of the layers, mixed of two latents in a share of samples, and the first latents' styles unmixed."""
        first = self._mapped(draw.normal((self.latent_size,)), condition, draw.training)
        if not self.mixing or self.num_styles < 2:
            return tf.repeat(first[:, None], self.num_styles, axis=1), first
        second = self._mapped(draw.normal((self.latent_size,)), condition, draw.training)
        cut = 1 + draw.integers((1,), self.num_styles - 1)
        cut = tf.where(draw.uniform((1,)) < self.mixing, cut, self.num_styles)
        of_first = tf.range(self.num_styles)[None] < cut
        return tf.where(of_first[..., None], first[:, None], second[:, None]), first

    def _mapped(self, latents, condition, training):
        mapping = self.generator.get_layer("mapping")
        return tf.cast(conditions.apply(mapping, "latents", latents, condition, training), tf.float32)

    def _synthesized(self, styles, noise, training):
        synthesis: keras.Model = self.generator.get_layer("synthesis")
        return tf.cast(synthesis({"styles": styles, "noise": noise}, training=training), tf.float32)
