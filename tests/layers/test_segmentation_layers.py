"""Sizes that fit, the cut back, and attention gates: against arrays written out."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from keras_dl.layers import AttentionGate, PadToMultiple
from keras_dl.layers.attention_gate import upsample_linear
from keras_dl.layers.fit_size import CropToSize


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.mark.parametrize(
    ("options", "size", "padded"),
    [
        ({"multiple": (16, 4)}, (17, 8), (32, 8)),
        ({"multiple": 16}, (1, 16), (16, 16)),
        ({"multiple": 16, "remainder": 12}, (572, 573), (572, 588)),
        ({"multiple": (3, 2), "remainder": 1, "minimum": 7}, (2, 9), (7, 9)),
    ],
)
def test_padding_and_the_cut_back(options, size, padded):
    x = normal(2, *size, 3)
    expected = np.pad(x, [(0, 0), *((0, p - n) for p, n in zip(padded, size, strict=True)), (0, 0)])
    np.testing.assert_array_equal(PadToMultiple(**options)(x), expected)
    np.testing.assert_array_equal(CropToSize()([expected, x]), x)
    unknown = keras.Input((None, None, 3))
    large = PadToMultiple(**options)(unknown)
    model = keras.Model(unknown, [large, CropToSize()([large, unknown])])
    for output, array in zip(model(x), (expected, x), strict=True):
        np.testing.assert_array_equal(output, array)


def test_the_cut_of_maps_with_strides_and_margins():
    x, reference = normal(1, 6, 6, 4, 2), np.zeros((1, 11, 8, 4, 1))
    crop = CropToSize(strides=(2, 2, 1), margin=(0, 3, 2))
    np.testing.assert_array_equal(crop([x, reference]), x[:, :6, :3, :2])  # ceil(11 / 2), ceil(5 / 2), 2
    assert crop.compute_output_shape([x.shape, (1, None, 8, 4, 1)]) == (1, None, 3, 2, 2)


def test_linear_interpolation_is_scipys():
    x = normal(4, 5)
    for factor in (1, 2, 3, 4):
        centres = (np.arange(4 * factor) + 0.5) / factor - 0.5
        grid = np.meshgrid(centres, np.arange(5), indexing="ij")
        expected = ndimage.map_coordinates(x, grid, order=1, mode="nearest")
        np.testing.assert_allclose(upsample_linear(keras.ops.array(x), factor, 0), expected, atol=1e-6)


def test_the_gate_is_the_papers():
    """One pixel of g: `sigma(w . relu(W_x x + W_g g + b_g) + b)` by hand, the same for all four pixels of x."""
    x, g = normal(2, 2, 2, 3), normal(2, 1, 1, 5)
    layer = AttentionGate(filters=4)
    layer.build([x.shape, g.shape])
    layer.set_weights([normal(*w.shape) for w in layer.weights])
    of_x, of_g, bias, score, offset = layer.get_weights()
    hidden = np.einsum("bijc,ijcf->bf", x, of_x) + g[:, 0, 0] @ of_g[0, 0] + bias
    gate = 1 / (1 + np.exp(-(np.maximum(hidden, 0) @ score[0, 0] + offset)))
    np.testing.assert_allclose(layer([x, g]), x * gate[:, None, None], atol=1e-5)


def test_bad_inputs_are_refused():
    with pytest.raises(ValueError, match="`minimum` should be k multiple \\+ remainder. Received: "):
        PadToMultiple(multiple=4, minimum=6).build((None, 8, 8, 1))
    with pytest.raises(ValueError, match="remainder.*Received: "):
        PadToMultiple(multiple=4, remainder=-1).build((None, 8, 8, 1))
    with pytest.raises(ValueError, match="times as large.*Received: "):
        AttentionGate().build([(None, 6, 6, 1), (None, 2, 3, 1)])
    for layer in (AttentionGate(), CropToSize()):
        with pytest.raises(ValueError, match="equal rank. Received: "):
            layer.build([(None, 6, 6, 1), (None, 3, 1)])
