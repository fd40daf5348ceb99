"""Noise that belongs to the sample, not to the device.

Random bits come from the counter-based generator Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers:
as easy as 1, 2, 3"). The counter of a number is made of the step, the stream and the row of the *global* batch, so
that a replica which holds rows 64..127 draws exactly what one device would have drawn for them, compiled or not.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any, Self

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.types import Tensor

TRAIN, EVALUATE, SAMPLE, INITIALIZE = 0, 1, 2, 3
_PHILOX = 1
_STREAM_BITS = 24


def stream_id(domain, update=0, iteration=0):
    """The number of a stream: who draws. The last 6 of its 24 bits count the calls within it."""
    return ((domain * 64 + update) * 1024 + iteration) * 64


class Draw:
    """The noise of one gradient computation: normals, uniforms and integers for the rows at hand.

    Args:
        seed: int64 scalar, the model's seed.
        step: int64 scalar, the number of steps done.
        stream: Python integer from `stream_id`.
        rows: int32 scalar, how many rows this replica holds.
        offset: int64 scalar, the row of the global batch at which they start.
        training: Whether the step trains: what networks get as `training=`.
        total: Size of the global batch, a float scalar (for terms that couple a batch).
        held: How many of the rows are real; an empty replica may see one row of zeros, which counts for nothing.
        denominators: Sums over the global batch of what `Update.denominators` gave; `None` on one replica.

    Attributes:
        earlier: Dict of the tensors that updates before this one in the step have handed on, a row for each sample.
        handed_on: Dict of those of this one; see `hand_on`.

    Shapes are tuples or lists of integers, or a `tf.TensorShape` of known sizes, such as `x.shape[1:]`.

    Call order is part of the stream: the first `normal` of a loss is always the same numbers, whatever follows.
    """

    def __init__(
        self,
        seed: Tensor,
        step: Tensor,
        stream: Tensor,
        rows: Tensor,
        offset: Tensor = 0,
        training: bool = False,
        total: Tensor | None = None,
        held: Any = None,
        denominators: Any = None,
    ):
        self.seed, self.step, self.stream = seed, step, stream
        self.rows, self.offset = rows, offset
        self.training, self.total = training, total
        self.held = rows if held is None else held
        self.denominators = denominators
        self.earlier: dict[str, Tensor] = {}
        self.handed_on: dict[str, Tensor] = {}
        self._calls = itertools.count()

    @classmethod
    def for_sampling(cls, seed: Tensor, call: Tensor, rows: Tensor, offset: Tensor = 0, stream: int = 0) -> Self:
        """The noise of a call of `sample` and the like, which no training step shares.

        Args:
            seed: int64 scalar, and
            call: int64 scalar, as `ObjectiveModel.sampling_seed` returns them.
            rows: int32 scalar, how many rows are drawn.
            offset: int64 scalar, the row of all rows at which they start.
            stream: Integer from 0 to 63 that tells a model's kinds of draws apart.
        """
        return cls(seed, call, stream_id(SAMPLE, stream), rows, offset)

    def whole(self) -> "Draw":
        """The noise of all rows of the global batch, for what couples them; its calls count among this one's."""
        draw = Draw(self.seed, self.step, self.stream, tf.cast(self.total, tf.int32), 0, self.training, self.total)
        draw._calls = self._calls
        return draw

    def hand_on(self, **tensors: Tensor) -> None:
        """Gives tensors to the updates behind this one in the same step, which find them in `earlier`.

        Where an update sees another part of the batch, or does not run, its tensors are not there: a loss computes
        itself what it does not find.

        Args:
            **tensors: Tensors with a row for each sample of the batch.
        """
        self.handed_on |= tensors

    def normal(self, shape: Sequence = ()) -> Tensor:
        """Standard normals of shape `(rows, *shape)`, by the inverse distribution function."""
        # Odd multiples of 2**-24 in (-1, 1): symmetric, and never the infinite ends.
        signed = self._unit(shape) * 2.0 - 1.0
        return math.sqrt(2.0) * tf.math.erfinv(signed)

    def uniform(self, shape: Sequence = (), low: Tensor = 0.0, high: Tensor = 1.0) -> Tensor:
        """Uniforms in `(low, high)` of shape `(rows, *shape)`."""
        return low + (high - low) * self._unit(shape)

    def integers(self, shape: Sequence = (), high: Tensor = 2) -> Tensor:
        """Integers from `0` to `high - 1` of shape `(rows, *shape)`, int32; exact to one part in `2**32 / high`."""
        scaled = tf.cast(self._bits(shape), tf.uint64) * tf.cast(high, tf.uint64)
        return tf.cast(tf.bitwise.right_shift(scaled, tf.constant(32, tf.uint64)), tf.int32)

    def row_numbers(self) -> Tensor:
        """The numbers of the rows at hand in the global batch, int64, shape `(rows,)`."""
        return tf.cast(self.offset, tf.int64) + tf.range(tf.cast(self.rows, tf.int64))

    def slots(self, count: int) -> Tensor:
        """An integer from `0` to `count - 1` per row, int32, shape `(rows,)`: different ones for up to `count` rows.

        They are the first entries of one random permutation for the global batch, which repeats beyond `count`.
        """
        bits = self._random_bits(tf.constant(0, tf.int64), [count])
        order = tf.argsort(tf.bitwise.right_shift(bits, tf.constant(1, tf.uint32)), stable=True)
        return tf.gather(order, self.row_numbers() % count)

    def _unit(self, shape):
        top = tf.bitwise.right_shift(self._bits(shape), tf.constant(9, tf.uint32))
        return (tf.cast(top, tf.float32) + 0.5) * 2.0**-23

    def _bits(self, shape):
        shape = _sizes(shape)
        size = math.prod(shape)
        blocks = -(-size // 4)  # the generator gives four numbers per counter: a row starts at a counter of its own
        bits = self._random_bits(tf.cast(self.offset, tf.int64) * blocks, tf.stack([self.rows, blocks * 4]))
        return tf.reshape(bits[:, :size], tf.concat([[self.rows], tf.constant(shape, tf.int32)], 0))

    def _random_bits(self, start, shape):
        """Random numbers of the next call's counters, from counter `start` on, uint32."""
        call = next(self._calls)
        if call >= 64:
            raise refusal("A loss can draw noise at most 64 times", "a 65th draw.")
        high = tf.cast(self.step, tf.int64) * 2**_STREAM_BITS + (self.stream + call)
        return tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=shape,
            key=tf.reshape(tf.cast(self.seed, tf.uint64), [1]),
            counter=tf.cast(tf.stack([start, high]), tf.uint64),
            alg=_PHILOX,
            dtype=tf.uint32,
        )


def _sizes(shape):
    """A shape as a tuple of integers."""
    if not isinstance(shape, tf.TensorShape):
        return tuple(shape)
    if not shape.is_fully_defined():
        raise refusal("shape should hold known sizes", f"shape={shape}")
    return tuple(shape.as_list())
