"""Weights for torchvision's state dicts that are a function of their names: nobody has to store them."""

import math
import zlib

import numpy as np


def state_dict(shapes):
    """Returns weights of given names and shapes that keep activations of order 1 and are nowhere alike.

    Args:
        shapes: Dict from names to shapes.

    Returns:
        Dict from the names to arrays.
    """
    return {name: _weight(name, tuple(shape)) for name, shape in shapes.items()}


def images(count, height, width, channels):
    return np.random.default_rng(0).standard_normal((count, height, width, channels)).astype("float32")


def _weight(name, shape):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return np.array(7)
    if len(shape) > 1:
        return math.sqrt(2 / math.prod(shape[1:])) * rng.standard_normal(shape, "float32")
    if name.endswith(("running_var", "weight")):
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    return 0.1 * rng.standard_normal(shape, "float32")
