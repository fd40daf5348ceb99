"""Images padded to sides that can be halved again and again."""

import dataclasses

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data.disk import Column


def to_powers_of_two(data):
    """Returns `tasks.Arrays` of images whose sides are powers of two: zeros around those of named sets.

    Images of 28x28 become 32x32. Files of one's own stay as they are: their sides may be doubles of one another by
    themselves, and a black frame is nothing to learn.

    Args:
        data: `tasks.Arrays` of images.

    Raises:
        ValueError: If the samples are no images.
    """
    shape = data.spec.shape
    if len(shape) != 3:
        raise refusal("The recipe should be given images", f"{data.name}, samples of shape {shape}")
    wanted = [1 << (side - 1).bit_length() for side in shape[:2]]
    if data.opened is not None or isinstance(data.x, Column) or list(shape[:2]) == wanted:
        return data
    gaps = [(0, 0), *(_around(have, want) for have, want in zip(shape[:2], wanted, strict=True)), (0, 0)]
    return dataclasses.replace(data, x=np.pad(data.x, gaps), x_test=np.pad(data.x_test, gaps))


def _around(have, want):
    """How much goes before and behind."""
    return (want - have) // 2, want - have - (want - have) // 2
