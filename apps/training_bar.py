"""Progress of training on the terminal, as a callback of `fit`."""

import time

import keras

from apps import cli, show


class TrainingBar(keras.callbacks.Callback):
    """One bar over all epochs on a terminal; elsewhere about twenty lines, more where epochs take their time.

    The bar is there from the beginning, so that it says what takes time before the first step, until `close()`.
    """

    acts_on_batches = False
    runs_last = True  # it counts epochs that are kept

    def __init__(self, epochs, done=0, metrics=("elbo", "loss"), titles=None):
        super().__init__()
        self.epochs, self.done, self.metrics, self.titles = epochs, done, metrics, titles
        self._bar = self._task = None
        if show.console.is_terminal:
            self._bar, self._task = show.epochs_bar(epochs, done)
            self._bar.start()
        self._compiling = True  # until the first steps are done
        self._phase = self._text = ""
        self._last_line = 0.0

    def on_train_batch_end(self, batch, logs=None):
        cli.check_interrupted()
        steps = self.params.get("steps") or 0
        if self._bar and steps:
            share = min((batch + 1) / steps, 1.0)
            self._bar.update(self._task, completed=self.done + share, epoch=min(self.done + 1, self.epochs))
        phase = self.model.phases.label(self.model.state.ran_in)
        if self._bar and (self._compiling or phase != self._phase):
            self._bar.update(self._task, description=joined(phase, self._text))
        self._compiling, self._phase = False, phase

    def on_epoch_end(self, epoch, logs=None):
        self.done = epoch + 1
        self._text = describe(logs or {}, self.metrics, self.titles)
        text = joined(self._phase, self._text)
        if self._bar:
            self._bar.update(self._task, completed=self.done, epoch=self.done, description=text)
        elif self.done % -(-self.epochs // 20) == 0 or time.monotonic() - self._last_line > 10:
            self._last_line = time.monotonic()
            show.say(f"epoch {self.done}/{self.epochs}  {text}")

    def close(self):
        """Leaves the bar as it stands; also after an interruption."""
        if self._bar:
            self._bar.stop()


def joined(*texts):
    """Texts side by side, without those that are empty."""
    return "  ".join(text for text in texts if text)


def describe(logs, metrics=("elbo", "loss"), titles=None):
    """What tells most about progress, in training and on held-out data, in one short line.

    Args:
        logs: dict of an epoch's metrics.
        metrics: the names that tell most, the first that there is; a tuple among them stands for several at once.
        titles: what metrics are called, where their names do not say what they are of.
    """
    groups = [group if isinstance(group, tuple) else (group, f"val_{group}") for group in metrics]
    known = [[name for name in group if name in logs] for group in groups]
    shown = next(filter(None, known), list(logs)[:2])
    called = {f"{start}{name}": f"{start}{text}" for name, text in (titles or {}).items() for start in ("", "val_")}
    return "  ".join(f"{called.get(name, name)} {logs[name]:.4g}" for name in shown)
