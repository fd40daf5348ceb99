"""The classic networks: published counts, the contract, sizes and channels, what their options change."""

import inspect
import math
import re

import keras
import numpy as np
import pytest

from keras_dl import layers, networks
from keras_dl.testing import check_network
from tests.contracts.fresh_process import outputs_after_reload

# torchvision 0.28's and timm's, where they have the network; the papers' and the widely quoted ones else.
IMAGENET = {
    "alexnet": 61_100_840,
    "vgg11": 132_863_336,
    "vgg11_bn": 132_868_840,
    "vgg13": 133_047_848,
    "vgg13_bn": 133_053_736,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "vgg19_bn": 143_678_248,
    "googlenet": 6_998_552,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "se_resnet50": 28_088_024,
    "densenet121": 7_978_856,
    "densenet161": 28_681_000,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
    "squeezenet1_0": 1_248_424,
    "squeezenet1_1": 1_235_496,
}
# A squeeze-and-excitation of ratio 16 on c channels has c c / 8 weights and c + c / 16 biases.
EXCITED = {
    name: IMAGENET[name.removeprefix("se_")]
    + sum(blocks * (c * c // 8 + c + c // 16) for blocks, c in zip(counts, channels, strict=True))
    for name, counts, channels in (
        ("se_resnet18", (2, 2, 2, 2), (64, 128, 256, 512)),
        ("se_resnet34", (3, 4, 6, 3), (64, 128, 256, 512)),
        ("se_resnet101", (3, 4, 23, 3), (256, 512, 1024, 2048)),
    )
}
# ResNet-18's normalizations stand in front of all convolutions but the stem's, shortcuts' and the first block's first.
PREACTIVATED = 64 + 64 + (64 + 64) + sum(c // 2 + c + (c + c) for c in (128, 256, 512)) + 512
CIFAR = {
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "densenet40": 1_019_722,
    "densenet_bc_40": 176_122,
    "densenet_bc_100": 769_162,
    "network_in_network": 966_986,
}
FAMILIES = {"resnet", "resnet_cifar", "vgg", "densenet", "densenet_cifar", "squeezenet", "lenet5", "h_net"}
CLASSIC = [*IMAGENET, *EXCITED, *CIFAR, *FAMILIES]


def images(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def symbolic(name, *shape, **options):
    """Builds a network without memory for its weights."""
    with keras.StatelessScope(initialize_variables=False):
        return networks.create(name, input_shape=shape, **options)


def trainable(network):
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


@pytest.mark.parametrize("name", [*IMAGENET, *EXCITED])
@pytest.mark.grid(
    "alexnet",
    "vgg11_bn",
    "googlenet",
    "resnet18",
    "se_resnet18",
    "densenet121",
    "squeezenet1_0",
    "resnet152",
)
def test_counts_for_a_thousand_classes(name):
    network = symbolic(name, 224, 224, 3)
    assert trainable(network) == (IMAGENET | EXCITED)[name] and network.name == name


@pytest.mark.parametrize("name", CIFAR)
@pytest.mark.grid("resnet20", "densenet_bc_40", "network_in_network")
def test_counts_for_ten_classes(name):
    network = symbolic(name, 32, 32, 3)
    assert trainable(network) == CIFAR[name] and network.name == name


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("alexnet", {"two_streams": True}, 60_965_224),
        ("googlenet", {"batch_norm": True, "large_kernel": 3, "last_pool": 2}, 6_624_904),
        ("googlenet", {"auxiliary_heads": True}, 13_378_280),
        ("resnet18", {"preactivation": True}, 11_689_512 - 2 * 4800 + 2 * PREACTIVATED),
    ],
)
def test_counts_of_other_forms(name, options, count):
    assert trainable(symbolic(name, 224, 224, 3, **options)) == count


def test_counts_without_memory_are_those_with_it():
    assert networks.resnet20((32, 32, 3)).count_params() == symbolic("resnet20", 32, 32, 3).count_params()


SMALL = {
    "alexnet": ({"width": 0.125, "units": 12, "two_streams": True}, (64, 72, 1)),
    "vgg11_bn": ({"width": 4, "units": 12, "head_size": 2}, (32, 40, 2)),
    "googlenet": ({"auxiliary_heads": False}, (32, 31, 2)),
    "resnet18": ({"width": 4, "preactivation": True, "antialias": True}, (36, 33, 2)),
    "resnet_cifar": ({"width": 4, "depth": 8, "squeeze_excite": 2}, (16, 11, 2)),
    "densenet_cifar": ({"growth_rate": 4, "depth": 16}, (16, 11, 2)),
    "squeezenet1_1": ({}, (64, 64, 2)),
    "network_in_network": ({}, (16, 11, 2)),
    "h_net": ({"filters": 2}, (8, 9, 2)),
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.grid("network_in_network")
def test_contract(name):
    options, shape = SMALL[name]
    count = trainable(symbolic(name, *shape, num_classes=5, **options))
    build = lambda: networks.create(name, input_shape=shape, num_classes=5, **options)  # noqa: E731
    check_network(build, images(4, *shape), (5,), count)


def test_reload_in_a_fresh_process(tmp_path):
    models = {}
    for name in ("vgg11_bn", "googlenet", "resnet18", "densenet_cifar", "network_in_network", "h_net"):
        options, shape = SMALL[name]
        network = networks.create(name, input_shape=shape, num_classes=5, classifier_activation="softmax", **options)
        models[name] = (network, images(3, *shape))
    outputs = outputs_after_reload(models, tmp_path)
    for name, (network, x) in models.items():
        np.testing.assert_array_equal(outputs[name], network(x), err_msg=name)
        np.testing.assert_allclose(outputs[name].sum(1), 1.0, rtol=1e-5)


@pytest.mark.parametrize("name", sorted(CLASSIC))
def test_signatures(name):
    """Every network takes the same arguments in the same order."""
    factory = getattr(networks, name)
    parameters = list(inspect.signature(factory).parameters.values())
    names = ["input_shape", "num_classes", "include_top", "pooling", "classifier_activation"]
    assert [parameter.name for parameter in parameters[:5]] == names
    assert [parameter.default for parameter in parameters[2:5]] == [True, None, None]
    assert factory.__name__ == name and factory.__doc__.startswith("Builds ")
    assert name in networks.list()


def test_variants_fix_options_for_good():
    with pytest.raises(TypeError, match="depth"):
        networks.resnet18((32, 32, 3), depth=34)
    network = networks.resnet18((32, 32, 3), 4, False, "avg", width=2, name="mine")
    assert network.name == "mine" and network.output_shape == (None, 16)


WITH_FOUR = [*SMALL, "lenet5", "resnet50"]
WITH_ONE = ["alexnet", "resnet50", "h_net"]


@pytest.mark.parametrize(("channels", "name"), [*((1, name) for name in WITH_ONE), *((4, name) for name in WITH_FOUR)])
@pytest.mark.grid("1-alexnet", "4-lenet5", "1-resnet50", "4-densenet_cifar", "1-h_net", "4-network_in_network")
def test_channels_and_pooling(channels, name):
    """One channel or four, a batch of one; without the top the maps, and their averages and maxima."""
    options = SMALL[name][0] if name in SMALL else {"resnet50": {"width": 2}, "lenet5": {}}[name]
    shape = (80, 70, channels)
    assert symbolic(name, *shape, num_classes=3, **options).output_shape == (None, 3)
    maps = networks.create(name, input_shape=shape, include_top=False, num_classes=None, **options)
    x = images(1, *shape)
    found = maps(x).numpy()
    assert found.ndim == 4 and found.shape == (1, *maps.output_shape[1:]) and np.isfinite(found).all()
    for pooling, reduce in (("avg", np.mean), ("max", np.max)) if channels == 4 else ():
        pooled = networks.create(name, input_shape=shape, include_top=False, pooling=pooling, **options)
        pooled.set_weights(maps.get_weights())
        np.testing.assert_allclose(pooled(x), reduce(found, axis=(1, 2)), atol=1e-4 * np.abs(found).max())


SMALLEST = [
    ("alexnet", {}, 63, 79),
    ("vgg11", {}, 32, 48),
    ("googlenet", {}, 31, 17),
    ("googlenet", {"last_pool": 2}, 15, 17),
    ("resnet18", {}, 1, 17),
    ("resnet18", {"small_stem": True}, 1, 5),
    ("resnet20", {}, 1, 3),
    ("densenet121", {}, 29, 17),
    ("densenet_bc_40", {}, 4, 3),
    ("squeezenet1_0", {}, 21, 15),
    ("squeezenet1_1", {}, 17, 11),
    ("network_in_network", {}, 1, 3),
    ("h_net", {}, 4, 5),
]


@pytest.mark.parametrize(("name", "options", "plain", "antialiased"), SMALLEST)
@pytest.mark.grid(
    "alexnet-options0-63-79",
    "resnet18-options4-1-17",
    "densenet_bc_40-options8-4-3",
    "squeezenet1_1-options10-17-11",
    "h_net-options12-4-5",
)
def test_the_smallest_size_is_named_and_is_the_smallest(name, options, plain, antialiased, monkeypatch):
    for side, antialias in ((plain, {}), (antialiased, {"antialias": True})):
        if side is None:
            continue
        network = symbolic(name, side, side + 9, 3, **options, **antialias)
        network.compute_output_spec(keras.KerasTensor((2, side, side + 9, 3)))
        if side == 1:
            continue
        for shape in ((side - 1, side + 9), (side + 9, side - 1)):
            with pytest.raises(ValueError, match=f"at least {side}x{side} .*Received: input_shape=.{shape[0]}"):
                symbolic(name, *shape, 3, **options, **antialias)
        with monkeypatch.context() as patch:
            patch.setitem(_family(name).__globals__, "image_shape", lambda shape, *_: shape)
            with pytest.raises(ValueError):  # noqa: PT011
                symbolic(name, side - 1, side - 1, 3, **options, **antialias)


def _family(name):
    families = {"vgg11": "vgg", "resnet18": "resnet", "resnet20": "resnet_cifar", "densenet121": "densenet"}
    families |= {"densenet_bc_40": "densenet_cifar", "squeezenet1_0": "squeezenet", "squeezenet1_1": "squeezenet"}
    return getattr(networks, families.get(name, name))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet", {"depth": 20}, "`depth` should be one of .18, 34"),
        ("resnet", {"width": 0}, "`width` should be a positive integer"),
        ("resnet_cifar", {"depth": 21}, "`depth` should be 6 n \\+ 2"),
        ("resnet_cifar", {"projection": "D"}, "`projection`"),
        ("vgg", {"depth": 12}, "`depth` should be one of"),
        ("vgg", {"head_size": 0}, "`head_size` should be a positive integer"),
        ("alexnet", {"width": 0}, "`width` should be positive"),
        ("densenet", {"depth": 120}, "`depth` should be one of"),
        ("densenet_cifar", {"depth": 39}, "`depth` should be 6 n \\+ 4"),
        ("squeezenet", {"version": "1.2"}, "`version` should be one of"),
        ("googlenet", {"last_pool": 4}, "`last_pool` should be one of"),
        ("googlenet", {"auxiliary_heads": True, "include_top": False}, "`auxiliary_heads` needs the top"),
        ("h_net", {"filters": 0}, "`filters` should be a positive integer"),
        ("resnet18", {"num_classes": 0}, "`num_classes` should be a positive integer"),
        ("resnet18", {"pooling": "avg"}, "`pooling` should be"),
        ("resnet18", {"input_shape": (224, 224)}, "`input_shape` should be"),
    ],
)
def test_bad_arguments_are_refused(name, options, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        networks.create(name, **{"input_shape": (224, 224, 3), **options})


def test_two_streams_see_half_the_channels():
    """Krizhevsky et al. 2012, figure 2: 48 of 96, 256 of 256 and 192 of 384 channels."""
    network = symbolic("alexnet", 224, 224, 3, two_streams=True)
    kernels = [w.shape for w in network.weights if w.path.endswith("convolution/kernel")]
    assert kernels == [(11, 11, 3, 96), (5, 5, 48, 256), (3, 3, 256, 384), (3, 3, 192, 384), (3, 3, 192, 256)]
    norm = network.get_layer("stage_1_norm")
    assert (norm.size, norm.alpha / norm.size, norm.beta, norm.k) == (5, 1e-4, 0.75, 2.0)
    one_stream = symbolic("alexnet", 224, 224, 3).layers
    assert not any(isinstance(layer, layers.LocalResponseNormalization) for layer in one_stream)


def test_googlenet_is_table_1():
    """Szegedy et al. 2015, table 1: sizes and channels of every block at 224x224, and 5x5 kernels."""
    network = symbolic("googlenet", 224, 224, 3, auxiliary_heads=True)
    table = {"3a": (28, 256), "3b": (28, 480), "4a": (14, 512), "4b": (14, 512), "4c": (14, 512), "4d": (14, 528)}
    table |= {"4e": (14, 832), "5a": (7, 832), "5b": (7, 1024)}
    for block, (side, channels) in table.items():
        layer = network.get_layer(f"stage_{block[0]}_inception_{block[1]}")
        assert layer.output.shape == (None, side, side, channels)
        assert layer.large_kernel == 5
    assert network.get_layer("auxiliary_1_pool").output.shape == (None, 4, 4, 512)
    assert network.get_layer("auxiliary_2_pool").output.shape == (None, 4, 4, 528)


def test_preactivation_has_identities_from_the_stem_to_the_end():
    """With zero kernels in the blocks' last convolutions, what comes out is the stem's, activated (He et al. 2016)."""
    network = networks.resnet_cifar((8, 8, 2), 3, False, depth=8, width=4, preactivation=True)
    for weight in network.weights:
        if re.search("conv_2/convolution/kernel", weight.path):
            weight.assign(keras.ops.zeros_like(weight))
    x = images(2, 8, 8, 2)
    stem = keras.Model(network.input, network.get_layer("stem").output)(x).numpy()
    expected = np.pad(stem[:, ::4, ::4], [(0, 0)] * 3 + [(6, 6)]) / np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(network(x), expected, atol=1e-6)
