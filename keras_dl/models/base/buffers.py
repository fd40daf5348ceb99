"""Buffers of samples that a model remembers: image pools and replay buffers."""

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, check_sizes, refusal
from keras_dl.models.base.carried import state_variable
from keras_dl.models.base.noise import Draw
from keras_dl.models.base.replicas import gather_rows
from keras_dl.types import Tensor

LARGE = 256 * 2**20


class Rows(NamedTuple):
    """Samples that a loss hands back to a buffer, and the slots that take them.

    Attributes:
        slots: int32, shape `(batch,)`; a negative slot takes nothing.
        samples: Shape `(batch, *shape)`.
    """

    slots: tf.Tensor
    samples: tf.Tensor


class SampleBuffer:
    """A buffer of a fixed number of samples, the same on every replica, saved with the model.

    A loss reads it with `read`, and hands back `Rows`, which the base gathers from all replicas in the order of the
    global batch and writes outside the compiled step. Of several rows for one slot the last in that order stays. One
    and two replicas so hold the same samples.

    Args:
        capacity: Number of samples.
        shape: Shape of a sample.
        value_range: `(low, high)` of samples that are stored as bytes, 256 levels in a quarter of the memory; `None`
            stores float32.
        start: Function of the tuple `(capacity, *shape)` that gives the first samples as an array; `None` for zeros.
        num_classes: Number of classes, each of which has as many slots of its own, found by `slots_of`; `None` for one
            buffer for all samples.

    Raises:
        ValueError: If the capacity is not a positive integer or no multiple of `num_classes`, or the range is empty.

    Warns:
        UserWarning: If the buffer takes more than 256 MiB.

    Example:

    >>> from keras_dl.models.base.buffers import Rows, SampleBuffer
    >>> pool = SampleBuffer(4, (2,), value_range=(0, 1))
    >>> pool.commit(pool.local(Rows(np.array([3, 0]), np.ones((2, 2), "float32")), 2), rows=2)
    >>> pool.read([3])[0].numpy()
    array([1., 1.], dtype=float32)
    """

    gathers = True
    #: What the model calls it, by `ObjectiveModel.carry`.
    name = ""

    def __init__(
        self,
        capacity: int,
        shape: Sequence[int],
        value_range: Sequence[float] | None = None,
        start: Any = None,
        num_classes: int | None = None,
    ):
        self.capacity, self.shape = check_count(capacity, "capacity"), check_sizes(shape, "shape")
        self.num_classes = None if num_classes is None else check_count(num_classes, "num_classes")
        if self.capacity % (self.num_classes or 1):
            raise refusal(
                "`capacity` should be a multiple of `num_classes`", capacity=capacity, num_classes=num_classes
            )
        if value_range is not None and not value_range[0] < value_range[1]:
            raise refusal("`value_range` should be (low, high) with low < high", value_range=value_range)
        self.value_range = value_range
        self._size = math.prod(self.shape)
        self._words = -(-self._size // 4)
        size = (self.capacity, *self.shape)
        samples = np.zeros(size, "float32") if start is None else _first_samples(start, size)
        stored = self._encode(tf.constant(samples)).numpy()
        if stored.nbytes > LARGE:
            warnings.warn(
                f"A buffer should be kept small, as it is saved with the model: use fewer samples or `value_range`. "
                f"Received: {stored.nbytes / 2**20:.0f} MiB",
                stacklevel=2,
            )
        self.samples = state_variable(stored, stored.dtype.name, "buffer_samples")
        counts = np.zeros([] if num_classes is None else [self.num_classes])
        self.count = state_variable(counts, "int64", "buffer_count")

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables that hold it: the samples, and how many were written in all."""
        return [self.samples, self.count]

    @property
    def filled(self) -> Tensor:
        """How many slots of a buffer filled in order hold samples, an int64 scalar; with classes one for each."""
        return tf.minimum(self.count.value, self.slots_per_class)

    @property
    def slots_per_class(self) -> int:
        """How many slots each class has; without classes, the capacity."""
        return self.capacity // (self.num_classes or 1)

    def slots_of(self, labels: Tensor, positions: Tensor) -> Tensor:
        """The slots at some positions among those of each row's class.

        Args:
            labels: Integers from 0 to `num_classes - 1`, shape `(batch,)`.
            positions: Integers from 0 to `slots_per_class - 1`, shape `(batch,)`: `draw.slots(slots_per_class)`.
        """
        return tf.cast(labels, tf.int32) * self.slots_per_class + tf.cast(positions, tf.int32)

    def read(self, slots: Tensor) -> Tensor:
        """Returns the samples in `slots`, float32 of shape `(len(slots), *shape)`."""
        return self._decode(tf.gather(self.samples.value, slots))

    def next_slots(self, draw: Draw) -> Tensor:
        """The slots after those written last, for the rows at hand: a ring that forgets the oldest."""
        if self.num_classes is not None:
            raise refusal("A ring should be of one class: take `slots_of`", num_classes=self.num_classes)
        return tf.cast((self.count.value + draw.row_numbers()) % self.capacity, tf.int32)

    def local(self, handed_back: Any, rows: Tensor) -> list[Tensor]:
        """This replica's first `rows` rows; the base gathers them in `commit`."""
        expected = tf.TensorShape([None, *self.shape])
        if not isinstance(handed_back, Rows) or not expected.is_compatible_with(handed_back.samples.shape):
            raise refusal(
                f"The buffer {self.name!r} should be handed Rows(slots, samples) with samples of shape "
                f"{('batch', *self.shape)}",
                f"{handed_back.samples.shape}" if isinstance(handed_back, Rows) else type(handed_back).__name__,
            )
        return [tf.cast(handed_back.slots[:rows], tf.int32), self._encode(handed_back.samples[:rows])]

    def commit(self, local: list[Tensor], rows: Tensor, replicas: int = 1) -> None:
        """Writes the rows of all replicas."""
        slots, samples = (gather_rows(tensor) for tensor in local)
        order = tf.range(1, tf.shape(slots)[0] + 1)
        inside = tf.where(slots < 0, self.capacity, slots)
        # The number of the last row for each slot, 0 if there is none; one more segment takes what is not stored.
        last = tf.maximum(tf.math.unsorted_segment_max(order, inside, self.capacity + 1)[:-1], 0)
        padded = tf.concat([tf.zeros_like(self.samples.value[:1]), samples], 0)
        written = tf.reshape(last > 0, [-1, *[1] * (len(self.samples.shape) - 1)])
        self.samples.assign(tf.where(written, tf.gather(padded, last), self.samples.value))
        ones = tf.ones([tf.size(inside)], tf.int32)
        taken = tf.math.unsorted_segment_sum(ones, inside // self.slots_per_class, (self.num_classes or 1) + 1)[:-1]
        self.count.assign_add(tf.reshape(tf.cast(taken, tf.int64), self.count.shape))

    def _encode(self, samples):
        """Samples as they are stored: four bytes in one int32, as the collectives of workers take no bytes."""
        samples = tf.cast(samples, tf.float32)
        if self.value_range is None:
            return samples
        low, high = self.value_range
        levels = tf.round(tf.clip_by_value((samples - low) * (255.0 / (high - low)), 0.0, 255.0))
        flat = tf.reshape(tf.cast(levels, tf.uint8), [tf.shape(samples)[0], self._size])
        padded = tf.pad(flat, [[0, 0], [0, -self._size % 4]])
        return tf.bitcast(tf.reshape(padded, [-1, self._words, 4]), tf.int32)

    def _decode(self, stored):
        if self.value_range is None:
            return stored
        low, high = self.value_range
        levels = tf.reshape(tf.bitcast(stored, tf.uint8), [-1, 4 * self._words])[:, : self._size]
        samples = tf.cast(levels, tf.float32) * ((high - low) / 255.0) + low
        return tf.reshape(samples, [-1, *self.shape])


def _first_samples(start, size):
    samples = np.asarray(start(size), "float32") if callable(start) else None
    if samples is None or samples.shape != size:
        text = "`start` should be a function that gives an array of the shape that it is given"
        raise refusal(text, f"{start!r}" if samples is None else f"shape {samples.shape} for {size}")
    return samples
