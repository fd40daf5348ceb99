"""What `fit`, `evaluate` and `predict` add to Keras' loops: data in an order that is remembered, steps in stacks."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_count, refusal
from keras_dl.data.checks import check_arrays
from keras_dl.data.disk import glimpse
from keras_dl.data.pipeline import pipeline
from keras_dl.models.base import choosing, class_weights, feeding
from keras_dl.models.base.checking import (
    check,
    check_counts,
    check_given,
    check_options,
    check_ranks,
    check_rows,
    is_arrays,
    reads_disk,
    without_none,
)
from keras_dl.models.base.progress import (
    Callbacks,
    Progress,
    acts_on_batches,
    check_monitors,
    direct_monitors,
    in_order,
)
from keras_dl.models.base.replicas import lost_workers
from keras_dl.models.base.reporting import with_bar
from keras_dl.models.base.stream import Stream


def measuring(callbacks):
    """Those callbacks that find values of their own: their attribute `measures` is true, `logs` a dict of floats."""
    return [callback for callback in as_list(callbacks) if getattr(callback, "measures", False)]


def as_list(callbacks):
    """Callbacks as `fit` takes them, one or a nest, as a list."""
    return tf.nest.flatten(getattr(callbacks, "callbacks", callbacks) or [])


def fit(model, keras_fit, x, y=None, *, shuffle=True, callbacks=None, verbose="auto", **options):
    """`keras_fit` with the model's own data order; see `ObjectiveModel.fit`."""
    model._assert_compile_called("fit")
    check_options("fit", keras_fit, options)
    check_given(x, "fit")
    check_numbers(options)
    x, y, options = _data(model, x, y, shuffle, options)
    check_ranks(model, x)
    validation = options["validation_data"] = held_out_data(model, options)
    listed = as_list(callbacks)
    check_callbacks(model, listed)
    steps_per_epoch, count = options.get("steps_per_epoch"), feeding.count_batches(x)
    steps = steps_per_epoch or count
    _choose(model, x, steps, options, listed)
    order = feeding.order_of(x)
    progress = Progress(x, order, steps_per_epoch, count if order is None else order.count)
    callbacks = _with_progress(model, callbacks, progress, steps, verbose, options.get("epochs", 1))
    options |= {"shuffle": False, "callbacks": callbacks, "verbose": verbose}  # the order is the pipeline's
    model.state.fitting = True
    try:
        workers, reader = lost_workers(model.distribute_strategy), feeding.reading(model, x, validation)
        with workers, reader, model.finiteness.left_to(callbacks.callbacks):
            return keras_fit(x, y, **options)
    finally:
        model.state.leave()  # after an error, too: what belonged to this epoch binds no later call
        model.stream = None


def _with_progress(model, callbacks, progress, steps, verbose, epochs):
    """The callbacks in order, `progress` among them, as a list that Keras goes on with."""
    # A list that Keras has made is changed in place: whoever made it goes on with it.
    if isinstance(callbacks, keras.callbacks.CallbackList):
        progress.set_model(model)
        callbacks.callbacks[:] = in_order(model, callbacks.callbacks, progress)
        return callbacks
    callbacks = with_bar(model, in_order(model, as_list(callbacks), progress), verbose)
    shown = {"add_progbar": verbose != 0, "verbose": verbose, "epochs": epochs}
    return Callbacks(callbacks, steps, model=model, **shown)


def check_numbers(options):
    """Refuses counts among the options of `fit` that Keras would meet in an epoch, and puts others in its words."""
    check_counts(options)
    for name, default in (("epochs", 1), ("initial_epoch", 0)):
        options[name] = check_count(options.get(name, default), name, least=0)
    every = options.get("validation_freq", 1)
    if isinstance(every, (list, tuple)):
        options["validation_freq"] = [check_count(epoch, "validation_freq") for epoch in every]
    else:
        options["validation_freq"] = check_count(every, "validation_freq")
    options["class_weight"] = class_weights.check_class_weight(options.get("class_weight"))


def held_out_data(model, options):
    """The held-out data as `fit` reads them, checked where they are arrays; `None` without any."""
    data = options.get("validation_data")
    check_ranks(model, data)
    if reads_disk(data):
        data = feeding.held_out(data, options.get("validation_batch_size"))
    if isinstance(data, (tuple, list)):
        if not 1 <= len(data) <= 3:
            expected = "`validation_data` should be data, (x, y) or (x, y, sample_weight)"
            raise refusal(expected, f"{len(data)} parts")
        check(model, *data)
    elif data is not None and is_arrays(data):
        check(model, data)
    return data


def check_callbacks(model, callbacks):
    """Refuses what is no callback and monitors that the model has not; tells callbacks which values are better."""
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise refusal("`callbacks` should be keras.callbacks.Callback objects", callbacks=callback)
    check_monitors(model, callbacks)
    direct_monitors(model, callbacks)


def _data(model, x, y, shuffle, options):
    """What Keras' loop reads, and the options that are left."""
    arrays = is_arrays(x)
    model.stream = None if arrays else Stream(model)
    if arrays:
        x, options = feeding.through_pipeline(model, x, y, shuffle, options)
        return x, None, options
    if isinstance(x, keras.utils.PyDataset) and options["class_weight"] is not None:
        class_weights.check_batches(model, x)
    if isinstance(x, keras.utils.PyDataset) and shuffle and x.num_batches:
        x = feeding.ShuffledBatches(x, model.seed)
    if isinstance(x, tf.data.Dataset) and getattr(getattr(x, "order", None), "data", None) is not None:
        x.order.check(model)
        model.stream = None
    if isinstance(x, tf.data.Dataset) and options["class_weight"] is not None:
        x, options["class_weight"] = class_weights.of_dataset(model, options["class_weight"], x), None
    return x, y, options


def evaluate(model, keras_evaluate, x, y=None, **options):
    """`keras_evaluate` a batch at a time, with what callbacks measure; see `ObjectiveModel.evaluate`."""
    check_options("evaluate", keras_evaluate, options)
    check_given(x, "evaluate")
    check_counts(options)
    check_ranks(model, x)
    check(model, x, y, options.get("sample_weight"))
    x, y = _from_disk(x, y, options)
    if isinstance(x, tf.data.Dataset):
        model.evaluates_one_length = feeding.has_one_length(feeding.batch_spec(x)) is not False
    stream = model.stream  # of training, if it is under way
    within_fit = options.get("_use_cached_eval_dataset")
    try:
        model.stream = None if is_arrays(x) else Stream(model)
        measured = [] if within_fit else measuring(options.get("callbacks"))
        with single_steps(model), feeding.reading(model, x):
            if within_fit:
                model._eval_epoch_iterator.steps_per_execution = 1  # Keras made it with the stack of training
            if not measured:
                return keras_evaluate(x, y, **options)
            as_dict = options.pop("return_dict", False)
            logs = keras_evaluate(x, y, return_dict=True, **options)
    finally:
        model.stream = stream
    for callback in measured:
        logs |= callback.logs
    return logs if as_dict else model._flatten_metrics_in_order(logs)


def predict(model, keras_predict, x, **options):
    """`keras_predict` a batch at a time, with checked arrays; see `ObjectiveModel.predict`."""
    check_options("predict", keras_predict, options)
    check_counts(options)
    check_predicted(model, x, "predict")
    x, _ = _from_disk(x, None, options)
    with single_steps(model), feeding.reading(model, x):
        return keras_predict(x, **options)


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


def _choose(model, data, steps, options, callbacks):
    """Chooses what the run computes with, from the shapes of batches; with replicas, checks the first."""
    spec = feeding.batch_spec(data)
    one_length = feeding.has_one_length(spec)
    choice = choosing.before_fit(model, **model.compile_choices, one_length=one_length)
    reads = spec is not None and feeding.reads_alike(data)
    checks = reads and model.stream is not None and model.distributed
    known = spec is not None and _is_known(spec)
    if checks or (reads and not known and "auto" in model.compile_choices.values()):
        spec = next(iter(data.take(1)), None)
        known = spec is not None
        if checks:  # on one device, the training function sees the rows
            model.stream.check([without_none(spec)] if known else [])
    if known:
        check_rows(model, tf.nest.flatten(spec)[0].shape[0])
        stepped = bool(options.get("steps_per_epoch"))
        choice = choosing.for_fit(model, choice, spec, steps, options.get("epochs", 1), stepped)
    if model.compile_choices["steps_per_execution"] == "auto" and any(map(acts_on_batches, callbacks)):
        choice = choice._replace(stack=1)
    choosing.take(model, choice)


def _is_known(spec):
    return all(tensor.shape.is_fully_defined() for tensor in tf.nest.flatten(spec))
