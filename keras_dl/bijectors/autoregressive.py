"""Autoregressive maps: each value by parameters that follow from those before it."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl.bijectors.base import Bijector, num_values, sum_over_sample
from keras_dl.bijectors.made import MADE
from keras_dl.bijectors.transforms import AffineTransform, Transform
from keras_dl.checks import refusal
from keras_dl.types import Activation, Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Autoregressive(Bijector):
    r"""A masked autoregressive map by MADE (Papamakarios et al. 2017, "Masked autoregressive flow").

    $$z_i = t(x_i; \theta_i(x_{<i})), \qquad \log|\det| = \textstyle\sum_i \log t'(x_i; \theta_i)$$

    Densities take one pass. The inverse, which draws need, takes one pass per value, in one compiled loop, in which the
    last layer gives the parameters of that value alone. An inverse autoregressive flow (Kingma et al. 2016) is
    `Inverse(Autoregressive(...))`: draws take one pass. It begins as the identity. Samples of any shape are taken as
    vectors.

    Args:
        transform: A `Transform` of single values, `AffineTransform()` (MAF) if it is not given, or `SplineTransform()`.
        hidden: Widths of MADE's layers.
        activation: Their activation.
        reverse: Whether the order is that from the last value to the first.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import Autoregressive, SplineTransform
    >>> bijector = Autoregressive(SplineTransform(num_bins=4), hidden=(16,))
    >>> bijector.build((None, 3))
    >>> bijector.forward_and_log_det(tf.ones([2, 3]))[0].shape
    TensorShape([2, 3])
    """

    recovers_inputs = False  # by one pass per value

    def __init__(
        self,
        transform: Any = None,
        hidden: Sequence[int] = (64, 64),
        activation: Activation | None = "relu",
        reverse: bool | int = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.transform = AffineTransform() if transform is None else transform
        if not isinstance(self.transform, Transform):
            raise refusal(
                "`transform` should be a Transform, such as AffineTransform()", transform=transform, error=TypeError
            )
        self.hidden, self.activation, self.reverse = tuple(hidden), activation, bool(reverse)

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        self.size, self.shape = num_values(input_shape), tuple(input_shape[1:])
        outputs = self.transform.parameters_per_value
        self.made = MADE(outputs, self.hidden, self.activation, dtype=self.dtype_policy, name="made")
        self.made.build((None, self.size), condition_shape)
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        flat = self._flat(x)
        z, log_slopes = self.transform.forward(flat, self._parameters(flat, condition, training))
        return self._shaped(z), sum_over_sample(log_slopes)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        flat = self._flat(z)

        def find_one_more(number, x):
            parameters = self._parameters(x, condition, training, value=number)
            value, _ = self.transform.inverse(tf.gather(flat, [number], axis=1), parameters)
            return number + 1, tf.where(tf.range(self.size) == number, value, x)

        start = tf.constant(0), tf.zeros_like(flat)
        _, x = tf.while_loop(lambda number, _: number < self.size, find_one_more, start, maximum_iterations=self.size)
        x = tf.ensure_shape(x, flat.shape)
        _, log_slopes = self.transform.inverse(flat, self._parameters(x, condition, training))
        return self._shaped(x), sum_over_sample(log_slopes)

    def _parameters(self, x, condition, training, value=None):
        return self.as_own_type(self.made(x, condition=condition, training=training, value=value))

    def _flat(self, x):
        flat = tf.reshape(self.as_own_type(x), [-1, self.size])
        return flat[:, ::-1] if self.reverse else flat

    def _shaped(self, flat):
        return tf.reshape(flat[:, ::-1] if self.reverse else flat, [-1, *self.shape])

    def get_config(self) -> dict[str, Any]:
        transform = keras.saving.serialize_keras_object(self.transform)
        own = {"hidden": self.hidden, "activation": self.activation, "reverse": self.reverse}
        return {**super().get_config(), "transform": transform, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "transform": keras.saving.deserialize_keras_object(config["transform"])})
