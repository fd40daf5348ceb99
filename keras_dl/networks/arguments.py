"""Checks of the arguments that network factories share."""

from keras_dl.checks import check_count as positive_int
from keras_dl.checks import refusal


def positive_ints(values, name):
    """Returns `values` as a tuple of `int`s of at least 1, or raises a `ValueError` that calls them `name`."""
    try:
        return tuple(positive_int(value, name) for value in values)
    except (TypeError, ValueError):
        raise refusal(f"`{name}` should be a sequence of positive integers", **{name: values}) from None


def sample_shape(values, name, rank=None):
    """Returns the shape of one sample as a tuple, or raises a `ValueError` that calls it `name`.

    Args:
        values: Sizes of a sample's axes, without the batch axis.
        name: What error messages call it.
        rank: How many axes there must be; `None` allows any number but zero.
    """
    shape = positive_ints(values, name)
    if rank == 3 and len(shape) != 3:
        raise refusal(f"`{name}` should be (height, width, channels)", **{name: values})
    if not shape:
        raise refusal(f"`{name}` should have at least one axis besides the batch", **{name: values})
    return shape
