"""LeNet-5: the published count, the contract, sizes below and above the paper's, bad arguments."""

import keras
import numpy as np
import pytest

from keras_dl import networks
from keras_dl.networks import lenet5
from keras_dl.testing import check_network
from tests.contracts.fresh_process import outputs_after_reload


def images(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype="float32")


@pytest.mark.parametrize(
    ("shape", "modern", "count"),
    [((32, 32, 1), False, 61_706), ((28, 28, 1), True, 61_706), ((8, 8, 1), True, 61_706), ((32, 32, 3), True, 62_006)],
)
@pytest.mark.grid("shape0-False-61706", "shape2-True-61706")
def test_contract_and_count(shape, modern, count):
    check_network(lambda: lenet5(shape, 10, modern=modern), images(3, *shape), (10,), count)


def test_reload_in_a_fresh_process(tmp_path):
    x = images(3, 8, 8, 1)
    model = lenet5((8, 8, 1), 3, classifier_activation="softmax")
    np.testing.assert_array_equal(outputs_after_reload({"lenet5": (model, x)}, tmp_path)["lenet5"], model(x))


def test_the_published_network_layer_by_layer():
    """The same weights in Keras layers written out give the same logits."""
    model = lenet5((32, 32, 1), 10, modern=False)
    reference = keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            keras.layers.Conv2D(6, 5, activation="tanh"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(16, 5, activation="tanh"),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(120, 5, activation="tanh"),  # C5 is a convolution over all that is left
            keras.layers.Flatten(),
            keras.layers.Dense(84, activation="tanh"),
            keras.layers.Dense(10),
        ]
    )
    weights = model.get_weights()
    weights[4] = weights[4].reshape(5, 5, 16, 120)
    reference.set_weights(weights)
    x = images(4, 32, 32, 1)
    np.testing.assert_allclose(model(x), reference(x), atol=1e-6)


@pytest.mark.parametrize(("size", "times", "before"), [((28, 28), 1, (2, 2)), ((8, 8), 4, (0, 0)), ((5, 7), 4, (6, 2))])
def test_small_images_are_enlarged_and_padded(size, times, before):
    model = lenet5((*size, 1), 10)
    full = lenet5((32, 32, 1), 10)
    full.set_weights(model.get_weights())
    x = images(2, *size, 1)
    placed = np.zeros((2, 32, 32, 1), "float32")
    large = x.repeat(times, 1).repeat(times, 2)
    placed[:, before[0] : before[0] + large.shape[1], before[1] : before[1] + large.shape[2]] = large
    np.testing.assert_allclose(model(x), full(placed), atol=1e-6)


def test_without_the_top():
    x = images(2, 40, 36, 3)
    maps = lenet5((40, 36, 3), include_top=False)
    assert maps.output_shape == (None, 7, 6, 16) and lenet5((40, 36, 3)).output_shape == (None, 10)
    for pooling, reduce in (("avg", np.mean), ("max", np.max)):
        pooled = lenet5((40, 36, 3), include_top=False, pooling=pooling)
        pooled.set_weights(maps.get_weights())
        np.testing.assert_allclose(pooled(x), reduce(np.asarray(maps(x)), axis=(1, 2)), atol=1e-6)


def test_modern_and_classifier_activation():
    names = {type(layer).__name__ for layer in lenet5((28, 28, 1)).layers}
    assert "MaxPooling2D" in names and "AveragePooling2D" not in names
    sure = lenet5((28, 28, 1), 4, classifier_activation="softmax")(images(5, 28, 28, 1))
    np.testing.assert_allclose(np.sum(sure, axis=1), 1.0, rtol=1e-6)


def test_bad_arguments_are_refused():
    assert "lenet5" in networks.list()
    for options, message in (
        ({"input_shape": (28, 28)}, "`input_shape`"),
        ({"input_shape": (28, 28, 1), "num_classes": 0}, "`num_classes`"),
        ({"input_shape": (28, 28, 1), "pooling": "avg"}, "`pooling`"),
        ({"input_shape": (28, 28, 1), "include_top": False, "pooling": "sum"}, "`pooling`"),
    ):
        with pytest.raises(ValueError, match=f"{message}.*Received: "):
            networks.create("lenet5", **options)
