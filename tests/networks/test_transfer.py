"""Weights from torchvision and keras.applications: the same outputs as theirs, and errors that name the weight."""

import json
import pathlib

import keras
import numpy as np
import pytest

from keras_dl import networks
from tests.frozen.torchvision_weights import images, state_dict

FROZEN = pathlib.Path(__file__).parents[1] / "frozen"
TORCHVISION = json.loads((FROZEN / "torchvision_networks.json").read_text())
OUTPUTS = np.load(FROZEN / "torchvision_networks.npz")


@pytest.mark.parametrize("name", TORCHVISION)
@pytest.mark.grid("alexnet", "googlenet", "resnet18", "squeezenet1_1")
def test_outputs_are_torchvisions(name):
    """In float64, on sizes that are no multiples of the strides, where paddings and the last windows matter."""
    keras.config.set_dtype_policy("float64")
    case = TORCHVISION[name]
    height, width = case["size"]
    ours = name.replace("seresnet", "se_resnet")
    network = networks.create(ours, input_shape=(height, width, 3), num_classes=10, **case["options"])
    networks.transfer_weights(network, state_dict(case["shapes"]))
    expected = OUTPUTS[name]
    outputs = network(images(2, height, width, 3).astype("float64"))
    np.testing.assert_allclose(outputs, expected, atol=1e-6 * np.abs(expected).max())


def randomized(model):
    """Weights off their initial values, variances positive, and kernels so large that images do not fade."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        noise = 0.1 * rng.standard_normal(weight.shape)
        new = {"kernel": 1.4 * weight, "moving_variance": weight + np.abs(noise)}
        weight.assign(new.get(weight.name, weight + noise))
    return model


APPLICATIONS = {
    "VGG16": ("vgg16", {"head_size": None}),
    "ResNet50": ("resnet50", {"stride_in_1x1": True}),
    "DenseNet121": ("densenet121", {}),
}


@pytest.mark.parametrize("name", APPLICATIONS)
@pytest.mark.grid("VGG16")
def test_outputs_are_those_of_keras_applications(name):
    """In float64; epsilon is 1.001e-5 in their normalizations and 1e-5 in ours."""
    keras.config.set_dtype_policy("float64")
    ours, options = APPLICATIONS[name]
    shape, x = (64, 45, 3), images(2, 64, 45, 3).astype("float64")
    application = getattr(keras.applications, name)
    theirs = randomized(application(weights=None, input_shape=shape, classes=7, classifier_activation=None))
    last_maps = theirs.layers[-4 if name == "VGG16" else -2].input
    theirs = keras.Model(theirs.input, [theirs.output, last_maps])
    scores, maps = theirs(x)
    assert np.abs(scores[0] - scores[1]).max() > 0.02 * np.abs(scores).max()
    for top, expected in ((True, scores), (False, maps)):
        network = networks.create(ours, input_shape=shape, num_classes=7, include_top=top, **options)
        networks.transfer_weights(network, theirs)
        np.testing.assert_allclose(network(x), expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.full
def test_auxiliary_heads():
    """torchvision's aux1 and aux2; what the network without the heads has no use for."""
    case = TORCHVISION["googlenet"]
    shapes = dict(case["shapes"])
    for head, channels in (("aux1", 512), ("aux2", 528)):
        shapes |= {f"{head}.conv.conv.weight": (128, channels, 1, 1), f"{head}.fc1.weight": (1024, 512)}
        shapes |= {f"{head}.conv.bn.{kind}": (128,) for kind in ("weight", "bias", "running_mean", "running_var")}
        shapes |= {f"{head}.fc1.bias": (1024,), f"{head}.fc2.weight": (10, 1024), f"{head}.fc2.bias": (10,)}
    weights = state_dict(shapes)
    network = networks.googlenet((160, 160, 3), 10, auxiliary_heads=True, **case["options"])
    networks.transfer_weights(network, weights)
    kernel = network.get_layer("auxiliary_2_dense").kernel.numpy().reshape(2, 2, 128, 1024)
    np.testing.assert_array_equal(kernel, weights["aux2.fc1.weight"].reshape(1024, 128, 2, 2).transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(network.get_layer("auxiliary_1").kernel, weights["aux1.fc2.weight"].T)
    networks.transfer_weights(networks.googlenet((32, 32, 3), 10, **case["options"]), weights)


def small():
    """A small network and a state dict that fits it."""
    network = networks.resnet18((16, 16, 2), 3, width=2)
    shapes = {}
    for name, shape in TORCHVISION["resnet18"]["shapes"].items():
        narrow = [n if n in (1, 3, 7) and i > 1 else -(-n // 32) for i, n in enumerate(shape)]
        shapes[name] = {"conv1.weight": [2, 2, 7, 7], "fc.weight": [3, 16], "fc.bias": [3]}.get(name, narrow)
    return network, state_dict(shapes)


def test_npz_files_and_skipped_layers(tmp_path):
    network, weights = small()
    np.savez(tmp_path / "weights.npz", **weights)
    before = network.get_layer("classes").get_weights()
    networks.transfer_weights(network, tmp_path / "weights.npz", skip=["classes"])
    np.testing.assert_array_equal(network.get_layer("classes").get_weights()[0], before[0])
    stem = {weight.name: weight.numpy() for weight in network.get_layer("stem").weights}
    np.testing.assert_array_equal(stem["kernel"][4, 5, 1, 0], weights["conv1.weight"][0, 1, 4, 5])
    np.testing.assert_array_equal(stem["moving_variance"], weights["bn1.running_var"])
    networks.transfer_weights(network, str(tmp_path / "weights.npz"))
    np.testing.assert_array_equal(network.get_layer("classes").kernel, weights["fc.weight"].T)


def test_other_names():
    """Sources with names of their own bring a function."""
    network, weights = small()
    renamed = {f"net.{name}": array for name, array in weights.items()}
    known = networks.transfer_names.source_names
    parts = [weight.path.rpartition("/")[0] for weight in network.weights]
    places = known([layer.name for layer in network.layers], parts, "torchvision")
    networks.transfer_weights(network, renamed, names=lambda path: f"net.{places[path]}")
    np.testing.assert_array_equal(network.get_layer("classes").kernel, weights["fc.weight"].T)


def without(name):
    return lambda weights: {key: array for key, array in weights.items() if key != name}


def with_zeros(name, *shape):
    return lambda weights: {**weights, name: np.zeros(shape)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("layer3.1.bn2.running_mean"), "layer3.1.bn2 .* stage_3_block_2/conv_2/.*moving_mean"),
        (without("layer2.0.conv1.weight"), "should have layer2.0.conv1 for stage_2_block_1/conv_1/convolution"),
        (with_zeros("layer5.0.conv1.weight", 2, 2, 3, 3), "'resnet18'.*Received: layer5.0.conv1"),
        (with_zeros("conv1.bias", 3), "conv1 does not fit stem/convolution.*bias"),
        (with_zeros("fc.weight", 4, 16), r"fc does not fit classes.*\(16, 3\).*skip=\['classes'\].*\(16, 4\)"),
        (with_zeros("conv1.weight", 2, 3, 7, 7), r"conv1 does not fit stem/convolution.*\(7, 7, 3, 2\)"),
        (with_zeros("bn1.bias", 3), r"bn1 does not fit stem/normalization.*beta.*\(2,\)"),
        (lambda weights: 3, "`source` should be a path"),
    ],
)
def test_mismatches_name_the_weight_and_change_nothing(change, message):
    network, weights = small()
    before = network.get_weights()
    with pytest.raises(ValueError, match=f"(?s){message}") as error:
        networks.transfer_weights(network, change(weights))
    assert "Received: " in str(error.value)
    for a, b in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_networks_without_counterpart_are_refused():
    weights = small()[1]
    for network in (networks.lenet5((28, 28, 1)), networks.resnet18((16, 16, 2), 3, width=2, preactivation=True)):
        with pytest.raises(ValueError, match="counterpart.*Received: "):
            networks.transfer_weights(network, weights)
