"""SIREN's layer, its initialisation, and an image that it learns; SELU, the other activation with a promise."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import activations, layers


def test_formula():
    layer, x = layers.SineDense(5, omega_0=7.0), np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
    y = layer(x)
    kernel, bias = (weight.numpy() for weight in layer.weights)
    np.testing.assert_allclose(y, np.sin(7.0 * (x @ kernel + bias)), atol=1e-5)


@pytest.mark.parametrize(("is_first", "bound"), [(True, 1 / 400), (False, np.sqrt(6 / 400) / 30)])
def test_initial_distribution(is_first, bound):
    """Uniform between the paper's bounds: range, variance and a flat histogram."""
    keras.utils.set_random_seed(0)
    layer = layers.SineDense(500, is_first=is_first)
    layer.build((None, 400))
    kernel = layer.kernel.numpy().ravel()
    assert np.abs(kernel).max() <= bound and np.abs(kernel).max() > 0.999 * bound
    counts, _ = np.histogram(kernel, bins=20, range=(-bound, bound))
    np.testing.assert_allclose(counts, kernel.size / 20, rtol=0.05)
    assert np.abs(layer.bias.numpy()).max() <= 1 / np.sqrt(400)


def test_activations_keep_their_distribution_through_many_layers():
    """Section 3.2: pre-activations stay standard normal, so outputs stay arcsine distributed, of variance 1/2."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 2)).astype("float32")
    x = layers.SineDense(256, is_first=True)(x)
    for _ in range(10):
        layer = layers.SineDense(256)
        y = layer(x)
        before = 30.0 * (np.asarray(x) @ layer.kernel.numpy())
        assert abs(before.std() - 1) < 0.1
        assert abs(np.asarray(y).std() - np.sqrt(0.5)) < 0.07
        x = y


def test_selu_keeps_mean_and_variance_through_fifty_layers():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).standard_normal((512, 512)).astype("float32")
    for _ in range(50):
        x = keras.layers.Dense(512, activations.selu, use_bias=False, kernel_initializer="lecun_normal")(x)
    x = np.asarray(x)
    assert abs(x.mean()) < 0.1
    assert abs(x.var() - 1) < 0.1


def camera(size=128):
    """The camera image in [-1, 1] and its pixels' coordinates in [-1, 1]."""
    data, transform = pytest.importorskip("skimage.data"), pytest.importorskip("skimage.transform")
    image = 2.0 * transform.resize(data.camera() / 255.0, (size, size), anti_aliasing=True) - 1.0
    axis = np.linspace(-1, 1, size)
    return image.astype("float32"), np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).astype("float32")


def psnr(error):
    """In decibels, for values in [-1, 1]."""
    return 10 * np.log10(4 / np.mean(np.square(error)))


@pytest.mark.slow
def test_learns_an_image():
    """SIREN 2-256x4-1, Adam 1e-4, all 128x128 pixels a step: torch reaches 30.0 and 34.1 dB after 100 and 200 steps."""
    keras.utils.set_random_seed(1)
    image, coordinates = camera()
    x, y = tf.constant(coordinates.reshape(-1, 2)), tf.constant(image.reshape(-1, 1))
    hidden = [layers.SineDense(256, is_first=i == 0) for i in range(4)]
    last = keras.layers.Dense(1, kernel_initializer=layers.SineInitializer())
    network = keras.Sequential([keras.Input((2,)), *hidden, last])
    assert network.count_params() == 198_401
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(network.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(x) - y))
        optimizer.apply(tape.gradient(loss, network.trainable_variables))

    for expected in (30.0, 34.1):
        for _ in range(100):
            step()
        assert psnr(network(x) - y) > expected - 1.0
    assert gradient_correlation(network, x, image) > 0.85


def gradient_correlation(network, x, image):
    """Correlation of the network's gradient by autodiff with the image's by central differences."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = network(x)
    gradient = tape.gradient(y, x).numpy().reshape(*image.shape, 2)
    differences = np.stack(np.gradient(image, 2 / (image.shape[0] - 1)), -1)
    return np.corrcoef(gradient[1:-1, 1:-1].ravel(), differences[1:-1, 1:-1].ravel())[0, 1]


@pytest.mark.parametrize("arguments", [{"units": 0}, {"units": 2.5}, {"units": 3, "omega_0": 0.0}])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        layers.SineDense(**arguments)
