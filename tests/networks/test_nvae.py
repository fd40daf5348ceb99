"""Networks of NVAE: shapes of every scale, weights counted by hand, and the contract of the way up and down."""

import numpy as np
import pytest

from keras_dl.networks import nvae_decoder, nvae_encoder
from keras_dl.testing import check_network
from tests.networks.test_ladder import joined


def conv(size, inputs, outputs, bias=True):
    return size**2 * inputs * outputs + bias * outputs


def norm(channels):
    return 2 * channels


def squeezed(channels):
    return conv(1, channels, 4) + conv(1, 4, channels)


def regular(inputs, outputs, shortcut=False):
    first = norm(inputs) + conv(3, inputs, outputs, False)
    second = norm(outputs) + conv(3, outputs, outputs)
    return first + second + squeezed(outputs) + shortcut * conv(1, inputs, outputs)


def separable(inputs, outputs, expansion, shortcut=False):
    hidden = expansion * inputs
    depthwise = norm(hidden) + 25 * hidden + norm(hidden)
    cell = norm(inputs) + conv(1, inputs, hidden, False) + depthwise + conv(1, hidden, outputs, False) + norm(outputs)
    return cell + squeezed(outputs) + shortcut * conv(1, inputs, outputs)


def test_contract():
    """Scales of 2x2 pixels with 4 channels and of 1x1 with 8."""
    rng = np.random.default_rng(0)
    inputs = {"x": rng.random((3, 2, 2, 1), "float32"), "noise": rng.normal(size=(3, 15)).astype("float32")}
    up = conv(3, 1, 4) + regular(4, 4) + regular(4, 8, True) + regular(8, 8)
    first = conv(1, 8, 8) + conv(3, 8, 6) + conv(1, 8 + 3, 8) + separable(8, 4, 2, True) + separable(4, 4, 2)
    second = conv(1, 4, 6) + conv(1, 4, 4) + conv(3, 4, 6) + conv(1, 4 + 3, 4)
    options = {"groups": (1, 1), "filters": 4, "halvings": 0}

    def build():
        encoder = nvae_encoder((2, 2, 1), **options)
        given = {"latent_channels": 3, "expansion": 2, "parameters_per_value": 2}
        return joined(encoder, nvae_decoder((2, 2, 1), **options, **given), (2, 2, 1))

    check_network(build, inputs, (2, 2, 2), up + 8 + first + second + conv(3, 4, 2))


def test_halvings_are_undone_behind_the_last_group():
    encoder, decoder = nvae_encoder((8, 8, 1), (1,), 4), nvae_decoder((8, 8, 1), (1,), filters=4)
    assert encoder.count_params() - weights_of_averages(encoder) == (
        conv(3, 1, 4) + regular(4, 4) + regular(4, 8, True) + regular(8, 8)
    )
    expected = separable(8, 4, 3, True) + separable(4, 4, 3) + conv(3, 4, 1)
    assert decoder.head.count_params() - weights_of_averages(decoder.head) == expected


def weights_of_averages(network):
    return sum(weight.shape.num_elements() for weight in network.non_trainable_weights)


def test_the_published_sizes():
    """MNIST in 32x32, with 5 groups at 4x4 and 10 at 8x8 there: 20 latents a pixel."""
    options = {"groups": (2, 1), "halvings": 2, "filters": 4}
    encoder, decoder = nvae_encoder((32, 32, 1), **options), nvae_decoder((32, 32, 1), **options, expansion=1)
    assert decoder.latent_shapes == ((4, 4, 20), (8, 8, 20), (8, 8, 20))
    assert [f.shape[1:] for f in encoder.outputs] == [(4, 4, 32), (8, 8, 16), (8, 8, 16)]
    assert decoder.start.shape == (4, 4, 32) and decoder.groups[0].prior is None


def test_any_even_size():
    decoder = nvae_decoder((28, 20, 3), groups=(1, 1), latent_channels=1, filters=4, expansion=1)
    assert decoder.latent_shapes == ((7, 5, 1), (14, 10, 1)) and decoder.head.output_shape == (None, 28, 20, 3)
    assert nvae_decoder((8, 8, 1), groups=(1,), filters=4, halvings=0).head.count_params() == conv(3, 4, 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nvae_encoder((30, 28, 1)), "`input_shape` should have sides divisible by 4 for 1 halvings and 2"),
        (lambda: nvae_decoder((8, 8, 1), groups=()), "`groups` should have an entry for each scale"),
        (lambda: nvae_decoder((8, 8)), "`output_shape` should be"),
        (lambda: nvae_decoder((8, 8, 1), latent_channels=0), "`latent_channels` should be a positive integer"),
    ],
)
def test_refusals(build, message):
    with pytest.raises(ValueError, match=message):
        build()
