"""Spectral regularisation against singular values by numpy, its gradient, and what counts as a convolution."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers, objectives


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(5, 3, name="one"),
            keras.layers.BatchNormalization(gamma_initializer="random_normal", name="norm"),
            keras.layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise"),
            keras.layers.Conv2D(4, 1, name="two"),
            keras.layers.Conv2DTranspose(3, 2, name="transposed"),
            keras.layers.SeparableConv2D(7, 2, depth_multiplier=2, name="separable"),
            keras.layers.Flatten(),
            keras.layers.Dense(2),  # no convolution
        ]
    )


def matrices(model):
    depthwise, transposed = (model.get_layer(name).kernel.numpy() for name in ("depthwise", "transposed"))
    kernels = [model.get_layer(name).kernel.numpy() for name in ("one", "two")]
    flat = [kernel.reshape(-1, kernel.shape[-1]) for kernel in kernels]
    separable = model.get_layer("separable")
    flat += [separable.depthwise_kernel.numpy().reshape(4, 6), separable.pointwise_kernel.numpy().reshape(6, 7)]
    return [*flat, depthwise.reshape(9, 10), np.moveaxis(transposed, 2, 3).reshape(-1, 3)]


def test_the_power_iteration_finds_the_largest_singular_values():
    model = network()
    exact = sum(np.linalg.svd(matrix, compute_uv=False)[0] for matrix in matrices(model))
    charge = objectives.SpectralRegularization(objectives.Linear(10, start=1.0, stop=3.0), of_norms=False)
    vectors = charge.start([model])
    assert vectors.shape == (5 + 4 + 10 + 3 + 6 + 7,)
    for _ in range(60):
        value, norms, vectors = charge([model], vectors, step=5)
    assert float(norms) == pytest.approx(exact, rel=1e-4)
    assert float(value) == pytest.approx(2 * exact, rel=1e-4)
    gammas = np.abs(model.get_layer("norm").gamma.numpy()).max()
    both = objectives.SpectralRegularization()([model, model], vectors, step=0)  # each layer counts once
    assert float(both[1]) == pytest.approx(exact + gammas, rel=1e-4)


def images(side, *channels):
    """One image for each of its values, which is 1 among zeros."""
    size = side * side * int(np.prod(channels))
    return np.eye(size, dtype="float32").reshape(size, side, side, *channels)


def as_matrix(layer, x):
    """What a layer without a bias makes of images of one value each, whose outputs are single pixels."""
    return layer(x).numpy().reshape(len(x), -1)


def modulated():
    """The middle of what a padded convolution of 3 pixels makes of images as large, by a style of ones."""
    layer, x = layers.ModulatedConv2D(3, 3, demodulate=False), images(3, 4)
    return layer, layer([x, np.zeros((len(x), 2), "float32")]).numpy()[:, 1, 1]


def filtered():
    """What a pixel far from the border is where an image of one colour was filtered, which leaves it as it is."""
    layer = layers.FilteredConv2D(5, 1, gain=0.5, use_bias=False)
    return layer, layer(np.broadcast_to(np.eye(4, dtype="float32")[:, None, None], (4, 8, 8, 4))).numpy()[:, 2, 2]


def plain(layer, *image):
    return layer, as_matrix(layer, images(*image))


OURS = {
    "equalized": lambda: plain(layers.EqualizedConv2D(5, 3, 1, "valid", lr_multiplier=0.25, use_bias=False), 3, 2),
    "filtered": filtered,
    "flattening": lambda: plain(layers.ConvFlatten(5, use_bias=False), 3, 2),
    "harmonic, of an image": lambda: plain(layers.HarmonicConv2D(2, 3, padding="valid"), 3, 2),
    "harmonic, of maps": lambda: plain(layers.HarmonicConv2D(2, 3, padding="valid"), 3, 2, 2, 3),
    "modulated": modulated,
    "of a learned norm": lambda: plain(layers.WeightNormConv2D(5, 3, use_bias=False), 3, 2),
}


@pytest.mark.parametrize("name", OURS)
def test_every_convolution_is_charged_for_the_kernel_that_convolves(name):
    keras.utils.set_random_seed(0)
    layer, matrix = OURS[name]()
    charge = objectives.SpectralRegularization(iterations=300, of_norms=False)
    _, found, _ = charge([layer], charge.start([layer]), step=0)
    assert float(found) == pytest.approx(np.linalg.svd(matrix, compute_uv=False)[0], rel=1e-4)


def test_what_cannot_be_charged_is_refused():
    spectral = layers.SpectralNormConv2D(4)
    spectral.build((None, 4, 4, 3))
    modulated = layers.ModulatedConv2D(4)
    modulated.build([(None, 4, 4, 3), (None, 2)])
    dense = keras.Sequential([keras.Input((3,)), layers.EqualizedDense(2), keras.layers.BatchNormalization()])
    charge = objectives.SpectralRegularization(of_norms=False)
    for networks in ([spectral], [modulated], [dense]):
        with pytest.raises(ValueError, match="should hold convolutions, .*Received: layers"):
            charge.start(networks)
    assert objectives.SpectralRegularization().start([dense]).shape == (0,)  # whose scales it charges


def test_the_gradient_is_the_outer_product_of_the_singular_vectors():
    model = network()
    charge = objectives.SpectralRegularization(0.5, iterations=200, of_norms=False)
    kernel = model.get_layer("one").kernel
    with tf.GradientTape() as tape:
        value, _, _ = charge([model], charge.start([model]), step=0)
    u, _, v = np.linalg.svd(kernel.numpy().reshape(-1, 5))
    expected = 0.5 * np.outer(u[:, 0], v[0]).reshape(kernel.shape)
    np.testing.assert_allclose(tape.gradient(value, kernel.value), expected, atol=1e-3)


def test_kernels_of_zeros_are_charged_nothing():
    layer = keras.layers.Conv2D(2, 1, kernel_initializer="zeros")
    layer.build((None, 4, 4, 3))
    charge = objectives.SpectralRegularization()
    with tf.GradientTape() as tape:
        value, norms, vectors = charge([layer], charge.start([layer]), step=0)
    assert float(value) == float(norms) == 0.0 and np.isfinite(vectors).all()
    assert np.isfinite(tape.gradient(value, layer.kernel.value)).all()
    layer.kernel.assign(np.full((1, 1, 3, 2), 2.0))
    assert float(charge([layer], vectors, step=0)[1]) == pytest.approx(2 * np.sqrt(6), rel=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"weight": -1}, "weight should be a schedule"), ({"iterations": 0}, "`iterations` should be a positive integer")],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        objectives.SpectralRegularization(**options)
