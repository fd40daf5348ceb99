"""Networks that grow, run at the level that they have reached: only the layers of that level and those below."""

import keras
import tensorflow as tf

from keras_dl.models.scorer import Scorer
from keras_dl.networks.condition_inputs import AttributeVectors, OneHot


def num_levels(network, layer):
    """How many levels a growing network has, by its layers `layer` with a number behind."""
    return sum(one.name.startswith(f"{layer}_") for one in getattr(network, "layers", []))


def joined(generator, latents, condition=None):
    """What enters the coarsest level: latents, with the vectors of a conditional generator's condition behind them."""
    if condition is None:
        return latents
    vectors = next(layer for layer in generator.layers if isinstance(layer, (OneHot, AttributeVectors)))
    return tf.concat([latents, tf.cast(vectors(condition), latents.dtype)], axis=-1)


def images(generator, latents, level, fade=None, training=False):
    """Images of a level, float32 at its own size.

    Args:
        generator: A network of `keras_dl.networks.progressive_generator`.
        latents: Shape `(batch, latent_size)`; of a conditional generator, what `joined` gives.
        level: Python integer.
        fade: How much of the level shows beside the enlarged images of the one below, a scalar; `None` for all.
        training: What layers get as `training=`.
    """
    x, below = latents, None
    for number in range(level + 1):
        below, x = x, generator.get_layer(f"features_{number}")(x, training=training)
    new = tf.cast(generator.get_layer(f"to_rgb_{level}")(x), tf.float32)
    if fade is None:
        return new
    old = tf.cast(generator.get_layer(f"to_rgb_{level - 1}")(below), tf.float32)
    return blended(enlarged(old), new, fade)


def scores(critic, x, level, fade=None, training=False):
    """Scores, shape `(batch, 1)`, of images at a level's own size.

    Args:
        critic: A network of `keras_dl.networks.progressive_critic`.
        x: Images.
        level, fade, training: As for `images`.
    """
    features = critic.get_layer(f"from_rgb_{level}")(x, training=training)
    for number in range(level, 0, -1):
        features = critic.get_layer(f"block_{number}")(features, training=training)
        if number == level and fade is not None:
            old = critic.get_layer(f"from_rgb_{level - 1}")(reduced(x), training=training)
            features = blended(old, features, fade)
    return critic.get_layer("judge")(features, training=training)


def data_at(x, times, fade=None):
    """Images of data at a level: halved `times` times; while it fades in, blended with what the one below shows."""
    for _ in range(times):
        x = reduced(x)
    return x if fade is None else blended(enlarged(reduced(x)), x, fade)


def blended(old, new, fade):
    """`(1 - fade) old + fade new`, exactly one of them at 0 and 1."""
    fade = tf.cast(fade, new.dtype)
    return (1.0 - fade) * old + fade * new


def enlarged(x):
    """Images of twice the size, of the same pixels."""
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)


def reduced(x):
    """Images of half the size, means of four pixels."""
    return keras.ops.average_pool(x, 2, 2, data_format="channels_last")


class LevelScorer(Scorer):
    """A `Scorer` of images at a level's own size.

    Args:
        critic, training: As for `Scorer`. It takes no condition; it may read one off images.
        level, fade: As for `images`.
    """

    def __init__(self, critic, level, fade, training=False):
        super().__init__(critic, None, training)
        self.level, self.fade = level, fade

    def outputs(self, x):
        return tf.cast(scores(self.critic, x, self.level, self.fade, self.training), tf.float32)


class Growing:
    """The layers of a growing network that a phase trains, as `Update.networks` takes them.

    Args:
        network: The network.
        entry: What its layers between images and features are called, `"to_rgb"` or `"from_rgb"`.
        trunk: What those between features are called, `"features"` or `"block"`.
        phase: Function that gives the level, and whether it fades in.
    """

    def __init__(self, network, entry, trunk, phase):
        self.network, self.entry, self.trunk, self.phase = network, entry, trunk, phase

    @property
    def layers(self):
        """The layers that run in the phase under way."""
        level, fades = self.phase()
        names = {f"{self.trunk}_{number}" for number in range(level + 1)} | {"judge", f"{self.entry}_{level}"}
        names |= {f"{self.entry}_{level - 1}"} if fades else set()
        return [layer for layer in self.network.layers if layer.name in names]

    @property
    def trainable_variables(self):
        return [variable for layer in self.layers for variable in layer.trainable_variables]

    @property
    def losses(self):
        return [loss for layer in self.layers for loss in layer.losses]
