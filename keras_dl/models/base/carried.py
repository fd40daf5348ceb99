"""State that a loss hands back: values carried from step to step, and sums over an epoch."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_number, refusal
from keras_dl.types import Tensor

COMBINE = ("mean", "sum", "same")


class Carried:
    """One named value that a loss reads and hands back: a path-length mean, a mean style, a power-iteration vector.

    The base combines what the replicas hand back, outside the compiled step, and gives the value of the next step by

    $$c \\leftarrow \\text{rule}(c, \\bar v), \\qquad \\bar v = \\tfrac1N \\textstyle\\sum_i v_i$$

    with the mean over the $N$ rows of the global batch, however many replicas hold them. The value is saved with the
    model and resumed to the bit.

    Args:
        shape: Shape of the value.
        start: Its first value, a number or an array.
        combine: `"mean"` or `"sum"` over rows, where a loss hands back shape `(batch, *shape)`; `"same"` where it hands
            back shape `(*shape)`, equal on all replicas (a vector of power iteration).
        rule: Function `rule(value, new)` that gives the next value; `None` replaces the value. See `moving`.
        dtype: Dtype of the value.

    Raises:
        ValueError: If `combine` is none of the three.

    Example:

    >>> from keras_dl.models.base.carried import Carried, moving
    >>> length = Carried(start=2.0, rule=moving(0.9))
    >>> length.commit(length.local(keras.ops.ones(4), 4), rows=4.0)
    >>> round(float(length.value), 4)
    1.9
    """

    #: Whether the base gathers rows from all replicas instead of summing over them.
    gathers = False
    #: What the model calls it, by `ObjectiveModel.carry`.
    name = ""

    def __init__(
        self,
        shape: Sequence[int] = (),
        start: float = 0.0,
        combine: str = "mean",
        rule: Callable | None = None,
        dtype: str = "float32",
    ):
        if combine not in COMBINE:
            raise refusal(f"`combine` should be one of {COMBINE}", combine=combine)
        self.combine, self.rule = combine, rule
        value = np.broadcast_to(np.asarray(start, dtype), tuple(shape))
        self.variable = state_variable(value, dtype, "carried")

    @property
    def value(self) -> Tensor:
        """The value now, a tensor."""
        return self.variable.value

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables that hold it."""
        return [self.variable]

    def local(self, handed_back: Any, rows: Tensor) -> list[Tensor]:
        """What this replica adds to the sum over replicas, of the first `rows` rows that a loss handed back."""
        handed_back, shape = tf.convert_to_tensor(handed_back), self.variable.shape
        expected = tf.TensorShape(shape if self.combine == "same" else [None, *shape])
        if not expected.is_compatible_with(handed_back.shape):
            axes = tuple(shape) if self.combine == "same" else ("batch", *shape)
            raise refusal(
                f"The state {self.name!r} should be handed back in shape {axes}, as its combine={self.combine!r} says",
                f"shape {handed_back.shape}",
            )
        if self.combine == "same":
            return [tf.cast(handed_back, self.variable.dtype)]
        return [tf.reduce_sum(tf.cast(handed_back[:rows], self.variable.dtype), 0)]

    def commit(self, summed: list[Tensor], rows: Tensor, replicas: int = 1) -> None:
        """Takes the sum over replicas of what `local` gave, of `rows` rows of the global batch."""
        (new,) = summed
        if self.combine == "mean":
            new = tf.math.divide_no_nan(new, tf.cast(rows, new.dtype))
        if self.combine == "same":
            new = new / replicas
        new = new if self.rule is None else tf.cast(self.rule(self.value, new), new.dtype)
        # A global batch without rows says nothing.
        self.variable.assign(tf.where(tf.cast(rows, tf.float32) > 0, new, self.value))


class EpochSum:
    """One named sum over the rows of an epoch, in float64.

    Args:
        shape: Shape of the sum.
    """

    gathers = False
    name = ""

    @property
    def value(self):
        """The sum so far, a tensor."""
        return self.variable.value

    def __init__(self, shape=()):
        self.variable = state_variable(np.zeros(tuple(shape)), "float64", "epoch_sum")

    @property
    def variables(self):
        """The variables that hold it."""
        return [self.variable]

    def local(self, handed_back, rows):
        """What this replica adds to the sum over replicas: a loss hands back the sum over its rows."""
        return [tf.cast(handed_back, tf.float64)]

    def commit(self, summed, rows, replicas=1):
        """Adds the sum over replicas to that of the epoch."""
        self.variable.assign_add(summed[0])

    def reset(self):
        """Begins anew."""
        self.variable.assign(tf.zeros_like(self.variable.value))


def moving(momentum: float) -> Callable:
    """A rule for `Carried`: the exponential moving average `c <- m c + (1 - m) v`.

    Args:
        momentum: `m`, between 0 and 1.
    """
    momentum = check_number(momentum, "momentum", least=0, below=1)
    return lambda value, new: value + (1.0 - momentum) * (new - value)


def state_variable(value, dtype, name):
    """A variable that holds the same on all replicas and is no weight of the model."""
    return keras.Variable(
        np.asarray(value), dtype=dtype, trainable=False, autocast=False, aggregation="only_first_replica", name=name
    )
