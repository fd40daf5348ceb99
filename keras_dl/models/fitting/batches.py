"""Batches: those of a call, which a resumed run has not trained on yet, without what Keras adds, and of no rows."""

import itertools

import keras
import tensorflow as tf

from keras_dl.data.pipeline import mark_of


def next_batches(model, iterator):
    """The batches of the next call; a resumed run drops those that the epochs before it took."""
    state, count = model.state, wanted(model)
    batches = [without_none(batch) for batch in itertools.islice(iterator, count)]
    if state.marks and batches:
        state.recognise(mark_of(batches[0]), keep=state.shuffled)
    while state.ahead and batches:
        dropped = min(state.ahead, len(batches))
        state.ahead -= dropped
        batches = batches[dropped:] + [without_none(batch) for batch in itertools.islice(iterator, dropped)]
    return batches


def wanted(model):
    """How many batches the next call takes: no more than `steps_per_epoch` leaves of the epoch."""
    left = model.state.steps_left
    if left is None:
        return model.steps_per_execution
    count = min(model.steps_per_execution, left)
    model.state.steps_left -= count
    return count


def skipped(model, available):
    """How many of the next batches were trained on before the run was resumed."""
    count = min(model.state.skip, available)
    model.state.skip -= count
    return count


def ahead(model):
    """How many batches to drop before the next, as the epochs before it took them; they are dropped once."""
    count, model.state.ahead = model.state.ahead, 0
    return count


def without_none(batch):
    """A batch without the `None`s (no targets, no weights) that Keras' adapters put at its end; tensors throughout.

    Where some outputs have weights, those without have ones.
    """
    if isinstance(batch, tuple):
        while batch and _is_none(batch[-1]):
            batch = batch[:-1]
        if len(batch) == 3 and any(map(_is_none, keras.tree.flatten(batch[2]))):
            ones = tf.ones(tf.shape(tf.nest.flatten(batch[0])[0])[:1])
            weights = keras.tree.map_structure(lambda weight: ones if _is_none(weight) else weight, batch[2])
            batch = (*batch[:2], weights)
        batch = batch[0] if len(batch) == 1 else batch
    return batch


def _is_none(part):
    return part is None or isinstance(part, tf.experimental.Optional)


def pad_empty(batch):
    """A batch with one row of zeros where it has none."""

    def pad(tensor):
        shape = tf.shape(tensor)
        return tf.concat([tensor, tf.zeros(tf.concat([[tf.maximum(1 - shape[0], 0)], shape[1:]], 0), tensor.dtype)], 0)

    return tf.nest.map_structure(pad, batch)
