"""Continuous flows: gradients beside finite differences and plain backpropagation, closed forms, inverse, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.linalg import expm

from keras_dl import layers, models, networks, samplers
from keras_dl.models.base import noise

MATRIX = np.array([[0.3, 0.5], [-0.4, 0.1]], "float32")


class Linear(keras.layers.Layer):
    """The field x A, whatever the time; trainable, for updates."""

    def __init__(self, matrix=None, **kwargs):
        super().__init__(**kwargs)
        self.matrix = np.asarray(MATRIX if matrix is None else matrix, "float32")
        self.kernel = self.add_weight(name="kernel", shape=self.matrix.shape)
        self.kernel.assign(self.matrix)

    def call(self, inputs):
        return inputs["x"] @ self.kernel + 0.0 * inputs["time"][:, None]


def linear(matrix=MATRIX, **options):
    size = len(matrix)
    inputs = {"x": keras.Input((size,), name="x"), "time": keras.Input((), name="time")}
    network = keras.Model(inputs, Linear(matrix)(inputs))
    return models.ContinuousFlow(network, seed=0, ema_momentum=None, **options)


def small(**options):
    keras.utils.set_random_seed(0)
    conditional = {name: options.pop(name) for name in ("num_classes",) if name in options}
    network = networks.denoising_mlp((2,), 8, 8, 1, activation="tanh", **conditional)
    return models.ContinuousFlow(network, seed=0, ema_momentum=None, **{"solver_steps": 3, **options})


def points(rows=5, size=2, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, size)).astype("float32")


def draw(rows=5, step=0, training=True):
    seed, step, total = tf.constant(3, tf.int64), tf.constant(step, tf.int64), tf.constant(float(rows))
    return noise.Draw(seed, step, 64, tf.constant(rows), 0, training, total)


def truth(x):
    end = x @ expm(MATRIX)
    return -0.5 * np.square(end).sum(-1) - np.log(2 * np.pi) + np.trace(MATRIX)


def test_the_likelihood_of_a_linear_field_is_the_closed_form():
    model, x = linear(), points()
    values, terms = model.loss_terms(tf.constant(x), draw())
    np.testing.assert_allclose(terms["log_prob"], truth(x), atol=1e-4)
    np.testing.assert_allclose(values, -truth(x), atol=1e-4)
    density = model.log_density(x)
    assert density.kind == "exact"
    np.testing.assert_allclose(density.values, truth(x), atol=1e-4)
    latents = model.encode(x)
    np.testing.assert_allclose(latents, x @ expm(MATRIX), atol=1e-4)
    np.testing.assert_allclose(model.decode(latents, sampler="adaptive"), x, atol=1e-3)
    np.testing.assert_allclose(np.std(model.sample(4000, seed=0), 0), np.sqrt(np.diag(covariance())), rtol=0.06)


def covariance():
    inverse = expm(-MATRIX)
    return inverse.T @ inverse


def test_hutchinson_is_unbiased_and_the_same_within_a_solution():
    """A skew field has no divergence, and of a symmetric one each direction's estimate is 2 a b v_1 v_2 away."""
    skew = linear([[0.0, 0.7], [-0.7, 0.0]], num_probes=1)
    x = points()
    expected = -0.5 * np.square(x).sum(-1) - np.log(2 * np.pi)
    np.testing.assert_allclose(skew.loss_terms(tf.constant(x), draw())[1]["log_prob"], expected, atol=1e-4)
    matrix = np.array([[0.2, 0.4], [0.4, -0.1]], "float32")
    estimate = linear(matrix, num_probes=1).loss_terms(tf.constant(points(400)), draw(400))[1]["log_prob"]
    exact = linear(matrix).loss_terms(tf.constant(points(400)), draw(400))[1]["log_prob"]
    gaps = (estimate - exact).numpy()
    np.testing.assert_allclose(np.abs(gaps), 0.8, atol=1e-4)  # one direction for the whole of the solution
    assert abs(gaps.mean()) < 0.16


def test_the_slopes_are_integrated():
    """Those of a linear field are the squared norm of its matrix, anywhere."""
    matrix = [[0.1, 0.7], [-0.3, 0.2]]
    model, x = linear(matrix, jacobian=2.0), points()
    values, terms = model.loss_terms(tf.constant(x), draw())
    np.testing.assert_allclose(terms["jacobian"], np.square(matrix).sum(), rtol=1e-4)
    np.testing.assert_allclose(values, 2.0 * terms["jacobian"] - terms["log_prob"], rtol=1e-5)


def test_steps_of_training_are_shifted_and_those_of_evaluation_finer():
    model = small(solver_steps=3)
    first, second = (model._times(draw(step=step)).numpy() for step in (0, 1))
    for times in (first, second):
        assert times[0] == 0 and times[-1] == 1 and len(times) == 5
        assert np.all(np.diff(times) > 0) and np.allclose(np.diff(times)[1:-1], 1 / 3, atol=1e-6)
    assert not np.allclose(first, second)
    np.testing.assert_allclose(model._times(draw(training=False)), np.linspace(0, 1, 13))


def test_kinetic_energy_is_the_integral_of_the_squared_speed():
    rotation = linear([[0.0, 0.7], [-0.7, 0.0]], kinetic=0.5)
    x = points()
    values, terms = rotation.loss_terms(tf.constant(x), draw())
    np.testing.assert_allclose(terms["kinetic"], 0.49 * np.square(x).sum(-1), rtol=1e-4)
    np.testing.assert_allclose(values, 0.5 * terms["kinetic"] - terms["log_prob"], rtol=1e-5)


def gradient(model, x):
    variables = [variable.value for variable in model.network.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.loss_terms(tf.constant(x), draw())[0])
    return variables, tape.gradient(loss, variables)


@pytest.mark.parametrize("probes", [None, 2])
def test_the_gradient_is_that_of_finite_differences(probes):
    model, x = small(kinetic=0.1, num_probes=probes), points()
    variables, gradients = gradient(model, x)
    rng = np.random.default_rng(0)
    direction = [rng.standard_normal(variable.shape).astype("float32") for variable in variables]
    slope = sum(float(tf.reduce_sum(a * b)) for a, b in zip(gradients, direction, strict=True))
    start, losses, size = [tf.identity(variable) for variable in variables], [], 1e-2
    for sign in (1.0, -1.0):
        for variable, value, change in zip(variables, start, direction, strict=True):
            variable.assign(value + sign * size * change)
        losses.append(float(tf.reduce_mean(model.loss_terms(tf.constant(x), draw())[0])))
    assert slope == pytest.approx((losses[0] - losses[1]) / (2 * size), rel=2e-2)


def test_recomputed_steps_have_the_gradient_of_plain_backpropagation():
    """Also of the state, and where a tensor has no gradient."""
    w, x = tf.constant([[0.5, -0.3], [0.2, 0.1]]), tf.constant(points())
    unused = tf.constant(1.0)
    times = [0.0, 0.25, 0.5, 1.0]

    def derivative(t, state, weights):
        return tf.tanh(state[0] @ weights[0]) * tf.cos(t), tf.reduce_sum(tf.square(state[0]), -1)

    def plain(state):
        for start, end in zip(times, times[1:], strict=False):
            state = samplers.checkpointed._runge_kutta(lambda t, s: derivative(t, s, [w]), state, start, end)
        return state

    results = []
    for solve in (plain, lambda state: samplers.integrate_checkpointed(derivative, state, [w, unused], times)):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([w, x])
            y, total = solve((x, tf.zeros(5)))
            loss = tf.reduce_sum(tf.square(y)) + tf.reduce_sum(total * tf.range(5.0))
        results.append((loss, *tape.gradient(loss, [w, x])))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.full
def test_a_compiled_step_is_the_plain_one():
    weights = []
    for compiled in (False, True):
        model = small(num_classes=3)
        model.compile(keras.optimizers.SGD(0.1), jit_compile=compiled)
        history = model.fit(points(8), np.arange(8) % 3, batch_size=4, epochs=2, verbose=0).history
        assert set(history) == {"loss", "log_prob", "kinetic", "jacobian"} and history["loss"][1] < history["loss"][0]
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.ContinuousFlow(networks.mlp_encoder((2,), 2)), "`network` should take a dict of 'x' and"),
        (lambda: small(sampler="ddim"), "`sampler` should follow the velocity"),
        (lambda: small(kinetic=-1.0), "`kinetic` should be"),
        (lambda: small(jacobian=-1.0), "`jacobian` should be"),
        (lambda: small(solver_steps=0), "`solver_steps` should be a positive integer"),
        (lambda: small(num_probes=0), "`num_probes` should be a positive integer"),
        (lambda: small().sample(2, guidance=2.0), "`guidance` should be 1"),
        (lambda: small(num_classes=3).sample(2), "condition should be given"),
        (lambda: small().sample(2, steps=0), "`steps` should be a positive integer"),
        (lambda: linear([[40.0, 0.0], [0.0, 40.0]]).encode(points(), tolerance=1e-12), "`tolerance` should be one"),
        (lambda: small().log_prob(points(3, 3)), "x should have shape"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def field_with(layer):
    inputs = {"x": keras.Input((2,), name="x"), "time": keras.Input((), name="time")}
    return keras.Model(inputs, layer(keras.layers.Dense(2)(inputs["x"])))


@pytest.mark.parametrize(
    ("layer", "state"),
    [
        (keras.layers.Dropout(0.5), "seed_generator_state"),
        (keras.layers.GaussianNoise(0.1), "seed_generator_state"),
        (keras.layers.BatchNormalization(), "moving_variance"),
        (layers.BatchNormalization(), "moving_variance"),
        (layers.SpectralNormDense(2), "[a-z_]+"),
    ],
)
def test_a_network_whose_states_the_solver_would_not_move_is_refused(layer, state):
    with pytest.raises(ValueError, match=f"should be a function of its inputs.*Received: the states .*/{state}'"):
        models.ContinuousFlow(field_with(layer), seed=0)


def test_states_that_training_leaves_alone_are_none():
    frozen = keras.layers.BatchNormalization(trainable=False)
    for layer in (frozen, keras.layers.Dropout(0.0)):
        assert models.ContinuousFlow(field_with(layer), seed=0).data_shape == (2,)
