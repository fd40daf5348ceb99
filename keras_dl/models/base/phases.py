"""Phases of a training, which change with the number of samples seen, and what the next step runs of them."""

import contextlib
import functools
import itertools
import math
from typing import NamedTuple

import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.models.base import noise
from keras_dl.models.base.replicas import count_rows, first_row

_INITIAL = noise.stream_id(noise.INITIALIZE)


class Phase(NamedTuple):
    """A part of the training: a level that grows, a fade, a pre-training.

    A phase begins with the first step by whose start enough samples were seen. The step of each phase is a graph of its
    own, compiled once and freed when the phase is over. The count of samples is saved, so that a run resumed inside a
    phase or a fade goes on exactly.

    Progress bars name the phase under way. Logs of epochs hold its number, counted from 1, as `phase`: that of the
    epoch's last step. They hold the losses and terms of the updates that ran in the epoch; others are absent, as
    Keras' `val_` logs are from epochs without validation. `History` then has a shorter list, `CSVLogger` writes "NA",
    and `EarlyStopping`, `ModelCheckpoint` and `ReduceLROnPlateau` leave such an epoch out of account, with a warning.
    A search counts the epochs that have its objective (with `keras_dl.runtime.hypermodel`; KerasTuner alone needs one
    that all epochs have). Held-out losses are those of all updates, as all can be evaluated in every phase.

    Attributes:
        name: What progress bars and messages call it.
        samples: How many samples of the data it lasts; `None` for the last, which has no end.
        updates: Names of the updates that run; `None` for all.
        restart: Names of the optimizers that begin anew with it (`"critic_optimizer"`).
        steps_per_batch: In how many steps a batch is taken: step `i` sees its rows `i::steps_per_batch`.
    """

    name: str
    samples: int | None = None
    updates: tuple[str, ...] | None = None
    restart: tuple[str, ...] = ()
    steps_per_batch: int = 1


class Phases:
    """The phases of a model in order, and where a count of samples lies in them.

    Args:
        phases: Sequence of `Phase`s, the last without an end; none for a training that does not change.

    Raises:
        ValueError: If one is no `Phase`, two share a name, or a phase other than the last has no end.
    """

    def __init__(self, phases=()):
        self.phases = tuple(phases)
        if not all(isinstance(phase, Phase) for phase in self.phases):
            raise refusal("Phases should be of class `Phase`", f"{self.phases}")
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise refusal("Phases should have names of their own", names)
        for phase in self.phases[:-1]:
            if phase.samples is None:
                raise refusal("Only the last phase may have samples=None", phase)
            check_count(phase.samples, "samples")
        if self.phases and self.phases[-1].samples is not None:
            raise refusal("The last phase should have samples=None", f"{self.phases[-1]}")
        lengths = [phase.samples for phase in self.phases[:-1]]
        #: The number of samples at which each phase begins.
        self.starts = [0, *itertools.accumulate(lengths)] if self.phases else [0]

    def index(self, samples):
        """The number of the phase in which the next step lies once `samples` samples were seen, a Python integer."""
        return sum(start <= samples for start in self.starts) - 1

    def label(self, index):
        """What progress bars call a phase: `phase 2/3: fade 4x4`; empty where a training does not change."""
        return f"phase {index + 1}/{len(self.phases)}: {self.phases[index].name}" if len(self.phases) > 1 else ""

    def steps_per_batch(self, index):
        """In how many steps a batch of a phase is taken."""
        return self.phases[index].steps_per_batch if self.phases else 1

    def end(self, index):
        """The number of samples at which a phase ends; `None` if it has no end."""
        return self.starts[index + 1] if index + 1 < len(self.starts) else None

    def fraction(self, index, samples):
        """How much of a phase is over, from 0 to 1: what a fade follows. A tensor of the tensor `samples`."""
        end = self.end(index)
        if end is None:
            return tf.constant(1.0)
        start = self.starts[index]
        return tf.clip_by_value(tf.cast(samples - start, tf.float32) / float(end - start), 0.0, 1.0)

    def check(self, updates, optimizer_names):
        """Refuses names of updates and optimizers that the model does not have."""
        known = {update.name for update in updates}
        for phase in self.phases:
            for names, allowed, kind in (
                (phase.updates or (), known, "updates"),
                (phase.restart, set(optimizer_names), "restart"),
            ):
                if not set(names) <= allowed:
                    raise refusal(f"{kind} of the phase {phase.name!r} should be among {sorted(allowed)}", names)
            check_count(phase.steps_per_batch, f"steps_per_batch of the phase {phase.name!r}")

    def due(self, updates, index, step):
        """Indices of the updates that run in a phase, by the phase and by `every`: a tuple for each step of a batch.

        Args:
            updates: The model's updates.
            index: Number of the phase.
            step: Number of the step that begins the batch.
        """
        chosen = self.phases[index].updates if self.phases else None
        return tuple(
            tuple(
                number
                for number, update in enumerate(updates)
                if one % update.every == 0 and (chosen is None or update.name in chosen)
            )
            for one in range(step, step + self.steps_per_batch(index))
        )


def restart(optimizer):
    """Gives an optimizer's variables, but for its learning rate, their first values."""
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:
        restart(inner)  # the scale of losses is no memory of gradients: it stays
        return
    for variable in optimizer.variables:
        if variable is not getattr(optimizer, "_learning_rate", None):
            variable.assign(tf.zeros_like(variable.value))


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


def is_over(model):
    """Whether the samples seen have reached another phase: one batch more, and it begins."""
    return len(model.phases.starts) > 1 and model.phases.index(int(model.state.samples.numpy())) != model.state.phase


def enter_phase(model):
    """Enters the phase that the samples seen have reached; returns whether it is a new one."""
    if not is_over(model):
        return False
    index, before = model.phases.index(int(model.state.samples.numpy())), model.state.phase
    for phase in model.phases.phases[before + 1 : index + 1]:
        for name in phase.restart:
            restart(getattr(model, name))
    model.state.phase = index
    model.program.forget_graphs()
    model.test_function = None  # which may compute otherwise in another phase, too
    return True


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
