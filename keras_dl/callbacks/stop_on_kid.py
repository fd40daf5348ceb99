"""An end of training as the distance of samples from data grows again."""

import math
import warnings

import keras

from keras_dl.checks import check_count


class StopOnKID(keras.callbacks.Callback):
    """Stops training when the kernel distance has been worse than its best by more than the standard error.

    After `patience` measurements in a row that exceed the smallest one by more than the standard error of the
    difference, `(e^2 + e_best^2)^{1/2}`, training stops: a distance that only trembles never stops it. Epochs without a
    measurement do not count. It stands behind `SampleMetrics` in the list of callbacks.

    Args:
        patience: integer, how many measurements in a row.
        restore_best_weights: whether the model gets the weights back that it had at its best, averages included, when
            training ends. Optimizers and step stay those of the end.
        start_from_epoch: integer, epochs before which nothing is compared.
        monitor: string, the log to watch; its standard error is the log `<monitor>_standard_error`, if there is one.

    Attributes:
        best: number, the smallest distance.
        best_epoch: integer, the epoch it comes from, counted from 0.
        stopped_epoch: integer, the epoch after which training was stopped; None if it was not.

    Example:

    >>> import keras_dl
    >>> stop = keras_dl.callbacks.StopOnKID(patience=3, restore_best_weights=True)
    >>> # model.fit(..., callbacks=[keras_dl.callbacks.SampleMetrics(kid, x_test), stop])
    """

    best: float

    def __init__(
        self, patience: int = 5, restore_best_weights: bool = False, start_from_epoch: int = 0, monitor: str = "val_kid"
    ):
        super().__init__()
        self.patience = check_count(patience, "patience")
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.monitor = monitor
        self._forget()

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._forget()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        if epoch < self.start_from_epoch or self.monitor not in logs:
            return
        value, error = float(logs[self.monitor]), float(logs.get(f"{self.monitor}_standard_error", 0.0))
        if value < self.best:
            self.best, self.best_error, self.best_epoch, self.wait = value, error, epoch, 0
            self.best_weights = self.model.get_weights() if self.restore_best_weights else None
            return
        self.wait = self.wait + 1 if value > self.best + math.hypot(error, self.best_error) else 0
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        if self.best_epoch is None:
            text = f"No epoch had {self.monitor!r} in its logs: put SampleMetrics with a KID before StopOnKID."
            warnings.warn(text, stacklevel=2)
        elif self.restore_best_weights:
            self.model.set_weights(self.best_weights)

    def get_state(self) -> dict:
        """What a checkpoint keeps of the callback."""
        return {name: getattr(self, name) for name in self._STATE}

    def set_state(self, state: dict) -> None:
        """Takes back what `get_state` returned."""
        for name in self._STATE:
            setattr(self, name, state[name])

    _STATE = ("best", "best_error", "best_epoch", "best_weights", "wait", "stopped_epoch")

    def _forget(self):
        self.best, self.best_error, self.wait = math.inf, 0.0, 0
        self.best_epoch = self.best_weights = self.stopped_epoch = None
