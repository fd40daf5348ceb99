"""Normalisations of channels as invertible maps."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_dl.bijectors.base import Bijector, constant_log_det, num_values
from keras_dl.checks import check_number
from keras_dl.layers.batch_normalization import BatchNormalization
from keras_dl.types import Tensor

#: The variance of equal float32 values, as a share of their square.
_ROUNDING = 1e-13


@keras.saving.register_keras_serializable(package="keras_dl")
class ActNorm(Bijector):
    r"""Activation normalisation (Kingma & Dhariwal 2018, "Glow"): $z = (x - m)\, e^{-s}$ with weights per channel.

    A `NormalizingFlow` sets $m$ and $s$ by its first batch, over all replicas, so that each channel of $z$ has mean 0
    and variance 1 (a channel that does not vary there keeps its scale); from then on they are trained. A saved model
    does not do it again. Alone, it begins as the identity.

    Args:
        epsilon: What is added to the variance of the first batch.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import ActNorm
    >>> actnorm = ActNorm()
    >>> actnorm.build((None, 3))
    >>> actnorm.forward_and_log_det(tf.ones([1, 3]))[0].numpy().tolist()
    [[1.0, 1.0, 1.0]]
    """

    def __init__(self, epsilon: float = 1e-6, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = float(check_number(epsilon, "epsilon", above=0))

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        self.repeats = num_values(input_shape) // input_shape[-1]
        self.mean = self.add_own_weight("mean", input_shape[-1:], "zeros")
        self.log_scale = self.add_own_weight("log_scale", input_shape[-1:], "zeros")
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        z = (self.as_own_type(x) - self.mean) * tf.exp(-self.log_scale)
        return z, constant_log_det(z, -self.repeats * tf.reduce_sum(self.log_scale))

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x = self.as_own_type(z) * tf.exp(self.log_scale) + self.mean
        return x, constant_log_det(x, self.repeats * tf.reduce_sum(self.log_scale))

    def initialize(self, x: Tensor, condition: Tensor, moments: Callable) -> Tensor:
        mean, variance = moments(x)
        space = list(range(mean.shape.rank - 1))
        centre = tf.reduce_mean(mean, space)
        variance = tf.reduce_mean(variance + tf.square(mean - centre), space)
        # Of a batch of one row, or of equal values, only rounding is left, by which nothing should be divided.
        varies = variance > _ROUNDING * tf.square(centre)
        log_scale = tf.where(varies, 0.5 * tf.math.log(variance + self.epsilon), tf.zeros_like(variance))
        self.mean.assign(tf.cast(centre, self.mean.dtype))
        self.log_scale.assign(tf.cast(log_scale, self.log_scale.dtype))
        return self.forward_and_log_det(x)[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="keras_dl")
class BatchNorm(Bijector):
    r"""Batch normalisation as a bijector (Dinh et al. 2017, Real NVP, appendix E; Papamakarios et al. 2017, MAF).

    $$z = \gamma \frac{x - \hat\mu}{\sqrt{\hat\sigma^2 + \epsilon}} + \beta, \qquad \gamma = e^{g}$$

    with statistics of each channel: of the batch in training, their moving averages otherwise, which the inverse uses.

    Args:
        momentum: Of the moving averages.
        epsilon: Added to the variance.
        synchronized: Whether the statistics are those of the global batch over all replicas.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Example:

    >>> from keras_dl.bijectors import BatchNorm
    >>> norm = BatchNorm()
    >>> norm.build((None, 2))
    >>> z, _ = norm.forward_and_log_det(tf.constant([[1.0, 5.0], [3.0, 9.0]]), training=True)
    >>> z.numpy().round(2).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """

    recovers_inputs = False  # in training

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5, synchronized: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.momentum = float(check_number(momentum, "momentum", least=0, below=1))
        self.epsilon = float(check_number(epsilon, "epsilon", above=0))
        self.synchronized = bool(synchronized)

    def build(self, input_shape: Any, condition_shape: Any = None) -> None:
        self.repeats = num_values(input_shape) // input_shape[-1]
        options = {"center": False, "scale": False, "synchronized": self.synchronized, "dtype": self.variable_dtype}
        self.statistics = BatchNormalization(momentum=self.momentum, epsilon=self.epsilon, name="statistics", **options)
        self.statistics.build(input_shape)
        self.log_gamma = self.add_own_weight("log_gamma", input_shape[-1:], "zeros")
        self.beta = self.add_own_weight("beta", input_shape[-1:], "zeros")
        self.built = True

    def forward_and_log_det(
        self, x: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        x = self.as_own_type(x)
        if training:
            normalised = self.statistics(x, training=True)
            log_sigma = self._log_sigma_of(x)
        else:
            log_sigma = self._moving_log_sigma()
            normalised = (x - self.statistics.moving_mean) * tf.exp(-log_sigma)
        z = normalised * tf.exp(self.log_gamma) + self.beta
        return z, constant_log_det(z, self.repeats * tf.reduce_sum(self.log_gamma - log_sigma))

    def inverse_and_log_det(
        self, z: Tensor, condition: Tensor | None = None, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        log_sigma = self._moving_log_sigma()
        x = (self.as_own_type(z) - self.beta) * tf.exp(log_sigma - self.log_gamma) + self.statistics.moving_mean
        return x, constant_log_det(x, self.repeats * tf.reduce_sum(log_sigma - self.log_gamma))

    def _moving_log_sigma(self):
        return 0.5 * tf.math.log(self.statistics.moving_variance + self.epsilon)

    def _log_sigma_of(self, x):
        axes = list(range(x.shape.rank - 1))
        _, variance = keras.ops.moments(x, axes, synchronized=self.synchronized)
        return 0.5 * tf.math.log(variance + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        own = {"momentum": self.momentum, "epsilon": self.epsilon, "synchronized": self.synchronized}
        return {**super().get_config(), **own}
