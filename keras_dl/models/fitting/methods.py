"""The methods by which a model is fitted, evaluated and predicts: Keras', with data in an order that is remembered."""

import contextlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_dl.data.checks import check_arrays
from keras_dl.data.disk import glimpse
from keras_dl.data.pipeline import pipeline
from keras_dl.models.base.replicas import lost_workers
from keras_dl.models.fitting import choosing, class_weights, feeding
from keras_dl.models.fitting.checking import (
    check,
    check_counts,
    check_given,
    check_numbers,
    check_options,
    check_ranks,
    is_arrays,
    reads_disk,
)
from keras_dl.models.fitting.datasets import Feed, batch_spec, has_one_length, reading
from keras_dl.models.fitting.progress import Progress, as_list, check_callbacks, with_progress
from keras_dl.models.fitting.reporting import with_absent
from keras_dl.models.fitting.stream import Stream
from keras_dl.types import Nest, Tensor
from keras_dl.untuned import UNTUNED, untuned


class Fitting(keras.Model):
    """The part of an `ObjectiveModel` that calls Keras' loops, once it has checked and prepared what they are given."""

    # Of the model.
    stream: Any
    state: Any
    finiteness: Any
    evaluates_one_length: bool

    def fit(
        self,
        x: Nest | None = None,
        y: Nest | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        *,
        shuffle: bool = True,
        **options,
    ) -> keras.callbacks.History:
        """Trains the model; `keras.Model.fit`, with a data order that a saved model remembers.

        Arrays go through `keras_dl.data.pipeline`: their order is a function of the model's seed, the epoch and the
        position in it. `x` may also be a `tf.data.Dataset`; one made by `pipeline` is resumed exactly too.
        """
        self._assert_compile_called("fit")
        options |= {"batch_size": batch_size, "epochs": epochs}
        check_options("fit", super().fit, options)
        check_given(x, "fit")
        check_ranks(self, x, options.get("validation_data"))
        check_numbers(options)
        x, y, options = feeding.data_of(self, x, y, shuffle, options)
        acts = check_callbacks(self, as_list(callbacks))
        feed, steps_per_epoch = Feed.of(x), options.get("steps_per_epoch")
        steps = steps_per_epoch or feed.count
        choosing.choose(self, feed, steps, options, acts)
        progress = Progress(feed, steps_per_epoch)
        callbacks = with_progress(self, callbacks, progress, steps, verbose, epochs)
        options |= {"shuffle": False, "callbacks": callbacks, "verbose": verbose}  # the order is the pipeline's
        self.state.fitting = True
        try:
            workers, reader = lost_workers(self.distribute_strategy), reading(self, x, options["validation_data"])
            with workers, reader, self.finiteness.left_to(callbacks.callbacks):
                return super().fit(x, y, **options)
        finally:
            self.state.leave()  # after an error, too: what belonged to this epoch binds no later call
            self.stream = None

    def predict(self, x: Nest, batch_size: int | None = None, verbose: int | str = "auto", **options) -> Any:
        """Returns what the model makes of `x`, batch by batch; `keras.Model.predict`, with checked arrays.

        A conditional model takes a dataset of `(x, condition)`, as `fit` does.
        """
        options |= {"batch_size": batch_size, "verbose": verbose}
        check_options("predict", super().predict, options)
        check_counts(options)
        check_predicted(self, x, "predict")
        x = _in_order(untuned(x), options)
        with single_steps(self), reading(self, x):
            return super().predict(x, **options)

    def evaluate(
        self,
        x: Nest | None = None,
        y: Nest | None = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        **options,
    ) -> Any:
        """Evaluates every update's loss and terms; `keras.Model.evaluate`, with the same noise at every call.

        Callbacks that measure, `keras_dl.callbacks.SampleMetrics`, add to the result what they find.
        """
        options |= {"batch_size": batch_size, "verbose": verbose}
        check_options("evaluate", super().evaluate, options)
        check_given(x, "evaluate")
        check_counts(options)
        check_ranks(self, x)
        check(self, x, y, options.get("sample_weight"))
        x, y = _from_disk(untuned(x), y, options)
        if isinstance(x, tf.data.Dataset):
            self.evaluates_one_length = has_one_length(batch_spec(x)) is not False
        stream = self.stream  # of training, if it is under way
        within_fit = options.get("_use_cached_eval_dataset")
        try:
            self.stream = None if is_arrays(x) else Stream(self)
            measured = [] if within_fit else measuring(options.get("callbacks"))
            with single_steps(self), reading(self, x):
                if within_fit:
                    self._eval_epoch_iterator.steps_per_execution = 1  # Keras made it with the stack of training
                if not measured:
                    return super().evaluate(x, y, **options)
                as_dict = options.pop("return_dict", False)
                logs = super().evaluate(x, y, return_dict=True, **options)
        finally:
            self.stream = stream
        for callback in measured:
            logs |= callback.logs
        return logs if as_dict else self._flatten_metrics_in_order(logs)

    def train_on_batch(
        self,
        x: Nest,
        y: Nest | None = None,
        sample_weight: Tensor | None = None,
        class_weight: dict | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch; `keras.Model.train_on_batch`, with arrays that are checked as those of `fit` are.

        A dict lacks the losses of updates that have not run since the metrics began anew; a list has NaN for them.
        """
        weight = check_batch(self, "train_on_batch", x, y, sample_weight, class_weight)
        logs = super().train_on_batch(x, y, weight, return_dict=True)
        return logs if return_dict else self._flatten_metrics_in_order(with_absent(self, logs))

    def test_on_batch(
        self, x: Nest, y: Nest | None = None, sample_weight: Tensor | None = None, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch; `keras.Model.test_on_batch`, with checked arrays."""
        weight = check_batch(self, "test_on_batch", x, y, sample_weight)
        return super().test_on_batch(x, y, weight, return_dict=return_dict)

    def predict_on_batch(self, x: Nest) -> Any:
        """Returns what the model makes of one batch; `keras.Model.predict_on_batch`, with checked arrays."""
        check_predicted(self, x, "predict_on_batch")
        return super().predict_on_batch(x)


def measuring(callbacks):
    """Those callbacks that find values of their own: their attribute `measures` is true, `logs` a dict of floats."""
    return [callback for callback in as_list(callbacks) if getattr(callback, "measures", False)]


def check_predicted(model, x, method):
    """Refuses what cannot be predicted from, in the name of the method that was given it."""
    check_given(x, method)
    check_ranks(model, x)
    if is_arrays(x):  # the values of a stream are not at hand
        check_arrays(x, missing=model.takes_missing)
        model.check_inputs(glimpse(x))  # of data on disk a few rows: all would be read twice


def check_batch(model, method, x, y=None, sample_weight=None, class_weight=None):
    """Checks one batch as `fit` checks its data.

    Returns:
        The samples' weights: those given, those of their classes, or `None`.
    """
    model._assert_compile_called(method)
    check_given(x, method)
    if class_weight is not None:
        class_weights.check_alone(method, sample_weight, y)
        sample_weight = class_weights.of_arrays(model, class_weights.check_class_weight(class_weight), y)
    if np.shape(keras.tree.flatten(x)[0])[:1] != (0,):  # a batch without rows is a step of nothing
        check(model, x, y, sample_weight)
    return sample_weight


def _in_order(x, options):
    """Inputs of `predict`; dense arrays of numbers as a dataset of their batches, floats in Keras' default type.

    Keras would make such a dataset, too, but one that is tuned, whose iterator may wait at its end; see `untuned`.
    """
    if reads_disk(x):
        return _from_disk(x, None, options)[0]
    if not all(isinstance(leaf, (np.ndarray, tf.Tensor)) and _kind(leaf) in "biuf" for leaf in tf.nest.flatten(x)):
        return x
    rows, size = check_arrays(x, missing=True), options.pop("batch_size", None) or 32
    tensors = tf.nest.map_structure(_tensor, keras.tree.lists_to_tuples(x))

    def batch_at(start):
        return (tf.nest.map_structure(lambda tensor: tensor[start : start + size], tensors),)

    return tf.data.Dataset.range(0, rows, size).map(batch_at).prefetch(4).with_options(UNTUNED)


def _tensor(array):
    """An array as a tensor."""
    return keras.ops.convert_to_tensor(array, keras.config.floatx() if _kind(array) == "f" else None)


def _kind(array):
    """NumPy's letter for the kind of an array's numbers; "V" for those that NumPy does not know."""
    return np.dtype(getattr(array.dtype, "as_numpy_dtype", array.dtype)).kind


def _from_disk(x, y, options):
    """Data of which some are columns on disk as a pipeline in order; others as they are."""
    if not reads_disk((x, y)):
        return x, y
    batch_size, weight = options.pop("batch_size", None), options.pop("sample_weight", None)
    return pipeline(x, y, batch_size or 32, sample_weight=weight, shuffle=False), None


@contextlib.contextmanager
def single_steps(model):
    """Runs one batch per call, as `steps` counts them, whatever the stack of training."""
    before, model.steps_per_execution = model.steps_per_execution, 1
    try:
        yield
    finally:
        model.steps_per_execution = before
