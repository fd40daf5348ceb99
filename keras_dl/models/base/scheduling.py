"""What happens in the next step: which phase it lies in, which updates run, and whether the model begins with it."""

import contextlib
import functools
import math

import tensorflow as tf

from keras_dl.models.base import noise
from keras_dl.models.base.phases import restart
from keras_dl.models.base.replicas import count_rows, first_row

_INITIAL = noise.stream_id(noise.INITIALIZE)


def due_updates(model):
    """What the step is told of the updates that run, as keyword arguments: none if all of them do."""
    due = model.phases.due(model.updates, model.state.phase, int(model.state.step.numpy()))
    return {} if all(len(one) == len(model.updates) for one in due) else {"due": due}


@contextlib.contextmanager
def noted(model, batches=1):
    """Notes which updates run in the steps of the block, unless its data have ended: logs hold those."""
    updates = _running(model, batches)
    yield
    model.state.note_run(updates)


def enter_phase(model):
    """Enters the phase that the samples seen have reached; returns whether it is a new one."""
    if len(model.phases.starts) == 1:
        return False
    index, before = model.phases.index(int(model.state.samples.numpy())), model.state.phase
    for phase in model.phases.phases[before + 1 : index + 1]:
        for name in phase.restart:
            restart(getattr(model, name))
    model.state.phase = index
    if index != before:
        model.program.forget_graphs()
        model.test_function = None  # which may compute otherwise in another phase, too
    return index != before


def within_phase(model, rows):
    """Whether steps of so many rows in all lie in the phase under way."""
    end = model.phases.end(model.state.phase)
    return end is None or int(model.state.samples.numpy()) + rows <= end


def initialize(model, run):
    """Lets a model that has not been initialized see its first batch: `run(function)` gives it to the function."""
    if model.state.initialized or not model.initializes:
        return

    def see(batch):
        draw = noise.Draw(
            model.state.seed.value, tf.constant(0, tf.int64), _INITIAL, count_rows(batch), first_row(batch)
        )
        model.initialize(batch, draw)

    run(see)
    model.state.initialized = True


def run_due_updates(model, batch):
    """Runs in a graph of several steps the updates that are due: a branch for each set of them.

    Which they are depends on the step alone, so a table of one period says the branch.
    """
    period = math.lcm(*(update.every for update in model.updates))
    sets = [model.phases.due(model.updates, model.state.phase, step) for step in range(period)]
    branches = list(dict.fromkeys(sets))
    if len(branches) == 1:
        model.run_updates(batch, branches[0])
        return

    def branch(due):
        model.run_updates(batch, due)
        return tf.constant(0)

    table = tf.constant([branches.index(due) for due in sets])
    number = tf.gather(table, model.state.step.value % period)
    tf.switch_case(number, [functools.partial(branch, due) for due in branches])


def _running(model, batches):
    """Indices of the updates that run in the next batches, all of one phase; none where all have run."""
    if len(model.state.ran) == len(model.updates):
        return set()
    step, phase = int(model.state.step.numpy()), model.state.phase
    length = model.phases.steps_per_batch(phase)
    starts = range(step, step + batches * length, length)
    return {number for start in starts for due in model.phases.due(model.updates, phase, start) for number in due}
