"""Denoising networks: contract, parameter counts by hand, what time and condition change, bad arguments."""

import keras
import numpy as np
import pytest

from keras_dl.networks import denoising_mlp, denoising_unet
from keras_dl.testing import check_network


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


TIMES, LABELS = np.array([0.0, 0.2, 0.7, 1.0], "float32"), np.array([0, 2, 1, -1], "int32")


def conv(inputs, outputs, size=3):
    return size * size * inputs * outputs + outputs


def residual(inputs, outputs, features):
    norms, film = 2 * inputs + 2 * outputs, features * 2 * outputs + 2 * outputs
    shortcut = conv(inputs, outputs, 1) if inputs != outputs else 0
    return norms + film + conv(inputs, outputs) + conv(outputs, outputs) + shortcut


def test_mlp():
    def build():
        return denoising_mlp((2, 3), width=4, hidden_units=5, num_blocks=2, num_classes=3)

    embedding = 4 * 4 + 4 + 4 * 4 + 4 + 3 * 4
    blocks = 2 * (4 * 5 + 5 + 5 * 4 + 4)
    count = 6 * 4 + 4 + embedding + blocks + 4 * 6 + 6
    inputs = {"x": normal(4, 2, 3), "time": TIMES, "condition": LABELS}
    check_network(build, inputs, (2, 3), count, output_dtype="float32")


def test_unet():
    def build():
        network = denoising_unet((8, 4, 2), (4, 8), blocks_per_level=1, attention_levels=(1,), num_heads=2)
        for index, weight in enumerate(network.trainable_weights):  # kernels that start at zero pass no gradient
            if not np.any(weight):
                weight.assign(0.1 * np.random.default_rng(index).standard_normal(weight.shape))
        return network

    features = 16
    embedding = 4 * 16 + 16 + 16 * 16 + 16
    attention = 2 * 8 + 4 * (8 * 8 + 8)
    down = residual(4, 4, features) + conv(4, 4) + residual(4, 8, features) + attention
    bottom = 2 * residual(8, 8, features) + attention
    up_1 = residual(8 + 8, 8, features) + residual(8 + 4, 8, features) + 2 * attention + conv(8, 8)
    up_0 = residual(8 + 4, 4, features) + residual(4 + 4, 4, features)
    count = embedding + conv(2, 4) + down + bottom + up_1 + up_0 + 2 * 4 + conv(4, 2)
    inputs = {"x": normal(4, 8, 4, 2), "time": TIMES}
    check_network(build, inputs, (8, 4, 2), count, output_dtype="float32")


def test_attention_is_on_the_coarsest_level_unless_others_are_named():
    network = denoising_unet((4, 4, 1), (4, 8), blocks_per_level=1, num_heads=2)
    named = denoising_unet((4, 4, 1), (4, 8), blocks_per_level=1, num_heads=2, attention_levels=(1,))
    assert [weight.path for weight in network.weights] == [weight.path for weight in named.weights]


def test_ddpm_has_the_published_size():
    """Ho et al. 2020, appendix B: 35.7 million weights at 32x32; ours differs in how time enters (scale and shift)."""
    network = denoising_unet((32, 32, 3), (128, 256, 256, 256), 2, (1,), num_heads=1)
    assert network.count_params() == pytest.approx(35.7e6, rel=0.15)


def test_time_and_condition_matter_and_no_condition_adds_nothing():
    keras.utils.set_random_seed(0)
    network = denoising_mlp((2,), 8, 8, 1, num_classes=3)
    x = normal(1, 2)

    def predicted(time, label):
        inputs = {"x": x, "time": np.array([time], "float32"), "condition": np.array([label], "int32")}
        return np.asarray(network(inputs))

    assert np.abs(predicted(0.1, 0) - predicted(0.9, 0)).max() > 1e-3
    assert np.abs(predicted(0.1, 0) - predicted(0.1, 1)).max() > 1e-3
    before = predicted(0.1, -1)
    weights = network.get_layer("condition_features").kernel
    weights.assign(weights * 5.0)
    np.testing.assert_array_equal(predicted(0.1, -1), before)


def test_the_unet_begins_at_zero():
    network = denoising_unet((8, 8, 1), (4, 4), 1, ())
    assert np.abs(network({"x": normal(2, 8, 8, 1), "time": TIMES[:2]})).max() == 0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: denoising_mlp((2,), width=0), "`width` should be a positive integer"),
        (lambda: denoising_mlp(()), "`data_shape` should have at least one axis"),
        (lambda: denoising_unet((9, 8, 1)), "`data_shape` should have sides that are multiples of 4"),
        (lambda: denoising_unet((8, 8, 1), attention_levels=(3,)), "`attention_levels` should be numbers from 0 to 2"),
        (lambda: denoising_unet((8, 8, 1), filters=()), "`filters` should have at least one entry"),
        (lambda: denoising_unet((8, 8, 1), num_classes=3, condition_shape=(2,)), "not both"),
    ],
)
def test_bad_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()
