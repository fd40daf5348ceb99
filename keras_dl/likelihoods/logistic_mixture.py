"""Mixture of discretised logistics: pixels of several peaks whose channels depend on each other."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.likelihoods.base import MAX_LOG_SCALE, Likelihood, check_grid
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class DiscretizedLogisticMixture(Likelihood):
    r"""Pixels on a grid of levels, each a mixture of discretised logistics with channels that depend on each other.

    Component $k$ of a pixel gives its channels one after another, the later ones shifted by the earlier (Salimans et
    al. 2017, "PixelCNN++"):

    $$p(x) = \sum_k \pi_k \prod_c P(x_c \mid \mu_{kc} + \textstyle\sum_{b < c} \tanh(\gamma_{kcb}) (x_b - \tfrac12),
      \, s_{kc})$$

    with $P$ the `DiscretizedLogistic` of data $x_d = j / (n - 1)$, $j = 0 \dots n - 1$: the lowest level takes the
    whole lower tail, the highest the whole upper one, and the probabilities of all pixels sum to one. Every bin is
    integrated; none is replaced by the density at its middle. The parameters of a pixel of $C$ channels under $K$
    components are, on the last axis, $K$ logits of $\pi$, $K C$ locations and $K C$ log scales (component by
    component), and $K C (C - 1) / 2$ coefficients $\gamma$ (of each component, channel 1 by 0, 2 by 0, 2 by 1, ...): 10
    per component for RGB, 3 for grey images. Locations and scales are in the data's unit.

    Args:
        num_components: $K$.
        num_channels: $C$, the size of the data's last axis.
        num_levels: Number of levels $n$, 256 for 8-bit images.
        min_log_scale: Where log scales are clipped from below, the published number, which was of data in [-1, 1], of
            twice the unit; they are also clipped at 15. Beyond, their gradient is zero.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Raises:
        ValueError: If a number is out of range.

    Example:

    >>> likelihood = DiscretizedLogisticMixture(num_components=10, num_channels=3)
    >>> likelihood.num_parameters(3)
    100
    >>> likelihood(tf.zeros([2, 8, 8, 100])).log_prob(tf.zeros([2, 8, 8, 3])).shape
    TensorShape([2])
    """

    reads = "[logits, loc, log_scale, coefficients]"
    discrete = True
    joint_channels = True

    def __init__(
        self,
        num_components: int = 10,
        num_channels: int = 1,
        num_levels: int = 256,
        min_log_scale: float = -7.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_components = _at_least(num_components, 1, "num_components")
        self.num_channels = _at_least(num_channels, 1, "num_channels")
        self.num_levels = _at_least(num_levels, 2, "num_levels")
        if not -15.0 <= min_log_scale <= MAX_LOG_SCALE:
            raise refusal("`min_log_scale` should lie in [-15, 15]", min_log_scale=min_log_scale)
        self.min_log_scale = float(min_log_scale)

    def num_parameters(self, num_channels: int) -> int:
        """Returns how many parameters a pixel needs, $K (1 + 2 C + C (C - 1) / 2)$.

        Args:
            num_channels: $C$; the likelihood's own number of channels.

        Raises:
            ValueError: If it is another number.
        """
        if num_channels != self.num_channels:
            raise refusal(
                f"Data should have {self.num_channels} channels under {self._in_words()}", num_channels=num_channels
            )
        return self.num_components * (1 + 2 * num_channels + num_channels * (num_channels - 1) // 2)

    def values(self, parameters: Tensor) -> Any:
        from keras_dl.likelihoods import mixture_distributions

        logits, loc, log_scale, coefficients = self._split(parameters)
        return mixture_distributions.DiscretizedLogisticMixture(logits, loc, log_scale, coefficients, self.num_levels)

    def mean(self, parameters: Tensor) -> Tensor:
        """Returns the mean of the mixture of clipped logistics, less than half a level from that of the distribution.

        Later channels take the earlier ones at their component's mean.
        """
        return self.values(self._float_parameters(parameters)).clipped_mean()

    def mode(self, parameters: Tensor) -> Tensor:
        """Returns of the components' own likeliest pixels the one that is likeliest under the mixture."""
        return super().mode(parameters)

    def check(self, x: Tensor, name: str = "x") -> None:
        """Checks that the data lie on the grid `k / (num_levels - 1)` in [0, 1] (`Likelihood.check`)."""
        check_grid(x, name, self.num_levels, "this DiscretizedLogisticMixture")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_components": self.num_components,
            "num_channels": self.num_channels,
            "num_levels": self.num_levels,
            "min_log_scale": self.min_log_scale,
        }

    def _split(self, parameters):
        """Logits `(..., K)`, locations, log scales `(..., K, C)` and coefficients `(..., K, C (C - 1) / 2)`."""
        components, channels = self.num_components, self.num_channels
        pairs = channels * (channels - 1) // 2
        sizes = [components, components * channels, components * channels, components * pairs]
        logits, *parts = tf.split(parameters, sizes, axis=-1)
        front = tf.shape(parameters)[:-1]
        shapes = [tf.concat([front, [components, size]], 0) for size in (channels, channels, pairs)]
        loc, log_scale, coefficients = (tf.reshape(*pair) for pair in zip(parts, shapes, strict=True))
        log_scale = tf.clip_by_value(log_scale, self.min_log_scale, MAX_LOG_SCALE)
        return logits, loc, log_scale, tf.tanh(coefficients)

    def _float_parameters(self, parameters):
        parameters = tf.cast(tf.convert_to_tensor(parameters), tf.float32)
        expected = self.num_parameters(self.num_channels)
        size = parameters.shape[-1] if parameters.shape.rank else 0
        if size not in (None, expected):
            raise refusal(
                f"The last axis of `parameters` should be {expected}, the parameters of a pixel under "
                f"{self._in_words()}",
                f"parameters.shape={tuple(parameters.shape)}",
            )
        return parameters


def _at_least(number, least, name):
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
        raise refusal(f"`{name}` should be an integer of at least {least}", **{name: number})
    return int(number)
