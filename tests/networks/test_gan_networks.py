"""Generators and critics: contract, parameter counts by hand, the papers' rules, projection, bad arguments."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers, networks
from keras_dl.networks import condition_inputs
from keras_dl.testing import check_network


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


LABELS = np.array([0, 2, 1, 2], dtype="int32")
ATTRIBUTES = np.array([[0, 0.5], [2, -1], [1, 0], [2, 3]], dtype="float32")
LEVELS = np.array([[0.25], [0.5], [0.75], [0.5]], dtype="float32")

GENERATORS = {
    "mlp": (
        lambda: networks.mlp_generator(3, (4, 4, 2), hidden=(5,), output_activation="tanh"),
        normal(4, 3),
        (4, 4, 2),
        3 * 5 + 5 + 5 * 32 + 32,
    ),
    "mlp-attributes": (
        lambda: networks.mlp_generator(3, (2,), hidden=(5,), output_activation=None, num_classes=(3, None)),
        {"latents": normal(4, 3), "condition": ATTRIBUTES},
        (2,),
        (3 + 3 + 1) * 5 + 5 + 5 * 2 + 2,
    ),
    "dcgan": (
        lambda: networks.dcgan_generator(3, (16, 8, 2), filters=4, kernel_size=3, normalization=None),
        normal(4, 3),
        (16, 8, 2),
        3 * 8 * 4 * 4 + 8 * 4 * 4 + 9 * 4 * 2 + 2,
    ),
    "dcgan-labels": (
        lambda: networks.dcgan_generator(3, (8, 8, 1), 2, smallest_size=2, num_classes=3, output_activation=None),
        {"latents": normal(4, 3), "condition": LABELS},
        (8, 8, 1),
        (3 + 3) * 2 * 2 * 4 + 2 * 4 + 25 * 4 * 2 + 2 * 2 + 25 * 2 + 1,
    ),
    "resnet": (
        lambda: networks.resnet_generator(3, (8, 8, 2), filters=4, output_activation="tanh"),
        normal(4, 3),
        (8, 8, 2),
        (3 + 1) * 64 + (2 * (9 * 16 + 4) + 16 + 4 + 2 * 8) + 8 + 9 * 8 + 2,
    ),
    "resnet-labels": (
        lambda: networks.resnet_generator(3, (8, 8, 2), filters=4, output_activation=None, num_classes=3),
        {"latents": normal(4, 3), "condition": LABELS},
        (8, 8, 2),
        (3 + 1) * 64 + (2 * (9 * 16 + 4) + 16 + 4 + 2 * 8) + 8 + 9 * 8 + 2 + 3 * (3 + 1) * 8,
    ),
    "progressive": (
        lambda: networks.progressive_generator(3, (8, 8, 1), filters=2),
        {"latents": normal(4, 3), "level": LEVELS},
        (8, 8, 1),
        (16 * 3 * 4 + 4 + 9 * 4 * 4 + 4) + (4 + 1) + (9 * 4 * 2 + 2 + 9 * 2 * 2 + 2) + (2 + 1),
    ),
    "lapgan": (
        lambda: networks.lapgan_generator((8, 8, 3)),
        {"latents": normal(4, 8, 8, 1), "coarse": normal(4, 8, 8, 3)},
        (8, 8, 3),
        (49 * 4 * 64 + 64) + (49 * 64 * 64 + 64) + (25 * 64 * 3 + 3),  # Denton et al. 2015: kernels of 7, 7 and 5
    ),
    "lapgan-labels": (
        lambda: networks.lapgan_generator((4, 8, 1), 2, (3, 1), num_classes=3),
        {"latents": normal(4, 4, 8, 1), "coarse": normal(4, 4, 8, 1), "condition": LABELS},
        (4, 8, 1),
        (3 * 32 + 32) + (9 * 3 * 2 + 2) + (2 * 1 + 1),
    ),
}
CRITICS = {
    "mlp": (
        lambda: networks.mlp_critic((4, 4, 2), hidden=(5,), dropout=0.5, num_outputs=3),
        normal(4, 4, 4, 2),
        3,
        32 * 5 + 5 + 5 * 3 + 3,
    ),
    "mlp-projection": (
        lambda: networks.mlp_critic((2,), hidden=(5,), num_classes=3, projection=True, spectral_norm=True),
        {"x": normal(4, 2), "condition": LABELS},
        1,
        2 * 5 + 5 + 5 + 1 + 3 * 5,
    ),
    "dcgan": (
        lambda: networks.dcgan_critic((16, 8, 2), filters=4, kernel_size=3, normalization="layer"),
        normal(4, 16, 8, 2),
        1,
        9 * 2 * 4 + 4 + 8 * 4 * 4 + 1,
    ),
    "dcgan-labels": (
        lambda: networks.dcgan_critic((16, 16, 1), filters=2, normalization=None, num_classes=3),
        {"x": normal(4, 16, 16, 1), "condition": LABELS},
        1,
        25 * 4 * 2 + 2 + 25 * 2 * 4 + 4 + 4 * 4 * 4 + 1,
    ),
    "resnet": (
        lambda: networks.resnet_critic((8, 8, 2), filters=4, normalization="layer", condition_shape=(2,)),
        {"x": normal(4, 8, 8, 2), "condition": normal(4, 2)},
        1,
        (9 * 2 * 4 + 4 + 9 * 16 + 4 + 2 * 4 + 4 + 8) + 2 * (9 * 16 + 4) + 2 * 8 + 4 + 1 + 2 * 4,
    ),
    "resnet-spectral": (
        lambda: networks.resnet_critic((16, 16, 2), filters=4, spectral_norm=True),
        normal(4, 16, 16, 2),
        1,
        (9 * 2 * 4 + 4 + 9 * 16 + 4 + 2 * 4 + 4) + 2 * 2 * (9 * 16 + 4) + 4 + 1,
    ),
    "progressive": (
        lambda: networks.progressive_critic((8, 8, 1), filters=2, group_size=1),
        {"x": normal(4, 8, 8, 1), "level": LEVELS},
        1,
        (2 + 2) + (9 * 2 * 2 + 2 + 9 * 2 * 4 + 4) + (4 + 4) + (9 * 5 * 4 + 4) + (16 * 4 * 4 + 4) + (4 + 1),
    ),
    "lapgan-labels": (
        lambda: networks.lapgan_critic((8, 4, 2), filters=3, num_classes=3),
        {"x": normal(4, 8, 4, 2), "condition": LABELS},
        1,
        (3 * 32 + 32) + (25 * 3 * 3 + 3) + (25 * 3 * 3 + 3) + 4 * 2 * 3 + 1,
    ),
}


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.grid("mlp-attributes", "dcgan-labels", "resnet")
def test_generator(name):
    build, inputs, shape, num_parameters = GENERATORS[name]
    check_network(build, inputs, shape, num_parameters, output_dtype="float32")


@pytest.mark.parametrize("name", CRITICS)
@pytest.mark.grid("mlp-projection", "dcgan-labels", "resnet")
def test_critic(name):
    build, inputs, num_outputs, num_parameters = CRITICS[name]
    check_network(build, inputs, (num_outputs,), num_parameters)


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


def test_dcgan_keeps_the_papers_rules():
    """Radford et al. 2016, figure 1 and section 3: 100 latents to 64x64x3 through 4x4x1024, and the mirror."""
    generator = networks.dcgan_generator(100, (64, 64, 3), filters=128, output_activation="tanh")
    critic = networks.dcgan_critic((64, 64, 3), filters=128)
    ups = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    downs = [layer for layer in critic.layers if isinstance(layer, keras.layers.Conv2D)]
    assert generator.get_layer("reshape").output.shape == (None, 4, 4, 1024)
    assert [layer.output.shape[1:] for layer in ups] == [(8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 3)]
    assert [layer.output.shape[1:] for layer in downs] == [(32, 32, 128), (16, 16, 256), (8, 8, 512), (4, 4, 1024)]
    assert sum(isinstance(layer, layers.BatchNormalization) for layer in generator.layers) == 4
    assert sum(isinstance(layer, layers.BatchNormalization) for layer in critic.layers) == 3
    assert kinds(critic)[2] == "LeakyReLU" and not any("Pooling" in kind for kind in kinds(critic))
    kernels = [w.numpy() for w in (*generator.trainable_weights, *critic.trainable_weights) if w.name == "kernel"]
    for kernel in kernels:
        assert abs(kernel.mean()) < 0.02 / np.sqrt(kernel.size) * 5
        assert kernel.size < 2000 or abs(kernel.std() / 0.02 - 1) < 0.05
    assert not any(np.array_equal(a, b) for i, a in enumerate(kernels) for b in kernels[:i])


@pytest.mark.parametrize(
    ("shape", "smallest"), [((8, 8, 1), (4, 4)), ((28, 28, 1), (7, 7)), ((32, 32, 3), (4, 4)), ((48, 80, 1), (6, 10))]
)
@pytest.mark.grid("shape1-smallest1", "shape3-smallest3")
def test_sizes(shape, smallest):
    generator = networks.dcgan_generator(2, shape, filters=2)
    assert generator.get_layer("reshape").output.shape[1:3] == smallest
    assert generator.output_shape == networks.resnet_generator(2, shape, filters=2).output_shape == (None, *shape)
    critic = networks.dcgan_critic(shape, filters=2)
    assert critic.get_layer("flatten").input.shape[1:3] == smallest
    for network in (critic, networks.resnet_critic(shape, 2)):
        assert network(tf.zeros((1, *shape))).shape == (1, 1)


@pytest.mark.parametrize(("side", "last"), [(8, 8), (28, 7), (32, 8), (64, 8)])
def test_resnet_critic_is_that_of_sngan(side, last):
    """Miyato et al. 2018, table 4: on 32x32, two blocks that halve and two that do not."""
    critic = networks.resnet_critic((side, side, 3), filters=2)
    assert critic.get_layer("last_activation").output.shape == (None, last, last, 2)
    halved = sum(kind == "AveragePooling2D" for kind in kinds(critic))
    assert sum(kind == "Add" for kind in kinds(critic)) == halved + 2
    x = normal(2, side, side, 3)
    features = keras.Model(critic.input, critic.get_layer("last_activation").output)(x).numpy()
    kernel, bias = critic.get_layer("score").get_weights()
    np.testing.assert_allclose(critic(x), features.sum((1, 2)) @ kernel + bias, atol=1e-3)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_range_of_generated_data(policy):
    keras.config.set_dtype_policy(policy)
    z = 100.0 * normal(8, 3)
    for factory in (networks.mlp_generator, networks.dcgan_generator, networks.resnet_generator):
        x = factory(3, (8, 8, 1))(z).numpy()
        assert x.dtype == np.float32 and 0 <= x.min() < x.max() <= 1
        x = factory(3, (8, 8, 1), output_activation="tanh")(z).numpy()
        assert -1 <= x.min() < 0 < x.max() <= 1
    assert np.abs(networks.mlp_generator(3, (2,), output_activation=None)(z)).max() > 1


def test_projection():
    """f(x, y) = w h + b + y V h, with h the features and y one-hot or a vector."""
    for options, condition, vectors in (
        ({"num_classes": 3}, LABELS, np.eye(3)[LABELS]),
        ({"condition_shape": (2,)}, ATTRIBUTES, ATTRIBUTES),
    ):
        critic, x = networks.mlp_critic((2,), hidden=(5,), projection=True, **options), normal(4, 2)
        weights = {w.path.split("/")[-2] + "/" + w.name: w.numpy() for w in critic.weights}
        h = x @ weights["hidden_1/kernel"] + weights["hidden_1/bias"]
        h = np.where(h > 0, h, 0.2 * h)
        expected = h @ weights["score/kernel"] + weights["score/bias"]
        expected += np.sum((vectors @ weights["embedding/kernel"]) * h, axis=1, keepdims=True)
        np.testing.assert_allclose(critic({"x": x, "condition": condition}), expected, atol=1e-5)


def test_a_condition_as_maps_meets_the_image_everywhere():
    critic = networks.dcgan_critic((8, 8, 2), filters=2, num_classes=3)
    maps = keras.Model(critic.input, critic.get_layer("with_condition").output)
    x = normal(4, 8, 8, 2)
    expected = np.broadcast_to(np.eye(3, dtype="float32")[LABELS][:, None, None], (4, 8, 8, 3))
    np.testing.assert_array_equal(maps({"x": x, "condition": LABELS}), np.concatenate([x, expected], axis=-1))


def test_conditional_normalization_depends_on_the_label_alone():
    generator = networks.resnet_generator(3, (8, 8, 1), filters=4, num_classes=3)
    z = np.repeat(normal(1, 3), 4, axis=0)
    a, b, c, d = generator({"latents": z, "condition": LABELS}).numpy()
    np.testing.assert_array_equal(b, d)
    assert np.abs(a - b).max() > 1e-4 and np.abs(b - c).max() > 1e-4


def test_several_attributes():
    layer = condition_inputs.AttributeVectors((3, None))
    expected = [[1, 0, 0, 0.5], [0, 0, 1, -1], [0, 1, 0, 0], [0, 0, 1, 3]]
    np.testing.assert_array_equal(layer(ATTRIBUTES), expected)
    assert layer.compute_output_shape((None, 2)) == (None, 4)
    network = networks.mlp_generator(3, (2,), num_classes=[3, None])
    assert network.input["condition"].shape == (None, 2)
    for copy in (network, keras.Model.from_config(network.get_config())):
        assert condition_inputs.num_classes(copy) == (3, None)
    keras.config.set_dtype_policy("mixed_float16")
    vector = condition_inputs.AttributeVectors((4000,))(np.array([[3001.0]], "float32"))
    assert int(np.argmax(vector)) == 3001


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_dropout_is_for_training_alone(dropout):
    for critic, x in (
        (networks.mlp_critic((4,), hidden=(50,), dropout=dropout), normal(2, 4)),
        (networks.dcgan_critic((8, 8, 1), dropout=dropout, normalization=None), normal(2, 8, 8, 1)),
        (networks.resnet_critic((8, 8, 1), filters=4, dropout=dropout), normal(2, 8, 8, 1)),
    ):
        np.testing.assert_array_equal(critic(x), critic(x))
        assert np.array_equal(critic(x, training=True), critic(x, training=True)) == (dropout == 0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: networks.mlp_generator(0, (2,)), "`latent_size` should be a positive integer"),
        (lambda: networks.mlp_generator(2, ()), "`output_shape` should have at least one axis"),
        (lambda: networks.mlp_generator(2, (2,), num_classes=()), "`num_classes` should have at least one entry"),
        (lambda: networks.mlp_generator(2, (2,), num_classes=(3, 0)), "`num_classes` should be a positive integer"),
        (lambda: networks.mlp_critic((2,), projection=True), "`projection` needs a condition"),
        (lambda: networks.mlp_critic((2,), num_outputs=0), "`num_outputs` should be a positive integer"),
        (lambda: networks.mlp_critic((2,), num_classes=2, projection=True, num_outputs=2), "and one output"),
        (lambda: networks.dcgan_generator(2, (7, 8, 1)), "`output_shape` should have even sides of at least 8"),
        (lambda: networks.dcgan_generator(2, (8, 8)), "`output_shape` should be \\(height, width, channels\\)"),
        (lambda: networks.dcgan_critic((6, 6, 1)), "`input_shape` should have even sides of at least 8"),
        (lambda: networks.dcgan_critic((8, 8, 1), filters=0), "`filters` should be a positive integer"),
        (lambda: networks.dcgan_critic((8, 8, 1), normalization="instance"), "`normalization` should be"),
        (lambda: networks.dcgan_critic((8, 8, 1), smallest_size=0), "`smallest_size` should be a positive integer"),
        (lambda: networks.resnet_generator(2, (9, 9, 1)), "`output_shape` should have even sides"),
        (lambda: networks.resnet_critic((8, 8, 1), num_classes=3, num_outputs=4), "and one output"),
    ],
)
def test_refuses(build, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        build()


def test_normalization_may_be_synchronized():
    shape = (8, 8, 1)
    made = [networks.dcgan_generator(2, shape, 2, normalization="synchronized")]
    made += [networks.dcgan_critic((16, 16, 1), 2, normalization="synchronized")]
    made += [networks.resnet_critic(shape, 2, normalization="synchronized")]
    for network in made:
        normal = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert normal and all(layer.synchronized for layer in normal)
