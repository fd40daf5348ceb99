"""Graphs of a normalizing flow: the density of data, their latents, and samples."""

import tensorflow as tf

from keras_dl import bijectors
from keras_dl.models import monte_carlo
from keras_dl.models.base import Draw, ObjectiveModel


class FlowGraphs(ObjectiveModel):
    """What the methods of a flow compute in graphs, by its averaged networks.

    Its subclass has `bijector`, `base`, perhaps `embedding`, `dequantized` (or `None`) and `latent_shape`.
    """

    def _log_prob(self, x, condition=None):
        return density(x, self.averaged("bijector"), self.averaged("base"), self._vectors(condition))

    def _weigh_noise(self, x, condition, num_samples, seed, offset):
        def log_prob(y):
            return self._log_prob(y, condition)

        return monte_carlo.weigh_noise(self.dequantized, log_prob, x, num_samples, seed, offset)

    def _encode(self, x, condition=None):
        if self.dequantized is not None:
            middle = 0.5 if self.dequantized.noise is None else 0.0
            noise = tf.fill([tf.shape(x)[0], *self.dequantized.padded_shape], middle)
            x, _ = self.dequantized.forward_and_log_weight(x, noise)
        return self.averaged("bijector").forward_and_log_det(x, self._vectors(condition))[0]

    def _decode(self, latents, condition=None):
        x, _ = self.averaged("bijector").inverse_and_log_det(latents, self._vectors(condition))
        return x if self.dequantized is None else self.dequantized.inverse(x)

    def _decode_steps(self, latents, condition=None):
        """Latents, what each bijector of the chain makes of them, and data, as vectors `(batch, steps, size)`."""
        bijector, vectors = self.averaged("bijector"), self._vectors(condition)
        x, states = latents, [latents]
        for step in reversed(steps(bijector)):
            x, _ = step.inverse_and_log_det(x, vectors)
            states += [] if isinstance(step, bijectors.Flatten) else [x]
        if self.dequantized is not None:
            states.append(tf.cast(self.dequantized.inverse(x), tf.float32))
        return tf.stack([tf.reshape(state, [-1, self.latent_size]) for state in states], 1)

    @property
    def has_even_steps(self) -> bool:
        """Whether every bijector of the chain keeps samples as vectors, or in the shape of the data."""
        shape, whole = (None, *self.latent_shape), (None, *self.shape)
        if self.dequantized is not None and tuple(self.dequantized.padded_shape) != tuple(self.shape):
            return False
        shapes = [shape]
        for step in reversed(steps(self.bijector)):
            shapes.append(shape := tuple(step.compute_input_shape(shape)))
        return self.bijector.has_inverse and all(one in (whole, (None, self.latent_size)) for one in shapes)

    def _sample(self, num_samples, condition, seed, call, temperature):
        draw = Draw.for_sampling(seed, call, num_samples)
        latents = self.averaged("base").draw_latents(draw, temperature)
        return self._decode(tf.reshape(latents, [-1, *self.latent_shape]), condition)

    @property
    def _conditional(self):
        return [self.embedding] if "embedding" in self.network_names else []

    def _vectors(self, condition, averaged=True, training=False):
        """The condition's vectors, float32, or `None`."""
        if not self._conditional:
            return None
        network = self.averaged("embedding") if averaged else self.embedding
        return tf.cast(network({"condition": condition}, training=training), tf.float32)


def steps(bijector):
    """The bijectors of a chain; any other bijector by itself."""
    return bijector.bijectors if isinstance(bijector, bijectors.Chain) else [bijector]


def density(x, bijector, base, vectors, training=False):
    """$\\log p(z) + \\log|\\det|$, float32, shape `(batch,)`."""
    z, log_det = bijector.forward_and_log_det(x, vectors, training)
    flat = tf.reshape(tf.cast(z, tf.float32), [-1, base.latent_size])
    return base().log_prob(flat) + tf.cast(log_det, tf.float32)
