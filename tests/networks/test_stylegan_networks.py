"""Style-based generators and critics: contract, published parameter counts, the paper's rules, bad arguments."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import networks
from keras_dl.testing import check_network


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


SMALL = {"filters": 2, "max_filters": 4}
LABELS = np.array([0, 2, 1], dtype="int32")


def modulated(inputs, outputs, style=5, kernel=9):
    """Weights of a modulated convolution: its style's affine map, its kernel, and a bias."""
    return (style + 1) * inputs + kernel * inputs * outputs + outputs


MAPPING = 3 * 5 + 5 + 5 * 5 + 5
NETWORKS = {
    "mapping": (
        lambda: networks.stylegan_mapping(3, 5, 2, num_classes=3),
        {"latents": normal(3, 3), "condition": LABELS},
        (5,),
        (3 + 1) * 5 + (3 + 5 + 1) * 5 + 6 * 5,
    ),
    "synthesis": (
        lambda: networks.stylegan_synthesis((16, 16, 1), 5, architecture="residual", **SMALL),
        {"styles": normal(3, 6, 5), "noise": normal(3, 16 + 2 * 64 + 2 * 256)},
        (16, 16, 1),
        16 * 4 + modulated(4, 4) * 3 + modulated(4, 2) + modulated(2, 2) + 5 + 16 + 8 + modulated(2, 1, kernel=1),
    ),
    "generator": (
        lambda: networks.stylegan_generator((8, 8, 2), 3, 5, mapping_layers=2, output_activation=None, **SMALL),
        normal(3, 3),
        (8, 8, 2),
        MAPPING + 64 + modulated(4, 4) + modulated(4, 2) + modulated(2, 2) + 3 + modulated(4, 2, kernel=1)
        + modulated(2, 2, kernel=1),
    ),
    "critic": (
        lambda: networks.stylegan_critic((8, 8, 2), group_size=0, **SMALL),
        normal(3, 8, 8, 2),
        (1,),
        2 * 2 + 2 + 9 * 4 + 2 + 9 * 8 + 4 + 2 * 4 + 9 * 4 * 4 + 4 + 64 * 4 + 4 + 4 + 1,
    ),
    "critic-labels": (
        lambda: networks.stylegan_critic(
            (14, 14, 1), architecture="skip", group_size=0, mapping_layers=1, num_classes=3, **SMALL
        ),
        {"x": normal(3, 14, 14, 1), "condition": LABELS},
        (1,),
        2 + 2 + 4 + 4 + 4 + 4 + 9 * 4 + 2 + 9 * 8 + 4 + 2 * (9 * 16 + 4) + 9 * 16 + 4 + 64 * 4 + 4 + 20 + 16 + 20,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.grid("generator")
def test_contract(name):
    build, inputs, shape, num_parameters = NETWORKS[name]
    output_dtype = "float32" if len(shape) == 3 else None
    check_network(build, inputs, shape, num_parameters, output_dtype=output_dtype)


def num_trainable(network):
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


@pytest.mark.parametrize(
    ("side", "filters", "generator", "critic"), [(1024, 32, 30_370_060, 29_012_513), (256, 64, 24_767_458, 24_001_089)]
)
@pytest.mark.full
def test_published_parameter_counts(side, filters, generator, critic):
    """Karras et al. 2020, configuration F at 1024 pixels, and half its width at 256, as stylegan2-ada prints them."""
    shape = (side, side, 3)
    assert num_trainable(networks.stylegan_generator(shape, filters=filters)) == generator
    assert num_trainable(networks.stylegan_critic(shape, filters=filters)) == critic


def test_adaptive_instance_norm_instead_of_modulation():
    """StyleGAN 1's start, a constant of ones, whose first norms divide by almost nothing: no contract of rounding."""
    generator = networks.stylegan_generator((28, 28, 1), 5, mapping_layers=2, style="adain", **SMALL)
    convolutions, styles = 9 * (4 * 4 * 4 + 4 * 2 + 2 * 2), 6 * 2 * (5 * 4 + 2 * 2)
    noise_and_biases = 2 * (5 * 4 + 2 * 2)
    assert num_trainable(generator) == 2 * 30 + 64 + convolutions + noise_and_biases + styles + 3 * (4 + 1) + 2 + 1
    assert np.isfinite(generator(normal(3, 5))).all()
    assert (generator.get_layer("synthesis").get_layer("constant").constant.numpy() == 1).all()


def test_parts_of_a_generator():
    """A generator is its synthesis of its mapping's style, for all sides, and of fixed noise."""
    generator, z = networks.stylegan_generator((8, 8, 1), 4, mapping_layers=2, **SMALL), normal(3, 4)
    synthesis = generator.get_layer("synthesis")
    for layer in synthesis.layers:
        if layer.name.endswith("_noise"):
            assert layer.strength.numpy() == 0
            layer.strength.assign([0.5])
    style = generator.get_layer("mapping")(z)
    np.testing.assert_allclose(style, generator.get_layer("mapping")(7 * z), atol=1e-5)  # latents are normalized
    styles = np.repeat(np.asarray(style)[:, None], 4, axis=1)
    noise = np.tile(generator.get_layer("fixed_noise").constant.numpy(), (3, 1))
    images = generator(z)
    np.testing.assert_allclose(synthesis({"styles": styles, "noise": noise}), images, atol=1e-6)
    other = synthesis({"styles": styles, "noise": normal(3, 144)})
    assert np.abs(other - images).max() > 1e-3
    assert len(generator.trainable_weights) == len(generator.weights) - 1


def test_styles_act_from_their_side_on():
    """The last style only colours: features before it, and so the colours of the smaller sides, stay."""
    synthesis = networks.stylegan_synthesis((16, 16, 1), 4, **SMALL)
    features = keras.Model(synthesis.input, synthesis.get_layer("conv_16_0_activation").output)
    styles, noise = normal(1, 6, 4), normal(1, 16 + 2 * 64 + 2 * 256)
    changes = []
    for index in range(6):
        changed = styles.copy()
        changed[:, index] += 1
        change = features({"styles": changed, "noise": noise}) - features({"styles": styles, "noise": noise})
        changes.append(np.abs(change).max() > 1e-6)
    assert changes == [True, True, True, True, False, False]


def test_a_critic_of_a_smaller_image_borders_it_with_zeros():
    small, large = (networks.stylegan_critic((side, side, 1), **SMALL) for side in (28, 32))
    large.set_weights(small.get_weights())
    x = normal(3, 28, 28, 1)
    np.testing.assert_allclose(small(x), large(np.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)])), atol=1e-5)


@pytest.mark.parametrize("architecture", ["residual", "plain"])
@pytest.mark.full
def test_architectures_have_gradients(architecture):
    generator = networks.stylegan_generator((16, 16, 1), 4, mapping_layers=1, architecture=architecture, **SMALL)
    critic = networks.stylegan_critic((16, 16, 1), architecture=architecture, **SMALL)
    with tf.GradientTape() as tape:
        score = tf.reduce_sum(critic(generator(normal(2, 4))))
    weights = [*generator.trainable_weights, *critic.trainable_weights]
    gradients = tape.gradient(score, [weight.value for weight in weights])
    assert all(np.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: networks.stylegan_generator((24, 24, 1)), "power of two"),
        (lambda: networks.stylegan_generator((16, 8, 1)), "square"),
        (lambda: networks.stylegan_critic((4, 4, 1)), "power of two"),
        (lambda: networks.stylegan_critic((8, 8, 1), architecture="dense"), "architecture"),
        (lambda: networks.stylegan_synthesis((8, 8, 1), style="mean"), "style"),
        (lambda: networks.stylegan_mapping(num_layers=0), "num_layers"),
        (lambda: networks.stylegan_generator((8, 8, 1), 0), "size"),
    ],
)
def test_bad_arguments_are_refused(build, words):
    with pytest.raises(ValueError, match=rf"(?s){words}.*Received: "):
        build()
