"""The tfp distributions that the likelihoods return, apart, as importing tfp takes more than a second."""

import math

import tensorflow as tf
import tensorflow_probability as tfp

Distribution = tfp.distributions.Distribution
MixtureSameFamily = tfp.distributions.MixtureSameFamily
MultivariateNormalTriL = tfp.distributions.MultivariateNormalTriL


class Independent(tfp.distributions.Independent):
    """Independent values that are data of any number type, where tfp's own take their distribution's alone."""

    def _log_prob(self, x, **options):
        dtype = self.distribution.dtype
        return super()._log_prob(tf.cast(x, dtype) if dtype.is_floating else x, **options)


class Normal(tfp.distributions.Normal):
    """A normal that subtracts the mean before it divides by the scale, which keeps small scales exact."""

    def _log_prob(self, x):
        scale = tf.convert_to_tensor(self.scale)
        deviation = (tf.cast(x, self.dtype) - self.loc) / scale
        return -0.5 * tf.square(deviation) - tf.math.log(scale) - 0.5 * math.log(2.0 * math.pi)


class Bernoulli(tfp.distributions.Bernoulli):
    """A Bernoulli whose log-probability is TensorFlow's stable cross-entropy, in half the operations."""

    def _log_prob(self, x):
        x = tf.cast(x, self.dtype)
        logits = self.logits
        if x.shape != logits.shape:
            x, logits = x + tf.zeros_like(logits), logits + tf.zeros_like(x)
        return -tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)


class Categorical(tfp.distributions.Categorical):
    """A categorical that takes class numbers of any number type."""

    def _log_prob(self, k):
        return super()._log_prob(tf.cast(tf.round(k), tf.int32))


def log1mexp(x):
    """$\\log(1 - e^{-x})$ of positive numbers; unlike tfp's, its gradient is a number below 3e-8, too."""
    small = x < math.log(2.0)
    of_small = tf.math.log(-tf.math.expm1(-tf.where(small, x, 1.0)))
    return tf.where(small, of_small, tf.math.log1p(-tf.exp(-tf.where(small, 1.0, x))))


class DiscretizedLogistic(tfp.distributions.Distribution):
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
        inside = below_upper_edge + above_lower_edge + log1mexp(inverse_scale)
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

    def clipped_mean(self):
        r"""The mean of the logistic clipped to [0, 1], $s [\log(1 + e^{\mu/s}) - \log(1 + e^{(\mu-1)/s})]$."""
        loc, scale = tf.cast(self.loc, tf.float64), tf.exp(tf.cast(self.log_scale, tf.float64))
        mean = scale * (tf.math.softplus(loc / scale) - tf.math.softplus((loc - 1.0) / scale))
        return tf.cast(mean, tf.float32)

    def _mode(self):
        """The likeliest level: that of `loc`, unless a tail beyond one end of the range holds more."""
        level = self._nearest_level(self.loc)
        ends = tf.cast(self.loc > 0.5, tf.float32)
        return tf.where(self._log_prob(ends) > self._log_prob(level), ends, level)

    def _nearest_level(self, x):
        steps = self.num_levels - 1
        return tf.round(tf.clip_by_value(x, 0.0, 1.0) * steps) / steps
