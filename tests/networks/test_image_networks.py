"""Networks of super-resolution and translation: contract, published parameter counts, receptive fields, sizes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import networks
from keras_dl.testing import check_network


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def conv(inputs, outputs, size=3):
    return size * size * inputs * outputs + outputs


PRELU = 1


def test_srresnet():
    blocks = 2 * (conv(4, 4) + 8) + PRELU
    count = conv(3, 4, 9) + PRELU + blocks + conv(4, 4) + 8 + conv(4, 36) + PRELU + conv(4, 3, 9)

    def build():
        network = networks.srresnet((6, 5, 3), 3, filters=4, num_blocks=1)
        for layer in network.layers:  # biases before normalisations have no gradient but rounding
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = True
        return network

    network = build()
    assert network.output_shape == (None, 18, 15, 3)
    assert sum(int(np.prod(w.shape)) for w in network.trainable_weights) == count


@pytest.mark.full
def test_edsr():
    count = conv(3, 4) + 2 * conv(4, 4) + conv(4, 4) + conv(4, 16) + conv(4, 3)

    def build():
        return networks.edsr((6, 5, 3), 2, filters=4, num_blocks=1, residual_scale=0.5, enlarged_input=True)

    check_network(build, normal(3, 6, 5, 3), (12, 10, 3), count)


def test_espcn():
    count = conv(1, 4, 5) + conv(4, 9, 3)
    check_network(lambda: networks.espcn((6, 5, 1), 3, (4,), (5, 3)), normal(3, 6, 5, 1), (18, 15, 1), count)


@pytest.mark.full
def test_rrdb():
    dense = sum(conv(4 + 2 * i, 2) for i in range(4)) + conv(12, 4)
    count = conv(3, 4) + 3 * dense + conv(4, 4) + conv(4, 4) + conv(4, 4) + conv(4, 3)

    def build():
        return networks.rrdb((6, 5, 3), 2, filters=4, growth=2, num_blocks=1)

    check_network(build, normal(3, 6, 5, 3), (12, 10, 3), count)


@pytest.mark.full
def test_srgan_critic():
    widths = [2, 2, 4, 4, 8, 8, 16, 16]
    convs = sum(conv(a, b) for a, b in zip([3, *widths[:-1]], widths, strict=True))
    count = convs + 16 * 3 + 3 + 4

    def build():
        return networks.srgan_critic((16, 16, 3), filters=2, dense_units=3, normalization=None)

    check_network(build, normal(3, 16, 16, 3), (1,), count)


@pytest.mark.full
def test_pix2pix_generator():
    down = 16 * (1 * 4 + 4 * 8) + 16 * 8 * 16 + 4 + 8 + 16
    up = 16 * (16 * 8 + 8) - 8 * 16 + 8 + 16 * (16 * 4) + 4 + 16 * 8 * 2 + 2

    def build():
        options = {"normalization": None, "dropout": 0.5, "output_activation": None}
        network = networks.pix2pix_generator((16, 8, 1), 2, 4, levels=3, **options)
        for index, weight in enumerate(network.trainable_weights):  # outputs of order 1
            weight.assign(0.1 * np.random.default_rng(index).standard_normal(weight.shape))
        return network

    check_network(build, normal(3, 16, 8, 1), (16, 8, 2), down + up, output_dtype="float32")


@pytest.mark.full
def test_resnet_translator():
    count = conv(3, 4, 7) + conv(4, 8) + 2 * conv(8, 8) + conv(8, 4) + conv(4, 2, 7)

    def build():
        options = {"downsamplings": 1, "normalization": None, "output_activation": None}
        network = networks.resnet_translator((8, 6, 3), 2, filters=4, num_blocks=1, **options)
        for index, weight in enumerate(network.trainable_weights):
            weight.assign(0.1 * np.random.default_rng(index).standard_normal(weight.shape))
        return network

    check_network(build, normal(3, 8, 6, 3), (8, 6, 2), count, output_dtype="float32")


def test_patch_critic():
    inputs = {"x": normal(3, 16, 16, 3), "source": normal(3, 16, 16, 1)}
    count = conv(4, 4, 4) + conv(4, 8, 4) + conv(8, 1, 4)

    def build():
        network = networks.patch_critic((16, 16, 3), 1, 4, num_layers=1, normalization=None)
        for index, weight in enumerate(network.trainable_weights):
            weight.assign(0.1 * np.random.default_rng(index).standard_normal(weight.shape))
        return network

    check_network(build, inputs, (6, 6, 1), count)


PUBLISHED = {
    "edsr-x2": (lambda: networks.edsr(scale=2), 1_369_859),  # Lim et al. 2017: 1.37 million
    "edsr-x3": (lambda: networks.edsr(scale=3), 1_554_499),
    "edsr-x4": (lambda: networks.edsr(scale=4), 1_517_571),
    "srresnet-x4": (lambda: networks.srresnet(scale=4), 1_549_462),  # Lim et al., table 1: 1.5 million
    "espcn-x3": (networks.espcn, 22_729),
    "pix2pix": (networks.pix2pix_generator, 54_413_955),  # the authors' code prints 54.414 million
    # The authors' code prints 11.378 million: with 5,248 biases before normalisations.
    "resnet-9": (networks.resnet_translator, 11_378_179 - 5_248),
    "patch-70": (lambda: networks.patch_critic(source_channels=3), 2_768_705),  # 2.769 million
}


@pytest.mark.parametrize("name", ["edsr-x2", "edsr-x3", "edsr-x4", "srresnet-x4", "espcn-x3", "patch-70", "resnet-9"])
def test_published_counts(name):
    check_count(name)


@pytest.mark.full
def test_published_counts_of_large_networks():
    check_count("pix2pix")
    one, two = (networks.rrdb(num_blocks=count).count_params() for count in (1, 2))
    assert one + 22 * (two - one) == 16_697_987  # of 23 blocks; Wang et al. 2018: 16.7 million


def check_count(name):
    build, count = PUBLISHED[name]
    assert sum(int(np.prod(weight.shape)) for weight in build().trainable_weights) == count


@pytest.mark.parametrize(("num_layers", "field"), [(0, 1), (1, 16), (2, 34), (3, 70), (5, 286)])
def test_receptive_fields(num_layers, field):
    """Isola et al. 2017, section 4.4: which pixels change a logit in the middle, by its gradient."""
    critic = networks.patch_critic((None, None, 1), filters=1, num_layers=num_layers, normalization=None)
    for weight in critic.trainable_weights:  # positive weights cancel nothing
        weight.assign(tf.ones_like(weight.value) / 4)
    x = tf.ones((1, 640, 640, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        scores = critic(x)
        middle = scores[0, scores.shape[1] // 2, scores.shape[2] // 2, 0]
    rows, columns = np.nonzero(tape.gradient(middle, x)[0, :, :, 0].numpy())
    assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == field


def test_maps_of_logits_have_the_published_size():
    assert networks.patch_critic((256, 256, 3), filters=1).output_shape == (None, 30, 30, 1)


@pytest.mark.parametrize("layers", [1, 3])
def test_the_smallest_images_have_one_patch(layers):
    side = 3 * 2**layers
    assert networks.patch_critic((side, side, 1), filters=1, num_layers=layers).output_shape == (None, 1, 1, 1)
    with pytest.raises(ValueError, match=f"sides of at least {side} for {layers} layers. Received: "):
        networks.patch_critic((side, side - 1, 1), filters=1, num_layers=layers)


@pytest.mark.parametrize(
    "build",
    [
        lambda: networks.srresnet(scale=4, filters=2, num_blocks=1),
        lambda: networks.edsr(scale=3, filters=2, num_blocks=1, enlarged_input=True),
        lambda: networks.rrdb(scale=2, filters=2, growth=2, num_blocks=1),
        lambda: networks.espcn((None, None, 3), 2, (2,), (3, 3)),
        lambda: networks.pix2pix_generator((None, None, 3), filters=2, levels=3, normalization="instance"),
        lambda: networks.resnet_translator(filters=2, num_blocks=1),
    ],
    ids=["srresnet", "edsr", "rrdb", "espcn", "pix2pix", "resnet"],
)
def test_images_of_any_size(build):
    network = build()
    assert network.output_shape == (None, None, None, 3)
    scale = network(normal(1, 8, 8, 3)).shape[1] // 8
    for height, width in ((13, 9), (16, 24)):
        assert network(normal(2, height, width, 3)).shape == (2, scale * height, scale * width, 3)


@pytest.mark.parametrize("downsamplings", [0, 1, 2])
def test_images_smaller_than_reflections_are_translated(downsamplings):
    """A graph failed at maps of one pixel."""
    options = {"filters": 2, "num_blocks": 1, "downsamplings": downsamplings}
    anything = networks.resnet_translator((None, None, 1), **options)
    for side in (1, 4):
        x = normal(1, side, 5, 1)
        known = networks.resnet_translator((side, 5, 1), **options)
        known.set_weights(anything.get_weights())
        assert known(x).shape == x.shape
        np.testing.assert_allclose(anything(x), known(x), atol=1e-6)


def test_translation_is_in_the_range_of_its_activation():
    network = networks.resnet_translator((8, 8, 1), filters=2, num_blocks=1, output_activation="sigmoid")
    y = network(100 * normal(2, 8, 8, 1)).numpy()
    assert y.dtype == "float32"
    assert y.min() >= 0 and y.max() <= 1


def test_noise_of_pix2pix_is_in_three_of_eight_levels():
    network = networks.pix2pix_generator(filters=1)
    names = [layer.name for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    assert names == ["up_7_dropout", "up_6_dropout", "up_5_dropout"]
    names = {layer.name for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)}
    assert {"down_1_normalization", "down_8_normalization"}.isdisjoint(names)


@pytest.mark.parametrize(
    "make",
    [
        lambda: networks.edsr(scale=5),
        lambda: networks.edsr(scale=True),
        lambda: networks.srresnet((8, 8)),
        lambda: networks.srresnet((8, 0, 3)),
        lambda: networks.edsr(residual_scale=0),
        lambda: networks.espcn(filters=(4, 4), kernel_sizes=(3, 3)),
        lambda: networks.rrdb(growth=0),
        lambda: networks.pix2pix_generator(levels=1),
        lambda: networks.pix2pix_generator(normalization="layer"),
        lambda: networks.resnet_translator((8, 8, None)),
        lambda: networks.patch_critic(num_layers=-1),
        lambda: networks.patch_critic((24, 11, 3), num_layers=2),
        lambda: networks.srgan_critic((None, 8, 3)),
        lambda: networks.edsr(scale=2.0),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()
