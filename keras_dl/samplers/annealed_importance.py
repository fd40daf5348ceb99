r"""Annealed importance sampling of normalisers (Neal 2001), forwards and backwards."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from keras_dl.samplers.chains import energies, energies_and_slopes
from keras_dl.samplers.metropolis import HMC, Place
from keras_dl.types import Tensor

_ADAPTION = 0.1  # by which a pilot's log step size follows acceptance


class LogRatio(NamedTuple):
    r"""An estimate of $\log Z - \log Z_0$.

    Attributes:
        value: Float scalar, in nats. Forwards it lies below the truth in expectation, backwards above.
        standard_error: By the delta method, $\mathrm{sd}(w) / (\sqrt{n}\, \bar w)$; too small where few weights
            outweigh all others.
    """

    value: Any
    standard_error: Any


def log_mean_weight(log_weights: Tensor) -> LogRatio:
    r"""Returns $\log \tfrac1n \sum_i w_i$ and its standard error, as a `LogRatio`.

    Example:

    >>> [round(float(value), 4) for value in log_mean_weight(tf.math.log([1.0, 3.0]))]
    [0.6931, 0.5]
    """
    count = tf.cast(tf.size(log_weights), tf.float32)
    value = tf.reduce_logsumexp(log_weights) - tf.math.log(count)
    relative = tf.exp(log_weights - value) - 1.0
    return LogRatio(value, tf.sqrt(tf.reduce_sum(tf.square(relative)) / (count * (count - 1.0))))


def betas(steps):
    r"""Returns the shares of the energy at each step, $\beta = t^2 (3 - 2 t)$ from 0 to 1, shape `(steps + 1,)`."""
    t = tf.range(tf.cast(steps, tf.float32) + 1.0) / tf.cast(steps, tf.float32)
    return tf.square(t) * (3.0 - 2.0 * t)


class _Path(NamedTuple):
    """The densities between two, a chain that keeps each, and `schedule`, the shares of the second one's energy."""

    start: Callable
    energy: Callable
    schedule: Tensor
    chain: HMC
    value_range: Any

    def weigh(self, x, k):
        """What the way from density `k` to the next adds to the log-weights of samples."""
        change = self.schedule[k + 1] - self.schedule[k]
        return -change * (energies(self.energy, x) - energies(self.start, x))

    def move(self, x, k, log_size, normal, uniform):
        """A step of HMC that keeps the density behind `k`: new samples, and how probably a step is accepted."""
        beta = self.schedule[k + 1]

        def between(x):
            return (1.0 - beta) * energies(self.start, x) + beta * energies(self.energy, x)

        size = tf.fill(tf.shape(x)[:1], tf.exp(log_size))
        place = Place(x, *energies_and_slopes(between, x))
        place, chance, _ = self.chain.move(between, place, size, normal, uniform, self.value_range)
        return tf.ensure_shape(place.x, x.shape), tf.reduce_mean(chance)


def anneal(start, energy, x, noise, steps, log_sizes, leapfrogs=5, value_range=None, backwards=False, adapts=False):
    r"""Leads samples from one density to another and returns their log-weights.

    Between $E_0$, the start, and $E$ lie $E_\beta = (1 - \beta) E_0 + \beta E$; at each $\beta$ a step of HMC keeps
    $e^{-E_\beta}$, and $\log w = -\sum_k (\beta_{k+1} - \beta_k) (E - E_0)(x_k)$.

    Args:
        start: Function from samples to $E_0$, the energy of a density whose normaliser is known.
        energy: Function from samples to $E$.
        x: Samples of the start; backwards of the energy's density.
        noise: A `Noise`.
        steps: Number of steps, an integer scalar.
        log_sizes: Logarithms of HMC's step sizes at each $\beta > 0$, shape `(steps,)`.
        leapfrogs: Leapfrog steps at each $\beta$.
        value_range: `(low, high)` of samples, or `None`.
        backwards: Whether to go from the energy to the start.
        adapts: Whether step sizes follow what is accepted, from the first of `log_sizes` on: for a pilot run alone.

    Returns:
        Log-weights of shape `(rows,)`, the samples at the end, and the log step sizes used.
    """
    path = _Path(start, energy, betas(steps), HMC(1, leapfrogs=leapfrogs), value_range)

    def body(index, x, log_weights, log_size, used):
        k = steps - 1 - index if backwards else index
        log_size = log_size if adapts else log_sizes[k]
        if not backwards:
            log_weights += path.weigh(x, k)
        x, chance = path.move(x, k, log_size, noise.normal(index, x), noise.uniform(index, x))
        if backwards:
            log_weights += path.weigh(x, k)
        used = used.write(k, log_size)
        return index + 1, x, log_weights, log_size + _ADAPTION * (chance - path.chain.target) * adapts, used

    used = tf.TensorArray(tf.float32, size=steps, element_shape=[])
    state = tf.constant(0), x, tf.zeros(tf.shape(x)[:1]), log_sizes[0], used
    _, x, log_weights, _, used = tf.while_loop(lambda index, *_: index < steps, body, state)
    return log_weights, x, used.stack()


def annealed_importance(
    start: Callable,
    energy: Callable,
    x: Tensor,
    noises: Any,
    steps: Tensor,
    step_size: float = 0.1,
    leapfrogs: int = 5,
    value_range: Any = None,
    ends: Tensor | None = None,
) -> LogRatio:
    r"""Estimates $\log (Z / Z_0)$ by a pilot run, which finds step sizes, and a run with them.

    Args:
        start: Function from samples to $E_0$.
        energy: Function from samples to $E$.
        x: Samples of the start, as many as chains.
        noises: Two `Noise`s, of the pilot and of the run.
        steps: Number of steps, an integer or a scalar tensor.
        step_size: The pilot's first step size.
        leapfrogs: Leapfrog steps at each temperature.
        value_range: `(low, high)` of samples, or `None`.
        ends: Samples of the energy's density, to estimate backwards from them (Grosse et al. 2015): from above, as
            forwards from below.

    Returns:
        A `LogRatio`.
    """
    options = {"leapfrogs": leapfrogs, "value_range": value_range}
    sizes = tf.fill([steps], tf.math.log(tf.cast(step_size, tf.float32)))
    _, _, sizes = anneal(start, energy, x, noises[0], steps, sizes, adapts=True, **options)
    if ends is None:
        return log_mean_weight(anneal(start, energy, x, noises[1], steps, sizes, **options)[0])
    log_weights, _, _ = anneal(start, energy, ends, noises[1], steps, sizes, backwards=True, **options)
    below = log_mean_weight(-log_weights)
    return LogRatio(-below.value, below.standard_error)
