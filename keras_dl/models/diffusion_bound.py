"""The variational bound of a diffusion model, term by term, and bits per dimension."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_seed, refusal
from keras_dl.likelihoods import Dequantized
from keras_dl.models.base import Draw
from keras_dl.types import Tensor


class BoundTerms(NamedTuple):
    """The terms of a bound on $-\\log p(x)$ in nats per sample.

    Attributes:
        reconstruction: $L_0 = -\\log p(x \\mid x_1)$, shape `(rows,)`.
        steps: $L_1, \\dots, L_{T-1}$, the divergences of the steps, the one nearest to the data first, shape
            `(T - 1, rows)`.
        prior: $L_T$, the divergence of the noisiest samples from the prior, shape `(rows,)`.
    """

    reconstruction: tf.Tensor
    steps: tf.Tensor
    prior: tf.Tensor

    @property
    def total(self):
        """The bound on $-\\log p(x)$, the sum of all terms, shape `(rows,)`."""
        return self.reconstruction + tf.reduce_sum(self.steps, 0) + self.prior


class Bound:
    """The part of a `Diffusion` that bounds its likelihood."""

    # Of the model.
    process: Any
    seed: Any
    data_shape: tuple[int, ...]
    value_range: tuple[float, float] | None
    field: Callable
    scaled: Callable
    as_graph: Callable
    log_density: Callable
    _inputs: Callable
    _noise: Callable
    _log_scale: Callable

    def bound_terms(
        self,
        x: Tensor,
        condition: Tensor | None = None,
        steps: int = 1000,
        num_levels: int | None = None,
        seed: int | None = None,
    ) -> BoundTerms:
        r"""Returns the terms of the variational bound of Ho et al. 2020 (equation 5), one draw of noise a term.

        $$-\log p(x) \le \underbrace{-\log p(x \mid x_1)}_{L_0}
          + \sum_{i=2}^T \underbrace{D(q(x_{i-1} \mid x_i, x) \,\|\, p(x_{i-1} \mid x_i))}_{L_{i-1}}
          + \underbrace{D(q(x_T \mid x) \,\|\, p(x_T))}_{L_T}$$

        in expectation over noise, for the sampler `"ancestral"` in `steps` steps with the posterior's variance:
        $L_{i-1} = \frac12 (\text{SNR}_{i-1} - \text{SNR}_i) |x - \hat x(x_i)|^2$. The last step draws the data from a
        normal around $\hat x(x_1)$ of deviation $\sigma_1 / \alpha_1$.

        Of real numbers the bound stays above $-\log p(x)$ however many steps there are: where the noise's deviation
        grows like time at first, as on a `Cosine` path, by $\gamma + \pi^2 / 12 = 1.40$ nats per value.

        Args:
            x: Data, shape `(rows, *data_shape)`.
            condition: Their conditions, where the network is conditional.
            steps: $T$, at least 2.
            num_levels: Number of equally spaced levels over `value_range` that data may take: $L_0$ is then minus the
                logarithm of the probability of a level, of which the outermost reach to infinity (equation 13). `None`
                for data that are real numbers.
            seed: Integer that fixes the noise; `None` means the model's seed: the same at every call.

        Returns:
            A `BoundTerms`.

        Raises:
            ValueError: If there are fewer than 2 steps, or levels of data without a range.
        """
        steps = check_count(steps, "steps", least=2)
        if num_levels is not None and self.value_range is None:
            raise refusal("`num_levels` should be None for data without a `value_range`", num_levels=num_levels)
        levels = None if num_levels is None else check_count(num_levels, "num_levels", least=2)
        seed = tf.constant(self.seed if seed is None else check_seed(seed), tf.int64)
        x, condition = self._inputs(x, condition)
        return BoundTerms(*self.as_graph(self._bound_terms)(x, condition, seed, steps=steps, num_levels=levels))

    def bits_per_dim(
        self,
        x: Tensor,
        condition: Tensor | None = None,
        num_levels: int = 256,
        seed: int | None = None,
        tolerance: float = 1e-5,
    ) -> Tensor:
        r"""Returns $-\log P(x) / (D \ln 2)$ of data that are levels, by uniform dequantisation: a bound from above.

        A level $k$ is $(k + u) / n$ of the way through `value_range`, with one draw of $u$; its density is
        `log_density`'s (Theis et al. 2016). Three conventions of such figures are in use: compare like with like.

        Args:
            x: Data, shape `(rows, *data_shape)`: the levels $k / (n - 1)$ of the way through `value_range`.
            condition: Their conditions, where the network is conditional.
            num_levels: $n$.
            seed: Integer that fixes $u$ and the divergence's direction; `None` means the model's seed.
            tolerance: Tolerance of the solver.

        Returns:
            Tensor of shape `(rows,)`.

        Raises:
            ValueError: If data have no range, or are no levels.
        """
        if self.value_range is None:
            raise refusal("bits_per_dim should be of data with a `value_range`", value_range=None)
        low, high = self.value_range
        dequantized = Dequantized(self.data_shape, num_levels, value_range=self.value_range)
        levels = (np.asarray(x, "float32") - low) / (high - low)
        dequantized.check(levels)
        seed = self.seed if seed is None else check_seed(seed)
        draw = Draw.for_sampling(tf.constant(seed, tf.int64), tf.constant(0, tf.int64), len(levels), stream=4)
        y, log_weight = dequantized.forward_and_log_weight(levels, dequantized.draw_noise(draw))
        density = self.log_density(y, condition, seed=seed, tolerance=tolerance)
        return dequantized.bits_per_dim(density.values + log_weight)

    def _bound_terms(self, x, condition, seed, steps, num_levels):
        x = tf.ensure_shape(self.scaled(x), [None, *self.data_shape])
        times = self.process.times(steps)[:-1]  # the last, without noise, is the data's
        field, noise = self.field(condition), self._noise(seed, tf.constant(0, tf.int64), stream=5)
        axes = list(range(1, x.shape.rank))

        def squared_error(index):
            t, epsilon = times[index], noise(index, x)
            predicted = field(self.process.perturb(x, epsilon, t), t, "noise")
            return tf.reduce_sum(tf.square(predicted - epsilon), axes)

        def divergence(index):
            gap = self.process.half_log_snr(times[index + 1]) - self.process.half_log_snr(times[index])
            return 0.5 * tf.math.expm1(2.0 * gap) * squared_error(index)

        numbers = tf.range(steps - 2, -1, -1)
        of_steps = tf.map_fn(divergence, numbers, fn_output_signature=tf.TensorSpec([None], tf.float32))
        latest = tf.constant(self.process.t_max)
        signal = self.process.alpha(latest) / self.process.sigma(latest)
        prior = 0.5 * tf.square(signal) * tf.reduce_sum(tf.square(x), axes)
        return self._reconstruction(x, field, times[-1], noise(steps, x), num_levels), of_steps, prior

    def _reconstruction(self, x, field, t, epsilon, num_levels):
        """Minus the log-probability of data given the samples of the least noise."""
        axes, scale = list(range(1, x.shape.rank)), tf.exp(-self.process.half_log_snr(t))
        error = (x - field(self.process.perturb(x, epsilon, t), t, "data")) / scale
        if num_levels is None:
            values = 0.5 * tf.square(error) + tf.math.log(scale) + 0.5 * math.log(2.0 * math.pi)
            return tf.reduce_sum(values, axes) - self._log_scale()
        half = 1.0 / ((num_levels - 1.0) * scale)  # half the distance of two levels on [-1, 1]
        inside = 0.5 * (1.0 / (num_levels - 1.0))
        above = tf.where(x > 1.0 - inside, math.inf, error + half)
        below = tf.where(x < -1.0 + inside, -math.inf, error - half)
        return -tf.reduce_sum(_log_normal_interval(below, above), axes)


def _log_normal_interval(low, high):
    """The logarithm of the probability of a standard normal number between two bounds, also far from 0."""
    # By symmetry in the lower tail, where probabilities do not round to 1.
    flipped = low > 0.0
    low, high = tf.where(flipped, -high, low), tf.where(flipped, -low, high)
    probability = 0.5 * (tf.math.erfc(-high / math.sqrt(2.0)) - tf.math.erfc(-low / math.sqrt(2.0)))
    return tf.math.log(tf.maximum(probability, 1e-30))
