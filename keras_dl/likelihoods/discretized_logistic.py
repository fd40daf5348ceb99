"""Discretised logistic likelihood: a proper distribution over the grey levels of 8-bit images."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_dl.likelihoods.base import Likelihood, real_array, split_loc_and_scale

_ROWS_A_CHECK = 1024


class _DiscretizedLogistic(tfp.distributions.Distribution):
    """A logistic variable rounded to the nearest of `num_levels` levels in [0, 1]."""

    def __init__(self, loc, log_scale, num_levels, name="DiscretizedLogistic"):
        parameters = dict(locals())
        self.loc = loc
        self.log_scale = log_scale
        self.num_levels = num_levels
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"loc": tfp.util.ParameterProperties(), "log_scale": tfp.util.ParameterProperties()}

    def _event_shape(self):
        return tf.TensorShape([])

    def _event_shape_tensor(self):
        return tf.constant([], dtype=tf.int32)

    def _log_prob(self, x):
        """With bin edges a < b: log(sigmoid(b) - sigmoid(a)) = log sigmoid(b) + log sigmoid(-a) + log(1 - e^(a-b)).

        In units of a level the edges of neighbours are the same float, so that the sum over the levels stays one.
        """
        steps = self.num_levels - 1
        level = tf.round(tf.cast(x, self.dtype) * steps)
        deviation = level - self.loc * steps
        inverse_scale = tf.exp(-self.log_scale) / steps
        below_upper_edge = tf.math.log_sigmoid((deviation + 0.5) * inverse_scale)
        above_lower_edge = tf.math.log_sigmoid((0.5 - deviation) * inverse_scale)
        inside = below_upper_edge + above_lower_edge + tfp.math.log1mexp(inverse_scale)
        return tf.where(level <= 0.0, below_upper_edge, tf.where(level >= steps, above_lower_edge, inside))

    def _sample_n(self, n, seed=None):
        logistic = tfp.distributions.Logistic(self.loc, tf.exp(self.log_scale))
        return self._nearest_level(logistic.sample(n, seed=seed))

    def _mean(self):
        """E[x] is the sum over the levels' lower edges t of P(x > t), a level's width each."""
        steps = self.num_levels - 1
        inverse_scale = tf.exp(-self.log_scale) / steps

        def add_level(level, total):
            edge = tf.cast(level, tf.float32) + 0.5
            return level + 1, total + tf.sigmoid((self.loc * steps - edge) * inverse_scale)

        start = (tf.constant(0), tf.zeros_like(self.loc))
        return tf.while_loop(lambda level, _: level < steps, add_level, start, maximum_iterations=steps)[1] / steps

    def _mode(self):
        """The likeliest level: that of `loc`, unless a tail beyond one end of the range holds more."""
        level = self._nearest_level(self.loc)
        ends = tf.cast(self.loc > 0.5, tf.float32)
        return tf.where(self._log_prob(ends) > self._log_prob(level), ends, level)

    def _nearest_level(self, x):
        steps = self.num_levels - 1
        return tf.round(tf.clip_by_value(x, 0.0, 1.0) * steps) / steps


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

    def __init__(self, num_levels=256, **kwargs):
        super().__init__(**kwargs)
        if isinstance(num_levels, bool) or not isinstance(num_levels, (int, np.integer)) or num_levels < 2:
            raise ValueError(f"`num_levels` must be an integer of at least 2. Received: num_levels={num_levels!r}")
        self.num_levels = int(num_levels)

    def values(self, parameters):
        return _DiscretizedLogistic(*split_loc_and_scale(parameters), self.num_levels)

    def mean(self, parameters):
        r"""Returns the mean of the logistic clipped to [0, 1], $s [\log(1 + e^{\mu/s}) - \log(1 + e^{(\mu-1)/s})]$.

        It differs from the mean of the distribution by less than half a level (by nothing one can see once the scale is
        a level wide) and does not need the sum over all levels, which `likelihood(parameters).mean()` computes.
        """
        loc, log_scale = split_loc_and_scale(self._float_parameters(parameters))
        loc, scale = tf.cast(loc, tf.float64), tf.exp(tf.cast(log_scale, tf.float64))
        mean = scale * (tf.math.softplus(loc / scale) - tf.math.softplus((loc - 1.0) / scale))
        return tf.cast(mean, tf.float32)

    def check(self, x, name="x"):
        """Checks that the data lie on the grid `k / (num_levels - 1)` in [0, 1] (`Likelihood.check`)."""
        x = real_array(x, name, low=0.0, high=1.0)
        steps = self.num_levels - 1
        tolerance = max(1e-3, 2e-7 * steps) if x.dtype.itemsize >= 4 else 0.1
        rows = x.reshape(len(x), -1) if x.ndim else x.reshape(1, 1)
        for start in range(0, len(rows), _ROWS_A_CHECK):
            levels = rows[start : start + _ROWS_A_CHECK].astype("float32") * steps
            distance = np.abs(levels - np.rint(levels)).max()
            if distance > tolerance:
                raise ValueError(
                    f"`{name}` must lie on the grid k / {steps}, k = 0 ... {steps}, of this DiscretizedLogistic. "
                    f"Received: a value {distance:.3g} levels off the grid"
                )

    def get_config(self):
        return {**super().get_config(), "num_levels": self.num_levels}
