"""What is checked of data and options before any work starts, whatever the model; of later batches see `stream`."""

import inspect

import tensorflow as tf

from keras_dl.checks import check_count, refusal, unknown_arguments
from keras_dl.data.checks import check_arrays
from keras_dl.data.disk import Column, glimpse
from keras_dl.data.pipeline import join
from keras_dl.models.fitting.class_weights import check_class_weight

#: Arguments that `keras.Model` itself takes.
_OF_KERAS = ("activity_regularizer", "trainable", "dtype", "autocast", "name")


def check_arguments(model, arguments):
    """Refuses arguments that no class of a model's takes, before Keras does, who does not say which there are.

    Args:
        model: The model.
        arguments: Dict of those that its classes passed on.

    Raises:
        TypeError: If there are any but Keras' own.
    """
    unknown = [name for name in arguments if name not in _OF_KERAS]
    if not unknown:
        return
    inits = [vars(kind)["__init__"] for kind in type(model).__mro__ if "__init__" in vars(kind) and kind is not object]
    own = [init for init in inits if init.__module__.split(".")[0] not in ("keras", "builtins")]
    parameters = [p for init in own for p in list(inspect.signature(init).parameters.values())[1:]]
    names = dict.fromkeys(p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))
    names.pop("networks", None)  # which a family makes of its own
    raise unknown_arguments(type(model).__name__, names, {name: arguments[name] for name in unknown})


def check_options(method, function, options):
    """Refuses options of a method that its function of Keras' does not take, before Keras does in Python's words.

    Args:
        method: The method's name.
        function: Keras' method.
        options: Dict of what it was given by name.

    Raises:
        TypeError: If there are any but Keras' own.
    """
    parameters = inspect.signature(function).parameters.values()
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.name != "self"]
    unknown = {name: value for name, value in options.items() if name not in names and not name.startswith("_")}
    if unknown:
        raise unknown_arguments(method, names, unknown)


def is_arrays(data):
    """Whether `data` is a nest of arrays and columns on disk (and not a dataset, generator or iterator)."""
    leaves = [leaf for leaf in tf.nest.flatten(data) if leaf is not None]
    return bool(leaves) and all(
        tf.is_tensor(leaf) or isinstance(leaf, Column) or hasattr(leaf, "__array__") for leaf in leaves
    )


def reads_disk(data):
    """Whether `data` is a nest of arrays of which some are columns on disk."""
    return is_arrays(data) and any(isinstance(leaf, Column) for leaf in tf.nest.flatten(data))


def check_given(x, name):
    """Refuses what is no data at all, in the name of the method that was given it."""
    if not name.startswith("predict"):
        _check_dense(x, name)
    iterates = hasattr(x, "__iter__") or hasattr(x, "__getitem__")
    empty = isinstance(x, (tuple, list, dict)) and all(leaf is None for leaf in tf.nest.flatten(x))
    rows = isinstance(x, (tuple, list, dict)) and not is_arrays(x)  # Python numbers, which Keras does not take either
    if x is None or not iterates or empty or rows or isinstance(x, (str, bytes)):
        others = "" if name.endswith("_on_batch") else ", keras_dl.data.open(path).x, a tf.data.Dataset or a generator"
        kinds = f"arrays{others}"
        raise refusal(f"{name} should be given data: {kinds}", x=x)


def _check_dense(x, name):
    """Refuses ragged and sparse tensors, which steps and their checks do not take; Keras passes them to the layers."""
    leaves = tf.nest.flatten(x.element_spec if isinstance(x, tf.data.Dataset) else x)
    kinds = (tf.RaggedTensor, tf.SparseTensor, tf.RaggedTensorSpec, tf.SparseTensorSpec)
    received = [type(leaf).__name__ for leaf in leaves if isinstance(leaf, kinds)]
    if received:
        way = "x.to_tensor(), tf.sparse.to_dense(x), or dataset.map with them; Masking or mask_zero leaves padding out"
        raise refusal(f"{name} should be given dense tensors: {way}", f"a {received[0]}")


def check_counts(options):
    """Refuses sizes of batches and numbers of steps among options that are neither positive integers nor `None`."""
    for name in ("batch_size", "steps", "steps_per_epoch", "validation_steps", "validation_batch_size"):
        if options.get(name) is not None:
            options[name] = check_count(options[name], name)


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
    if options.get("class_weight") is not None:
        options["class_weight"] = check_class_weight(options["class_weight"])


def check(model, x, y=None, sample_weight=None):
    """Refuses arrays that the model cannot use, before any work starts."""
    if is_arrays(x):
        for name, arrays in (("y", y), ("sample_weight", sample_weight)):
            if arrays is not None and not tf.nest.flatten(arrays):
                raise refusal(f"{name} should be an array, or a nest of arrays", **{name: arrays})
        data = join(x, y, sample_weight)
        check_arrays(data, missing=model.takes_missing)
        model.check_data(glimpse(data))


def check_ranks(model, *datasets):
    """Refuses a dataset of an unknown number of axes where replicas share its batches, which TensorFlow cannot split.

    Args:
        model: The model.
        *datasets: What `fit` or the like was given.

    Raises:
        ValueError: If the batches' rank is unknown and the model has several replicas.
    """
    several = model.distribute_strategy.num_replicas_in_sync > 1
    for spec in [data.element_spec for data in datasets if several and isinstance(data, tf.data.Dataset)]:
        shapes = [getattr(part, "shape", None) for part in tf.nest.flatten(spec)]
        if any(isinstance(shape, tf.TensorShape) and shape.rank is None for shape in shapes):
            raise refusal(
                "Batches that replicas share should have a known number of axes: give each tensor a shape by "
                "`dataset.map` and `tf.ensure_shape`",
                f"element_spec={spec}",
            )


def check_rows(model, rows):
    """Refuses a batch that leaves an inner update without rows."""
    fewest = model.program.fewest_rows
    if rows < fewest:
        raise refusal(
            f"Every batch, the last one too, should have at least {fewest} rows, one for each inner update of a step",
            f"a batch of {rows}",
        )
