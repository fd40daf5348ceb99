"""Base of the random changes: a probability, draws for each sample, a configuration."""

import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.configurable import Configurable
from keras_dl.types import Tensor


class Transform(Configurable):
    """Base of the changes: each sample becomes, with `probability`, what `change` makes of it.

    A subclass defines `change(images, masks, key)`, which returns both; `masks` may be `None`. Images and masks are
    `(batch, *spatial, channels)`, `key` is one of `tf.random`'s stateless functions.

    Args:
        probability: Share of the samples that change.

    Raises:
        ValueError: If `probability` is not in [0, 1].
    """

    def __init__(self, probability: float = 1.0):
        if not 0 <= probability <= 1:
            raise refusal("`probability` should be in [0, 1]", probability=probability)
        self.probability = probability

    def __call__(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        if self.probability == 1:
            return self.change(images, masks, tf.random.fold_in(key, 0))
        chosen = uniform(tf.random.fold_in(key, 1), tf.shape(images)[:1], (0.0, 1.0)) < self.probability
        rows = tf.where(chosen)
        # Only the chosen samples are changed: turning volumes takes longer than a step with them.
        changed = self.change(taken(images, rows), taken(masks, rows), tf.random.fold_in(key, 0))
        return tuple(put(x, rows, new) for x, new in zip((images, masks), changed, strict=True))

    def change(self, images: Tensor, masks: Tensor, key: Tensor) -> tuple:
        """Returns changed images and masks; the subclass writes it."""
        raise NotImplementedError(f"{type(self).__name__} should define change(images, masks, key).")


def uniform(key, shape, limits):
    """Draws uniform float32 numbers between two limits."""
    return tf.random.stateless_uniform(shape, key, *limits, alg="philox")


def normal(key, shape):
    """Draws standard normal float32 numbers."""
    return tf.random.stateless_normal(shape, key, alg="philox")


def taken(x, rows):
    """The samples of `x`, which may be `None`, at some rows, shape `(n, 1)`."""
    return None if x is None else tf.gather_nd(x, rows)


def put(x, rows, changed):
    """`x`, which may be `None`, with other samples at some rows."""
    return None if x is None else tf.tensor_scatter_nd_update(x, rows, changed)


def beside(values, x):
    """Gives values, one per sample, the rank of `x`."""
    return tf.reshape(values, (-1, *[1] * (len(x.shape) - 1)))


def limits(values, name, least=None, both_sides=True):
    """Returns a range as a pair of floats, or raises a `ValueError` that calls it `name`.

    Args:
        values: A pair, or a number a.
        name: What error messages call it.
        least: What no value may lie below.
        both_sides: Whether a means -a to a; else it means a alone.
    """
    if isinstance(values, (int, float)):
        values = (-values, values) if both_sides else (values, values)
    low, high = values = tuple(float(value) for value in values)
    if not low <= high or (least is not None and low < least):
        bound = "" if least is None else f" of at least {least}"
        raise refusal(f"`{name}` should be a number or an ascending pair{bound}", f"{name}={values}")
    return values
