"""UNet++: the published count, the contract, the nested skips written out, deep supervision and pruning."""

import math

import keras
import numpy as np
import pytest
from keras import layers

from keras_dl import models, networks
from keras_dl.networks import prune, unet_plus_plus
from keras_dl.testing import check_network
from tests.contracts.fresh_process import outputs_after_reload

SMALL = (2, 3, 4)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def count(network):
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def test_published_count():
    assert count(unet_plus_plus((96, 96, 3), 1)) == 9_042_177
    # Three more 1x1 convolutions of 32 channels to one class.
    assert count(unet_plus_plus((96, 96, 3), 1, deep_supervision=True)) == 9_042_177 + 3 * 33


# SMALL, 1 channel, 2 classes. Way down 58, 141, 260. Level 2 to 1: up 4->3 51, H 6->3 249. To level 0, twice: up 3->2
# 26; H of 4->2 112 and of 6->2 148. Classes 6.
PARAMETERS = 58 + 141 + 260 + 51 + 249 + 2 * 26 + 112 + 148 + 6


@pytest.mark.parametrize("size", [(8, 12), (7, 9)])
@pytest.mark.grid("size1")
def test_contract(size):
    def build():
        return unet_plus_plus((*size, 1), 2, filters=SMALL)

    # X^{0,1} serves X^{0,2} as a skip, so that all of it learns without outputs of its own.
    check_network(build, normal(2, *size, 1), (*size, 2), PARAMETERS)


def written_out(made):
    """UNet++ of three levels in Keras layers, joined as in figure 1b of the paper; appends the layers to `made`."""

    def apply(layer, x):
        made.append(layer)
        return layer(x)

    def h(x, filters):
        for _ in range(2):
            x = apply(layers.Conv2D(filters, 3, padding="same", activation="relu"), x)
        return x

    def up(x, filters):
        return apply(layers.Conv2DTranspose(filters, 2, strides=2), x)

    inputs = keras.Input((8, 12, 1))
    x_00 = h(inputs, 2)
    x_10 = h(layers.MaxPooling2D(2)(x_00), 3)
    x_20 = h(layers.MaxPooling2D(2)(x_10), 4)
    x_01 = h(layers.Concatenate()([x_00, up(x_10, 2)]), 2)
    x_11 = h(layers.Concatenate()([x_10, up(x_20, 3)]), 3)
    x_02 = h(layers.Concatenate()([x_00, x_01, up(x_11, 2)]), 2)
    return keras.Model(inputs, [apply(layers.Conv2D(2, 1), x) for x in (x_01, x_02)])


def test_the_nested_skips_written_out():
    network, made = unet_plus_plus((8, 12, 1), 2, filters=SMALL, deep_supervision=True), []
    reference = written_out(made)
    parts = {"0": ("conv_1", "conv_2"), "1": ("up", "conv_1", "conv_2"), "2": ("up", "conv_1", "conv_2")}
    nodes = ("x_0_0", "x_1_0", "x_2_0", "x_0_1", "x_1_1", "x_0_2")
    names = [f"{node}_{part}" for node in nodes for part in parts[node[-1]]] + ["classes_1", "classes_2"]
    for name, layer in zip(names, made, strict=True):
        layer.set_weights(network.get_layer(name).get_weights())
    x = normal(2, 8, 12, 1)
    for output, expected in zip(network(x), reference(x), strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-6)


def test_pruning_keeps_the_output_and_drops_what_it_does_not_need():
    network = unet_plus_plus((7, 9, 1), 2, filters=(2, 3, 4, 5), deep_supervision=True)
    x = normal(2, 7, 9, 1)
    outputs = network(x)
    assert [tuple(y.shape) for y in outputs] == [(2, 7, 9, 2)] * 3
    for j in range(3):
        pruned = prune(network, j)
        np.testing.assert_array_equal(pruned(x), outputs[j])
        # The way down to level j + 1, the nodes X^{i,k} with i + k <= j + 1, and one output.
        alone = unet_plus_plus((7, 9, 1), 2, filters=(2, 3, 4, 5)[: j + 2])
        assert count(pruned) == count(alone)
        alone.set_weights(pruned.get_weights())
        assert all("classes" not in layer.name or layer.name == f"classes_{j + 1}" for layer in pruned.layers)
    assert count(prune(network, -1)) == count(network) - 2 * 6


@pytest.mark.full
def test_one_target_trains_all_outputs():
    """A threshold of the image, read off both depths."""
    x = normal(16, 8, 8, 1)
    labels = (x[..., 0] > 0).astype("int32")
    network = unet_plus_plus((8, 8, 1), 2, filters=(8, 8, 8), deep_supervision=True, normalization="batch")
    model = models.Supervised(network, seed=0)
    model.compile(keras.optimizers.Adam(1e-2), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, labels, batch_size=8, epochs=30, verbose=0)
    for output in range(2):
        assert (np.argmax(prune(network, output)(x), -1) == labels).mean() > 0.95


@pytest.mark.full
def test_volumes_unknown_sizes_and_a_fresh_process(tmp_path):
    volume = unet_plus_plus((None, None, None, 4), 2, filters=(2, 3), pool_size=(1, 2, 2), kernel_size=(1, 3, 3))
    assert volume(normal(1, 1, 1, 1, 4)).shape == (1, 1, 1, 1, 2)
    image = unet_plus_plus((7, 9, 1), 1, filters=SMALL, residual=True, normalization="instance")
    models = {"volume": (volume, normal(1, 3, 5, 4, 4)), "image": (image, normal(2, 7, 9, 1))}
    outputs = outputs_after_reload(models, tmp_path)
    for name, (model, inputs) in models.items():
        np.testing.assert_array_equal(outputs[name], model(inputs), err_msg=name)


def test_bad_arguments_are_refused():
    assert "unet_plus_plus" in networks.list()
    for options, message in (
        ({"input_shape": (8, 8, 8, 8, 1)}, "`input_shape`"),
        ({"filters": (4,)}, "`filters`"),
        ({"filters": 4}, "`filters`"),
        ({"num_classes": 1.5}, "`num_classes`"),
    ):
        with pytest.raises(ValueError, match=f"{message}.*Received: "):
            unet_plus_plus(**{"input_shape": (8, 8, 1), "num_classes": 2, "filters": SMALL, **options})
