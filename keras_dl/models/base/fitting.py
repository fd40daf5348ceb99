"""What `fit` adds to Keras' loop: arrays go through the pipeline, and the place in the data is remembered."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count
from keras_dl.data.pipeline import pipeline
from keras_dl.models.base import choosing
from keras_dl.models.base.checking import (
    check,
    check_batch_size,
    check_batches,
    check_given,
    check_rows,
    is_arrays,
    without_none,
)
from keras_dl.models.base.replicas import lost_workers


class Progress(keras.callbacks.Callback):
    """Keeps the model's place in the data up to date, before any other callback saves it.

    Args:
        data: What feeds the training; where `pipeline` made it, its order is placed at every epoch.
        steps_per_epoch: Where an epoch ends before the data do, or `None`.
    """

    def __init__(self, data, steps_per_epoch=None):
        super().__init__()
        self.data, self.steps_per_epoch = data, steps_per_epoch

    def on_epoch_begin(self, epoch, logs=None):
        state = self.model.state
        if state.metrics and isinstance(self.data, tf.data.Dataset):
            self.model.build_metrics(without_none(next(iter(self.data))))
        state.take_up()
        state.steps_left = self.steps_per_epoch
        if hasattr(self.data, "order"):
            self.data.order.place(state.epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.model.state.batch = max(self.model.state.batch, batch + 1)  # at first a resumed epoch is behind its place

    def on_epoch_end(self, epoch, logs=None):
        self.model.finish_epoch()
        self.model.state.batch = 0
        self.model.state.epoch += 1
        self.model.state.steps_left = None


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


def measuring(callbacks):
    """Those callbacks that find values of their own: their attribute `measures` is true, `logs` a dict of floats."""
    callbacks = getattr(callbacks, "callbacks", callbacks)
    return [callback for callback in tf.nest.flatten(callbacks or []) if getattr(callback, "measures", False)]


def fit(model, keras_fit, x, y=None, *, batch_size=None, shuffle=True, callbacks=None, verbose="auto", **options):
    """`keras_fit` with the model's own data order; see `ObjectiveModel.fit`."""
    model._assert_compile_called("fit")
    check_given(x, "fit")
    check_count(options.get("epochs", 1), "epochs", least=0)
    model.streams = model.unchecked = not is_arrays(x)
    if is_arrays(x):
        x, y, options = _through_pipeline(model, x, y, 32 if batch_size is None else batch_size, shuffle, options)
        batch_size = None
    validation = options.get("validation_data")
    if isinstance(validation, (tuple, list)):
        check(model, *validation)
    order = getattr(x, "order", None)
    if order is not None and order.data is not None:
        order.check(model)
        model.streams = model.unchecked = False
    steps = options.get("steps_per_epoch") or _cardinality(x)
    _choose(model, x, steps, options.get("epochs", 1))
    progress = Progress(x, options.get("steps_per_epoch"))
    if isinstance(callbacks, keras.callbacks.CallbackList):
        progress.set_model(model)
        callbacks.callbacks[:] = _in_order(callbacks.callbacks, progress)
    else:
        callbacks = _in_order(tf.nest.flatten(callbacks or []), progress)
        shown = {"add_progbar": verbose != 0, "verbose": verbose, "epochs": options.get("epochs", 1)}
        callbacks = Callbacks(callbacks, steps, model=model, **shown)
    options |= {"batch_size": batch_size, "shuffle": False, "callbacks": callbacks, "verbose": verbose}
    with lost_workers(model.distribute_strategy):
        return keras_fit(x, y, **options)


def evaluate(model, keras_evaluate, x, y=None, **options):
    """`keras_evaluate` a batch at a time, with what callbacks measure; see `ObjectiveModel.evaluate`."""
    check_given(x, "evaluate")
    check_batch_size(options)
    check(model, x, y)
    before = model.streams, model.unchecked, model.steps_per_execution  # of training, if it is under way
    within_fit = options.get("_use_cached_eval_dataset")
    try:
        model.streams = model.unchecked = not is_arrays(x)
        if not within_fit:
            model.steps_per_execution = 1
        measured = [] if within_fit else measuring(options.get("callbacks"))
        if not measured:
            return keras_evaluate(x, y, **options)
        as_dict = options.pop("return_dict", False)
        logs = keras_evaluate(x, y, return_dict=True, **options)
    finally:
        model.streams, model.unchecked, model.steps_per_execution = before
    for callback in measured:
        logs |= callback.logs
    return logs if as_dict else model._flatten_metrics_in_order(logs)


def _cardinality(dataset):
    """Number of batches of a dataset, or `None` where it is not known or has no end."""
    if not isinstance(dataset, tf.data.Dataset):
        return None
    count = int(dataset.cardinality())
    return count if count > 0 else None


def _in_order(callbacks, progress):
    """`Progress` first, then the user's callbacks, the history, and those that keep the state of all others.

    A callback that wants to run after the others has an attribute `runs_last`, which is true; one that has a method
    `set_callbacks` is given the list.
    """
    if not any(isinstance(callback, keras.callbacks.History) for callback in callbacks):
        callbacks = [*callbacks, keras.callbacks.History()]
    callbacks = [progress, *sorted(callbacks, key=lambda callback: getattr(callback, "runs_last", False))]
    for callback in callbacks:
        if hasattr(callback, "set_callbacks"):
            callback.set_callbacks(callbacks)
    return callbacks


def _through_pipeline(model, x, y, batch_size, shuffle, options):
    """Arrays as a pipeline, without the options that have been worked in."""
    weight, class_weight = options.pop("sample_weight", None), options.pop("class_weight", None)
    split = options.pop("validation_split", 0.0)
    if class_weight is not None:
        if weight is not None:
            raise ValueError("fit takes sample_weight or class_weight. Received: both")
        if y is None:
            raise ValueError("class_weight should come with labels y. Received: y=None")
        weight = _class_weights(class_weight, np.asarray(y))
    if split and options.get("validation_data") is None:
        x, y, weight, options["validation_data"] = _split(x, y, weight, split)
    check(model, x, y, weight)
    rows = len(tf.nest.flatten(x)[0])
    batch_size = check_count(batch_size, "batch_size")
    check_rows(model, rows % batch_size or batch_size)
    dataset = pipeline(x, y, batch_size, sample_weight=weight, shuffle=shuffle, seed=model.seed)
    options.setdefault("validation_batch_size", batch_size)
    return dataset, None, options


def _class_weights(class_weight, y):
    """A weight a sample, 1 for classes that are not listed, from labels or one-hot vectors, as in Keras."""
    labels = y.argmax(-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y))
    classes, indices = np.unique(labels, return_inverse=True)
    return np.array([class_weight.get(int(label), 1.0) for label in classes], "float32")[indices]


def _split(x, y, weight, share):
    """The first `1 - share` of the rows to train on, and the others as validation data."""
    if not 0 < share < 1:
        raise ValueError(f"validation_split should lie between 0 and 1. Received: {share}")
    rows = len(tf.nest.flatten(x)[0])
    kept = int(rows * (1 - share))
    if kept in (0, rows):
        raise ValueError(f"validation_split should leave rows on both sides. Received: {share} of {rows} rows")

    def take(data, rows):
        return None if data is None else tf.nest.map_structure(lambda t: t[rows], data)

    training = [take(data, slice(None, kept)) for data in (x, y, weight)]
    return *training, tuple(take(data, slice(kept, None)) for data in (x, y, weight))


def _choose(model, dataset, steps, epochs):
    """Chooses what the run computes with, from the first batch's shape; with replicas, checks that batch."""
    if getattr(dataset, "element_spec", None) is None or isinstance(dataset, tf.distribute.DistributedDataset):
        return
    chooses = "auto" in model.compile_choices.values()
    checks = model.unchecked and model.distributed
    batch = next(iter(dataset.take(1)), None) if chooses or checks else None
    if checks:  # on one device, the training function sees the rows
        check_batches(model, [] if batch is None else [without_none(batch)])
    if batch is None:
        return
    check_rows(model, tf.nest.flatten(batch)[0].shape[0])
    if chooses:
        choosing.take(model, choosing.for_fit(model, batch, steps, epochs))
