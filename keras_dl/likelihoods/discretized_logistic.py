"""Discretised logistic likelihood: a proper distribution over the grey levels of 8-bit images."""

from typing import Any

import keras
import numpy as np

from keras_dl.checks import refusal
from keras_dl.likelihoods.base import Likelihood, check_grid, split_loc_and_scale
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class DiscretizedLogistic(Likelihood):
    r"""Independent grey levels, each a logistic variable rounded to the nearest level.

    For data on the grid $x_d = k / (n - 1)$, $k = 0 \dots n - 1$, with half a bin $h = 1 / (2 (n - 1))$,

    $$\log p(x) = \sum_d \log \left[\sigma\left(\frac{x_d + h - \mu_d}{s_d}\right)
      - \sigma\left(\frac{x_d - h - \mu_d}{s_d}\right)\right]$$

    where the lowest level takes the whole lower tail and the highest the whole upper one, so that the $n$ probabilities
    sum to one (Kingma et al., "Improving Variational Inference with Inverse Autoregressive Flow", 2016; Salimans et
    al., "PixelCNN++", 2017). Data are rounded to the nearest level. The parameters are `[loc, log_scale]` concatenated
    on the last axis, in the data's unit.

    Args:
        num_levels: Number of levels $n$, 256 for 8-bit images.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Log scales are clipped to `[-15, 15]`; beyond, their gradient is zero.

    Raises:
        ValueError: If `num_levels` is not an integer of at least 2.

    Example:

    >>> likelihood = DiscretizedLogistic(num_levels=3)
    >>> distribution = likelihood([[0.5, 0.0]])           # loc 0.5, scale exp(0) = 1
    >>> [round(float(distribution.prob([[x]])[0]), 4) for x in (0.0, 0.5, 1.0)]
    [0.4378, 0.1244, 0.4378]
    """

    parameters_per_value = 2
    reads = "[loc, log_scale]"
    discrete = True

    def __init__(self, num_levels: int = 256, **kwargs):
        super().__init__(**kwargs)
        if isinstance(num_levels, bool) or not isinstance(num_levels, (int, np.integer)) or num_levels < 2:
            raise refusal("`num_levels` should be an integer of at least 2", num_levels=num_levels)
        self.num_levels = int(num_levels)

    def values(self, parameters: Tensor) -> Any:
        from keras_dl.likelihoods import distributions

        loc, log_scale = split_loc_and_scale(parameters)
        return distributions.DiscretizedLogistic(loc, log_scale, self.num_levels)

    def mean(self, parameters: Tensor) -> Tensor:
        r"""Returns the mean of the logistic clipped to [0, 1], $s [\log(1 + e^{\mu/s}) - \log(1 + e^{(\mu-1)/s})]$.

        It differs from the mean of the distribution by less than half a level (by nothing one can see once the scale is
        a level wide) and does not need the sum over all levels, which `likelihood(parameters).mean()` computes.
        """
        return self.values(self._float_parameters(parameters)).clipped_mean()

    def check(self, x: Tensor, name: str = "x") -> None:
        """Checks that the data lie on the grid `k / (num_levels - 1)` in [0, 1] (`Likelihood.check`)."""
        check_grid(x, name, self.num_levels, "this DiscretizedLogistic")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_levels": self.num_levels}
