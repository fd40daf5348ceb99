"""Data that come with a condition: how a batch is taken apart, and its labels checked, as arrays and in graphs."""

import contextlib
import re

import numpy as np
import tensorflow as tf

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
            raise ValueError(f"data as a dict should have the keys {names}. Received: {sorted(data)}")
        return data[names[0]], data.get("condition")
    if not isinstance(data, (tuple, list)):
        return data, None
    if len(data) > 2:
        raise ValueError(f"data should be x or (x, condition), without sample weights. Received: {len(data)} parts")
    return (*data, None)[:2]


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
        raise ValueError(
            f"{name} should be integer labels from 0 to {classes - 1}. "
            f"Received: values from {labels.min()} to {labels.max()}"
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
        found = re.search(_REFUSAL, str(error))
        if found is None:
            raise
        raise ValueError(f"{found[1]} {found[2]}") from error


def assert_that(condition, message, *data):
    """An operation that fails with a message, where a condition does not hold."""
    return tf.raw_ops.Assert(condition=condition, data=[message, *data], summarize=_SHOWN)
