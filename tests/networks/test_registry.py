"""Networks by name."""

import keras
import numpy as np
import pytest

from keras_dl import layers, networks


def test_create_builds_what_the_factory_builds():
    network = networks.create("conv_decoder", latent_size=2, output_shape=(8, 8, 1), filters=(3, 2), hidden=())
    expected = networks.conv_decoder(2, (8, 8, 1), filters=(3, 2), hidden=())
    assert network.get_config() == expected.get_config()


def test_list_is_sorted_and_complete():
    names = networks.list()
    assert names == sorted(names)
    assert {"conv_decoder", "conv_encoder", "mlp_decoder", "mlp_encoder"} <= set(names)
    assert all(callable(getattr(networks, name)) for name in names)


def test_unknown_names_bring_the_nearest():
    with pytest.raises(ValueError, match="did you mean mlp_encoder.*Received: 'mlp_encodr'"):
        networks.create("mlp_encodr")
    with pytest.raises(ValueError, match="did you mean conv_decoder.*Received: 'ConvDecoder'"):
        networks.create("ConvDecoder")
    with pytest.raises(ValueError, match=r"did you mean lenet5\?.*Received: 'lenet'"):
        networks.create("lenet")
    with pytest.raises(ValueError, match="should be the name of a network.*Received: name=3"):
        networks.create(3)


def test_arguments_in_order_pass_through():
    assert networks.create("mlp_encoder", (8, 8, 1), 4).output_shape == (None, 8)
    with pytest.raises(ValueError, match="did you mean resnet18.*Received: 'resnet-18'"):
        networks.create("resnet-18", (64, 64, 3), 10)
    with pytest.raises(TypeError, match="mlp_encoder should be given input_shape.*positional argument.*Received: .8"):
        networks.create("mlp_encoder", (8, 8, 1), 4, (8,), "relu", 1, 2, 3, 4, 5, 6, 7, 8, 9)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet18", {"classes": 10}, "resnet18 takes input_shape, .*did you mean num_classes for classes.*classes=10"),
        ("lenet5", {"weights": "imagenet"}, "lenet5 takes input_shape, .* name. Received: weights='imagenet'"),
        ("mlp_encoder", {"hiden": (8,)}, "did you mean hidden for hiden.*Received: hiden"),
        ("resnet18", {"num_classes": 10}, "resnet18 should be given input_shape, .*'input_shape'.*num_classes"),
    ],
)
def test_arguments_that_are_unknown_or_missing(name, options, message):
    """In our words and not in Python's, with the nearest that there is."""
    for build in (lambda: networks.create(name, **options), lambda: getattr(networks, name)(**options)):
        with pytest.raises(TypeError, match=message):
            build()


def test_factories_are_given_what_their_checks_return():
    """Sizes may come as numpy's integers, in arrays, and from iterators, which a check has read to their end."""
    sizes = {"filters": iter((3, 2)), "hidden": iter([np.int64(4)])}
    network = networks.conv_decoder(np.int64(2), np.array([8, 8, 1]), parameters_per_value=np.int64(2), **sizes)
    expected = networks.conv_decoder(2, (8, 8, 1), filters=(3, 2), hidden=(4,), parameters_per_value=2)
    assert network.get_config() == expected.get_config()


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_channels_first_is_refused(channels_first):
    """In keras.json it would change some of a network's layers and not the others."""
    message = r"(?s)keras\.config\.set_image_data_format\('channels_last'\).*keras\.json.*Received.*channels_first"
    for build in (
        lambda: networks.create("mlp_encoder", (8, 8, 1), 4),
        lambda: networks.create("resnet18", (64, 64, 3), 10),
        lambda: layers.ConvBlock(4),
        lambda: layers.BlurPool2D(),
    ):
        with pytest.raises(ValueError, match=message):
            build()
