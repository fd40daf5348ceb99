"""Denoising network of dense layers."""

import math

import keras

from keras_dl.checks import check_count, check_shape
from keras_dl.networks import denoising
from keras_dl.networks.registry import register
from keras_dl.types import Activation, Shape


@register()
def denoising_mlp(
    data_shape: Shape,
    width: int = 128,
    hidden_units: int = 512,
    num_blocks: int = 3,
    activation: Activation | None = "gelu",
    num_classes: int | None = None,
    condition_shape: Shape | None = None,
    name: str = "denoising_mlp",
) -> keras.Model:
    r"""Builds a residual network of dense layers that is told the time, for points and small arrays.

    Data, features of time and condition are mapped to `width` features and added; then each block adds
    $W_2\, \text{gelu}(W_1 h + b_1) + b_2$ with `hidden_units` units within; a linear layer ends it.

    Args:
        data_shape: Shape of a sample, without the batch axis.
        width: Features between blocks.
        hidden_units: Units within a block.
        num_blocks: Number of blocks.
        activation: Activation within the blocks.
        num_classes: For labels as condition: the number of classes.
        condition_shape: For vectors as condition: their shape.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from `{"x": (batch, *data_shape), "time": (batch,)}`, with `"condition"` if it is
        conditional, to `(batch, *data_shape)`, float32.

    Raises:
        ValueError: If a size is not a positive integer, or both kinds of condition are asked for.

    Example:

    >>> network = denoising_mlp((2,), width=16, hidden_units=32)
    >>> network({"x": keras.ops.zeros((3, 2)), "time": keras.ops.zeros(3)}).shape
    TensorShape([3, 2])
    """
    shape = check_shape(data_shape, "data_shape")
    width = check_count(width, "width")
    hidden_units = check_count(hidden_units, "hidden_units")
    inputs, x, time, condition = denoising.inputs(shape, num_classes, condition_shape)
    features = keras.layers.Dense(width, name="data_features")(keras.layers.Flatten(name="flatten")(x))
    h = keras.layers.Add(name="sum")([features, denoising.embedding(time, condition, width)])
    for number in range(1, check_count(num_blocks, "num_blocks") + 1):
        inner = keras.layers.Dense(hidden_units, activation=activation, name=f"block_{number}_hidden")(h)
        inner = keras.layers.Dense(width, name=f"block_{number}_outputs")(inner)
        h = keras.layers.Add(name=f"block_{number}_add")([h, inner])
    values = keras.layers.Dense(math.prod(shape), dtype="float32", name="values")(h)
    return keras.Model(inputs, keras.layers.Reshape(shape, name="prediction", dtype="float32")(values), name=name)
