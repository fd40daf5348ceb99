r"""Markov chains of an energy: what they share, their noise at each step, and the bounds of data."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor

BOUNDARIES = ("reflect", "clip")


class Noise(NamedTuple):
    """The noise of a chain: functions of a step's number and the samples, so that it belongs to the row.

    Attributes:
        normal: `normal(index, x)`, standard normals of the shape of `x`.
        uniform: `uniform(index, x)`, uniforms in (0, 1), shape `(rows,)`.
    """

    normal: Callable
    uniform: Callable


class Chains(NamedTuple):
    """Where chains have come to.

    Attributes:
        x: Samples, float32 of shape `(rows, ...)`.
        acceptance: Share of proposals accepted since steps stopped adapting, shape `(rows,)`; 1 without Metropolis'
            rule.
        step_size: Step size at the end, shape `(rows,)`.
    """

    x: Any
    acceptance: Any
    step_size: Any


class MarkovChain(Configurable):
    r"""Base class of chains whose stationary density is $e^{-E(x) / T}$ up to a constant.

    A subclass stores `steps`, `step_size` and `temperature`, and writes `__call__`.

    Attributes:
        adjusted: Whether Metropolis' rule makes the stationary density exact at any step size.
    """

    adjusted = False
    steps: int
    step_size: float
    temperature: float

    def __call__(
        self,
        energy: Callable,
        x: Tensor,
        noise: Any,
        steps: Tensor | None = None,
        step_size: Tensor | None = None,
        value_range: Any = None,
    ) -> Chains:
        """Runs chains.

        Args:
            energy: Function from `(rows, ...)` to energies, shape `(rows,)` or `(rows, 1)`, each row's its own.
            x: Where the chains begin, float32.
            noise: A `Noise`.
            steps: Number of steps, an integer or a scalar tensor; `None` for the sampler's.
            step_size: Step size, a number or one per row; `None` for the sampler's.
            value_range: `(low, high)` that samples cannot leave; `None` for none.

        Returns:
            `Chains`.
        """
        raise NotImplementedError(f"{type(self).__name__} should define __call__(energy, x, noise, ...).")


def energies(energy: Callable, x: Tensor) -> Tensor:
    """Returns the energies of samples, float32 of shape `(rows,)`, or refuses another shape.

    Raises:
        ValueError: If there is not one value per row.
    """
    values = tf.convert_to_tensor(energy(x))
    if values.shape.rank == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape.rank != 1:
        raise refusal("An energy should have shape (batch, 1) or (batch,)", f"shape {tuple(values.shape)}")
    return tf.cast(values, tf.float32)


def energies_and_slopes(energy: Callable, x: Tensor) -> tuple[Tensor, Tensor]:
    r"""Returns $E(x)$, shape `(rows,)`, and $\nabla E(x)$, of the shape of `x`."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        values = energies(energy, x)
        total = tf.reduce_sum(values)
    return values, tape.gradient(total, x, unconnected_gradients="zero")


def per_row(values, x):
    """Values of shape `(rows,)` with axes of length 1, so that they multiply `x`."""
    return tf.reshape(values, tf.concat([tf.shape(values), tf.ones([x.shape.rank - 1], tf.int32)], 0))


def sum_per_row(x):
    """Sums over all axes but the first."""
    return tf.reduce_sum(x, list(range(1, x.shape.rank)))


def folded(x, low, high):
    """Reflects numbers at the ends of an interval until they lie in it; also says whether their direction turned.

    Example:

    >>> [value.numpy().tolist() for value in folded(tf.constant([1.25, -0.5, 2.5, 0.5]), 0.0, 1.0)]
    [[0.75, 0.5, 0.5, 0.5], [True, True, False, False]]
    """
    width = high - low
    phase = tf.math.floormod(x - low, 2.0 * width)
    turned = phase > width
    return low + tf.where(turned, 2.0 * width - phase, phase), turned


def bounded(x, value_range, boundary):
    """Samples within their range, by reflection or by clipping."""
    if value_range is None:
        return x
    low, high = value_range
    return folded(x, low, high)[0] if boundary == "reflect" else tf.clip_by_value(x, low, high)


def check_boundary(boundary):
    """Returns the name of a rule at the ends of the range, or refuses it."""
    if boundary not in BOUNDARIES:
        raise refusal(f"`boundary` should be one of {BOUNDARIES}", boundary=boundary)
    return boundary
