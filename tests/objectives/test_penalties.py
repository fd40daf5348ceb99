"""Penalties: torch's double backward (frozen), critics of known gradients, half precision, XLA, zero gradients."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import objectives

FROZEN = np.load(pathlib.Path(__file__).parents[1] / "frozen" / "torch_gradient_penalty.npz")
PENALTIES = {
    "gradient_penalty": objectives.GradientPenalty(10.0),
    "one_sided": objectives.GradientPenalty(10.0, target=2.0, one_sided=True),
    "r1": objectives.R1(3.0),
}


class FixedDraw:
    """Gives the frozen positions instead of random ones."""

    def uniform(self, shape=()):
        return tf.constant(FROZEN["position"])


class NormalDraw:
    def __init__(self, rows):
        self.rows = rows

    def normal(self, shape=()):
        return tf.random.stateless_normal((self.rows, *shape), (1, 2))


def conv_critic(activation):
    critic = keras.Sequential(
        [
            keras.Input((11, 11, 2)),
            keras.layers.Conv2D(4, 3, strides=2, name="conv_1"),
            keras.layers.Activation(activation),
            keras.layers.Conv2D(5, 3, strides=2, name="conv_2"),
            keras.layers.Activation(activation),
            keras.layers.Flatten(),
            keras.layers.Dense(1, name="score"),
        ]
    )
    for name in ("conv_1", "conv_2", "score"):
        critic.get_layer(name).set_weights([FROZEN[f"{name}/kernel"], FROZEN[f"{name}/bias"]])
    return critic


def score(critic):
    return lambda x: tf.cast(critic(x, training=True), tf.float32)[:, 0]


def penalty_and_gradients(penalty, critic, scale=1.0):
    real, fake = tf.constant(FROZEN["real"]), tf.constant(FROZEN["fake"])
    with tf.GradientTape() as tape:
        values = penalty(score(critic), real, fake, FixedDraw())
        loss = scale * tf.reduce_mean(values)
    variables = [v.value for v in critic.trainable_variables]
    gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
    return values, [gradient / scale for gradient in gradients]


def frozen_gradients(kind, name, critic):
    layers = ("conv_1", "conv_2", "score")
    keys = [f"{kind}/{name}/{layer}/{part}" for layer in layers for part in ("kernel", "bias")]
    pairs = zip(keys, critic.trainable_variables, strict=True)
    return [FROZEN[key] if key in FROZEN else np.zeros(variable.shape) for key, variable in pairs]


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("kind", ["tanh", "leaky_relu"])
@pytest.mark.grid()
def test_equals_torch(kind, name, jit_compile):
    critic = conv_critic(kind)
    compute = tf.function(lambda: penalty_and_gradients(PENALTIES[name], critic), jit_compile=jit_compile)
    values, gradients = compute()
    np.testing.assert_allclose(values, FROZEN[f"{kind}/{name}"], rtol=2e-5)
    for gradient, expected in zip(gradients, frozen_gradients(kind, name, critic), strict=True):
        np.testing.assert_allclose(gradient, expected, atol=2e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("name", PENALTIES)
def test_half_precision_critic(name):
    """The critic computes in float16, norms and penalties in float32, also where the loss is scaled."""
    keras.config.set_dtype_policy("mixed_float16")
    critic = conv_critic("tanh")
    values, gradients = penalty_and_gradients(PENALTIES[name], critic, scale=2.0**3)
    assert values.dtype == tf.float32 and {g.dtype for g in gradients} == {tf.float32}
    np.testing.assert_allclose(values, FROZEN[f"tanh/{name}"], rtol=0.02)
    for gradient, expected in zip(gradients, frozen_gradients("tanh", name, critic), strict=True):
        np.testing.assert_allclose(gradient, expected, atol=0.02 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("norm", [0.0, 0.3, 1.0, 7.0])
def test_exact_on_a_linear_critic(norm):
    w = np.random.default_rng(0).standard_normal(6)
    w = tf.constant(norm * w / np.linalg.norm(w), tf.float32)
    real, fake = tf.zeros((4, 6)), tf.ones((4, 6))

    def critic(x):
        return tf.linalg.matvec(x, w)

    fixed = FixedDraw()
    fixed.uniform = lambda shape: tf.fill((4, *shape), 0.25)
    cases = [
        (objectives.GradientPenalty(10.0), 10 * (norm - 1) ** 2),
        (objectives.GradientPenalty(2.0, target=0.5), 2 * (norm - 0.5) ** 2),
        (objectives.GradientPenalty(10.0, one_sided=True), 10 * max(0.0, norm - 1) ** 2),
        (objectives.R1(4.0), 2 * norm**2),
        (objectives.R2(4.0), 2 * norm**2),
    ]
    for penalty, expected in cases:
        np.testing.assert_allclose(penalty(critic, real, fake, fixed), expected, rtol=1e-6, atol=2e-5 * (norm == 0))
    around = objectives.Dragan(3.0)(critic, real, fake, NormalDraw(4))
    np.testing.assert_allclose(around, 3 * (norm - 1) ** 2, rtol=1e-5, atol=1e-4)


def test_each_looks_where_it_says():
    """On f(x) = x^3 the gradient tells the point: between the samples, at data, at fakes, around data."""
    real, fake = tf.constant([[1.0], [2.0]]), tf.constant([[3.0], [5.0]])

    def critic(x):
        return x[:, 0] ** 3

    fixed = FixedDraw()
    fixed.uniform = lambda shape: tf.constant([[0.5], [1.0]])
    points = {
        objectives.GradientPenalty(1.0): ([2.0, 5.0], lambda g: (g - 1) ** 2),
        objectives.R1(2.0): ([1.0, 2.0], lambda g: g**2),
        objectives.R2(2.0): ([3.0, 5.0], lambda g: g**2),
    }
    for penalty, (x, value) in points.items():
        np.testing.assert_allclose(penalty(critic, real, fake, fixed), value(3 * np.square(x)), rtol=1e-5)
    around = real + 0.1 * NormalDraw(2).normal((1,))
    found = objectives.Dragan(1.0, noise=0.1)(critic, real, fake, NormalDraw(2))
    np.testing.assert_allclose(found, (3 * around[:, 0] ** 2 - 1) ** 2, rtol=1e-5)


def test_finite_gradients_where_the_critic_is_flat():
    critic = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(1)])
    critic.set_weights([np.zeros_like(w) for w in critic.get_weights()])
    for jit_compile in (False, True):

        @tf.function(jit_compile=jit_compile)
        def gradients():
            with tf.GradientTape() as tape:
                values = objectives.GradientPenalty()(score(critic), tf.zeros((2, 3)), tf.ones((2, 3)), HalfWay())
                loss = tf.reduce_mean(values)
            variables = [v.value for v in critic.trainable_variables]
            return values, tape.gradient(loss, variables, unconnected_gradients="zero")

        values, found = gradients()
        np.testing.assert_allclose(values, 10.0, rtol=1e-5)
        assert all(np.isfinite(gradient).all() for gradient in found)


class HalfWay:
    def uniform(self, shape=()):
        return tf.fill((2, *shape), 0.5)


class TwoPasses:
    """A critic whose passes differ by a known amount, as dropout makes them."""

    def __init__(self, scores, features):
        self.scores, self.features = list(scores), list(features)

    def __call__(self, x):
        return tf.constant(self.scores.pop(0), tf.float32)

    def with_features(self, x):
        return self(x), tf.constant(self.features.pop(0), tf.float16)


def test_consistency_term():
    """2 max(0, (f' - f'')^2 + 0.1 mean (h' - h'')^2 - M), by hand."""
    passes = ([[1.0, 0.0], [3.0, 0.5]], [[[1.0, 1.0], [0.0, 0.0]], [[2.0, 4.0], [0.0, 0.0]]])
    found = objectives.ConsistencyTerm(2.0, margin=0.3)(TwoPasses(*passes), None, None, None)
    np.testing.assert_allclose(found, [2 * (4 + 0.1 * 5 - 0.3), 0.0], rtol=1e-5)
    plain = objectives.ConsistencyTerm(1.0, feature_weight=0.0)(TwoPasses(*passes), None, None, None)
    np.testing.assert_allclose(plain, [4.0, 0.25], rtol=1e-6)


def test_output_variance():
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal((2, 30, 1)).astype("float32") * [[[1.0]], [[3.0]]]
    values = objectives.OutputVariance(5.0)(lambda x: x[:, 0], real, fake, None)
    assert float(tf.reduce_mean(values)) == pytest.approx(2.5 * (real.var() + fake.var()), rel=1e-5)


def test_weight_clipping():
    variables = [keras.Variable([-3.0, 0.02, 0.005]), keras.Variable([[1.0]])]
    objectives.WeightClipping(0.01).constrain(variables)
    np.testing.assert_allclose(variables[0], [-0.01, 0.01, 0.005])
    np.testing.assert_allclose(variables[1], [[0.01]])


ALL = [
    objectives.GradientPenalty(5.0, 0.5, True),
    objectives.Dragan(1.0, 2.0, 0.3, True),
    objectives.R1(2.0),
    objectives.R2(3.0),
    objectives.ConsistencyTerm(1.0, 0.2, 0.3),
    objectives.OutputVariance(2.0),
    objectives.WeightClipping(0.1),
]


@pytest.mark.parametrize("penalty", ALL, ids=lambda p: type(p).__name__)
def test_configuration(penalty):
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(penalty))
    assert type(copy) is type(penalty) and copy.get_config() == penalty.get_config()
    assert penalty.couples_batch == isinstance(penalty, objectives.OutputVariance)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, "ten", None, True])
def test_refuses_bad_weights(bad):
    for build in (objectives.GradientPenalty, objectives.R1, objectives.R2, objectives.WeightClipping):
        with pytest.raises(ValueError, match="should be a finite number( of at least 0)?. Received: "):
            build(bad)
    with pytest.raises(ValueError, match="`one_sided` should be True or False. Received: one_sided='no'"):
        objectives.GradientPenalty(one_sided="no")
    with pytest.raises(ValueError, match="limit should be above 0. Received: "):
        objectives.WeightClipping(0)
