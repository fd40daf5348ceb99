"""Phases of a training: what changes with the number of samples seen."""

import itertools
from typing import NamedTuple

import tensorflow as tf

from keras_dl.checks import check_count, refusal


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
