"""The game between generator and critic of one level of a Laplacian pyramid."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from keras_dl.layers import pyramid
from keras_dl.models import conditions, shapes
from keras_dl.models.gan_losses import GameLosses
from keras_dl.models.scorer import Scorer


class Context(NamedTuple):
    """What a level's images are made from: the next coarser images, blurred, `None` at the coarsest level; labels."""

    coarse: Any
    condition: Any


class LevelGame(GameLosses):
    """What critic and generator of a level minimise.

    Args:
        model: The `LAPGAN`.
        level: The level's number, 0 for the coarsest.
    """

    instance_noise = 0.0
    attributes = None

    def __init__(self, model, level):
        self.model, self.level = model, level
        self.generator, self.critic = (getattr(model, f"{player}_{level}") for player in ("generator", "critic"))
        self.objective, self.penalties, self.state = model.objective, model.penalties, model.state
        self.chained = model.generated_coarse and level > 0
        sizes = model.latent_sizes
        self.latent_size = sum(sizes[: level + 1]) if self.chained else sizes[level]

    def _latents(self, draw):
        return draw.uniform((self.latent_size,), -1.0, 1.0)

    def _scorer(self, condition, training):
        return Scorer(self.critic, condition.condition, training)

    def _unpack(self, batch):
        x, condition = super()._unpack(batch)
        levels = gaussian_pyramid(x, len(self.model.shapes))
        coarse = pyramid.up(levels[self.level - 1]) if self.level else None
        return levels[self.level], Context(coarse, condition)

    def _generated(self, latents, condition, training):
        coarse = condition.coarse
        if self.chained:
            before, latents = tf.split(latents, [self.latent_size - self.model.latent_sizes[self.level], -1], 1)
            networks = [getattr(self.model, f"generator_{level}") for level in range(self.level)]
            coarse = pyramid.up(tf.stop_gradient(chain(networks, before, condition.condition)[-1]))
        return level_images(self.generator, latents, coarse, condition.condition, training)


def gaussian_pyramid(x, levels):
    """Images at all levels, coarsest first: each is the next one, blurred and halved."""
    images = [x]
    for _ in range(levels - 1):
        images.insert(0, pyramid.down(images[0]))
    return images


def level_images(generator, latents, coarse=None, condition=None, training=False):
    """The images of a level, float32: what the generator makes, added to the blurred coarse images if there are any.

    Args:
        generator: The level's generator.
        latents: Its noise as vectors, shape `(batch, size)`.
        coarse: Blurred images of the next coarser level at this one's size.
        condition: The batch's conditions.
        training: What the network gets as `training=`.
    """
    if coarse is None:
        return tf.cast(conditions.apply(generator, "latents", latents, condition, training), tf.float32)
    planes = tf.reshape(latents, (-1, *generator.input["latents"].shape[1:]))
    inputs = {"latents": planes, "coarse": coarse}
    if conditions.takes_condition(generator):
        inputs["condition"] = condition
    return coarse + tf.cast(generator(inputs, training=training), tf.float32)


def chain(generators, latents, condition=None, x=None):
    """Images made level by level, each from those of the level before: a list of those of every level made.

    Args:
        generators: The generators of the levels to make, coarsest first.
        latents: The noise of all of them side by side, shape `(batch, size)`.
        condition: The batch's conditions.
        x: Images of the level before the first; `None` where that is the coarsest.
    """
    start, levels = 0, []
    for generator in generators:
        size = latent_size(generator)
        coarse = None if x is None else pyramid.up(x)
        x = level_images(generator, latents[:, start : start + size], coarse, condition)
        levels.append(x)
        start += size
    return levels


def latent_size(generator):
    """How many numbers of noise a level's generator takes."""
    return math.prod(shapes.input_shape(generator, "latents"))
