"""Networks by name."""

import pytest

from keras_dl import networks


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
    with pytest.raises(ValueError, match="did you mean .*mlp_encoder.*Received: 3"):
        networks.create(3)
