"""Callbacks of a `fit`: the user's, checked and in order, and those that keep the place in the data."""

import contextlib
import math

import keras
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.metrics.directions import direction
from keras_dl.models.fitting.batches import without_none
from keras_dl.models.fitting.rates import with_shared_rates
from keras_dl.models.fitting.reporting import with_bar, with_columns

_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
#: Keras' callbacks that do something at a batch only where they are told to, and whether they are.
_ASKED = {
    keras.callbacks.Callback: lambda callback: False,
    keras.callbacks.ProgbarLogger: lambda callback: False,
    keras.callbacks.ModelCheckpoint: lambda callback: callback.save_freq != "epoch",
    keras.callbacks.BackupAndRestore: lambda callback: callback.save_freq != "epoch",
    keras.callbacks.TensorBoard: lambda callback: callback.update_freq != "epoch" or callback._start_batch > 0,
}
#: Keras' callbacks that compare values of what they monitor.
MONITORING = (keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau, keras.callbacks.ModelCheckpoint)


class Progress(keras.callbacks.Callback):
    """Keeps the model's place in the data up to date, before any other callback saves it.

    Args:
        feed: The `Feed` of what the training reads.
        steps_per_epoch: Where an epoch ends before the data do, or `None`.
    """

    acts_on_batches = False

    def __init__(self, feed, steps_per_epoch=None):
        super().__init__()
        self.feed, self.data, self.order, self.steps_per_epoch = feed, feed.data, feed.order, steps_per_epoch
        self._begun = False

    def on_epoch_begin(self, epoch, logs=None):
        state = self.model.state
        stepped, continues = self.steps_per_epoch is not None, self._begun and self.steps_per_epoch is not None
        if self.order is not None:
            state.recognise(self.order.mark)
        state.marks = self.order is None and not self._begun
        state.shuffled = self.feed.shuffled
        if state.metrics and isinstance(self.data, (tf.data.Dataset, keras.utils.PyDataset)):
            first = self.data[0] if isinstance(self.data, keras.utils.PyDataset) else next(iter(self.data))
            self.model.build_metrics(without_none(first))
        state.take_up(stepped, continues)
        if self.model.stream is not None:
            self.model.stream.begin()
        state.steps_left = self.steps_per_epoch
        if self.order is not None and not continues:
            self.order.place(state.passes)
            self.order.pass_over(state.ahead + state.skip)
        self._begun = True

    def on_train_batch_end(self, batch, logs=None):
        self.model.state.batch = max(self.model.state.batch, batch + 1)  # at first a resumed epoch is behind its place

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None and len(self.model.phases.phases) > 1:
            logs["phase"] = self.model.state.ran_in + 1
        self.model.finiteness.refuse_weights(self.model)
        self.model.finish_epoch()
        count = self.feed.count if self.order is None else self.order.count
        self.model.state.end_epoch(self.steps_per_epoch is not None, count, self.feed.endless)


class Callbacks(keras.callbacks.CallbackList):
    """Keras' list of callbacks, told the true number of the last batch where the last stack of an epoch is not full.

    Args:
        callbacks: List of callbacks.
        steps: Batches an epoch, or `None` where they are not known.
        **options: Options of `keras.callbacks.CallbackList`.
    """

    def __init__(self, callbacks, steps=None, **options):
        super().__init__(callbacks, steps=steps, **options)
        self.last = math.inf if steps is None else steps - 1

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(min(batch, self.last), logs)


def acts_on_batches(callback):
    """Whether a callback acts at every batch, so that steps should not be stacked behind its back.

    A callback may say so itself: its attribute `acts_on_batches` is true or false.
    """
    declared = getattr(callback, "acts_on_batches", None)
    if declared is not None:
        return declared
    if any(hook in vars(callback) for hook in _HOOKS):  # LambdaCallback
        return True
    tuner = getattr(callback, "tuner", None)
    if tuner is not None and type(callback).__module__.startswith("keras_tuner"):
        # It passes hooks on to a tuner, whose own do nothing.
        homes = [_defined_in(type(tuner), hook) for hook in _HOOKS[2:]]
        return any(not home.__module__.startswith("keras_tuner") for home in homes)
    homes = {_defined_in(type(callback), hook) for hook in _HOOKS}
    return any(home not in _ASKED or _ASKED[home](callback) for home in homes)


def _defined_in(kind, name):
    """The class of `kind`'s family that defines a method."""
    return next(parent for parent in kind.__mro__ if name in vars(parent))


def as_list(callbacks):
    """Callbacks as `fit` takes them, one or a nest, as a list."""
    return tf.nest.flatten(getattr(callbacks, "callbacks", callbacks) or [])


def check_callbacks(model, callbacks):
    """Refuses what is no callback and monitors that the model has not; tells callbacks which values are better.

    Returns:
        Whether one of them acts at every batch.
    """
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise refusal("`callbacks` should be keras.callbacks.Callback objects", callbacks=callback)
    check_monitors(model, callbacks)
    direct_monitors(model, callbacks)
    return any(map(acts_on_batches, callbacks))


def with_progress(model, callbacks, progress, steps, verbose, epochs):
    """The callbacks in order, `progress` among them, as a list that Keras goes on with."""
    # A list that Keras has made is changed in place: whoever made it goes on with it.
    if isinstance(callbacks, keras.callbacks.CallbackList):
        progress.set_model(model)
        callbacks.callbacks[:] = in_order(model, callbacks.callbacks, progress, verbose=0)
        return callbacks
    callbacks = in_order(model, as_list(callbacks), progress, verbose)
    shown = {"add_progbar": verbose != 0, "verbose": verbose, "epochs": epochs}
    return Callbacks(callbacks, steps, model=model, **shown)


def in_order(model, callbacks, progress, verbose):
    """`Progress` first, then the user's callbacks, the history, those that keep the state of all others, and a bar.

    A callback that wants to run after the others has an attribute `runs_last`, which is true; one that has a method
    `set_callbacks` is given the list.
    """
    callbacks = list(callbacks)
    if not any(isinstance(callback, keras.callbacks.History) for callback in callbacks):
        callbacks.append(keras.callbacks.History())
    callbacks = with_bar(model, with_columns(model, callbacks), verbose)
    if model.shares_rates:
        callbacks = with_shared_rates(callbacks)
    callbacks = [progress, *sorted(callbacks, key=lambda callback: getattr(callback, "runs_last", False))]
    for callback in callbacks:
        if hasattr(callback, "set_callbacks"):
            callback.set_callbacks(callbacks)
    return callbacks


def direct_monitors(model, callbacks):
    """Tells callbacks of Keras with `mode="auto"` whether larger or smaller values of what they monitor are better.

    Keras knows its own compiled metrics, and the loss; those that models track, callbacks measure, and losses of one
    update or output are told by `keras_dl.metrics.direction`. What it does not know is left to Keras, which asks.
    """
    for callback in callbacks:
        if not isinstance(callback, MONITORING) or callback.mode != "auto":
            continue
        name = callback.monitor.removeprefix("val_")
        if name == "loss" or any(metric.name == name for metric in compiled_metrics(model)):
            continue
        with contextlib.suppress(ValueError):
            callback.mode = direction(name)


def compiled_metrics(model):
    """The metrics that `compile` was given as objects that say a direction, where Keras looks for them."""
    compiled = getattr(model, "_compile_metrics", None)
    metrics = [] if compiled is None else tf.nest.flatten(compiled._user_metrics)
    return [metric for metric in metrics if hasattr(metric, "_direction")]


def check_monitors(model, callbacks):
    """Refuses callbacks that monitor a loss which a model of several losses does not have.

    Raises:
        ValueError: With the names that it has.
    """
    for callback in callbacks:
        monitor = getattr(callback, "monitor", None)
        saves_all = isinstance(callback, keras.callbacks.ModelCheckpoint) and not callback.save_best_only
        if monitor not in ("loss", "val_loss") or saves_all:
            continue
        names = [metric.name for metric in model.metrics]
        if "loss" not in names:
            raise refusal(
                f"{type(callback).__name__}'s monitor should be one of {', '.join(names)}, with 'val_' before it for "
                "validation data: the model has no single loss",
                monitor=monitor,
            )
