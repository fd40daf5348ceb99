"""Straight path between data and noise."""

import keras
import tensorflow as tf

from keras_dl.checks import check_number
from keras_dl.processes.base import Process, as_time
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class RectifiedFlow(Process):
    r"""Straight path of flow matching and rectified flows (Lipman et al. 2023; Liu et al. 2023).

    $$\alpha(t) = 1 - t, \qquad \sigma(t) = \sigma_\text{min} + (1 - \sigma_\text{min})\, t$$

    Time runs from data, 0, to noise, 1, as for all processes here; those papers count the other way.

    Args:
        sigma_min: Deviation of the noise that stays on the data.

    Raises:
        ValueError: If `sigma_min` is not in [0, 1).

    Example:

    >>> process = RectifiedFlow()
    >>> float(process.alpha(0.25)), float(process.sigma(0.25))
    (0.75, 0.25)
    """

    def __init__(self, sigma_min: float = 0.0):
        self.sigma_min = check_number(sigma_min, "sigma_min", least=0, below=1)

    def alpha(self, t: Tensor) -> Tensor:
        return 1.0 - as_time(t)

    def sigma(self, t: Tensor) -> Tensor:
        return self.sigma_min + (1.0 - self.sigma_min) * as_time(t)

    def d_alpha(self, t: Tensor) -> Tensor:
        return -tf.ones_like(as_time(t))

    def d_sigma(self, t: Tensor) -> Tensor:
        return (1.0 - self.sigma_min) * tf.ones_like(as_time(t))


@keras.saving.register_keras_serializable(package="keras_dl")
class Bridge(RectifiedFlow):
    r"""Brownian bridge between data $x$ and a source $s$, the path of Schroedinger bridges (Tong et al. 2024: SB-CFM).

    $$x_t = (1 - t) x + t s + \eta \sqrt{t (1 - t)}\, z, \qquad
      \frac{dx_t}{dt} = s - x + \frac{1 - 2t}{2 \sqrt{t (1 - t)}}\, \eta z$$

    with normal $z$. With the pairs of `EntropicTransport(noise)` the marginals are those of the Schroedinger bridge.
    The slope has no bound at the ends, so training stays `margin` away from them.

    Args:
        noise: $\eta$, the diffusion's scale.
        margin: Smallest time from either end.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> float(Bridge(noise=2.0).jitter(0.5))
    1.0
    """

    jitters = True

    def __init__(self, noise: float = 1.0, margin: float = 1e-3):
        super().__init__()
        self.noise = check_number(noise, "noise", above=0)
        self.margin = check_number(margin, "margin", above=0, below=0.5)

    def jitter(self, t: Tensor) -> Tensor:
        t = as_time(t)
        return self.noise * tf.sqrt(t * (1.0 - t))

    def d_jitter(self, t: Tensor) -> Tensor:
        t = as_time(t)
        return self.noise * (0.5 - t) / tf.sqrt(t * (1.0 - t))

    def training_times(self, uniform: Tensor) -> Tensor:
        return self.margin + (1.0 - 2.0 * self.margin) * uniform


@keras.saving.register_keras_serializable(package="keras_dl")
class Plain(RectifiedFlow):
    """Time of a flow that is trained by its likelihood alone: from data, 0, to noise, 1, along any path.

    Example:

    >>> process = Plain()
    >>> process.t_min, process.t_max
    (0.0, 1.0)
    """

    t_min = 0.0

    def __init__(self):
        super().__init__()
