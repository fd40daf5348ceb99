"""VGG-19 of perceptual losses against the network that Keras offers, at the same random weights."""

import keras
import numpy as np
import pytest

from keras_dl import networks
from keras_dl.testing import check_network

X = np.random.default_rng(0).random((2, 32, 32, 3)).astype("float32")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Keras' VGG-19 without its head, and a file of its weights."""
    keras.utils.set_random_seed(0)
    model = keras.applications.VGG19(include_top=False, weights=None, input_shape=(None, None, 3))
    path = tmp_path_factory.mktemp("vgg19") / "random.weights.h5"
    model.save_weights(path)
    return model, path


@pytest.mark.parametrize("layer", ["block2_conv2", "block3_conv1"])
def test_maps_are_those_of_prepared_images(source, layer):
    model, path = source
    prepared = keras.applications.vgg19.preprocess_input(255 * X)
    expected = keras.Model(model.input, model.get_layer(layer).output)(prepared)
    maps = networks.vgg19_maps(layer, weights=str(path))(X)
    np.testing.assert_allclose(maps, expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())


def test_maps_before_the_activation(source, tmp_path):
    before = networks.vgg19_maps("block2_conv2", activated=False, weights=str(source[1]))
    before.save(tmp_path / "maps.keras")
    maps = keras.saving.load_model(tmp_path / "maps.keras")(X)
    assert np.min(maps) < 0
    after = networks.vgg19_maps("block2_conv2", weights=str(source[1]))(X)
    np.testing.assert_allclose(np.maximum(maps, 0), after, rtol=1e-5, atol=1e-5 * np.max(after))


@pytest.mark.full
def test_maps_are_a_network():
    def build():
        return networks.vgg19_maps("block1_conv2", weights=None, input_shape=(32, 32, 3))

    check_network(build, X, (32, 32, 64), 1_792 + 36_928)


def test_published_count():
    assert networks.vgg19_maps(weights=None).count_params() == 20_024_384  # Keras' VGG-19 without its head


@pytest.mark.parametrize("layer", ["block5_pool", "block6_conv1", None])
def test_bad_layers_are_refused(layer):
    with pytest.raises(ValueError, match="`layer` should be one of block1_conv1, .*Received: "):
        networks.vgg19_maps(layer, weights=None)
