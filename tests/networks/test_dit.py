"""Diffusion transformer: contract, weights by hand and as published, its start, order of patches, bad arguments."""

import keras
import numpy as np
import pytest

from keras_dl.layers import PositionEmbedding
from keras_dl.networks import dit
from keras_dl.testing import check_network

TIMES, LABELS = np.array([0.0, 0.2, 0.7, 1.0], "float32"), np.array([0, 2, 1, -1], "int32")


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def weights(width, blocks, patch, channels, classes, ratio=4):
    """The number of weights of a network."""
    embedding = 256 * width + width + width * width + width + classes * width
    patches = patch**2 * channels * width + width
    attention = 4 * width**2 + 4 * width
    dense = 2 * ratio * width**2 + (ratio + 1) * width
    modulation = 6 * width**2 + 6 * width
    last = 2 * width**2 + 2 * width + patch**2 * channels * (width + 1)
    return embedding + patches + blocks * (attention + dense + modulation) + last


def moved(network):
    """The network with weights where it starts at zero, so that all of it counts."""
    for index, weight in enumerate(network.trainable_weights):
        if not np.any(weight):
            weight.assign(0.1 * np.random.default_rng(index).standard_normal(weight.shape))
    return network


def test_contract():
    def build():
        return moved(dit((4, 8, 2), 2, width=8, num_blocks=2, num_heads=2, mlp_ratio=3, num_classes=3))

    inputs = {"x": normal(4, 4, 8, 2), "time": TIMES, "condition": LABELS}
    check_network(build, inputs, (4, 8, 2), weights(8, 2, 2, 2, 3, ratio=3), output_dtype="float32")


@pytest.mark.parametrize(
    ("width", "blocks", "millions"), [(384, 12, 33.0), (768, 12, 130.5), (1024, 24, 458.1), (1152, 28, 675.1)]
)
def test_the_sizes_are_the_published_ones(width, blocks, millions):
    """Peebles & Xie 2023, table 1 (and 675,129,632 in their code): it counts the positions, a label for none and
    variances, which ours has not."""
    theirs = 256 * width + width + 2 * 2 * 4 * (width + 1)
    assert (weights(width, blocks, 2, 4, 1000) + theirs) / 1e6 == pytest.approx(millions, abs=0.3)
    assert weights(1152, 28, 2, 4, 1000) + 256 * 1152 + 1152 + 16 * 1153 == 675_129_632


def test_it_starts_at_zero_and_sees_everything():
    network = dit((4, 4, 1), 2, width=8, num_blocks=1, num_heads=2, num_classes=3)
    inputs = {"x": normal(4, 4, 4, 1), "time": TIMES, "condition": LABELS}
    assert not np.any(network(inputs))
    moved(network)
    before = np.asarray(network(inputs))
    for name, other in (("x", normal(4, 4, 4, 1)[::-1]), ("time", TIMES[::-1]), ("condition", LABELS[::-1])):
        assert np.abs(before - network({**inputs, name: other.copy()})).max() > 1e-4, name


def test_patches_go_back_to_their_places():
    """With the last layer alone, a pixel depends on its own patch, and places tell patches apart."""
    network = moved(dit((4, 6, 1), 2, width=8, num_blocks=1, num_heads=2))
    for name in ("block_1_attention_gate", "block_1_mlp_gate"):
        for weight in network.get_layer(name).weights:
            weight.assign(0.0 * weight)
    x = normal(1, 4, 6, 1)
    other = x.copy()
    other[0, 2:4, 4:6] += 1.0
    change = np.asarray(network({"x": other, "time": TIMES[:1]}) - network({"x": x, "time": TIMES[:1]}))[
        0, ..., 0
    ].copy()
    assert np.abs(change[2:4, 4:6]).min() > 0
    change[2:4, 4:6] = 0
    np.testing.assert_allclose(change, 0.0, atol=1e-6)


def test_positions_differ_and_are_sines():
    places = np.asarray(PositionEmbedding()(keras.ops.zeros((1, 3, 5, 8))))[0]
    assert len(np.unique(places.reshape(15, 8).round(5), axis=0)) == 15
    np.testing.assert_allclose(places[2, 3, :2], np.sin([2.0, 2.0 / 100]), rtol=1e-5)
    np.testing.assert_allclose(places[2, 3, 6:], np.cos([3.0, 3.0 / 100]), rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dit((5, 4, 1)), "`data_shape` should have sides that are multiples of 2"),
        (lambda: dit((4, 4, 1), width=10, num_heads=2), "`width` should be a multiple of 4 and of the 2 heads"),
        (lambda: dit((4, 4, 1), width=12, num_heads=5), "`width` should be a multiple of 4 and of the 5 heads"),
        (lambda: dit((4, 4, 1), num_blocks=0), "`num_blocks` should be a positive integer"),
        (lambda: dit((4, 4, 1), mlp_ratio=0), "`mlp_ratio` should be a positive integer"),
        (lambda: dit((4, 4)), "`data_shape`"),
        (lambda: PositionEmbedding()(keras.ops.zeros((1, 2, 2, 6))), "a multiple of 4 channels"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
