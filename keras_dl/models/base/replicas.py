"""Which rows of the global batch a replica holds, and sums over replicas."""

import contextlib
import re
from typing import NamedTuple

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.types import Tensor


class Share(NamedTuple):
    """One quantity a replica holds part of: the sum over replicas, and the sum over those before this one."""

    total: tf.Tensor
    before: tf.Tensor


def count_rows(batch):
    """Number of rows of a batch of any nest, an int32 scalar."""
    return tf.shape(tf.nest.flatten(batch)[0])[0]


def replica_count():
    """How many replicas run this step, a Python integer."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def share(local):
    """Sums the vector `local` over replicas with one collective. Returns a `Share` of vectors."""
    if replica_count() == 1:  # without a strategy there is no replica context to gather in
        return Share(local, tf.zeros_like(local))
    context = tf.distribute.get_replica_context()
    gathered = context.all_gather(local[None], axis=0)  # gives totals and offsets; a sum would give totals alone
    before = tf.cumsum(gathered, exclusive=True)[context.replica_id_in_sync_group]
    return Share(tf.reduce_sum(gathered, 0), before)


def first_row(batch):
    """The row of the global batch at which this replica's batch begins: 0 on one replica, else an int32 scalar."""
    return share(count_rows(batch)[None]).before[0] if replica_count() > 1 else 0


def sum_over_replicas(tensors):
    """Sums each tensor of a flat list over replicas; `None` stays `None`."""
    present = [t for t in tensors if t is not None]
    if replica_count() == 1 or not present:
        return list(tensors)
    context = tf.distribute.get_replica_context()
    # All in one call: every collective waits for all replicas.
    summed = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, [tf.convert_to_tensor(t) for t in present]))
    return [None if t is None else next(summed) for t in tensors]


def gather_rows(tensor: Tensor) -> Tensor:
    """The rows of all replicas, in the order of the global batch; each may hold another number of them."""
    if replica_count() == 1:
        return tensor
    return tf.distribute.get_replica_context().all_gather(tensor, axis=0)


def mean_and_variance(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance over the rows of the global batch, for a family's `initialize`.

    Args:
        x: Tensor of shape `(batch, ...)`; replicas may hold different numbers of rows, also none.

    Returns:
        `(mean, variance)`, each of shape `x.shape[1:]`, float32; the variance is divided by the number of rows.
    """
    x = tf.cast(x, tf.float64)  # the order of a sum, which replicas change, is lost in rounding
    total, rows = sum_over_replicas([tf.reduce_sum(x, 0), tf.cast(count_rows(x), tf.float64)])
    mean = total / rows
    (squares,) = sum_over_replicas([tf.reduce_sum(tf.square(x - mean), 0)])  # two passes: no difference of large sums
    return tf.cast(mean, tf.float32), tf.cast(squares / rows, tf.float32)


@contextlib.contextmanager
def changes_averaged(variables, rows):
    """Averages over replicas, by their `rows`, what each adds to its copy of the variables meanwhile.

    What no replica changes stays to the bit. Averages of batch means become those of global batches.

    Args:
        variables: Function that returns mirrored `keras.Variable`s.
        rows: How many rows this replica holds, an integer scalar.
    """
    variables = variables() if replica_count() > 1 else []
    before = [tf.identity(variable.value) for variable in variables]
    yield
    if before:
        originals, rows = list(zip(variables, before, strict=True)), tf.cast(rows, tf.float32)
        changes = [(variable.value - value) * tf.cast(rows, value.dtype) for variable, value in originals]
        *sums, total = sum_over_replicas([*changes, rows])
        for (variable, value), change in zip(originals, sums, strict=True):
            variable.assign(value + change / tf.cast(total, value.dtype))


def undo_where(condition, variables, change):
    """Returns `change()`, run on each replica; variables get their values back where a condition holds.

    A `tf.cond` around an optimizer fails under `MirroredStrategy`.

    Args:
        condition: Boolean scalar, the same on all replicas.
        variables: Mirrored `keras.Variable`s.
        change: Function without arguments.
    """
    variables = [variable.value for variable in variables]
    before = [tf.identity(variable) for variable in variables]
    results = change()

    def put_back(strategy, condition, variables, before):
        def assign(variable, value, condition):
            variable.assign(tf.where(condition, value, variable))

        for variable, value in zip(variables, before, strict=True):
            strategy.extended.update(variable, assign, args=(value, condition), group=False)

    tf.distribute.get_replica_context().merge_call(put_back, args=(condition, variables, before))
    return results


def leave_gradients_as_they_are(optimizer):
    """Tells an optimizer that its gradients come already summed over replicas.

    Keras sums them after clipping, replica by replica, so that `clipnorm` depends on the number of replicas, and
    looks for infinities in the first replica alone. The base sums first; a test holds Keras to the method's name. Of
    one replica, too: Keras' sum is a custom gradient there, by which TensorFlow would hold the graph of every step
    until the process ends.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    inner._all_reduce_sum_gradients = list


class LostWorkerError(RuntimeError):
    """Another worker of a `MultiWorkerMirroredStrategy` has gone: training cannot go on."""


@contextlib.contextmanager
def lost_workers(strategy):
    """Turns what TensorFlow says when another worker has gone into a `LostWorkerError`."""
    try:
        yield
    except tf.errors.UnavailableError as error:
        if strategy.cluster_resolver is None:
            raise
        gone = sorted(set(re.findall(r"replica:\d+/task:(\d+)", str(error)))) or ["of unknown number"]
        raise refusal(
            "Training goes on only while all workers do: start them again, from a checkpoint if there is one",
            f"worker {', '.join(gone)} has gone",
            error=LostWorkerError,
        ) from error
