"""Networks between two networks: weights, what trains, refusals."""

import keras
import numpy as np
import pytest

from keras_dl import networks
from keras_dl.testing import check_network


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def test_what_lies_between_is_a_network():
    def build():
        return networks.interpolate(*(networks.espcn((6, 5, 1), 3, (4,), (5, 3)) for _ in range(2)), 0.5)

    check_network(build, normal(3, 6, 5, 1), (18, 15, 1), (5 * 5 * 4 + 4) + (3 * 3 * 4 * 9 + 9))


def test_networks_between_two():
    a, b = (networks.espcn((None, None, 1), 2, (4,), (3, 3), enlarged_input=True) for _ in range(2))
    for share in (0.0, 0.3, 1.0):
        between = networks.interpolate(a, b, share)
        for weight, first, second in zip(between.get_weights(), a.get_weights(), b.get_weights(), strict=True):
            np.testing.assert_allclose(weight, first + share * (second - first), atol=1e-6)
    np.testing.assert_allclose(networks.interpolate(a, b, 0.0)(normal(1, 5, 6, 1)), a(normal(1, 5, 6, 1)), atol=1e-6)


def test_networks_of_other_layers_have_none_between():
    """With weights of the same shapes, the second's layers were left out in silence."""
    a, b = (networks.edsr(filters=2, num_blocks=1, enlarged_input=enlarged) for enlarged in (False, True))
    tanh, relu = (networks.espcn(filters=(2,), kernel_sizes=(3, 3), activation=kind) for kind in ("tanh", "relu"))
    for one, other in ((a, b), (b, a), (tanh, relu)):
        with pytest.raises(ValueError, match="of one architecture"):
            networks.interpolate(one, other, 0.5)


@pytest.mark.parametrize("frozen", [True, False])
def test_what_lies_between_averages_trains(frozen):
    """Keras' clone of a frozen network says that it trains, and does not."""
    a, b = (networks.espcn(filters=(2,), kernel_sizes=(3, 3)) for _ in range(2))
    a.trainable = b.trainable = not frozen
    between = networks.interpolate(a, b, 0.5)
    assert between.trainable and len(between.trainable_variables) == len(between.weights) > 0


def test_what_a_network_leaves_out_of_training_stays_so():
    a, b = (networks.espcn(filters=(2,), kernel_sizes=(3, 3)) for _ in range(2))
    convolution = next(layer for layer in a.layers if isinstance(layer, keras.layers.Conv2D))
    convolution.trainable = False
    assert not networks.interpolate(a, b, 0.5).get_layer(convolution.name).trainable


@pytest.mark.parametrize(("scale", "share"), [(2, 0.5), (3, 1.5)])
def test_bad_arguments_are_refused(scale, share):
    with pytest.raises(ValueError, match="Received: "):
        networks.interpolate(networks.espcn(), networks.espcn(scale=scale), share)
