r"""Base class of the processes that lead from data to noise.

A process mixes data $x$ and standard normal noise $\epsilon$ at a time $t$, which runs from `t_min`, nearly data, to
`t_max`, nearly noise:

$$x_t = \alpha(t)\, x + \sigma(t)\, \epsilon$$
"""

import tensorflow as tf

from keras_dl.configurable import Configurable
from keras_dl.types import Tensor


class Process(Configurable):
    """Base class of processes: `alpha`, `sigma`, their derivatives, and the times at which they are used.

    A subclass writes `alpha`, `sigma`, `d_alpha` and `d_sigma` for float32 tensors of times of any shape, and sets
    `t_min` and `t_max`.

    Attributes:
        t_min: Smallest time at which a network is trained.
        t_max: Largest time: where sampling starts.
        t_end: Time at which sampling ends, where no noise is left.
    """

    t_min: float = 1e-5
    t_max: float = 1.0
    t_end: float = 0.0
    #: Standard deviation of the data that the network's input and output are scaled by; `None` for no scaling.
    sigma_data: float | None = None
    #: Whether the path has noise of its own beside its ends; see `jitter`.
    jitters = False

    def alpha(self, t: Tensor) -> Tensor:
        r"""Returns $\alpha(t)$, the share of the data."""
        raise NotImplementedError

    def sigma(self, t: Tensor) -> Tensor:
        r"""Returns $\sigma(t)$, the standard deviation of the noise."""
        raise NotImplementedError

    def d_alpha(self, t: Tensor) -> Tensor:
        r"""Returns the derivative $\alpha'(t)$."""
        raise NotImplementedError

    def d_sigma(self, t: Tensor) -> Tensor:
        r"""Returns the derivative $\sigma'(t)$."""
        raise NotImplementedError

    def jitter(self, t: Tensor) -> Tensor:
        """Returns the deviation of noise that is neither the data's nor the source's, as on a `Bridge`; else 0."""
        return tf.zeros_like(as_time(t))

    def d_jitter(self, t: Tensor) -> Tensor:
        """Returns the derivative of `jitter`."""
        return tf.zeros_like(as_time(t))

    def half_log_snr(self, t: Tensor) -> Tensor:
        r"""Returns $\log(\alpha(t) / \sigma(t))$, half the logarithm of the signal-to-noise ratio."""
        return tf.math.log(self.alpha(t)) - tf.math.log(self.sigma(t))

    def wronskian(self, t: Tensor) -> Tensor:
        r"""Returns $\alpha \sigma' - \alpha' \sigma$, which is positive: the noise never shrinks beside the data."""
        return self.alpha(t) * self.d_sigma(t) - self.d_alpha(t) * self.sigma(t)

    def perturb(self, x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """Returns $x_t$ for data and noise of shape `(rows, ...)` and times of shape `(rows,)` or `()`."""
        return spread(self.alpha(t), x) * x + spread(self.sigma(t), x) * noise

    def training_times(self, uniform: Tensor) -> Tensor:
        """Returns the times of training for uniforms in (0, 1): the inverse of their distribution function."""
        return self.t_min + (self.t_max - self.t_min) * uniform

    def times(self, steps: Tensor) -> Tensor:
        """Returns the `steps + 1` falling times between which samplers step, from `t_max` to `t_end`.

        Args:
            steps: Number of steps, an integer or an int32 scalar tensor.
        """
        return self.grid(fractions(steps))

    def grid(self, fraction: Tensor) -> Tensor:
        """Returns the sampling times at fractions of the way, from 0 (`t_max`) to 1 (`t_end`)."""
        return self.t_max + (self.t_end - self.t_max) * fraction

    def along(self, share: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the time at a share of the way from `t_min` to `t_max`, and its derivative by the share.

        Adaptive solvers go by the share; a process whose path is steep in time near an end says otherwise here.
        """
        length = self.t_max - self.t_min
        return self.t_min + length * share, length * tf.ones_like(share)

    def input_scale(self, t: Tensor) -> Tensor:
        """Returns the factor by which the network's input is multiplied, so that it has about unit variance."""
        return tf.ones_like(t)

    def time_feature(self, t: Tensor) -> Tensor:
        """Returns what a network is told of the time, of order 1."""
        return t


def fractions(steps):
    """Returns `steps + 1` equally spaced numbers from 0 to 1, float32."""
    steps = tf.cast(steps, tf.int32)
    return tf.cast(tf.range(steps + 1), tf.float32) / tf.cast(steps, tf.float32)


def as_time(t):
    """Returns a time as a tensor: of its own dtype, or of float32 if it is a number."""
    return t if tf.is_tensor(t) else tf.convert_to_tensor(t, tf.float32)


def spread(values, x):
    """Returns one value per row, shape `(rows,)` or `()`, with the axes that broadcast it over `x`."""
    values = tf.convert_to_tensor(values)
    if values.shape.rank == 0:
        return values
    return tf.reshape(values, tf.concat([tf.shape(values), tf.ones(len(x.shape) - 1, tf.int32)], 0))
