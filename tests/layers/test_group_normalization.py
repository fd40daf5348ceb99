"""Group normalisation: Keras' numbers, by fewer passes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.layers import GroupNormalization


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def prepared(layer_class, shape, **options):
    layer = layer_class(epsilon=1e-5, **options)
    layer.build((None, *shape[1:]))
    for seed, weight in enumerate(layer.weights):
        weight.assign(1.0 + 0.3 * normal(*weight.shape, seed=seed))
    return layer


def everything(layer, x):
    """Outputs, the gradients of a nonlinear function of them, and the input's gradient of a penalty on that."""
    x, weights = tf.constant(x), normal(*x.shape, seed=1)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(weights * tf.cast(y, tf.float32) + tf.tanh(tf.cast(y, tf.float32)))
        gradients = tape.gradient(loss, [x, *(weight.value for weight in layer.trainable_weights)])
        penalty = tf.reduce_sum(tf.square(gradients[0]))
    return [np.asarray(value) for value in (y, *gradients, outer.gradient(penalty, x))]


@pytest.mark.parametrize("groups", [1, 2, 3, 6, -1])
@pytest.mark.parametrize(
    "shape", [(3, 7, 6), (2, 4, 5, 6), (2, 3, 2, 4, 6), (4, 6)], ids=lambda shape: f"rank{len(shape)}"
)
def test_numbers_are_those_of_keras(shape, groups):
    x = 2 * normal(*shape) + 3
    options = {"groups": groups, "scale": groups != 2, "center": groups != 3}
    layers = [prepared(layer, shape, **options) for layer in (GroupNormalization, keras.layers.GroupNormalization)]
    for ours, theirs in zip(*(everything(layer, x) for layer in layers), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * max(1.0, np.abs(theirs).max()))


def test_another_axis_is_left_to_keras():
    x = normal(2, 6, 4, 3)
    ours, theirs = (
        prepared(c, x.shape, groups=2, axis=1) for c in (GroupNormalization, keras.layers.GroupNormalization)
    )
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-6)


def test_digits_of_data_far_from_zero():
    """Centred before it is squared: a mean of a thousand deviations costs no digits of the variance."""
    x = normal(2, 16, 16, 4)
    layer = prepared(GroupNormalization, x.shape, groups=2, scale=False, center=False)
    np.testing.assert_allclose(layer(x + 4096.0), layer(x), atol=2e-3)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    x = normal(2, 5, 4, 6)
    ours, theirs = (
        prepared(c, x.shape, groups=3, dtype=policy) for c in (GroupNormalization, keras.layers.GroupNormalization)
    )
    assert ours(x).dtype == theirs(x).dtype
    np.testing.assert_allclose(*(keras.ops.cast(layer(x), "float32") for layer in (ours, theirs)), atol=2e-2)


def test_weights_fit_those_of_keras(tmp_path):
    networks = []
    for kind in (GroupNormalization, keras.layers.GroupNormalization):
        networks.append(keras.Sequential([keras.Input((4, 4, 6)), kind(groups=3, name="norm")], name="network"))
    networks[1].layers[0].gamma.assign(normal(6))
    networks[1].save_weights(tmp_path / "n.weights.h5")
    networks[0].load_weights(tmp_path / "n.weights.h5")
    x = normal(2, 4, 4, 6)
    np.testing.assert_allclose(networks[0](x), networks[1](x), atol=1e-5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GroupNormalization(axis=None), "`axis` should be an integer other than 0"),
        (lambda: GroupNormalization(groups=0), "`groups` should be a positive integer"),
        (lambda: GroupNormalization()(np.float32(1.0)), "GroupNormalization"),
        (lambda: GroupNormalization(4)(np.ones((2, 3, 6), "float32")), "`groups` should divide the channels"),
    ],
)
def test_refusals(build, message):
    with pytest.raises(ValueError, match=message):
        build()
