"""What logs and progress bars are told: the losses of the updates that ran, the phase under way."""

import math

import keras

from keras_dl.models.base.finite import metric_name


def names_of(model, updates):
    """What logs call the losses and terms of updates."""
    return [metric_name(model.updates, update.name, term) for update in updates for term in ("loss", *update.terms)]


def of_updates_that_ran(model, logs):
    """The logs without losses and terms of updates that ran in no step of the epoch: their means are of nothing."""
    idle = [update for index, update in enumerate(model.updates) if index not in model.state.ran]
    absent = set(names_of(model, idle))
    return {name: value for name, value in logs.items() if name not in absent} if absent else logs


def with_absent(model, logs):
    """The logs with NaN for what `of_updates_that_ran` leaves out, for a list in which each metric has its place."""
    return dict.fromkeys(names_of(model, model.updates), math.nan) | logs


class Columns(keras.callbacks.Callback):
    """Gives a `CSVLogger` columns for updates that do not run in its first epoch: it fixes its columns there.

    Args:
        logger: The `keras.callbacks.CSVLogger`, behind this callback in the list.
    """

    acts_on_batches = False

    def __init__(self, logger):
        super().__init__()
        self.logger = logger

    def on_epoch_end(self, epoch, logs=None):
        if self.logger.keys is not None:
            return
        names = {*(logs or {}), *names_of(self.model, self.model.updates)}
        if not any(name.startswith("val_") for name in names):  # Keras' rule, for validation in later epochs
            names |= {f"val_{name}" for name in names}
        self.logger.keys = sorted(names)


def with_columns(model, callbacks):
    """The callbacks, each `CSVLogger` preceded by its `Columns` if the logs of some epochs may lack updates."""
    chosen = any(phase.updates is not None for phase in model.phases.phases)
    if not chosen and all(update.every == 1 for update in model.updates):
        return callbacks
    ordered = []
    for callback in callbacks:
        ordered += [Columns(callback)] if isinstance(callback, keras.callbacks.CSVLogger) else []
        ordered.append(callback)
    return ordered


def with_bar(model, callbacks, verbose):
    """The callbacks, with a `PhaseBar` behind them where Keras would put its own and the model has phases."""
    bars = any(isinstance(callback, keras.callbacks.ProgbarLogger) for callback in callbacks)
    return callbacks if verbose == 0 or len(model.phases.phases) < 2 or bars else [*callbacks, PhaseBar()]


class PhaseBar(keras.callbacks.ProgbarLogger):
    """Keras' progress bar with a line that names the phase, as an epoch begins and where a phase begins within it."""

    runs_last = True

    def __init__(self):
        super().__init__()
        self._phase = 0

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        # That of the step to come, which may be the first of a phase.
        self._phase = self.model.phases.index(int(self.model.state.samples.numpy()))
        self._say(self.model.phases.label(self._phase))

    def on_train_batch_end(self, batch, logs=None):
        if self.model.state.ran_in != self._phase:
            self._phase = self.model.state.ran_in
            start = "\n" if self.verbose == 1 else ""  # below the bar as it stands
            self._say(start + self.model.phases.label(self._phase))
        super().on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, {name: value for name, value in (logs or {}).items() if name != "phase"})

    def _say(self, text):
        if self.verbose and keras.config.is_interactive_logging_enabled():
            print(text, flush=True)
