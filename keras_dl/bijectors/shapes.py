"""Bijectors that change the shape of a sample: squeezing, and parts that leave the chain early."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl.bijectors.base import Bijector, no_log_det, num_values, sum_over_sample
from keras_dl.bijectors.chain import build, check_bijector
from keras_dl.bijectors.conditioner import Conditioner, default_network
from keras_dl.bijectors.transforms import AffineTransform
from keras_dl.checks import check_count, refusal
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Squeeze(Bijector):
    """Space to channels (Dinh et al. 2017, Real NVP): every block of pixels becomes the channels of one.

    Images `(height, width, channels)` become `(height / factor, width / factor, channels * factor ** 2)`.

    Args:
        factor: Height and width of a block.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: At the build, if height or width is no multiple of `factor`.

    Example:

    >>> from keras_dl.bijectors import Squeeze
    >>> Squeeze().compute_output_shape((None, 28, 28, 1))
    (None, 14, 14, 4)
    """

    keeps_values = True

    def __init__(self, factor: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.factor = check_count(factor, "factor", least=2)

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        if len(input_shape) != 4 or input_shape[1] % self.factor or input_shape[2] % self.factor:
            raise refusal(
                f"Images to be squeezed should have sizes that are multiples of {self.factor}; pad them "
                "(Dequantized(padding=...) does)",
                f"samples of shape {tuple(input_shape[1:])}",
            )
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x = self.as_own_type(x)
        return _space_to_channels(x, self.factor), no_log_det(x)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        z = self.as_own_type(z)
        return _channels_to_space(z, self.factor), no_log_det(z)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, height, width, channels = input_shape
        return batch, height // self.factor, width // self.factor, channels * self.factor**2

    def compute_input_shape(self, output_shape: Any) -> Any:
        batch, height, width, channels = output_shape
        if channels % self.factor**2:
            raise refusal(f"Channels should be a multiple of {self.factor**2}", f"{tuple(output_shape[1:])}")
        return batch, height * self.factor, width * self.factor, channels // self.factor**2

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


def _space_to_channels(x, factor):
    _, height, width, channels = x.shape
    blocks = tf.reshape(x, [-1, height // factor, factor, width // factor, factor, channels])
    blocks = tf.transpose(blocks, [0, 1, 3, 2, 4, 5])
    return tf.reshape(blocks, [-1, height // factor, width // factor, factor * factor * channels])


def _channels_to_space(z, factor):
    _, height, width, channels = z.shape
    blocks = tf.reshape(z, [-1, height, width, factor, factor, channels // factor**2])
    blocks = tf.transpose(blocks, [0, 1, 3, 2, 4, 5])
    return tf.reshape(blocks, [-1, height * factor, width * factor, channels // factor**2])


@keras.saving.register_keras_serializable(package="keras_dl")
class Flatten(Bijector):
    """Samples as vectors.

    Example:

    >>> from keras_dl.bijectors import Flatten
    >>> Flatten().compute_output_shape((None, 4, 4, 2))
    (None, 32)
    """

    keeps_values = True

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        self.shape, self.size = tuple(input_shape[1:]), num_values(input_shape)
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x = self.as_own_type(x)
        return tf.reshape(x, [-1, self.size]), no_log_det(x)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        z = self.as_own_type(z)
        return tf.reshape(z, [-1, *self.shape]), no_log_det(z)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0], num_values(input_shape)

    def compute_input_shape(self, output_shape: Any) -> Any:
        if not self.built:
            raise refusal("A Flatten should be built to be inverted: it does not know the shape", "one new")
        return output_shape[0], *self.shape


@keras.saving.register_keras_serializable(package="keras_dl")
class Split(Bijector):
    r"""Half of the channels leave the chain, Gaussianised; the others go on through `bijector` (Real NVP; Glow).

    $$z = [f(x_a),\ (x_b - m(x_a))\, e^{-s(x_a)}]$$

    as one vector: under a standard normal the second half is $x_b \sim \mathcal{N}(m(x_a), e^{2 s(x_a)})$, the learned
    prior of a level.

    Args:
        bijector: What the first half goes through.
        hidden: Widths of the network that predicts $m$ and $s$; without any, one linear layer, as in Glow.
        limit: Largest log-scale.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import ActNorm, Split
    >>> split = Split(ActNorm())
    >>> split.build((None, 4, 4, 6))
    >>> split.forward_and_log_det(tf.ones([2, 4, 4, 6]))[0].shape
    TensorShape([2, 96])
    """

    def __init__(self, bijector: Bijector, hidden: Sequence[int] = (), limit: float = 3.0, **kwargs):
        super().__init__(**kwargs)
        self.bijector = check_bijector(bijector, "bijector")
        self.hidden, self.limit = tuple(hidden), limit
        self.transform = AffineTransform(limit=limit)

    @property
    def has_inverse(self) -> bool:  # type: ignore[override]
        return self.bijector.has_inverse

    @property
    def recovers_inputs(self) -> bool:  # type: ignore[override]
        return self.bijector.recovers_inputs

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        shape = tuple(input_shape)
        if shape[-1] < 2:
            raise refusal("Samples to be split should have two channels at least", f"{shape[1:]}")
        first = (shape[-1] + 1) // 2
        self.sizes = (first, shape[-1] - first)
        self.first, self.second = (*shape[:-1], first), (*shape[:-1], shape[-1] - first)
        build(self.bijector, self.first, condition_shape)
        self.inner = self.bijector.compute_output_shape(self.first)
        network = keras.layers.Identity(dtype=self.dtype_policy)
        if self.hidden:
            network = default_network(self.hidden, self.first, "relu", self.dtype_policy)
        self.conditioner = Conditioner(network, 2 * self.sizes[1], dtype=self.dtype_policy, name="conditioner")
        self.conditioner.build(self.first, condition_shape)
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        first, second = tf.split(self.as_own_type(x), self.sizes, -1)
        z, log_det = self.bijector.forward_and_log_det(first, condition, training)
        rest, log_slopes = self.transform.forward(second, self._parameters(first, condition, training))
        return self._joined(z, rest), log_det + sum_over_sample(log_slopes)

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        sizes = [num_values(self.inner), num_values(self.second)]
        inner, rest = tf.split(self.as_own_type(z), sizes, -1)
        inner = tf.reshape(inner, [-1, *self.inner[1:]])
        first, log_det = self.bijector.inverse_and_log_det(inner, condition, training)
        rest = tf.reshape(rest, [-1, *self.second[1:]])
        second, log_slopes = self.transform.inverse(rest, self._parameters(first, condition, training))
        return tf.concat([first, second], -1), log_det + sum_over_sample(log_slopes)

    def initialize(self, x: Tensor, condition: Tensor, moments: Callable) -> Tensor:
        first, second = tf.split(self.as_own_type(x), self.sizes, -1)
        z = self.bijector.initialize(first, condition, moments)
        return self._joined(z, self.transform.forward(second, self._parameters(first, condition, False))[0])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0], num_values(input_shape)

    def compute_input_shape(self, output_shape: Any) -> Any:
        if not self.built:
            raise refusal("A Split should be built to be inverted: it does not know the shape", "one new")
        return output_shape[0], *self.first[1:-1], sum(self.sizes)

    def _joined(self, z, rest):
        flat = [tf.reshape(part, [-1, num_values(shape)]) for part, shape in ((z, self.inner), (rest, self.second))]
        return tf.concat(flat, -1)

    def _parameters(self, first, condition, training):
        parameters = self.as_own_type(self.conditioner(first, condition=condition, training=training))
        return tf.reshape(parameters, [-1, *self.second[1:], 2])

    def get_config(self) -> dict[str, Any]:
        bijector = keras.saving.serialize_keras_object(self.bijector)
        return {**super().get_config(), "bijector": bijector, "hidden": self.hidden, "limit": self.limit}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**{**config, "bijector": keras.saving.deserialize_keras_object(config["bijector"])})
