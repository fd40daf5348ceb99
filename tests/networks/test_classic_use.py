"""What the classic networks are used for: features, anti-aliasing, turned digits, auxiliary heads, training steps."""

import keras
import numpy as np
import pytest

from keras_dl import layers, models, networks


def images(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


STAGES = {  # options, and how much smaller than the image each stage's maps are
    "lenet5": ({}, {"stage_1": 1.03, "stage_2": 2.2}),
    "alexnet": ({"width": 0.125, "two_streams": True}, {"stage_1": 4, "stage_2": 8, "stage_3": 16}),
    "vgg13": ({"width": 4}, {"stage_1": 1, "stage_2": 2, "stage_3": 4, "stage_4": 8, "stage_5": 16}),
    "googlenet": ({}, {"stage_1": 2, "stage_2": 4, "stage_3": 8, "stage_4": 16, "stage_5": 32}),
    "resnet18": ({"width": 4}, {"stem": 2, "stage_1": 4, "stage_2": 8, "stage_3": 16, "stage_4": 32}),
    "resnet20": ({}, {"stem": 1, "stage_1": 1, "stage_2": 2, "stage_3": 4}),
    "densenet121": ({"growth_rate": 2}, {"stem": 2, "stage_1": 4, "stage_2": 8, "stage_3": 16, "stage_4": 32}),
    "densenet40": ({"growth_rate": 2}, {"stem": 1, "stage_1": 1, "stage_2": 2, "stage_3": 4}),
    "squeezenet1_1": ({}, {"stem": 2, "stage_1": 4, "stage_2": 8, "stage_3": 16}),
    "network_in_network": ({}, {"stage_1": 1, "stage_2": 2, "stage_3": 4}),
    "h_net": ({}, {"stage_1": 1, "stage_2": 2, "stage_3": 4}),
}


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.grid(
    "False-lenet5",
    "True-alexnet",
    "False-googlenet",
    "True-resnet20",
    "False-squeezenet1_1",
    "True-h_net",
)
def test_stages(name, antialias):
    """The names and the sizes of the stages, in their order, anti-aliased or not."""
    options, strides = STAGES[name]
    options = {**options, **({"antialias": True} if antialias else {})}
    with keras.StatelessScope(initialize_variables=False):
        network = networks.create(name, input_shape=(128, 128, 3), include_top=False, **options)
        found = networks.features(network).output
    assert list(found) == list(strides)
    for stage, stride in strides.items():
        for side in found[stage].shape[1:3]:
            assert abs(side - 128 / stride) <= 2, (stage, side)


def test_features_are_the_networks_own():
    network = networks.resnet_cifar((16, 16, 1), depth=8, preactivation=True)
    x = images(2, 16, 16, 1)
    maps = networks.features(network)
    assert maps.name == "resnet8_features" and maps.layers[1] is network.layers[1]
    top = keras.Model(network.get_layer("pooling").input, network.output)
    np.testing.assert_allclose(top(maps(x)["stage_3"]), network(x), atol=1e-6)  # the last stage, activated
    chosen = networks.features(network, ["stage_2", "pooling"])(x)
    np.testing.assert_array_equal(chosen["stage_2"], maps(x)["stage_2"])
    assert chosen["pooling"].shape == (2, 64)
    assert networks.features(network, "stem")(x)["stem"].shape == (2, 16, 16, 16)


def test_features_that_are_not_there():
    network = networks.resnet20((16, 16, 1))
    for layers_asked in (["stage_4"], ["stage_2", "fc"], []):
        with pytest.raises(ValueError, match=r"\['stem', 'stage_1', 'stage_2', 'stage_3'\].*Received: layers="):
            networks.features(network, layers_asked)
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="last")])
    with pytest.raises(ValueError, match="Received: layers=None"):
        networks.features(plain)
    assert networks.features(plain, ["last"])(np.zeros((1, 3)))["last"].shape == (1, 2)


def antialiased(name, **options):
    with keras.StatelessScope(initialize_variables=False):
        return networks.create(name, input_shape=(128, 128, 3), antialias=True, **options)


def test_antialiasing_is_where_zhang_puts_it():
    """Zhang 2019, section 3: max pooling is a maximum, then blurred; a strided convolution is blurred behind its
    activation; average pooling is blurred."""
    vgg = antialiased("vgg11", include_top=False)
    assert sum(isinstance(layer, layers.MaxBlurPool2D) for layer in vgg.layers) == 5
    alexnet = antialiased("alexnet", include_top=False)
    assert alexnet.get_layer("stage_1_conv").strides == 2 and alexnet.get_layer("stage_1_blur").strides == 2
    resnet = antialiased("resnet18", include_top=False)
    assert isinstance(resnet.get_layer("stem_pool"), layers.MaxBlurPool2D)
    blurred = {layer.name for layer in resnet.layers if getattr(layer, "antialias", False) and layer.strides == 2}
    assert blurred == {"stage_2_block_1", "stage_3_block_1", "stage_4_block_1"}
    densenet = antialiased("densenet40")
    assert {densenet.get_layer(f"transition_{i}").pooling for i in (1, 2)} == {"blur"}
    for network in (vgg, alexnet, resnet, densenet, antialiased("squeezenet1_1"), antialiased("googlenet")):
        plain = [layer for layer in network.layers if isinstance(layer, keras.layers.MaxPooling2D)]
        assert not plain, network.name


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vgg11", {"width": 4}),
        ("resnet18", {"width": 8}),
        ("resnet20", {}),
        ("densenet_bc_40", {}),
        ("network_in_network", {}),
        ("squeezenet1_1", {}),
    ],
)
@pytest.mark.grid("vgg11-options0", "network_in_network-options4")
def test_antialiased_features_change_less_under_shifts(name, options):
    """Noise shifted by two pixels, which the stems' own strides keep: the change beside the spread over images."""
    canvas = np.pad(images(12, 40, 40, 1), [(0, 0), (12, 12), (12, 12), (0, 0)])
    x, shifted = canvas[:, 2:62, 2:62], canvas[:, 4:64, 2:62]
    options = {**options, "input_shape": (60, 60, 1), "include_top": False, "pooling": "avg"}
    change = {}
    for antialias in (False, True):
        keras.utils.set_random_seed(0)
        network = networks.create(name, antialias=antialias, **options)
        a, b = network(x).numpy(), network(shifted).numpy()
        change[antialias] = np.linalg.norm(a - b) / np.linalg.norm(a - a.mean(0))
    assert change[True] < 0.85 * change[False], change


@pytest.mark.parametrize("antialias", [False, True])
def test_h_net_scores_do_not_turn(antialias):
    """Exactly for quarter turns; for others less than a convolutional network's."""
    network = networks.h_net((20, 20, 1), filters=4, antialias=antialias)
    x = np.zeros((6, 20, 20, 1), "float32")
    x[:, 4:16, 4:16] = keras.ops.image.resize(images(6, 4, 4, 1), (12, 12), interpolation="bicubic")
    for weight in network.weights:
        if weight.name == "moving_mean":
            weight.assign(weight + 0.1)
    scores = network(x).numpy()
    for times in (1, 2, 3):
        np.testing.assert_allclose(network(np.rot90(x, times, (1, 2))), scores, atol=1e-5 * np.abs(scores).max())
    turned = keras.layers.RandomRotation((1 / 12, 1 / 12), fill_mode="constant")(x, training=True)
    change = np.linalg.norm(network(turned) - scores) / np.linalg.norm(scores - scores.mean(0))
    plain = networks.lenet5((20, 20, 1))
    expected = plain(x).numpy()
    assert change < 0.4 * np.linalg.norm(plain(turned) - expected) / np.linalg.norm(expected - expected.mean(0))


@pytest.mark.full
def test_auxiliary_heads_train_with_supervised():
    """The paper's weights, 1 and twice 0.3; the heads reach down to the first layer; the network goes on alone."""
    network = networks.googlenet((32, 32, 1), 3, auxiliary_heads=True, batch_norm=True)
    model = models.Supervised(network, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    heads = {"classes": 1.0, "auxiliary_1": 0.3, "auxiliary_2": 0.3}
    model.compile(keras.optimizers.SGD(0.01), loss=dict.fromkeys(heads, loss), loss_weights=heads)
    x, y = images(8, 32, 32, 1), np.arange(8) % 3
    before = [weight.numpy() for weight in network.trainable_weights]
    scores = network(x)
    expected = sum(share * float(loss(y, scores[head])) for head, share in heads.items())
    found = model.evaluate(x, dict.fromkeys(heads, y), batch_size=8, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    model.fit(x, dict.fromkeys(heads, y), batch_size=8, verbose=0)
    for weight, old in zip(network.trainable_weights, before, strict=True):
        assert np.abs(weight.numpy() - old).max() > 0, weight.path
    alone = keras.Model(network.input, network.output["classes"])
    np.testing.assert_array_equal(alone(x), network(x)["classes"])
    assert not any("auxiliary" in layer.name for layer in alone.layers)


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "options"),
    [("resnet18", {"width": 4, "small_stem": True}), ("h_net", {"filters": 2})],
)
def test_a_few_steps_learn(name, options):
    """A stock `fit`, on two kinds of images that any classifier tells apart."""
    rng = np.random.default_rng(0)
    y = np.arange(32) % 2
    x = (0.3 * rng.standard_normal((32, 12, 12, 1)) + np.where(y, 1.0, 0.0)[:, None, None, None]).astype("float32")
    model = networks.create(name, input_shape=(12, 12, 1), num_classes=2, **options)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3), loss=loss, metrics=["accuracy"], jit_compile=False)
    history = model.fit(x, y, batch_size=16, epochs=6, verbose=0).history
    assert history["accuracy"][-1] > 0.9 and history["loss"][-1] < min(0.5, history["loss"][0])
