"""Weights of classes as weights of samples, from arrays and datasets, as Keras makes them."""

import numbers

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import check_number, refusal


def check_class_weight(class_weight):
    """Returns weights by integer labels, or raises a `ValueError`.

    Keras passes over keys that are no labels, `"0"` among them.
    """
    whole = isinstance(class_weight, dict) and all(map(_is_label, class_weight))
    if not whole:
        raise refusal("`class_weight` should be a dict from integer labels to weights", class_weight=class_weight)
    return {int(label): float(check_number(weight, "class_weight")) for label, weight in class_weight.items()}


def check_alone(method, sample_weight, y):
    """Refuses weights of classes beside weights of samples, or without labels, in the name of a method."""
    if sample_weight is not None:
        raise refusal(f"{method} takes sample_weight or class_weight", "both")
    if y is None:
        raise refusal("class_weight should come with labels y", "y=None")


def check_one_a_sample(model, y):
    """Refuses weights of classes where a sample has many labels, one for each step or pixel.

    Keras takes a row of labels for a one-hot vector.

    Args:
        model: The model, of whose outputs labels have at most as many axes.
        y: Labels, or what says their shape.
    """
    outputs = getattr(getattr(model, "sample_loss", None), "outputs", None)
    spec = outputs.specs[0] if outputs is not None and len(outputs) == 1 else None
    shape = tf.TensorShape(y.shape)
    steps = spec is not None and len(spec.shape) > 2 and shape.rank == 2 and shape[1] != 1
    if steps or (shape.rank or 0) > 2:
        raise refusal(
            "class_weight should come with one label per sample: give sample_weight, shaped like the labels",
            f"y of shape {tuple(shape)}",
        )


def check_batches(model, batches):
    """Refuses weights of classes for a `PyDataset` of anything but `(x, y)`, where Keras passes over them."""
    batch = batches[0]
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        parts = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else type(batch).__name__
        raise refusal("class_weight should come with a PyDataset of (x, y), y one output's labels", parts)
    if not keras.tree.is_nested(batch[1]):
        check_one_a_sample(model, np.asarray(batch[1]))


def _is_label(key):
    return isinstance(key, numbers.Real) and not isinstance(key, bool) and key % 1 == 0


def of_arrays(model, class_weight, y):
    """A weight per sample, 1 for classes that are not listed, from labels or one-hot vectors."""
    if keras.tree.is_nested(y):
        raise refusal("class_weight should come with one output's labels", "targets of several outputs")
    y = np.asarray(y)
    check_one_a_sample(model, y)
    labels = y.argmax(-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y))
    classes, indices = np.unique(np.rint(labels), return_inverse=True)  # soft labels are those of the nearest class
    return np.array([class_weight.get(int(label), 1.0) for label in classes], "float32")[indices]


def of_dataset(model, class_weight, dataset):
    """A dataset of `(x, y)` as one of `(x, y, sample_weight)`.

    Keras looks up a class that the dict does not reach in what lies behind it; here it weighs 1, as in arrays.
    """
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2 or tf.nest.is_nested(spec[1]):
        raise refusal("class_weight should come with a dataset of (x, y), y one output's labels", spec)
    check_one_a_sample(model, spec[1])
    count = max([0, *class_weight]) + 1
    weights = tf.constant([class_weight.get(label, 1.0) for label in range(count)] + [1.0])

    def weigh(x, y):
        labels = tf.cast(tf.round(y) if y.dtype.is_floating else y, tf.int32)
        if y.shape.rank != 1:  # one-hot vectors, or labels in a column, which has one entry
            one_hot = tf.argmax(y, -1, tf.int32)
            labels = tf.where(tf.shape(y)[-1] > 1, one_hot, labels[..., 0])
        listed = (labels >= 0) & (labels < count)
        return x, y, tf.gather(weights, tf.where(listed, labels, count))

    return dataset.map(weigh)
