"""Dequantised integers: what a density of real numbers says of grey levels, in nats and in bits per dimension."""

import math
from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_counts, check_number, refusal
from keras_dl.likelihoods.base import check_grid, real_array, split_loc_and_scale
from keras_dl.types import Shape, Tensor

FORMS = ("symmetric", "one_sided")


@keras.saving.register_keras_serializable(package="keras_dl")
class Dequantized(keras.layers.Layer):
    r"""Maps integer levels to real numbers with noise, and counts what the map does to a density.

    A level $k \in \{0, \dots, n - 1\}$ becomes $\tilde x = (k + u) / n$ with noise $u \in (0, 1)$, and then $y$:

    $$y = l + (h - l) \tilde x \quad\text{for `value_range`}\ (l, h), \qquad\text{or}\qquad
      y = \operatorname{logit}(s), \quad s = \alpha + (1 - 2\alpha) \tilde x$$

    (or $s = \alpha + (1 - \alpha) \tilde x$, `form="one_sided"`). A density $p(y)$ is then one of integers,

    $$\log P(k) = \log \mathbb{E}_{u \sim q(u|k)} \left[p(y) \left|\frac{dy}{dk}\right| \frac1{q(u|k)}\right]
      \ge \mathbb{E}_{u \sim q(u|k)} \left[\log p(y) + \log \left|\frac{dy}{dk}\right| - \log q(u|k)\right]$$

    with uniform noise (Theis et al. 2016, "A note on the evaluation of generative models") or noise that a network
    learns (Ho et al. 2019, "Flow++"). `forward_and_log_weight` returns $y$ and all that follows $\log p(y)$ in the
    brackets, which holds every Jacobian. Bits per dimension are $-\log P(k) / (D \ln 2)$.

    Usual choices: `alpha=0.05, form="one_sided"` (RealNVP), `alpha=1e-6` for MNIST (MAF, FFJORD),
    `value_range=(-0.5, 0.5)` (Glow), `value_range=(-1, 1)` (diffusion).

    Args:
        shape: Shape of a sample, without padding: $D$ is the number of its values.
        num_levels: Number of levels $n$.
        alpha: $\alpha$ of the logit transform; `None` for none.
        form: `"symmetric"` or `"one_sided"`, the interval of $s$: $(\alpha, 1 - \alpha)$ or $(\alpha, 1)$.
        value_range: Interval $(l, h)$ of $y$ without a logit transform.
        padding: Pair `(before, after)` per axis of a sample, as for `np.pad`: how many values of level 0 are added.
            They are modelled as the others are, and what they cost counts, but they are no dimensions of the data.
        noise: Built Keras model from levels $k / (n - 1)$ with padding to `[loc, log_scale]` on the last axis, of
            $u = \operatorname{sigmoid}(\mathrm{loc} + e^{\mathrm{log\_scale}} \epsilon)$; `None` for uniform noise.
        **kwargs: `name`, `dtype` and `trainable`, as for every Keras layer.

    Data are integers $k$, or floats $k / (n - 1)$ in [0, 1], as `keras_dl.data.load` gives images.

    Raises:
        ValueError: If an argument is out of range, or the parts do not fit together.

    Example: under a density that is 1 on the unit interval all 256 levels are equally likely.

    >>> dequantized = Dequantized((2,))
    >>> y, log_weight = dequantized.forward_and_log_weight(tf.constant([[0, 255]]), noise=tf.constant([[0.5, 0.5]]))
    >>> y.numpy().tolist()
    [[0.001953125, 0.998046875]]
    >>> log_p = 0.0 + log_weight                          # nats of the two integers
    >>> dequantized.bits_per_dim(log_p).numpy().tolist()
    [8.0]
    """

    def __init__(
        self, shape: Shape, num_levels: int = 256, alpha: float | None = None, form: str = "symmetric",
        value_range: Sequence[float] = (0.0, 1.0), padding: Sequence | None = None, noise: keras.Model | None = None,
        **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.shape = tuple(check_counts(list(shape), "shape"))
        self.num_levels = check_count(num_levels, "num_levels", least=2)
        self.alpha = None if alpha is None else float(check_number(alpha, "alpha", above=0.0, below=0.5))
        self.form, self.value_range = form, tuple(value_range)
        self._check_map()
        self.padding = _checked_padding(padding, self.shape)
        self.noise = noise
        if noise is not None:
            _check_noise(noise, self.padded_shape)
        self.built = True

    @property
    def num_dims(self) -> int:
        """How many dimensions the data have, without padding: $D$."""
        return math.prod(self.shape)

    @property
    def padded_shape(self) -> tuple:
        """Shape of a sample of $y$."""
        return tuple(size + sum(pair) for size, pair in zip(self.shape, self.padding, strict=True))

    def check(self, x: Tensor, name: str = "x") -> None:
        """Refuses arrays that are no levels, integers or floats on the grid `k / (num_levels - 1)`.

        Args:
            x: Array of data, of shape `(batch, *shape)`.
            name: What error messages call it.

        Raises:
            TypeError: If `x` does not hold real numbers.
            ValueError: If its shape is another, or values are no levels.
        """
        x = np.asarray(x)
        if x.shape[1:] != self.shape:
            raise refusal(f"`{name}` should have shape (batch, *{self.shape})", f"{name}.shape={x.shape}")
        if x.dtype.kind in "ui":
            real_array(x, name, low=0, high=self.num_levels - 1)
        else:
            check_grid(x, name, self.num_levels, "these data")

    def draw_noise(self, draw: Any) -> Tensor:
        """Returns the noise that a step or a measurement needs, of shape `(rows, *padded_shape)`.

        Args:
            draw: A `keras_dl.models.base.Draw`.
        """
        return draw.uniform(self.padded_shape) if self.noise is None else draw.normal(self.padded_shape)

    def forward_and_log_weight(self, x: Tensor, noise: Tensor, training: bool = False) -> tuple:
        r"""Returns real numbers for levels, and what a sample's density has to be multiplied with.

        Args:
            x: Tensor of shape `(batch, *shape)`: integers, or floats `k / (num_levels - 1)`.
            noise: Float tensor of shape `(batch, *padded_shape)`, as of `draw_noise`: $u$, or $\epsilon$ of a network.
            training: Whether the network that decides the noise is being trained.

        Returns:
            $y$, of shape `(batch, *padded_shape)`, and $\log|dy/dk| - \log q(u|k)$, of shape `(batch,)`, both float32.
        """
        levels = tf.pad(self._levels(x), [(0, 0), *self.padding])
        below, above, log_q = self._split(levels, tf.cast(noise, tf.float32), training)
        below, above = (levels + below) / self.num_levels, (self.num_levels - 1.0 - levels + above) / self.num_levels
        y, log_slope = self._stretched(below, above)
        log_weight = log_slope - math.log(self.num_levels) - log_q
        return y, tf.reduce_sum(log_weight, list(range(1, log_weight.shape.rank)))

    def inverse(self, y: Tensor) -> Tensor:
        """Returns levels as data, floats `k / (num_levels - 1)` of shape `(batch, *shape)`, of real (drawn) numbers."""
        y = tf.cast(y, tf.float32)
        if self.alpha is None:
            low, high = self.value_range
            x = (y - low) / (high - low)
        else:
            x = (tf.sigmoid(y) - self.alpha) / self._slope
        levels = tf.clip_by_value(tf.floor(x * self.num_levels), 0.0, self.num_levels - 1.0)
        edges = [slice(None), *(slice(a, a + n) for (a, _), n in zip(self.padding, self.shape, strict=True))]
        return levels[tuple(edges)] / (self.num_levels - 1.0)

    def bits_per_dim(self, nats: Tensor) -> Tensor:
        r"""Returns $-\log P(k) / (D \ln 2)$.

        Args:
            nats: $\log P(k)$ of whole samples, in nats: a number, an array or a tensor.
        """
        return -nats / (self.num_dims * math.log(2.0))

    def in_words(self) -> str:
        """Returns the convention in a few words: levels, noise, transform and padding.

        Example:

        >>> Dequantized((28, 28, 1), alpha=1e-6, padding=((2, 2), (2, 2), (0, 0))).in_words()
        '256 levels with uniform noise, logit with alpha 1e-06, 784 dimensions (padded to 32x32x1)'
        """
        noise = "uniform noise" if self.noise is None else "variational noise"
        low, high = self.value_range
        form = " (one-sided)" if self.form == "one_sided" else ""
        name = f"range [{low:g}, {high:g}]" if self.alpha is None else f"logit with alpha {self.alpha:g}{form}"
        padded = "x".join(map(str, self.padded_shape))
        padding = f" (padded to {padded})" if self.padded_shape != self.shape else ""
        return f"{self.num_levels} levels with {noise}, {name}, {self.num_dims} dimensions{padding}"

    def get_config(self) -> dict[str, Any]:
        noise = None if self.noise is None else keras.saving.serialize_keras_object(self.noise)
        own = {"shape": self.shape, "num_levels": self.num_levels, "alpha": self.alpha, "form": self.form}
        own |= {"value_range": self.value_range, "padding": self.padding, "noise": noise}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        noise = config.get("noise")
        return cls(**{**config, "noise": noise and keras.saving.deserialize_keras_object(noise)})

    @property
    def _slope(self):
        """Length of the interval of $s$."""
        return 1.0 - self.alpha * (2.0 if self.form == "symmetric" else 1.0)

    def _levels(self, x):
        x = tf.convert_to_tensor(x)
        if x.dtype.is_integer:
            return tf.cast(x, tf.float32)
        return tf.round(tf.cast(x, tf.float32) * (self.num_levels - 1.0))

    def _split(self, levels, noise, training):
        """$u$, $1 - u$ (which $u$ near 1 would lose) and $\\log q(u|k)$."""
        if self.noise is None:
            return noise, 1.0 - noise, 0.0
        parameters = tf.cast(self.noise(levels / (self.num_levels - 1.0), training=training), tf.float32)
        loc, log_scale = split_loc_and_scale(parameters)
        v = loc + tf.exp(log_scale) * noise
        log_normal = -0.5 * tf.square(noise) - 0.5 * math.log(2.0 * math.pi) - log_scale
        return tf.sigmoid(v), tf.sigmoid(-v), log_normal - tf.math.log_sigmoid(v) - tf.math.log_sigmoid(-v)

    def _stretched(self, below, above):
        """$y$ and $\\log|dy/d\\tilde x|$ for distances from both ends of the unit interval."""
        if self.alpha is None:
            low, high = self.value_range
            return low + (high - low) * below, tf.fill(tf.shape(below), math.log(high - low))
        log_s = tf.math.log(self.alpha + self._slope * below)
        log_rest = tf.math.log((self.alpha if self.form == "symmetric" else 0.0) + self._slope * above)
        return log_s - log_rest, math.log(self._slope) - log_s - log_rest

    def _check_map(self):
        if self.form not in FORMS:
            raise refusal("`form` should be 'symmetric' or 'one_sided'", form=self.form)
        if len(self.value_range) != 2 or not -math.inf < self.value_range[0] < self.value_range[1] < math.inf:
            raise refusal("`value_range` should be a pair (low, high)", value_range=self.value_range)
        if self.alpha is not None and self.value_range != (0.0, 1.0):
            raise refusal(
                "`value_range` is for data without a logit transform",
                f"alpha={self.alpha}, value_range={self.value_range}",
            )


def _checked_padding(padding, shape):
    """Padding as a tuple of a pair per axis."""
    if padding is None:
        return ((0, 0),) * len(shape)
    pairs = [tuple(pair) for pair in padding]
    if len(pairs) != len(shape) or any(len(pair) != 2 for pair in pairs):
        raise refusal(f"`padding` should be a pair per axis of {shape}", padding=padding)
    return tuple(tuple(check_count(size, "padding", least=0) for size in pair) for pair in pairs)


def _check_noise(network, shape):
    """Refuses a network of noise that does not fit samples."""
    if not isinstance(network, keras.Model) or not network.built:
        raise refusal("`noise` should be a built Keras model", noise=network)
    expected = (*shape[:-1], 2 * shape[-1])
    if tuple(network.output_shape[1:]) != expected:
        raise refusal(
            f"`noise` should return [loc, log_scale] of samples of shape {shape}: {expected}",
            f"output shape {tuple(network.output_shape[1:])}",
        )
