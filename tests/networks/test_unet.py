"""U-Nets: published counts and sizes, the contract, any size, options, and the published network written out."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_dl import models, networks
from keras_dl.layers import PReLU
from keras_dl.networks import unet, unet3d, unet_levels
from keras_dl.testing import check_network
from tests.contracts.fresh_process import outputs_after_reload

SMALL = (2, 3, 4)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def count(network):
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


@pytest.mark.parametrize(
    ("channels", "classes", "options", "expected"),
    [
        (1, 1, {}, 31_030_593),
        (1, 2, {"padding": "valid"}, 31_030_658),
        (3, 1, {}, 31_031_745),
        (3, 2, {}, 31_031_810),
        (1, 1, {"normalization": "batch", "use_bias": True}, 31_042_369),
        (3, 1, {"normalization": "batch", "use_bias": True}, 31_043_521),
    ],
)
@pytest.mark.grid("1-2-options1-31030658", "3-1-options5-31043521")
def test_published_counts(channels, classes, options, expected):
    assert count(unet((572, 572, channels), classes, **options)) == expected


def test_published_count_of_the_3d_unet():
    network = unet3d((132, 132, 116, 3), 3, padding="valid")
    assert count(network) == 19_069_955
    assert network.output_shape == (None, 44, 44, 28, 3)


def test_valid_sizes():
    """572 to 388, and each size in between as in figure 1 of the paper."""
    network = unet((572, 572, 1), 2, filters=(1, 1, 1, 1, 1), padding="valid")
    assert network.output_shape == (None, 388, 388, 2)
    sizes = [network.get_layer(f"down_{i}_conv_2").output.shape[1] for i in range(1, 6)]
    assert sizes == [568, 280, 136, 64, 28]
    sizes = [network.get_layer(f"up_{i}_conv_2").output.shape[1] for i in range(4, 0, -1)]
    assert sizes == [52, 100, 196, 388]


# By hand, one level after another. SMALL, 1 channel, 2 classes, 3x3, biases:
# down 20 + 38, 57 + 84, 112 + 148; up 2x2 4->3 51, 6->3 165 + 84; 2x2 3->2 26, 4->2 74 + 38; classes 6
PLAIN = 20 + 38 + 57 + 84 + 112 + 148 + 51 + 165 + 84 + 26 + 74 + 38 + 6
# Filters (2, 3), 4 channels, 1 class, kernels (1, 3, 3) and 3, strides (1, 2, 2), instance norms, 2 numbers a channel:
# down 72 + 4, 36 + 4; strided 162 + 6, 243 + 6; up (1, 2, 2) 3->2 26; 4->2 72 + 4, 36 + 4; classes 3
ANISOTROPIC = 76 + 40 + 168 + 249 + 26 + 76 + 40 + 3
# Filters (2, 4), residual and attention, batch norms: down 18 + 4, 36 + 4, shortcut 1->2 2 + 4; 72 + 8, 144 + 8,
# shortcut 2->4 8 + 8; gate: 2x2 2->1 8, 1x1 4->1 5, 1x1 1->1 2; up 34; 72 + 4, 36 + 4, shortcut 4->2 8 + 4; classes 9
RESIDUAL = 22 + 40 + 6 + 80 + 152 + 16 + 15 + 34 + 76 + 40 + 12 + 9


@pytest.mark.parametrize(
    ("shape", "classes", "options", "output", "parameters"),
    [
        ((8, 12, 1), 2, {"filters": SMALL}, (8, 12), PLAIN),
        ((7, 9, 1), 2, {"filters": SMALL, "dropout": 0.1}, (7, 9), PLAIN),
        ((44, 45, 1), 2, {"filters": SMALL, "padding": "valid"}, (4, 5), PLAIN),
        (
            (3, 5, 6, 4),
            1,
            {
                "filters": (2, 3),
                "kernel_size": ((1, 3, 3), 3),
                "pool_size": (1, 2, 2),
                "down": "conv",
                "normalization": "instance",
                "activation": "leaky_relu",
            },
            (3, 5, 6),
            ANISOTROPIC,
        ),
        (
            (6, 5, 1),
            3,
            {"filters": (2, 4), "residual": True, "attention": True, "normalization": "batch"},
            (6, 5),
            RESIDUAL,
        ),
    ],
    ids=["plain", "odd", "valid", "anisotropic", "residual"],
)
@pytest.mark.grid("anisotropic")
def test_contract(shape, classes, options, output, parameters):
    check_network(lambda: unet(shape, classes, **options), 0.5 * normal(2, *shape), (*output, classes), parameters)


def test_contract_of_the_3d_unet():
    """Filters (2, 4), 1 channel: down 27 + 1, 54 + 2; 108 + 2, 216 + 4; up 2x2x2 4->4; 6->2 324 + 2, 108 + 2; 6."""
    parameters = 28 + 56 + 110 + 220 + 128 + 326 + 110 + 6
    check_network(lambda: unet3d((4, 5, 6, 1), 2, filters=(2, 4)), normal(2, 4, 5, 6, 1), (4, 5, 6, 2), parameters)


def test_the_published_network_written_out():
    """The same weights in Keras layers of two levels, with the crops of 4 pixels on either side, give the same."""
    network = unet((20, 24, 1), 2, filters=(3, 5), padding="valid")
    inputs = x = keras.Input((20, 24, 1))
    for filters in (3, 3):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
    skip, x = x, layers.MaxPooling2D(2)(x)
    for filters in (5, 5):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
    x = layers.Concatenate()([layers.Cropping2D(4)(skip), layers.Conv2DTranspose(3, 2, strides=2)(x)])
    for filters in (3, 3):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
    reference = keras.Model(inputs, layers.Conv2D(2, 1)(x))
    reference.set_weights(network.get_weights())
    x = normal(2, 20, 24, 1)
    np.testing.assert_allclose(network(x), reference(x), atol=1e-6)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_any_size_is_padded_and_cut_back(padding):
    options = {"filters": SMALL, "padding": padding, "num_classes": 2}
    fitting = unet((None, None, 1), **options)
    for size, larger in (((45, 50), (48, 52)), ((48, 52), (48, 52))):
        network = unet((*size, 1), **options)
        network.set_weights(fitting.get_weights())
        x = normal(1, *size, 1)
        zeros = np.pad(x, [(0, 0), *((0, b - a) for a, b in zip(size, larger, strict=True)), (0, 0)])
        margin = 40 if padding == "valid" else 0
        expected = np.asarray(fitting(zeros))[:, : size[0] - margin, : size[1] - margin]
        for output in (network(x), fitting(x)):
            assert output.shape == (1, size[0] - margin, size[1] - margin, 2)
            np.testing.assert_allclose(output, expected, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"residual": True}], ids=["plain", "residual"])
def test_unpadded_tiles_are_parts_of_the_whole(options):
    """Without padding no border shows: a tile of the image gives that part of the whole image's output."""
    network = unet((None, None, 1), 2, filters=SMALL, padding="valid", **options)
    x = normal(1, 56, 52, 1)
    tile = network(x[:, 8:52, 4:48])
    assert tile.shape == (1, 4, 4, 2)
    np.testing.assert_allclose(tile, network(x)[:, 8:12, 4:8], atol=1e-6)


def test_unpadded_with_gates():
    """A gate that is shut, its bias low, leaves nothing of the skip; open, it is the network without gates."""
    network = unet((20, 24, 1), 2, filters=(3, 5), padding="valid", attention=True, residual=True)
    plain = unet((20, 24, 1), 2, filters=(3, 5), padding="valid", residual=True)
    gate, x = network.get_layer("up_1_gate"), normal(2, 20, 24, 1)
    for layer in plain.layers:
        layer.set_weights(network.get_layer(layer.name).get_weights())
    gate.score.set_weights([0 * gate.score.kernel.numpy(), np.array([100.0])])
    np.testing.assert_allclose(network(x), plain(x), atol=1e-6)
    gate.score.set_weights([0 * gate.score.kernel.numpy(), np.array([-100.0])])
    skipped = keras.Model(network.inputs[0], network.get_layer("up_1_concatenate").output)
    assert np.abs(np.asarray(skipped(x))[..., :3]).max() < 1e-6


def test_unknown_sizes_compile_and_take_one_pixel():
    network = unet((None, None, None, 1), 2, filters=(2, 3), activation=PReLU(), up="nearest", down="average")
    assert network.output_shape == (None, None, None, None, 2)
    assert network(normal(1, 1, 1, 1, 1)).shape == (1, 1, 1, 1, 2)
    assert network.predict(normal(3, 2, 5, 3, 1), verbose=0).shape == (3, 2, 5, 3, 2)


@pytest.mark.parametrize("network", [unet, networks.unet_plus_plus])
def test_the_gradient_knows_no_crops(network):
    """Only what was padded is cut off, once at the end: a crop of everything would take time on the way back."""
    operations = {}
    for size in (8, None):
        made = network((size, size, 1), 1, filters=SMALL)

        @tf.function
        def gradients(x, made=made):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(made(x, training=True))
            return tape.gradient(loss, made.trainable_variables)

        graph = gradients.get_concrete_function(tf.TensorSpec((2, size, size, 1))).graph
        operations[size] = [operation.type for operation in graph.get_operations()]
    assert [operations[size].count("StridedSliceGrad") for size in (8, None)] == [0, 1]


def test_padding_does_not_reach_far_pixels():
    """A pixel sees no further than the receptive field: other pixels beyond it change nothing."""
    network = unet((None, None, 1), 1, filters=(2, 2))
    x = normal(1, 40, 40, 1)
    y = x.copy()
    y[:, 30:] = 0
    np.testing.assert_array_equal(np.asarray(network(x))[:, :20], np.asarray(network(y))[:, :20])
    assert np.abs(np.asarray(network(x)) - network(y))[:, 28].max() > 0


def test_a_shortcut_around_convolutions_that_give_nothing():
    """With the convolutions of a residual stage at zero its output is the activated shortcut."""
    network = unet((4, 4, 2), 1, filters=(2, 3), residual=True)
    stage = keras.Model(network.inputs, network.get_layer("down_1_activation").output)
    for name in ("down_1_conv_1", "down_1_conv_2"):
        network.get_layer(name).set_weights([0 * w for w in network.get_layer(name).get_weights()])
    x = normal(2, 4, 4, 2)
    np.testing.assert_array_equal(stage(x), np.maximum(x, 0))


def test_deep_supervision():
    options = {"filters": (2, 3, 4, 5), "pool_size": ((1, 2), 2, 2)}
    network = unet((13, 10, 1), 2, deep_supervision=True, **options)
    assert network.output_shape == [(None, 13, 10, 2), (None, 13, 5, 2)]
    x = normal(2, 13, 10, 1)
    outputs = network(x)
    assert [tuple(y.shape) for y in outputs] == [(2, 13, 10, 2), (2, 13, 5, 2)]
    plain = unet((13, 10, 1), 2, **options)
    pruned = networks.prune(network)
    plain.set_weights(pruned.get_weights())
    for other in (plain, pruned):
        np.testing.assert_array_equal(other(x), outputs[0])
    assert len(unet((8, 8, 1), 2, filters=(1, 1, 1, 1), deep_supervision=3).outputs) == 3
    assert len(unet((8, 8, 1), 2, filters=(1, 1), deep_supervision=True).outputs) == 1


@pytest.mark.full
def test_it_learns_with_several_outputs():
    """A threshold of the image, learned at two resolutions."""
    x = normal(16, 8, 8, 1)
    labels = (x[..., 0] > 0).astype("int32")
    network = unet((8, 8, 1), 2, filters=(8, 8, 8), deep_supervision=2, normalization="batch")
    model = models.Supervised(network, seed=0)
    losses = [keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in range(2)]
    model.compile(keras.optimizers.Adam(1e-2), loss=losses, loss_weights=[1.0, 0.1])
    model.fit(x, (labels, labels[:, ::2, ::2]), batch_size=8, epochs=30, verbose=0)
    assert (np.argmax(networks.prune(network)(x), -1) == labels).mean() > 0.95


def test_reload_in_a_fresh_process(tmp_path):
    x, volume = normal(2, 7, 9, 1), normal(1, 3, 5, 4, 1)
    models = {
        "unet": (unet((None, None, 1), 2, filters=SMALL, attention=True, residual=True, activation="leaky_relu"), x),
        "valid": (unet((21, 22, 1), 2, filters=(2, 3), padding="valid"), normal(1, 21, 22, 1)),
        "unet3d": (unet3d((3, 5, 4, 1), 2, filters=(2, 4)), volume),
    }
    outputs = outputs_after_reload(models, tmp_path)
    for name, (model, inputs) in models.items():
        np.testing.assert_array_equal(outputs[name], model(inputs), err_msg=name)


def test_levels_by_hand():
    """Kernels (1, 3), strides (1, 2), two convolutions: the first axis loses nothing, the second 2 (4 + 2 * 4)..."""
    levels = unet_levels.levels((1, 1), ((1, 3), (1, 3)), ((1, 2),), 2, rank=2)
    sizes = unet_levels.sizes(levels, "valid")
    # Second axis: n - 4 is halved, minus 4, doubled, minus 4: n - 16; the skip n - 4 meets n - 12.
    assert (sizes.multiple, sizes.remainder, sizes.margin, sizes.crops[0]) == ((1, 2), (0, 4), (0, 16), (0, 8))
    assert sizes.minimum == (1, 18)
    assert unet_levels.sizes(levels, "same") == ((1, 2), (0, 0), (1, 2), (0, 0), ((0, 0), (0, 0)))


def test_bad_arguments_are_refused():
    assert {"unet", "unet3d"} <= set(networks.list())
    for options, message in (
        ({"input_shape": (8,)}, "`input_shape`"),
        ({"input_shape": (8, 8, None)}, "`input_shape`"),
        ({"num_classes": 0}, "`num_classes`"),
        ({"filters": ()}, "`filters`"),
        ({"filters": (2, (3, 0))}, "`filters`"),
        ({"kernel_size": (3, 3, 3)}, "`kernel_size`"),
        ({"pool_size": ((2, 2),)}, "`pool_size`"),
        ({"padding": "reflect"}, "`padding`"),
        ({"down": "median"}, "`down`"),
        ({"up": "bilinear"}, "`up`"),
        ({"down": "conv", "padding": "valid"}, "`down`"),
        ({"dropout": 1.0}, "`dropout`"),
        ({"deep_supervision": 4}, "`deep_supervision`"),
        ({"deep_supervision": 2, "padding": "valid"}, "`deep_supervision`"),
        ({"padding": "valid"}, "Unpadded convolutions take 40 pixels"),
    ):
        with pytest.raises(ValueError, match=f"{message}.*Received: "):
            networks.create("unet", **{"input_shape": (8, 8, 1), "num_classes": 2, "filters": SMALL, **options})
    with pytest.raises(ValueError, match="`input_shape` should be .depth.*Received: "):
        unet3d((8, 8, 1), 2)
    for output in (1, -2, 0.0):
        with pytest.raises(ValueError, match="`output`.*Received: "):
            networks.prune(unet((8, 8, 1), 2, filters=(1, 1)), output)
