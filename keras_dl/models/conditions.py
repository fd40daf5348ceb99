"""Conditions: data that come with one, networks that take one, and checks of the one against the other."""

import contextlib
import re

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.checks import as_array, check_finite
from keras_dl.networks.condition_inputs import num_classes

_SHOWN = 8  # entries of a refused input that a message shows
_REFUSAL = r"\[(condition(?:\[:, \d+\])? should be integer labels from 0 to \d+\. Received:)\] \[([^\]]*)\]"


def unpack(data):
    """Splits data into what is modelled and its condition.

    Args:
        data: `x`, `(x,)`, `(x, None)`, `(x, condition)`, or a dict of the names under which conditional networks take
            them, `{"x": ..., "condition": ...}` or `{"latents": ..., "condition": ...}`.

    Raises:
        ValueError: If there is anything else.
    """
    if isinstance(data, dict):
        names = [name for name in data if name != "condition"]
        if names not in (["x"], ["latents"]):
            names = "'x', or 'latents', and 'condition'"
            raise refusal(f"data as a dict should have the keys {names}", f"{sorted(data)}")
        return data[names[0]], data.get("condition")
    if not isinstance(data, (tuple, list)):
        return data, None
    if len(data) > 2:
        raise refusal("data should be x or (x, condition), without sample weights", f"{len(data)} parts")
    return (*data, None)[:2]


def takes_condition(network):
    """Whether a network's input is a dict with a condition in it."""
    inputs = getattr(network, "input", None) if isinstance(network, keras.Model) else None
    return isinstance(inputs, dict) and "condition" in inputs


def apply(network, name, value, condition=None, training=False):
    """Calls a network on `value`, with the condition beside it under its names where it takes one."""
    inputs = {name: value, "condition": condition} if takes_condition(network) else value
    return network(inputs, training=training)


def check(networks, condition, rows):
    """Refuses a condition that the networks cannot take.

    Raises:
        ValueError: If one is missing or not wanted, has another number of rows or another shape, or labels are out
            of range.
    """
    conditional = [network for network in networks if takes_condition(network)]
    if not conditional:
        if condition is not None:
            raise refusal(
                "condition should be None: the networks take none. Give data alone, fit(x) or dataset.map(lambda x, "
                "y: x), or networks made with num_classes",
                "a condition",
            )
        return
    if condition is None:
        raise refusal("condition should be given: the networks are conditional", "None")
    condition = as_array(condition, "condition")
    if condition.ndim == 0 or len(condition) != rows:
        raise refusal(f"condition should have {rows} rows, one a sample", f"shape {condition.shape}")
    for network in conditional:
        _check_against(network, condition)


def _check_against(network, condition):
    expected = tuple(network.input["condition"].shape[1:])
    if condition.shape[1:] != expected:
        shape = ", ".join(map(str, ("rows", *expected)))
        raise refusal(f"condition should have shape ({shape}{('' if expected else ',')})", f"{condition.shape}")
    check_finite(condition, "condition")
    check_classes(condition, num_classes(network))


def as_tensor(networks, condition):
    """The condition as a tensor of the dtype that the networks expect; `None` stays `None`."""
    for network in networks:
        if condition is not None and takes_condition(network):
            return tf.cast(condition, network.input["condition"].dtype)
    return None


def labels_in_turn(network, index):
    """Labels 0, 1, 2, ... and again, for numbered rows; `None` where the network takes no condition.

    Raises:
        ValueError: If its conditions are no labels of one kind.
    """
    if not takes_condition(network):
        return None
    classes = num_classes(network)
    if not isinstance(classes, int):
        raise refusal("The encoder beside a VampPrior should take labels, or no condition", f"{classes} classes")
    return tf.cast(index % classes, network.input["condition"].dtype)


def spec(networks):
    """The condition's `tf.TensorSpec` as a dict to be merged into a signature's inputs; empty where there is none."""
    for network in networks:
        if takes_condition(network):
            tensor = network.input["condition"]
            return {"condition": tf.TensorSpec([None, *tensor.shape[1:]], tf.as_dtype(tensor.dtype))}
    return {}


def for_rows(condition, rows):
    """In a graph: a condition of one row repeated for all rows; any other must have as many."""
    count = tf.shape(condition)[0]
    check = tf.debugging.Assert((count == 1) | (count == rows), ["condition should have 1 row, or num_samples", count])
    with tf.control_dependencies([check]):
        return tf.repeat(condition, tf.where(count == 1, rows, 1), axis=0)


def repeated(networks, condition, rows):
    """A condition for `rows` samples: a single one is repeated, whether it has an axis of rows or not."""
    if condition is None:
        return None
    condition = as_array(condition, "condition")
    ranks = [len(network.input["condition"].shape) - 1 for network in networks if takes_condition(network)]
    condition = condition[None] if condition.ndim == (ranks or [0])[0] else condition
    return np.repeat(condition, rows, 0) if condition.shape[:1] == (1,) else condition


def check_classes(condition, classes):
    """Refuses labels out of range.

    Args:
        condition: Array of labels, or of attributes, shape `(rows, num_attributes)`.
        classes: How many classes the labels have; for attributes a tuple with an entry each; `None` for numbers.
    """
    if isinstance(classes, tuple):
        for column, count in enumerate(classes):
            _check_labels(condition[:, column], count, f"condition[:, {column}]")
    else:
        _check_labels(condition, classes, "condition")


def _check_labels(labels, classes, name):
    if classes is None or labels.size == 0:
        return
    whole = labels.dtype.kind in "iub" or np.array_equal(labels, np.round(labels))
    if not whole or labels.min() < 0 or labels.max() >= classes:
        raise refusal(
            f"{name} should be integer labels from 0 to {classes - 1}", f"values from {labels.min()} to {labels.max()}"
        )


def class_checks(condition, classes):
    """The same in a graph: a list of operations that fail as `tf.errors.InvalidArgumentError`."""
    if classes is None or condition is None:
        return []
    if not isinstance(classes, tuple):
        return [_labels_check(condition, classes, "condition")]
    columns = enumerate(classes)
    return [_labels_check(condition[:, i], n, f"condition[:, {i}]") for i, n in columns if n is not None]


def _labels_check(labels, classes, name):
    fits = tf.reduce_all((labels >= 0) & (labels < classes) & (tf.round(labels) == labels))
    return assert_that(fits, f"{name} should be integer labels from 0 to {classes - 1}. Received:", labels)


@contextlib.contextmanager
def refused_labels():
    """Turns a failed check of labels in a graph into a `ValueError` with its message alone."""
    try:
        yield
    except tf.errors.OpError as error:
        match = re.search(_REFUSAL, str(error))
        if match is None:
            raise
        raise ValueError(f"{match[1]} {match[2]}") from error


def assert_that(condition, message, *data):
    """An operation that fails with a message, where a condition does not hold."""
    return tf.raw_ops.Assert(condition=condition, data=[message, *data], summarize=_SHOWN)
