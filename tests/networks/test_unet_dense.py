"""Dense U-Nets and H-DenseUNet: the contract, the way of slices, and the parts that are joined."""

import keras
import numpy as np
import pytest

from keras_dl import models, networks
from keras_dl.layers.slices import SlicesWithNeighbours, StackedSlices
from keras_dl.networks import dense_unet, h_dense_unet
from keras_dl.testing import check_network
from tests.contracts.fresh_process import outputs_after_reload

SMALL = {"layers": (1, 2, 1, 1), "growth_rate": 2, "stem": 4, "up_filters": (3, 4, 4, 4, 4)}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def dense_unet_count(channels, classes, rank=2, head=True):
    """By hand for SMALL: channels 4, 6 | 3, 7 | 3, 5 | 2, 4 before and after each block.

    A dense layer of c channels: 2 c + 8 c (1x1 to 8) + 16 + 8 * 2 k; a transition: 2 c + c (c // 2).
    """
    k = 3**rank
    layer = [2 * c + 8 * c + 16 + 16 * k for c in (4, 3, 5, 3, 2)]
    transition = [2 * c + c * (c // 2) for c in (6, 7, 5)]
    stem = 7**rank * channels * 4 + 8
    # Up: 4 channels and the third block's 5 through 1x1 (24) to 3; 3 and 7 (24) to 4; 4 and 6 (28) to 4; 4 and the
    # stem's 4 to 4; 4 to 4. Each convolution has a norm of 2 numbers a channel.
    up = 24 + (4 * 3 * k + 6) + 24 + (3 * 4 * k + 8) + 28 + 3 * (4 * 4 * k + 8)
    return stem + sum(layer) + sum(transition) + 8 + up + (5 * classes if head else 0)


@pytest.mark.full
def test_contract_of_the_dense_unet():
    build = lambda: dense_unet((33, 40, 4), 2, **SMALL)  # noqa: E731
    check_network(build, normal(2, 33, 40, 4), (33, 40, 2), dense_unet_count(4, 2))


@pytest.mark.full
def test_contract_of_the_hybrid():
    shape = (32, 34, 5, 1)
    joint = 27 * 16 + 8 + 5 * 2
    # The 3-D network sees the image and the scores of two classes.
    count = dense_unet_count(3, 2) + dense_unet_count(3, 2, rank=3, head=False) + joint
    build = lambda: h_dense_unet(shape, 2, slices=SMALL, volume=SMALL)  # noqa: E731
    check_network(build, normal(2, *shape), (32, 34, 5, 2), count)


@pytest.mark.full
def test_published_channels():
    """The stages of table 1 of the paper: DenseNet-161's, and the way up."""
    network = dense_unet((64, 64, 3), 3)
    channels = [network.get_layer(f"slices_block_{i}").output.shape[-1] for i in range(1, 5)]
    assert channels == [384, 768, 2112, 2208]
    assert network.get_layer("slices_up_1_conv").output.shape == (None, 4, 4, 768)
    assert network.get_layer("slices_up_5_conv").output.shape == (None, 64, 64, 64)


@pytest.mark.parametrize("neighbours", [1, 2])
def test_slices_and_back(neighbours):
    volume = normal(2, 4, 3, 5, 2)
    rows = SlicesWithNeighbours(neighbours)(volume)
    padded = np.pad(volume, [(0, 0)] * 3 + [(neighbours, neighbours), (0, 0)], mode="edge")
    for row in range(10):
        sample, i = divmod(row, 5)
        expected = [padded[sample, :, :, i + shift] for shift in range(2 * neighbours + 1)]
        np.testing.assert_array_equal(rows[row], np.concatenate(expected, -1))
    middle = rows[..., 2 * neighbours : 2 * neighbours + 2]
    np.testing.assert_array_equal(StackedSlices()([middle, volume]), volume)
    with pytest.raises(ValueError, match="Received: "):
        SlicesWithNeighbours().build((None, 4, 4, 1))
    with pytest.raises(ValueError, match="ranks 4 and 5. Received: "):
        StackedSlices().build([(None, 4, 4, 1), (None, 4, 4, 1)])


def test_the_2d_branch_is_the_2d_network():
    """The auxiliary classes of a slice are those of the 2-D network with its weights, which come first."""
    hybrid = h_dense_unet((32, 32, 4, 1), 3, slices=SMALL, volume=SMALL, auxiliary=True)
    alone = dense_unet((32, 32, 3), 3, **SMALL)
    shared = keras.Model(hybrid.inputs[0], hybrid.outputs[1])
    assert shared.count_params() == alone.count_params()
    for layer in alone.layers:
        if layer.weights:
            name = "slices_classes" if layer.name == "classes" else layer.name
            layer.set_weights(hybrid.get_layer(name).get_weights())
    volume = normal(2, 32, 32, 4, 1)
    scores = np.asarray(hybrid(volume)[1])
    padded = np.pad(volume[..., 0], [(0, 0)] * 3 + [(1, 1)], mode="edge")
    for i in range(4):
        np.testing.assert_allclose(scores[:, :, :, i], alone(padded[..., i : i + 3]), atol=1e-5)


def test_slices_meet_in_the_volume():
    """A change in one slice reaches others through the 3-D network, beyond the 2-D one's neighbours."""
    hybrid = h_dense_unet((32, 32, 8, 1), 2, slices=SMALL, volume=SMALL, auxiliary=True)
    x = normal(1, 32, 32, 8, 1)
    y = x.copy()
    y[:, :, :, 0] += 1
    joint, flat = (np.abs(np.asarray(a) - b).max(axis=(0, 1, 2, 4)) for a, b in zip(hybrid(x), hybrid(y), strict=True))
    assert (flat[:2] > 0).all() and (flat[2:] == 0).all()
    assert joint[3] > 0


@pytest.mark.full
def test_both_outputs_learn():
    x = normal(4, 32, 32, 4, 1)
    labels = (x[..., 0] > 0).astype("int32")
    small = {**SMALL, "up_filters": (4, 4, 4, 8, 8)}
    network = h_dense_unet((32, 32, 4, 1), 2, slices=small, volume=small, auxiliary=True)
    model = models.Supervised(network, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss=loss)
    history = model.fit(x, labels, batch_size=2, epochs=6, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    assert networks.prune(network).output_shape == (None, 32, 32, 4, 2)


def test_unknown_sizes_and_a_fresh_process(tmp_path):
    x = normal(1, 35, 32, 3, 1)
    network = h_dense_unet((None, None, None, 1), 2, slices=SMALL, volume=SMALL, classifier_activation="softmax")
    assert network.output_shape == (None, None, None, None, 2)
    known = h_dense_unet((35, 32, 3, 1), 2, slices=SMALL, volume=SMALL, classifier_activation="softmax")
    known.set_weights(network.get_weights())
    np.testing.assert_allclose(network(x), known(x), atol=1e-6)
    np.testing.assert_allclose(np.sum(network(x), axis=-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(outputs_after_reload({"hybrid": (network, x)}, tmp_path)["hybrid"], network(x))


def test_bad_arguments_are_refused():
    assert {"dense_unet", "h_dense_unet"} <= set(networks.list())
    for factory, options, message in (
        (dense_unet, {"input_shape": (32, 32, 4, 1)}, "`input_shape`"),
        (dense_unet, {"input_shape": (32, 32, 1), "layers": (1, 1)}, "four entries"),
        (dense_unet, {"input_shape": (32, 32, 1), "up_filters": (1, 1, 0, 1, 1)}, "`up_filters`"),
        (h_dense_unet, {"input_shape": (32, 32, 1)}, "`input_shape`"),
        (h_dense_unet, {"input_shape": (32, 32, 4, 1), "slices": SMALL}, "end in as many channels"),
        (h_dense_unet, {"input_shape": (32, 32, 4, 1), "neighbours": 0}, "`neighbours`"),
    ):
        with pytest.raises(ValueError, match=f"{message}.*Received: "):
            factory(num_classes=2, **options)
