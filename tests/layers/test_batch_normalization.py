"""The fused batch normalisation has the numbers of Keras' layer, and survives what Keras' does not."""

import json
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.layers import BatchNormalization
from tests.processes import output_of

SHAPES = {
    "image": (8, 5, 4, 6),
    "dense": (8, 6),
    "sequence": (4, 7, 6),
    "volume": (2, 3, 4, 3, 6),
    "single": (1, 1, 1, 6),
}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def prepared(layer_class, input_shape, **options):
    """A layer with all weights off their initial values."""
    layer = layer_class(momentum=0.8, **options)
    layer.build(input_shape)
    for i, weight in enumerate(layer.weights):
        weight.assign(1.0 + 0.3 * np.abs(normal(*weight.shape, seed=i)))
    return layer


def everything(layer, x, training, jit_compile=None, signature=None):
    """Outputs, the gradients of a nonlinear function of them, and the moving averages afterwards."""
    weights = normal(*x.shape, seed=1)

    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(weights * y + tf.tanh(y))
        return (y, *tape.gradient(loss, [x, *(w.value for w in layer.trainable_weights)]))

    if jit_compile is not None:
        signature = signature and [tf.TensorSpec(signature)]
        compute = tf.function(compute, jit_compile=jit_compile, input_signature=signature, autograph=False)
    return [np.asarray(v) for v in (*compute(tf.constant(x)), *(w.numpy() for w in layer.non_trainable_weights))]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}], ids=["full", "no-scale", "no-center"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.grid(
    "image-full-True",
    "image-no-scale-False",
    "dense-full-False",
    "dense-no-center-True",
    "single-full-True",
    "sequence-full-False",
    "volume-no-center-False",
)
def test_numbers_are_those_of_keras(shape, options, training):
    x = 2 * normal(*shape) + 1
    expected = everything(prepared(keras.layers.BatchNormalization, shape, **options), x, training)
    for jit_compile, signature in ((None, None), (False, (None,) * (len(shape) - 1) + (6,)), (True, shape)):
        layer = prepared(BatchNormalization, shape, **options)
        for ours, keras_value in zip(everything(layer, x, training, jit_compile, signature), expected, strict=True):
            np.testing.assert_allclose(ours, keras_value, atol=1e-5 * max(1.0, np.abs(keras_value).max()))


def test_moving_averages_over_several_batches():
    """Keras averages the biased variance: n / (n - 1) times as much would be 2% off here."""
    ours, theirs = (prepared(c, (7, 2, 4, 3)) for c in (BatchNormalization, keras.layers.BatchNormalization))
    for seed in range(5):
        x = 3 * normal(7, 2, 4, 3, seed=seed) - 1
        ours(x, training=True), theirs(x, training=True)
    np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, rtol=1e-5)
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, atol=1e-5)
    assert np.abs(x.var((0, 1, 2)) * 0.02).min() > 1e-3


@pytest.mark.parametrize("training", [True, False])
def test_second_derivative(training):
    """A gradient penalty differentiates the gradient."""
    x = tf.constant(normal(4, 3, 3, 2))

    def penalty_gradient(layer):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(tf.tanh(layer(x, training=training)) * normal(4, 3, 3, 2, seed=2))
            penalty = tf.reduce_sum(tf.square(inner.gradient(y, x)))
        return outer.gradient(penalty, [x, layer.gamma.value])

    ours, theirs = (
        penalty_gradient(prepared(c, x.shape)) for c in (BatchNormalization, keras.layers.BatchNormalization)
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4 * np.abs(b).max())


@pytest.mark.parametrize(
    "options", [{"axis": 1}, {"renorm": True}, {"synchronized": True}], ids=lambda o: next(iter(o))
)
def test_what_the_kernel_cannot_do_is_left_to_keras(options):
    x = normal(4, 3, 5, 5)
    expected = everything(prepared(keras.layers.BatchNormalization, x.shape, **options), x, True)
    for ours, keras_value in zip(
        everything(prepared(BatchNormalization, x.shape, **options), x, True), expected, strict=True
    ):
        np.testing.assert_allclose(ours, keras_value, atol=1e-5 * max(1.0, np.abs(keras_value).max()))


def test_mask():
    x, mask = normal(4, 5, 3), np.arange(5) < np.array([[5], [2], [3], [0]])
    ours, theirs = (prepared(c, x.shape) for c in (BatchNormalization, keras.layers.BatchNormalization))
    np.testing.assert_allclose(ours(x, training=True, mask=mask), theirs(x, training=True, mask=mask), atol=1e-6)
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("training", [True, False])
def test_half_precision(policy, training):
    x = normal(8, 5, 4, 6)
    ours, theirs = (prepared(c, x.shape, dtype=policy) for c in (BatchNormalization, keras.layers.BatchNormalization))
    a, b = (keras.ops.cast(layer(x, training=training), "float32") for layer in (ours, theirs))
    assert ours(x).dtype == theirs(x).dtype
    np.testing.assert_allclose(a, b, atol=1e-2 if policy == "mixed_float16" else 4e-2)
    np.testing.assert_allclose(ours.moving_variance, theirs.moving_variance, atol=1e-5)


def test_frozen_layer_uses_and_keeps_its_averages():
    layer = prepared(BatchNormalization, (4, 3, 3, 2))
    layer.trainable = False
    x, before = normal(4, 3, 3, 2), layer.moving_mean.numpy()
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    np.testing.assert_array_equal(layer.moving_mean, before)


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize("shape", [(0, 4, 4, 3), (0, 3), (0, 4, 3)])
def test_empty_batch_changes_nothing(shape, jit_compile):
    layer = prepared(BatchNormalization, shape)
    before = [w.numpy() for w in layer.non_trainable_weights]
    signature = (None,) * (len(shape) - 1) + (3,)
    y, dx, dgamma, dbeta, *after = everything(layer, np.zeros(shape, "float32"), True, jit_compile, signature)
    assert y.shape == dx.shape == shape
    np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal([dgamma, dbeta], np.zeros((2, 3)))


def test_weights_go_either_way(tmp_path):
    """A drop-in: a model with Keras' layer and the same model with ours read each other's weights."""

    def model(layer_class):
        inputs = keras.Input((4, 4, 3))
        x = keras.layers.Conv2D(5, 3, name="conv")(inputs)
        return keras.Model(inputs, layer_class(name="norm")(x))

    x = normal(2, 4, 4, 3)
    theirs = keras.layers.BatchNormalization
    for source, target in ((BatchNormalization, theirs), (theirs, BatchNormalization)):
        first, second = model(source), model(target)
        first.get_layer("norm").moving_mean.assign(normal(5))
        first.save_weights(tmp_path / "model.weights.h5")
        second.load_weights(tmp_path / "model.weights.h5")
        np.testing.assert_allclose(second(x), first(x), atol=1e-5)


REPLICAS = """
    import json, sys
    import keras, numpy as np, tensorflow as tf
    from keras_dl.layers import BatchNormalization
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    x = np.random.default_rng(0).standard_normal((7, 3, 3, 2)).astype("float32") * 2 + 1
    w = np.random.default_rng(1).standard_normal((7, 3, 3, 2)).astype("float32")

    def gradients(layer, x, w):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w * tf.tanh(layer(x, training=True)))
        return tape.gradient(loss, [layer.gamma.value, layer.beta.value])

    def one():
        layer = BatchNormalization(momentum=0.5)
        layer.build(x.shape)
        return [*gradients(layer, x, w), layer.moving_mean.numpy(), layer.moving_variance.numpy()]

    def two(first):
        with strategy.scope():
            layer = BatchNormalization(momentum=0.5, synchronized=True)
            layer.build(x.shape)
        rows = [slice(None, first), slice(first, None)]
        values = lambda a: strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(a[rows[context.replica_id_in_sync_group]]))
        step = tf.function(lambda a, b: strategy.run(gradients, (layer, a, b)))
        sums = [strategy.reduce("SUM", g, axis=None) for g in step(values(x), values(w))]
        return [*sums, layer.moving_mean.numpy(), layer.moving_variance.numpy()]

    print(json.dumps([[np.asarray(v).tolist() for v in result] for result in (one(), two(3), two(7))]))
"""


def test_synchronized_over_replicas():
    """Two replicas of uneven batches, one of them empty too, see the statistics of the global batch."""
    output = output_of(textwrap.dedent(REPLICAS))
    one, uneven, with_an_empty_replica = map(np.array, json.loads(output.splitlines()[-1]))
    np.testing.assert_allclose(uneven, one, atol=1e-5)
    np.testing.assert_allclose(with_an_empty_replica, one, atol=1e-5)
