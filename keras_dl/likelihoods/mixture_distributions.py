"""The tfp distribution of a pixel under a mixture of discretised logistics."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_dl.checks import refusal
from keras_dl.likelihoods.distributions import DiscretizedLogistic


class DiscretizedLogisticMixture(tfp.distributions.Distribution):
    """One pixel of several channels on a grid of levels, a mixture whose later channels depend on the earlier.

    Args:
        logits: Logits of the components, shape `(..., K)`.
        loc: Locations, shape `(..., K, C)`, in the data's unit.
        log_scale: Log scales, shape `(..., K, C)`.
        coefficients: How far each earlier channel's distance from 1/2 shifts a later one, shape
            `(..., K, C * (C - 1) / 2)`: channel 1 by 0, 2 by 0, 2 by 1, ...
        num_levels: Number of levels.
    """

    def __init__(self, logits, loc, log_scale, coefficients, num_levels, name="DiscretizedLogisticMixture"):
        parameters = dict(locals())
        self.logits = logits
        self.loc = loc
        self.log_scale = log_scale
        self.coefficients = coefficients
        self.num_levels = num_levels
        self.num_channels = loc.shape[-1]
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
        inner = {"loc": 2, "log_scale": 2, "coefficients": 2, "logits": 1}
        return {name: tfp.util.ParameterProperties(event_ndims=rank) for name, rank in inner.items()}

    def _event_shape(self):
        return tf.TensorShape([self.num_channels])

    def _event_shape_tensor(self):
        return tf.constant([self.num_channels], dtype=tf.int32)

    def _log_prob(self, x):
        if x.shape[-1] != self.num_channels:
            raise refusal(f"x should have {self.num_channels} channels", f"shape {tuple(x.shape)}")
        steps = self.num_levels - 1
        channels = tf.unstack(tf.round(tf.cast(x, self.dtype) * steps)[..., None, :] / steps, axis=-1)
        total = tf.nn.log_softmax(self.logits)
        for channel, value in enumerate(channels):
            total = total + self._channel(channel, self._loc(channel, channels[:channel]))._log_prob(value)
        return tf.reduce_logsumexp(total, -1)

    def _sample_n(self, n, seed=None):
        seeds = tfp.random.split_seed(seed, 1 + self.num_channels)
        component = tfp.distributions.OneHotCategorical(logits=self.logits, dtype=tf.float32).sample(n, seed=seeds[0])
        channels = []
        for channel in range(self.num_channels):
            loc = self._loc(channel, channels)
            draw = self._channel(channel, loc + tf.zeros_like(component)).sample(seed=seeds[1 + channel])
            # All components go on from the chosen one's draw.
            channels.append(tf.reduce_sum(component * draw, -1, keepdims=True))
        return tf.concat(channels, -1)

    def clipped_mean(self):
        """The mean, with each component's logistic clipped to [0, 1] in place of rounded: less than half a level off.

        Later channels take the earlier at their component's mean: exact up to what clipping makes unequal.
        """
        means = self._by_component(lambda distribution: distribution.clipped_mean())
        return tf.reduce_sum(tf.nn.softmax(self.logits)[..., None] * means, -2)

    def _mean(self):
        """As `clipped_mean`, by sums over the levels."""
        means = self._by_component(lambda distribution: distribution._mean())
        return tf.reduce_sum(tf.nn.softmax(self.logits)[..., None] * means, -2)

    def _mode(self):
        """Of the components' own likeliest pixels the one that is likeliest under the mixture."""
        modes = self._by_component(lambda distribution: distribution._mode())
        pixels = tf.unstack(modes, axis=-2)
        best = tf.argmax(tf.stack([self._log_prob(pixel) for pixel in pixels], -1), -1)
        return tf.reduce_sum(tf.one_hot(best, len(pixels))[..., None] * modes, -2)

    def _by_component(self, statistic):
        """A statistic of every component, channel after channel: shape `(..., K, C)`."""
        channels = []
        for channel in range(self.num_channels):
            channels.append(statistic(self._channel(channel, self._loc(channel, channels))))
        return tf.stack(channels, -1)

    def _loc(self, channel, earlier):
        """Locations of one channel, shape `(..., K)`, given the values of those before it."""
        loc = self.loc[..., channel]
        first = channel * (channel - 1) // 2
        for place, value in enumerate(earlier):
            loc = loc + self.coefficients[..., first + place] * (value - 0.5)
        return loc

    def _channel(self, channel, loc):
        return DiscretizedLogistic(loc, self.log_scale[..., channel] + tf.zeros_like(loc), self.num_levels)
