"""Weights that change during training, as functions of the training step.

A schedule is called with the saved step inside the compiled training step, so it is right when several steps run in
one call and after a run is resumed.
"""

import math

import keras
import tensorflow as tf

from keras_dl.checks import check_number, refusal
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor


class Schedule(Configurable):
    """Base class of schedules: from `start` to `stop` by a rising function of the step.

    Args:
        steps: Steps the change takes (a period, for a cyclical schedule).
        start: Value at first.
        stop: Value in the end.

    Raises:
        ValueError: If `steps` is not positive or a value is not finite.
    """

    def __init__(self, steps: float, start: float = 0.0, stop: float = 1.0):
        self.steps = check_number(steps, "steps", least=0)
        if steps == 0:
            raise refusal("steps should be above 0", steps=steps)
        self.start, self.stop = check_number(start, "start"), check_number(stop, "stop")

    def __call__(self, step: Tensor) -> Tensor:
        """Returns the value at `step`, a float32 scalar."""
        done = tf.cast(step, tf.float32) / float(self.steps)
        return self.start + (self.stop - self.start) * self.rise(done)

    def rise(self, done: Tensor) -> Tensor:
        """Returns how far the change has gone, from 0 to 1, after a share `done` (0 and up) of the steps."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="keras_dl")
class Linear(Schedule):
    r"""Rises in a straight line: $\min(1, t / T)$ (Bowman et al. 2016, "Generating sentences from a continuous space").

    Args:
        steps: $T$, the number of steps to the full value.
        start: Value at step 0.
        stop: Value from step `steps` on.

    Example:

    >>> [float(Linear(100)(step)) for step in (0, 50, 200)]
    [0.0, 0.5, 1.0]
    """

    def rise(self, done: Tensor) -> Tensor:
        return tf.minimum(done, 1.0)


@keras.saving.register_keras_serializable(package="keras_dl")
class Sigmoid(Schedule):
    r"""Rises like a logistic function: $1 / (1 + e^{-k (t / T - 1/2)})$ (Bowman et al. 2016).

    Args:
        steps: $T$: the rise is half done after `steps / 2`.
        start: Value long before.
        stop: Value long after.
        steepness: $k$; at 12 the value is within 0.25% of its limits at steps 0 and `steps`.

    Example:

    >>> [round(float(Sigmoid(100)(step)), 3) for step in (0, 50, 100)]
    [0.002, 0.5, 0.998]
    """

    def __init__(self, steps: float, start: float = 0.0, stop: float = 1.0, steepness: float = 12.0):
        super().__init__(steps, start, stop)
        self.steepness = check_number(steepness, "steepness")

    def rise(self, done: Tensor) -> Tensor:
        return tf.sigmoid(self.steepness * (done - 0.5))


@keras.saving.register_keras_serializable(package="keras_dl")
class Cyclical(Schedule):
    r"""Rises in a straight line over part of each period, and stays (Fu et al. 2019, "Cyclical annealing schedule").

    $$\min(1, (t \bmod T) / (r T))$$

    Args:
        steps: $T$, the steps per period.
        start: Value at the start of a period.
        stop: Value at its end.
        ratio: $r$, the share of the period that the rise takes.
        cycles: Number of periods after which the value stays at `stop`; `None` for no end.

    Example:

    >>> [float(Cyclical(100)(step)) for step in (0, 25, 75, 100, 125)]
    [0.0, 0.5, 1.0, 0.0, 0.5]
    """

    def __init__(
        self, steps: float, start: float = 0.0, stop: float = 1.0, ratio: float = 0.5, cycles: int | None = None
    ):
        super().__init__(steps, start, stop)
        if not 0 < check_number(ratio, "ratio") <= 1:
            raise refusal("ratio should be above 0 and at most 1", ratio=ratio)
        self.ratio = ratio
        self.cycles = None if cycles is None else check_number(cycles, "cycles", least=1)

    def rise(self, done: Tensor) -> Tensor:
        risen = tf.minimum((done - tf.floor(done)) / self.ratio, 1.0)
        return risen if self.cycles is None else tf.where(done < self.cycles, risen, 1.0)


def value_at(weight, step):
    """The value at `step` of a weight that may be a number or a schedule, a float32 scalar."""
    return weight(step) if callable(weight) else tf.constant(weight, tf.float32)


def check_weight(weight, name):
    """Checks that a weight is a schedule or a finite number of at least zero."""
    number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    if not callable(weight) and not (number and 0 <= weight < math.inf):
        raise refusal(f"{name} should be a schedule, or a number of at least 0", **{name: weight})
    return weight
