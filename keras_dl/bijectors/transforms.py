"""Invertible functions of single values, whose parameters a network decides."""

import keras
import tensorflow as tf

from keras_dl.bijectors import splines
from keras_dl.checks import check_count, check_number, refusal
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor

SOFT_BOUND = 5.0


class Transform(Configurable):
    """Base class: an increasing function of each value, with `parameters_per_value` parameters.

    With parameters zero it should be near the identity: networks begin there.
    """

    parameters_per_value = 1

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Returns `y` and `log dy/dx`, each of the shape of `x`.

        Args:
            x: Tensor of any shape.
            parameters: Tensor of shape `(*x.shape, parameters_per_value)`.
        """
        raise NotImplementedError(f"{type(self).__name__} should define forward(x, parameters).")

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Returns `x` and `log dx/dy`; see `forward`."""
        raise NotImplementedError(f"{type(self).__name__} should define inverse(y, parameters).")


@keras.saving.register_keras_serializable(package="keras_dl")
class AffineTransform(Transform):
    r"""$y = (x - m)\, e^{-s}$ (Papamakarios et al. 2017, "Masked autoregressive flow"), or in Glow's form.

    `scale="bounded"`: $s = c \tanh(r / c)$ for the network's $r$: log-scales between $-c$ and $c$, as RealNVP's tanh
    with a factor bounds them (Dinh et al. 2017), so that neither direction overflows. `scale="sigmoid"`: $y = (x + m)
    \operatorname{sigmoid}(r + 2)$ (Kingma & Dhariwal 2018, "Glow", in its code). `scale="none"`: $y = x - m$ (Dinh et
    al. 2015, "NICE").

    Args:
        scale: `"bounded"`, `"sigmoid"` or `"none"`.
        limit: $c$, the largest log-scale of `"bounded"`.
    """

    def __init__(self, scale: str = "bounded", limit: float = 3.0):
        if scale not in ("bounded", "sigmoid", "none"):
            raise refusal("`scale` should be 'bounded', 'sigmoid' or 'none'", scale=scale)
        self.scale = scale
        self.limit = float(check_number(limit, "limit", above=0))
        self.parameters_per_value = 1 if scale == "none" else 2

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = self._read(parameters)
        return (x - shift) * tf.exp(log_scale), log_scale

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = self._read(parameters)
        return y * tf.exp(-log_scale) + shift, -log_scale

    def _read(self, parameters):
        # By one unstacking: slices have slow gradients.
        shift, *others = tf.unstack(parameters, self.parameters_per_value, -1)
        if not others:
            return shift, tf.zeros_like(shift)
        raw = others[0]
        if self.scale == "sigmoid":
            return -shift, -tf.math.softplus(-(raw + 2.0))
        return shift, -self.limit * tf.tanh(raw / self.limit)


@keras.saving.register_keras_serializable(package="keras_dl")
class SplineTransform(Transform):
    r"""A monotone rational-quadratic spline on $[-B, B]$, the identity outside (Durkan et al. 2019, "Neural spline
    flows").

    With zero parameters it is the identity. Parameters $r$ are bounded softly, $r / (1 + |r| / 5)$, so that far inputs
    of a network make no bin so flat that its inverse has no digits left: logits of widths and heights lie within 5,
    slopes between $e^{-5}$ and $e^5$.

    Args:
        num_bins: Number of bins $K$; a value has $3K - 1$ parameters.
        bound: $B$.
        least: Smallest width and height of a bin, as a share of $2B$.
    """

    def __init__(self, num_bins: int = 8, bound: float = 3.0, least: float = 1e-3):
        self.num_bins = check_count(num_bins, "num_bins", least=2)
        self.bound = float(check_number(bound, "bound", above=0))
        self.least = float(check_number(least, "least", above=0, below=1 / num_bins))
        self.parameters_per_value = 3 * num_bins - 1

    def forward(self, x: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        widths, heights, slopes = self._knots(parameters)
        return splines.forward(x, widths, heights, slopes, self.bound)

    def inverse(self, y: Tensor, parameters: Tensor) -> tuple[Tensor, Tensor]:
        widths, heights, slopes = self._knots(parameters)
        return splines.inverse(y, widths, heights, slopes, self.bound)

    def _knots(self, parameters):
        parameters = parameters / (1.0 + tf.abs(parameters) / SOFT_BOUND)
        widths, heights, slopes = tf.split(parameters, [self.num_bins, self.num_bins, self.num_bins - 1], -1)
        return self._sizes(widths), self._sizes(heights), tf.exp(slopes)

    def _sizes(self, raw):
        return 2.0 * self.bound * (self.least + (1.0 - self.least * self.num_bins) * tf.nn.softmax(raw, -1))
