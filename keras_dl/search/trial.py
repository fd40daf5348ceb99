"""Trials of a search: the model that one keeps, and what is said of it."""

import contextlib
import math
import re
import time
import warnings

import keras
import keras_tuner as kt
import tensorflow as tf

LINE = 300
#: Colours and node names within errors, and how lines of them begin that say where something failed, and not what.
NOISE = r"\x1b\[[0-9;]*m|\{\{function_node [^}]*\}\} ?| \[Op:.*"
PLACES = ("[[", "Graph execution error", "Detected at node", "Hint:", "File ", "Exception encountered when calling")


class KeepBest(keras.callbacks.Callback):
    """Keeps the history of a trial, and its model after the best epoch so far.

    Args:
        folder: `SearchFolder`.
        trial_id: the trial's name.
        objective: `keras_tuner.Objective`, whose value a `SampleMetrics` before this callback may have logged.
        rows: the history of the epochs before.
        resumes: whether the state after the last epoch is kept, too.
        check_interrupted: function that is called at every step, and raises what ends the search.
    """

    acts_on_batches = False

    def __init__(self, folder, trial_id, objective, rows=(), resumes=False, check_interrupted=None):
        super().__init__()
        self.folder, self.trial_id, self.objective, self.resumes = folder, trial_id, objective, resumes
        self.rows, self.best, self.check_interrupted = list(rows), None, check_interrupted
        self._began = time.perf_counter()

    def on_train_batch_begin(self, batch, logs=None):
        if self.check_interrupted is not None:
            self.check_interrupted()

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.rows.append({"epoch": epoch + 1, "seconds": round(time.perf_counter() - self._began, 4), **logs})
        value = logs.get(self.objective.name)
        if value is None:
            return
        if not math.isfinite(value):
            raise kt.errors.FailedTrialError(f"{self.objective.name} not finite in epoch {epoch + 1}")
        if self.best is None or self.objective.better_than(value, self.best[self.objective.name]):
            self.best = self.rows[-1]
            self.folder.replace(self.folder.best_model(self.trial_id), self.model.save)

    def on_train_end(self, logs=None):
        if self.resumes:
            self.folder.replace(self.folder.last_model(self.trial_id), self.model.save)


def reason(error):
    """Why a trial failed, in one line."""
    lines = [line for line in map(str.strip, re.sub(NOISE, "", str(error)).splitlines()) if line]
    if isinstance(error, kt.errors.FailedTrialError):
        return " ".join(lines)
    lines = [line for line in lines if not line.startswith(PLACES)]
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return ": ".join(["out of memory", *(line for line in lines if "llocat" in line)][:2])[:LINE]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:LINE]


def values_text(values):
    """Hyperparameters in one line."""
    return ", ".join(f"{name}={_value_text(value)}" for name, value in values.items())


def _value_text(value):
    return f"{value:.4g}" if isinstance(value, float) else f"{value}"


class Warnings:
    """Warnings of a search's trials: what parts of a model warn of is said once per search.

    Args:
        note: function that is told a line.
    """

    def __init__(self, note):
        self.note, self._known = note, set()

    @contextlib.contextmanager
    def caught(self):
        """Notes the warnings that the block gives, after it."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            try:
                yield
            finally:
                texts = {str(warning.message): None for warning in caught if warning.category is UserWarning}
        for text in texts:
            self.tell(text)

    def tell(self, text):
        """Notes a warning, if it is the first of its text."""
        if text not in self._known:
            self._known.add(text)
            self.note(text)
