"""Langevin dynamics without Metropolis' rule: at one temperature, and annealed."""

import math
from collections.abc import Callable
from typing import Any, Self

import keras
import tensorflow as tf

from keras_dl.checks import check_count, check_number, optional
from keras_dl.samplers.chains import Chains, MarkovChain, bounded, check_boundary, energies_and_slopes, per_row
from keras_dl.types import Tensor


@keras.saving.register_keras_serializable(package="keras_dl")
class Langevin(MarkovChain):
    r"""Unadjusted Langevin dynamics, which samples $e^{-E(x)/T}$ up to an error of the order of the step.

    $$x \leftarrow x - a \nabla E(x) + s z, \qquad s = \sqrt{2 a T}, \qquad T = \frac{s^2}{2 a}$$

    Published recipes set $a$ and $s$ by themselves: $a = 10$, $s = 0.005$ (Du & Mordatch 2019) samples at
    $T = 1.25 \cdot 10^{-6}$, $a = 1$, $s = 0.01$ (Grathwohl et al. 2020) at $T = 5 \cdot 10^{-5}$; their energies are
    no log-densities at $T = 1$. `Langevin.of_noise` takes both. For a Gaussian of variance $T / k$ the chain's
    variance is $(T / k) / (1 - a k / 2)$.

    Args:
        steps: Number of steps.
        step_size: $a$.
        temperature: $T$.
        boundary: What happens at the ends of the data's range: `"reflect"` or `"clip"`.
        max_gradient: Largest absolute value of each slope, beyond which it is cut; `None` for none.

    Example: the chain's variance for a standard normal and steps of 0.5 is 1 / (1 - 0.25).

    >>> import tensorflow as tf
    >>> from keras_dl.samplers import Langevin, Noise
    >>> normal = lambda index, x: tf.random.stateless_normal(tf.shape(x), tf.stack([index, 7]))
    >>> chains = Langevin(40, 0.5)(lambda x: 0.5 * x[:, 0] ** 2, tf.zeros([20000, 1]), Noise(normal, None))
    >>> round(float(tf.math.reduce_variance(chains.x)), 1)
    1.3
    """

    def __init__(
        self,
        steps: int = 60,
        step_size: float = 0.01,
        temperature: float = 1.0,
        boundary: str = "reflect",
        max_gradient: float | None = None,
    ):
        self.steps = check_count(steps, "steps")
        self.step_size = check_number(step_size, "step_size", above=0)
        self.temperature = check_number(temperature, "temperature", least=0)
        self.boundary = check_boundary(boundary)
        self.max_gradient = optional(lambda value, name: check_number(value, name, above=0))(
            max_gradient, "max_gradient"
        )

    @classmethod
    def of_noise(cls, steps: int, step_size: float, noise_scale: float, **options) -> Self:
        """Returns the sampler of a step $a$ and noise $s$, whose temperature is $s^2 / 2a$.

        Example:

        >>> Langevin.of_noise(60, 10.0, 0.005).temperature
        1.25e-06
        """
        check_number(step_size, "step_size", above=0)
        check_number(noise_scale, "noise_scale", least=0)
        return cls(steps, step_size, noise_scale**2 / (2 * step_size), **options)

    @property
    def noise_scale(self) -> float:
        """$s$, the deviation of the noise of a step."""
        return math.sqrt(2 * self.step_size * self.temperature)

    def temperature_at(self, index: Tensor, steps: Tensor) -> Tensor:
        """The temperature of a step."""
        return tf.constant(self.temperature)

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        noise: Any,
        steps: Tensor | None = None,
        step_size: Tensor | None = None,
        value_range: Any = None,
    ) -> Chains:
        steps = tf.convert_to_tensor(self.steps if steps is None else steps)
        size = self._sizes(x, step_size)
        return Chains(self._run(energy, x, noise, steps, steps, size, value_range), tf.ones_like(size), size)

    def differentiable(
        self, energy: Callable, x: Tensor, noise: Any, last_steps: int, value_range: Any = None
    ) -> Tensor:
        """Returns the ends of chains as `__call__` does, with gradients that flow through the last steps alone.

        Args:
            energy: As for `__call__`.
            x: As for `__call__`.
            noise: As for `__call__`.
            last_steps: How many of the sampler's steps.
            value_range: As for `__call__`.
        """
        steps, size, first = tf.constant(self.steps), self._sizes(x, None), max(0, self.steps - last_steps)
        x = tf.stop_gradient(self._run(energy, x, noise, tf.constant(first), steps, size, value_range))
        for index in range(first, self.steps):
            x = self._step(energy, x, noise, tf.constant(index), steps, size, value_range)
        return x

    def _sizes(self, x, step_size):
        size = tf.cast(self.step_size if step_size is None else step_size, tf.float32)
        return tf.broadcast_to(size, tf.shape(x)[:1])

    def _run(self, energy, x, noise, until, steps, size, value_range):
        """The first `until` of `steps` steps."""

        def body(index, x):
            return index + 1, self._step(energy, x, noise, index, steps, size, value_range)

        return tf.while_loop(lambda index, _: index < until, body, (tf.constant(0), x))[1]

    def _step(self, energy, x, noise, index, steps, size, value_range):
        a, slope = per_row(size, x), energies_and_slopes(energy, x)[1]
        if self.max_gradient is not None:
            slope = tf.clip_by_value(slope, -self.max_gradient, self.max_gradient)
        scale = tf.sqrt(2.0 * a * self.temperature_at(index, steps))
        moved = bounded(x - a * slope + scale * noise.normal(index, x), value_range, self.boundary)
        return tf.ensure_shape(moved, x.shape)


@keras.saving.register_keras_serializable(package="keras_dl")
class AnnealedLangevin(Langevin):
    r"""Langevin dynamics whose temperature falls from step to step, so that chains cross barriers first.

    $$T_i = T_\text{start} (T / T_\text{start})^{i / (n - 1)}$$

    Args:
        steps: Number of steps, $n$.
        step_size: $a$.
        temperature: $T$ of the last step.
        start_temperature: $T_\text{start}$ of the first.
        boundary: As for `Langevin`.
        max_gradient: As for `Langevin`.

    Example:

    >>> sampler = AnnealedLangevin(3, 0.1, 1.0, 100.0)
    >>> [round(float(sampler.temperature_at(index, 3))) for index in range(3)]
    [100, 10, 1]
    """

    def __init__(
        self,
        steps: int = 200,
        step_size: float = 0.01,
        temperature: float = 1.0,
        start_temperature: float = 10.0,
        boundary: str = "reflect",
        max_gradient: float | None = None,
    ):
        super().__init__(steps, step_size, temperature, boundary, max_gradient)
        check_number(temperature, "temperature", above=0)
        self.start_temperature = check_number(start_temperature, "start_temperature", least=temperature)

    def temperature_at(self, index: Tensor, steps: Tensor) -> Tensor:
        share = tf.cast(index, tf.float32) / tf.maximum(tf.cast(steps, tf.float32) - 1.0, 1.0)
        ratio = math.log(self.temperature / self.start_temperature)
        return self.start_temperature * tf.exp(share * ratio)
