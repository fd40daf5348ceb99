"""Chains that Metropolis' rule makes exact: Langevin proposals, and Hamiltonian dynamics."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_dl.checks import check_count, check_number
from keras_dl.samplers.chains import Chains, MarkovChain, energies_and_slopes, folded, per_row, sum_per_row
from keras_dl.types import Tensor

_RATE = 0.6  # power of the step's number by which adaption slows (Robbins & Monro 1951)


class Place(NamedTuple):
    """A place of chains: samples, energies and slopes there."""

    x: Any
    energy: Any
    slope: Any


class Metropolis(MarkovChain):
    r"""Base of adjusted chains: proposals that are accepted with probability $\min(1, r)$ (Hastings 1970).

    Each chain adapts its own step size in its first steps, towards a share of accepted proposals, by
    $\log a \leftarrow \log a + k^{-0.6} (\min(1, r) - \text{target})$ in step $k$; then it stays, so that the
    stationary density is exact. A subclass writes `propose`.

    Attributes:
        target: Share of proposals to accept.
    """

    adjusted = True
    target: float
    adapt: float

    def _store(self, steps, step_size, temperature, adapt):
        self.steps = check_count(steps, "steps")
        self.step_size = check_number(step_size, "step_size", above=0)
        self.temperature = check_number(temperature, "temperature", above=0)
        self.adapt = check_number(adapt, "adapt", least=0, most=1)

    def propose(self, energy: Callable, place: Any, size: Tensor, normal: Tensor, value_range: Any) -> tuple:
        """Returns a new `Place` and $\\log r$, shape `(rows,)`, given the normals of the step."""
        raise NotImplementedError(f"{type(self).__name__} should define propose(energy, place, size, normal, range).")

    def move(
        self, energy: Callable, place: Any, size: Tensor, normal: Tensor, uniform: Tensor, value_range: Any = None
    ) -> tuple:
        """Returns the `Place` after one step, the probability of acceptance and what was accepted, `(rows,)` each."""
        new, log_ratio = self.propose(energy, place, size, normal, value_range)
        log_ratio = tf.where(tf.math.is_finite(log_ratio), log_ratio, -math.inf)
        accepted = tf.math.log(uniform) < log_ratio
        pairs = zip(new, place, strict=True)
        after = Place(*[tf.where(per_row(accepted, to), to, before) for to, before in pairs])
        return after, tf.exp(tf.minimum(log_ratio, 0.0)), accepted

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
        adapting = tf.cast(tf.cast(steps, tf.float32) * self.adapt, tf.int32)
        rows = tf.shape(x)[:1]
        size = tf.broadcast_to(tf.cast(self.step_size if step_size is None else step_size, tf.float32), rows)
        place = Place(x, *energies_and_slopes(energy, x))
        shapes = [part.shape for part in place]

        def body(index, place, log_size, count):
            normal, uniform = noise.normal(index, place.x), noise.uniform(index, place.x)
            place, chance, accepted = self.move(energy, place, tf.exp(log_size), normal, uniform, value_range)
            place = Place(*[tf.ensure_shape(part, shape) for part, shape in zip(place, shapes, strict=True)])
            rate = tf.where(index < adapting, tf.pow(tf.cast(index, tf.float32) + 1.0, -_RATE), 0.0)
            counts = tf.where(index < adapting, 0.0, tf.cast(accepted, tf.float32))
            return index + 1, place, log_size + rate * (chance - self.target), count + counts

        start = tf.constant(0), place, tf.math.log(size), tf.zeros(rows)
        _, place, log_size, count = tf.while_loop(lambda index, *_: index < steps, body, start)
        return Chains(place.x, count / tf.cast(tf.maximum(steps - adapting, 1), tf.float32), tf.exp(log_size))


@keras.saving.register_keras_serializable(package="keras_dl")
class MALA(Metropolis):
    r"""Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996), exact for $e^{-E(x)/T}$.

    Proposals are Langevin's, $x' \sim \mathcal{N}(x - a \nabla E(x), 2 a T)$, and

    $$r = \frac{e^{-E(x')/T}\, q(x \mid x')}{e^{-E(x)/T}\, q(x' \mid x)}$$

    Proposals beyond the data's range are refused.

    Args:
        steps: Number of steps.
        step_size: $a$ at the beginning.
        temperature: $T$.
        adapt: Share of the steps in which the step size adapts; 0 for never.
        target: Share of proposals to accept; 0.574 is optimal in many dimensions (Roberts & Rosenthal 1998).

    Example:

    >>> MALA(100, 0.1)
    MALA(steps=100)
    """

    def __init__(
        self,
        steps: int = 100,
        step_size: float = 0.1,
        temperature: float = 1.0,
        adapt: float = 0.5,
        target: float = 0.574,
    ):
        self._store(steps, step_size, temperature, adapt)
        self.target = check_number(target, "target", above=0, below=1)

    def propose(self, energy: Callable, place: Any, size: Tensor, normal: Tensor, value_range: Any) -> tuple:
        a = per_row(size, place.x)
        x = place.x - a * place.slope + tf.sqrt(2.0 * a * self.temperature) * normal
        new = Place(x, *energies_and_slopes(energy, x))
        backward = sum_per_row(tf.square(place.x - x + a * new.slope)) / (4.0 * size * self.temperature)
        log_ratio = (place.energy - new.energy) / self.temperature - backward + 0.5 * sum_per_row(tf.square(normal))
        if value_range is not None:
            low, high = value_range
            inside = tf.reduce_all((x >= low) & (x <= high), list(range(1, x.shape.rank)))
            log_ratio = tf.where(inside, log_ratio, -math.inf)
        return new, log_ratio


@keras.saving.register_keras_serializable(package="keras_dl")
class HMC(Metropolis):
    r"""Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011), exact for $e^{-E(x)/T}$.

    A momentum $p \sim \mathcal{N}(0, T)$ is drawn afresh, $L$ leapfrog steps follow $H = E(x) + |p|^2 / 2$, and
    $r = e^{-(H' - H) / T}$. At the ends of the data's range paths are reflected, which keeps volume and reversibility.

    Args:
        steps: Number of proposals.
        step_size: Size of a leapfrog step at the beginning.
        leapfrogs: $L$.
        temperature: $T$.
        adapt: Share of the steps in which the step size adapts; 0 for never.
        target: Share of proposals to accept.

    Example:

    >>> HMC(100, 0.1, leapfrogs=5)
    HMC(steps=100, leapfrogs=5)
    """

    def __init__(
        self,
        steps: int = 100,
        step_size: float = 0.1,
        leapfrogs: int = 10,
        temperature: float = 1.0,
        adapt: float = 0.5,
        target: float = 0.8,
    ):
        self._store(steps, step_size, temperature, adapt)
        self.leapfrogs = check_count(leapfrogs, "leapfrogs")
        self.target = check_number(target, "target", above=0, below=1)

    def propose(self, energy: Callable, place: Any, size: Tensor, normal: Tensor, value_range: Any) -> tuple:
        epsilon, shapes = per_row(size, place.x), [part.shape for part in place]
        momentum = math.sqrt(self.temperature) * normal

        def body(index, place, momentum):
            momentum = momentum - 0.5 * epsilon * place.slope
            x = place.x + epsilon * momentum
            if value_range is not None:
                x, turned = folded(x, *value_range)
                momentum = tf.where(turned, -momentum, momentum)
            new = Place(x, *energies_and_slopes(energy, x))
            new = Place(*[tf.ensure_shape(part, shape) for part, shape in zip(new, shapes, strict=True)])
            return index + 1, new, momentum - 0.5 * epsilon * new.slope

        start = tf.constant(0), place, momentum
        _, new, last = tf.while_loop(lambda index, *_: index < self.leapfrogs, body, start)
        kinetic = 0.5 * (sum_per_row(tf.square(last)) - sum_per_row(tf.square(momentum)))
        return new, -(new.energy - place.energy + kinetic) / self.temperature
