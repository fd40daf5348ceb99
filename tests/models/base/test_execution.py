"""The work of a step, from which the base decides how many run in one call."""

import keras
import pytest

from keras_dl.models.base.execution import floating_point_operations

LAYERS = {
    "dense": (keras.layers.Dense(5), (4,), 2 * 4 * 5),
    "convolution": (keras.layers.Conv2D(3, 3, strides=2, padding="same"), (8, 8, 2), 2 * (3 * 3 * 2 * 3) * 4 * 4),
    # Each of the 4x4 inputs is multiplied by the whole kernel, whatever the size of the output.
    "transposed": (keras.layers.Conv2DTranspose(3, 5, strides=2, padding="same"), (4, 4, 2), 2 * (25 * 2 * 3) * 4 * 4),
    "none": (keras.layers.Activation("relu"), (8,), 0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_floating_point_operations(name):
    layer, shape, expected = LAYERS[name]
    network = keras.Sequential([keras.Input(shape), layer])
    assert floating_point_operations(network, rows=7) == 7 * expected
