"""Gaussian likelihood with a predicted, a fixed or a shared learned scale; also the usual posterior of a VAE."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.likelihoods.base import Likelihood, clip_log_scale, split_loc_and_scale
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Gaussian(Likelihood):
    r"""Independent Gaussian values with a diagonal covariance.

    $$\log p(x) = -\sum_d \frac{(x_d - \mu_d)^2}{2 \sigma_d^2} + \log \sigma_d + \tfrac{1}{2} \log 2\pi$$

    (Kingma & Welling, "Auto-Encoding Variational Bayes", 2014, appendix C.2.) It also serves as a posterior over
    latents: `kl_divergence` to `StandardNormal` is analytic and `reparameterize` draws from it with given noise.

    Args:
        scale: What sets the standard deviation, in the data's unit. `None`: predicted, the parameters are
            `[loc, log_scale]` concatenated on the last axis. A positive number: fixed, the parameters are `loc`.
            `"learned"`: one trainable number shared by all values, starting at 1; the parameters are `loc`.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Log scales are clipped to `[-15, 15]`, scales of 3e-7 to 3e6; beyond, their gradient is zero.

    Raises:
        ValueError: If `scale` is neither of these.

    Example:

    >>> likelihood = Gaussian(scale=0.5)
    >>> log_prob = likelihood([[0.0, 0.0]]).log_prob([[0.0, 0.5]])
    >>> [round(float(v), 4) for v in log_prob]            # -1/2 - 2 log(0.5) - log(2 pi)
    [-0.9516]
    >>> posterior = Gaussian()([[1.0, 2.0, 0.0, 0.0]])    # loc 1 and 2, scales exp(0) = 1
    >>> posterior.mean().numpy().tolist(), posterior.stddev().numpy().tolist()
    ([[1.0, 2.0]], [[1.0, 1.0]])
    """

    of_ranges = True

    def __init__(self, scale: float | str | None = None, **kwargs):
        checked = _checked_scale(scale)
        super().__init__(**kwargs)
        self.scale = checked
        self.parameters_per_value = 2 if scale is None else 1
        self.reads = "[loc, log_scale]" if scale is None else None
        self.log_scale = None
        if scale == "learned":
            self.log_scale = self.add_weight(
                shape=(), initializer="zeros", dtype="float32", autocast=False, name="log_scale"
            )

    def values(self, parameters: Tensor) -> Any:
        from keras_dl.likelihoods import distributions

        if self.scale is None:
            loc, log_scale = split_loc_and_scale(parameters)
            return distributions.Normal(loc, tf.exp(log_scale))
        if self.log_scale is None:
            return distributions.Normal(parameters, self.scale)
        return distributions.Normal(parameters, tf.exp(clip_log_scale(tf.convert_to_tensor(self.log_scale))))

    def reparameterize(self, distribution: Any, noise: Tensor) -> Tensor:
        r"""Returns the draws $\mu + \sigma \epsilon$ that given standard normal noise makes.

        Args:
            distribution: What calling this likelihood returned, or the parameters themselves, of shape
                `(..., size * parameters_per_value)`.
            noise: Standard normal tensor of shape `(..., size)`, with further axes in front for several draws.

        Returns:
            Float32 tensor of the broadcast shape.
        """
        from keras_dl.likelihoods import distributions

        if not isinstance(distribution, distributions.Distribution):
            distribution = self.values(self._float_parameters(distribution))
        noise = tf.cast(tf.convert_to_tensor(noise), tf.float32)
        return distribution.mean() + distribution.stddev() * noise

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def _checked_scale(scale):
    if scale is None or (isinstance(scale, str) and scale == "learned"):
        return scale
    is_number = not isinstance(scale, (str, bool)) and hasattr(scale, "__float__")
    if not is_number or not 0.0 < float(scale) < math.inf:
        raise refusal("`scale` should be None (predicted), a positive number or 'learned'", scale=scale)
    return float(scale)
