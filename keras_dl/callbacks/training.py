"""Callbacks that change how a model trains, or watch over it."""

import math
import warnings
from typing import Any

import keras

from keras_dl.checks import check_count, check_number, refusal
from keras_dl.models.base.offers import declared


class KLAnnealing(keras.callbacks.Callback):
    """Sets the schedule by which the weight of the rate changes while a variational autoencoder trains.

    The callback only sets the schedule: the weight itself is computed from the saved step inside the training step, so
    it is right when several steps run in one call, and after a resume.

    Args:
        schedule: a `keras_dl.objectives` schedule (`Linear`, `Sigmoid`, `Cyclical`) or a number.

    Raises:
        ValueError: if the model's objective has no `beta`.

    Example:

    >>> import keras_dl
    >>> annealing = keras_dl.callbacks.KLAnnealing(keras_dl.objectives.Linear(1000))
    >>> float(annealing.schedule(500))
    0.5
    """

    def __init__(self, schedule: Any):
        super().__init__()
        self.schedule = schedule

    def on_train_begin(self, logs: dict | None = None) -> None:
        objective = declared(self.model, "objective")
        if not hasattr(objective, "beta"):
            raise refusal("the model's objective should have a `beta`", f"{type(objective).__name__}")
        objective.beta = self.schedule
        self.model.make_train_function(force=True)  # what was traced with the old weight holds it still
        self.model.make_test_function(force=True)


class SwapAverages(keras.callbacks.Callback):
    """Evaluates with the averaged weights that a model keeps (`ema_momentum`), and trains on with its own.

    Averaged and own weights change places as an evaluation begins, validation included, and again as it ends.

    Raises:
        ValueError: if the model keeps no averages.

    Example:

    >>> import keras_dl
    >>> swap = keras_dl.callbacks.SwapAverages()      # model.fit(..., validation_data=..., callbacks=[swap])
    """

    def set_model(self, model: Any) -> None:
        if not declared(model, "ema_networks"):
            raise refusal("the model should have averaged weights (`ema_momentum`)", "a model without")
        super().set_model(model)

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._swap()

    def on_test_end(self, logs: dict | None = None) -> None:
        self._swap()

    def _swap(self):
        for name in self.model.averaged_networks:  # by the first average, if there are several
            average = self.model.ema_networks[name]
            network = getattr(self.model, name)
            own = network.get_weights()
            network.set_weights(average.get_weights())
            average.set_weights(own)


class CriticBalance(keras.callbacks.Callback):
    """Logs how far the critic is ahead of the generator, and warns if their game has ended.

    `critic_lead` is the mean score of data minus that of generated samples. It goes into the logs of every epoch. For a
    critic of logits a lead of 20 means that it is sure of every sample: the saturating generator then learns nothing.
    A lead that is not above zero means that the critic cannot tell the two apart.

    Args:
        largest: number, the lead above which the critic has won.
        patience: integer, how many epochs in a row that, or a lead of at most zero, must last before the warning.

    Example:

    >>> import keras_dl
    >>> logs = {"critic_real": 3.0, "critic_fake": -1.0}
    >>> keras_dl.callbacks.CriticBalance().on_epoch_end(0, logs)
    >>> logs["critic_lead"]
    4.0
    """

    def __init__(self, largest: float = 20.0, patience: int = 5):
        super().__init__()
        self.largest = check_number(largest, "largest", least=0)
        self.patience = check_count(patience, "patience")
        self._lost = self._won = 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        scores = {"critic_real", "critic_fake"}
        if self.model is not None and scores <= {metric.name for metric in self.model.metrics} - set(logs or {}):
            return  # an epoch of a phase without the game
        if not scores <= set(logs or {}):
            raise refusal("logs should be those of an adversarial model", f"{sorted(logs or {})}")
        lead = logs["critic_lead"] = float(logs["critic_real"]) - float(logs["critic_fake"])
        self._won = self._won + 1 if lead > self.largest else 0
        self._lost = self._lost + 1 if lead <= 0 else 0
        if self._won == self.patience:
            warnings.warn(f"The critic has been sure of every sample for {self.patience} epochs.", stacklevel=2)
        if self._lost == self.patience:
            warnings.warn(f"The critic has not told data from samples for {self.patience} epochs.", stacklevel=2)


class NanGuard(keras.callbacks.Callback):
    """Stops training at the first NaN or infinity, and says which update it came from and which term of its loss.

    Without it a model of `keras_dl.models` raises an error there, unless it was compiled with `check_finite=False`.

    Attributes:
        found: string, the metric that was not finite (`"critic_penalty"`), of the first update that had one; or None.

    Example:

    >>> import keras_dl
    >>> guard = keras_dl.callbacks.NanGuard()      # model.fit(..., callbacks=[guard])
    """

    acts_on_batches = False  # the model remembers the first step of a stack that was not finite
    handles_not_finite = True

    def __init__(self):
        super().__init__()
        self.found = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.found = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        broken = [name for name, value in (logs or {}).items() if not math.isfinite(value)]
        if broken and self.found is None:
            # The logs are means so far, of several steps and inner updates: the model knows which was the first.
            find = declared(self.model, "first_not_finite")
            first = None if find is None else find()
            self.found, step = first or (broken[0], None)
            place = f"batch {batch + 1} of the epoch" if step is None else f"step {step}"
            warnings.warn(f"Training stopped at {place}: {self.found} is not finite.", stacklevel=2)
            self.model.stop_training = True
