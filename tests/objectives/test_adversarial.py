"""Adversarial objectives: formulas in NumPy, gradients, the theory of the game at its optimum, configuration."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

from keras_dl import objectives

OBJECTIVES = [
    objectives.Minimax(),
    objectives.Minimax(label_smoothing=0.1),
    objectives.NonSaturating(),
    objectives.LeastSquares(),
    objectives.LeastSquares(-1.0, 1.0, 0.0),
    objectives.Hinge(),
    objectives.Wasserstein(),
    objectives.RelativisticAverage(),
]
IDS = [f"{type(o).__name__}{i}" for i, o in enumerate(OBJECTIVES)]
LOGITS = np.linspace(-10.0, 10.0, 41)


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, "float64")))


def gradient(function, x):
    x = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(function(x))
    return tape.gradient(total, x).numpy()


def expected(objective, r, f):
    """Losses of the critic and of the generator, from the papers' formulas in float64."""
    name = type(objective).__name__
    if name in ("Minimax", "NonSaturating"):
        s = objective.label_smoothing
        critic = -(1 - s) * np.log(sigmoid(r)) - s * np.log(1 - sigmoid(r)) - np.log(1 - sigmoid(f))
        return critic, np.log(1 - sigmoid(f)) if name == "Minimax" else -np.log(sigmoid(f))
    if name == "LeastSquares":
        a, b, c = objective.fake, objective.real, objective.target
        return ((r - b) ** 2 + (f - a) ** 2) / 2, (f - c) ** 2 / 2
    if name == "RelativisticAverage":
        real, fake = sigmoid(r - f.mean()), sigmoid(f - r.mean())
        return -np.log(real) - np.log(1 - fake), -np.log(fake) - np.log(1 - real)
    critic = np.maximum(0, 1 - r) + np.maximum(0, 1 + f) if name == "Hinge" else f - r
    return critic, -f


@pytest.mark.parametrize("objective", OBJECTIVES, ids=IDS)
def test_losses_are_the_papers(objective):
    r, f = np.random.default_rng(0).standard_normal((2, 50)) * 3
    real, fake = tf.constant(r, tf.float32), tf.constant(f, tf.float32)
    critic, generator = expected(objective, r, f)
    np.testing.assert_allclose(objective.critic_loss(real, fake), critic, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(objective.generator_loss(fake, real), generator, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=IDS)
def test_stable_where_the_critic_is_sure(objective):
    sure = tf.constant([1e4, -1e4, 100.0, -100.0])
    for loss in (lambda x: objective.critic_loss(x, -x), lambda x: objective.generator_loss(x, -x)):
        assert np.isfinite(loss(sure)).all() and np.isfinite(gradient(loss, sure)).all()


@pytest.mark.parametrize("objective", OBJECTIVES, ids=IDS)
def test_coupling_is_declared(objective):
    """Whether one sample's loss changes with another's score is what `couples_batch` says."""
    r, f = tf.constant([0.3, -0.2]), tf.constant([0.1, 0.7])
    moved = objective.critic_loss(r, f + [0.0, 1.0])[0] - objective.critic_loss(r, f)[0]
    assert (abs(float(moved)) > 1e-3) == objective.couples_batch


@pytest.mark.parametrize("objective", OBJECTIVES, ids=IDS)
def test_configuration(objective):
    config = keras.saving.serialize_keras_object(objective)
    assert config["registered_name"].startswith("keras_dl>")
    copy = keras.saving.deserialize_keras_object(config)
    assert type(copy) is type(objective) and copy.get_config() == objective.get_config()


def test_no_game_at_equality():
    """At p_g = p_data the optimal critic is 1/2 everywhere and the value is -2 log 2."""
    zeros = tf.zeros(5)
    np.testing.assert_allclose(-objectives.Minimax().critic_loss(zeros, zeros), -2 * np.log(2), rtol=1e-6)
    slope = gradient(lambda x: objectives.Minimax().critic_loss(x, x), zeros)
    np.testing.assert_allclose(slope, 0, atol=1e-7)  # and 1/2 is where the critic's loss is least
    curvature = gradient(lambda x: objectives.Minimax().critic_loss(x, x), zeros + 0.1)
    assert (curvature > 0).all()


def test_saturating_and_non_saturating_gradients():
    """d/df log(1 - sigma(f)) = -sigma(f) vanishes at sure fakes; d/df -log sigma(f) = -(1 - sigma(f)) does not."""
    saturating = gradient(objectives.Minimax().generator_loss, LOGITS)
    other = gradient(objectives.NonSaturating().generator_loss, LOGITS)
    np.testing.assert_allclose(saturating, -sigmoid(LOGITS), rtol=1e-5)
    np.testing.assert_allclose(other, -(1 - sigmoid(LOGITS)), rtol=1e-5)
    assert abs(saturating[0]) < 5e-5 and abs(other[0]) > 0.9999
    assert abs(saturating[-1]) > 0.9999 and abs(other[-1]) < 5e-5


DATA, MODEL = stats.norm(0.0, 1.0), stats.norm(1.5, 0.7)


def optimal_logit(x):
    return tf.constant(DATA.logpdf(x) - MODEL.logpdf(x), tf.float32)


def expectation(distribution, values):
    x = np.linspace(-12, 12, 20001)
    return integrate.simpson(values(x) * distribution.pdf(x), x=x)


def js_divergence():
    x = np.linspace(-12, 12, 20001)
    p, q = DATA.pdf(x), MODEL.pdf(x)
    m = (p + q) / 2
    parts = (np.where(d > 0, d * np.log(np.where(d > 0, d, 1) / m), 0) for d in (p, q))
    return sum(integrate.simpson(part, x=x) for part in parts) / 2


def test_value_at_the_optimal_critic_is_the_js_divergence():
    """V(D*) = 2 JS - 2 log 2: an integral of the losses beside the numerical divergence."""
    minimax, zero = objectives.Minimax(), tf.zeros(20001)
    on_data = expectation(DATA, lambda x: minimax.critic_loss(optimal_logit(x), zero).numpy() - np.log(2))
    on_model = expectation(MODEL, lambda x: minimax.critic_loss(zero, optimal_logit(x)).numpy() - np.log(2))
    assert -(on_data + on_model) == pytest.approx(2 * js_divergence() - 2 * np.log(2), abs=1e-5)


def test_non_saturating_generator_at_the_optimal_critic_is_an_f_divergence():
    """E_g[-log D*] - log 2 = D_f(p_data || p_g) with f(t) = log(1 + 1/t) - log 2."""
    loss = objectives.NonSaturating().generator_loss
    found = expectation(MODEL, lambda x: loss(optimal_logit(x)).numpy()) - np.log(2)
    ratio = lambda x: DATA.pdf(x) / np.maximum(MODEL.pdf(x), 1e-300)  # noqa: E731
    divergence = expectation(MODEL, lambda x: np.log1p(1 / np.maximum(ratio(x), 1e-300)) - np.log(2))
    assert found == pytest.approx(divergence, abs=1e-5)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_refuses_bad_label_smoothing(smoothing):
    with pytest.raises(ValueError, match="`label_smoothing` should be.*Received: "):
        objectives.NonSaturating(smoothing)


@pytest.mark.parametrize("labels", [(1.0, 1.0, 1.0), (0.0, np.inf, 1.0)])
def test_refuses_bad_labels(labels):
    refusal = "(fake|real|target)`? (should be a finite number|should not be real).*Received: "
    with pytest.raises(ValueError, match=refusal):
        objectives.LeastSquares(*labels)


def test_relativistic_losses_compare():
    with pytest.raises(ValueError, match="`real` should be the scores of data.*Received: None"):
        objectives.RelativisticAverage().generator_loss(tf.zeros(2))


def test_attributes_are_cross_entropies_and_squared_errors():
    attributes = objectives.Attributes((3, None, 2))
    outputs = np.random.default_rng(0).standard_normal((4, 6)).astype("float32")
    condition = np.array([[0, 0.5, 1], [2, -1, 0], [1, 0, 0], [2, 3, 1]], "float32")
    hair = -np.log(np.exp(outputs[:, :3]) / np.exp(outputs[:, :3]).sum(1, keepdims=True))
    glasses = -np.log(np.exp(outputs[:, 4:]) / np.exp(outputs[:, 4:]).sum(1, keepdims=True))
    rows, labels = np.arange(4), condition.astype(int)
    loss = hair[rows, labels[:, 0]] + (outputs[:, 3] - condition[:, 1]) ** 2 / 2 + glasses[rows, labels[:, 2]]
    np.testing.assert_allclose(attributes(outputs, condition), loss, rtol=1e-5)
    single = objectives.Attributes(3)
    np.testing.assert_allclose(single(outputs[:, :3], np.int32([0, 2, 1, 2])), hair[rows, labels[:, 0]], rtol=1e-5)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(attributes))
    assert copy.get_config() == attributes.get_config() and copy.num_outputs == 6


@pytest.mark.parametrize("sizes", [(), 1, (3, 1), (3, "two"), (2.5,)])
def test_attributes_refuse(sizes):
    with pytest.raises(ValueError, match="sizes should hold.*Received: "):
        objectives.Attributes(sizes)
