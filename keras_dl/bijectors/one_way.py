"""Maps whose inverse has no closed form: densities or draws, not both."""

from typing import Any

import keras
import tensorflow as tf

from keras_dl.bijectors.base import Bijector
from keras_dl.checks import refusal
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Planar(Bijector):
    r"""A planar map of vectors (Rezende & Mohamed 2015, "Variational inference with normalizing flows").

    $$z = x + \hat u \tanh(w^\top x + b), \qquad \hat u = u + (m(w^\top u) - w^\top u) \frac{w}{|w|^2},
      \quad m(a) = -1 + \log(1 + e^a)$$

    which is invertible for all $u, w, b$, without a closed form of the inverse.

    Example:

    >>> from keras_dl.bijectors import Planar
    >>> planar = Planar()
    >>> planar.build((None, 2))
    >>> planar.forward_and_log_det(tf.ones([3, 2]))[1].shape
    TensorShape([3])
    """

    has_inverse = False
    recovers_inputs = False

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        check_vectors(input_shape, "Planar")
        size, random = input_shape[-1:], keras.initializers.RandomNormal(stddev=0.1)
        self.direction = self.add_own_weight("direction", size, random)
        self.normal = self.add_own_weight("normal", size, random)
        self.offset = self.add_own_weight("offset", (), "zeros")
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x = self.as_own_type(x)
        u, w = tf.convert_to_tensor(self.direction), tf.convert_to_tensor(self.normal)
        slope, square = tf.reduce_sum(u * w), tf.reduce_sum(tf.square(w))
        safe_square = tf.maximum(square, keras.config.epsilon())
        u = u + (tf.math.softplus(slope) - 1.0 - slope) * w / safe_square
        bent = tf.tanh(tf.reduce_sum(x * w, -1) + self.offset)
        # 1 + u w, which is a softplus: as a sum it would round to 0 where the map is steep.
        share = square / safe_square
        steepest = share * tf.math.softplus(slope) + (1.0 - share) * (1.0 + slope)
        log_det = tf.math.log(tf.square(bent) + (1.0 - tf.square(bent)) * steepest)
        return x + u * bent[:, None], log_det


@keras.saving.register_keras_serializable(package="keras_dl")
class Radial(Bijector):
    r"""A radial map of vectors (Rezende & Mohamed 2015, "Variational inference with normalizing flows").

    $$z = x + \frac{\beta (x - c)}{\alpha + |x - c|}, \qquad \alpha > 0, \quad \beta > -\alpha$$

    Example:

    >>> from keras_dl.bijectors import Radial
    >>> radial = Radial()
    >>> radial.build((None, 2))
    >>> radial.forward_and_log_det(tf.ones([3, 2]))[0].shape
    TensorShape([3, 2])
    """

    has_inverse = False
    recovers_inputs = False

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        check_vectors(input_shape, "Radial")
        self.size = input_shape[-1]
        self.centre = self.add_own_weight("centre", (self.size,), keras.initializers.RandomNormal(stddev=0.1))
        self.raw_alpha = self.add_own_weight("raw_alpha", (), "zeros")
        self.raw_beta = self.add_own_weight("raw_beta", (), "zeros")
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x = self.as_own_type(x)
        alpha, surplus = tf.math.softplus(self.raw_alpha), tf.math.softplus(self.raw_beta)  # of beta over -alpha
        offset = x - self.centre
        square = tf.reduce_sum(tf.square(offset), -1)
        positive = square > 0.0  # the root's gradient at zero is infinite
        radius = tf.where(positive, tf.sqrt(tf.where(positive, square, tf.ones_like(square))), tf.zeros_like(square))
        stretch = (surplus - alpha) / (alpha + radius)
        log_det = self._log_det(alpha, surplus, radius)
        return x + stretch[:, None] * offset, log_det

    def _log_det(self, alpha, surplus, radius):
        """Of sums of positive numbers: $1 + \beta h = (r + s) / (\alpha + r)$ for $s = \beta + \alpha$."""
        log_end = tf.math.log(alpha + radius)
        across = tf.math.log(radius + surplus) - log_end
        along = tf.math.log(radius * (radius + 2.0 * alpha) + alpha * surplus) - 2.0 * log_end
        return (self.size - 1) * across + along


def check_vectors(shape, name):
    """Refuses samples that are no vectors."""
    if len(shape) != 2:
        raise refusal(f"{name} should map vectors", f"samples of shape {tuple(shape[1:])}")
