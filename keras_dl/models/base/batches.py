"""The batches of a call: those of the epoch that a resumed run has not trained on yet."""

import itertools

from keras_dl.data.pipeline import mark_of
from keras_dl.models.base.checking import without_none


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
