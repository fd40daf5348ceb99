"""Energy models: every loss beside a closed form, normalisers, chains, guards, and what is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives, samplers
from keras_dl.models.energy_checks import DivergenceError
from keras_dl.models.energy_parts import Reference, noise_of
from keras_dl.objectives import quadrature
from tests.models.energy_builders import draw_of, points, quadratic, small_energy

VARIANCE = 0.5
STEP = 0.1
X = (np.random.default_rng(0).standard_normal((40_000, 1)) * VARIANCE**0.5).astype("float32")
LOG_Z = 0.5 * np.log(2 * np.pi)


def langevin_variance(k, steps=3):
    variance = VARIANCE
    for _ in range(steps):
        variance = (1 - STEP * k) ** 2 * variance + 2 * STEP
    return variance


def numeric(loss, k, h=1e-4):
    return (loss(k + h) - loss(k - h)) / (2 * h)


def noise_contrast(k, reference=1.0):
    """The expected loss of one noise sample per sample, at the true log Z of variance 1/2, by quadrature."""
    x = np.linspace(-9, 9, 4001)
    data, noise = (np.exp(-0.5 * x**2 / v) / np.sqrt(2 * np.pi * v) for v in (VARIANCE, reference))
    logit = -0.5 * k * x**2 - 0.5 * np.log(2 * np.pi * VARIANCE) - np.log(noise)
    return (data * np.logaddexp(0, -logit) + noise * np.logaddexp(0, logit)).sum() * (x[1] - x[0])


# objective -> the derivative of its expectation by the precision k of a Gaussian energy, for data of variance 1/2
SLOPES = {
    objectives.GridLikelihood((-9.0, 9.0), 200): lambda k: 0.5 * (VARIANCE - 1 / k),
    objectives.ScoreMatching(): lambda k: k * VARIANCE - 1,
    objectives.ScoreMatching(2): lambda k: k * VARIANCE - 1,
    objectives.DenoisingScoreMatching(0.3): lambda k: 0.09 * (k * (VARIANCE + 0.09) - 1),
    objectives.NoiseContrastive(): lambda k: numeric(noise_contrast, k),
    objectives.ContrastiveDivergence(): lambda k: 0.5 * (VARIANCE - langevin_variance(k)),
}


@pytest.mark.parametrize("objective", SLOPES, ids=repr)
@pytest.mark.parametrize("k", [1.0, 4.0])
def test_the_slope_of_every_loss_is_a_closed_form(objective, k):
    """Its sign, too: below the data's precision of 2 every loss falls with k, above it rises."""
    model = quadratic(k, objective=objective, sampler=samplers.Langevin(3, STEP))
    if objective.normalizes:
        model.normalizer.log_z.assign(0.5 * np.log(2 * np.pi * VARIANCE))
    weight = model.network.layers[-1].k
    with tf.GradientTape() as tape:
        losses = model.losses(tf.constant(X), draw_of(len(X)))[0]
        loss = tf.reduce_mean(losses)
    slope, expected = float(tape.gradient(loss, weight.value)), SLOPES[objective](k)
    assert slope == pytest.approx(expected, abs=0.015)
    assert np.sign(slope) == np.sign(expected) == np.sign(k - 2.0)


def test_conditional_noise_contrast_is_least_at_the_truth():
    slopes = []
    for k in (1.0, 2.0, 4.0):
        model = quadratic(k, objective=objectives.ConditionalNoiseContrastive(0.5))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model.losses(tf.constant(X), draw_of(len(X)))[0])
        slopes.append(float(tape.gradient(loss, model.network.layers[-1].k.value)))
    assert slopes[0] < -0.02 and abs(slopes[1]) < 0.005 and slopes[2] > 0.01


def test_score_matching_beside_finite_differences_and_slices():
    network = networks.mlp_critic((3,), hidden=(8,), activation="tanh")
    x, h = points(20, 3), 0.02

    def energy(x):
        return network(x)[:, 0]

    exact = objectives.ScoreMatching()(energy, tf.constant(x), draw_of(20))[0]
    expected = 0.0
    for axis in np.eye(3, dtype="float32"):
        after, here, before = (energy(x + step * axis).numpy().astype("float64") for step in (h, 0.0, -h))
        expected = expected + 0.5 * ((after - before) / (2 * h)) ** 2 - (after - 2 * here + before) / h**2
    np.testing.assert_allclose(exact, expected, atol=0.02)
    sliced = objectives.ScoreMatching(40)(energy, tf.constant(x), draw_of(20))[0]
    np.testing.assert_allclose(np.mean(sliced - exact), 0.0, atol=0.05)
    assert np.abs(sliced - exact).max() > 1e-4


def test_noise_contrast_recovers_the_normaliser_of_a_gaussian():
    model = quadratic(0.5, objective=objectives.NoiseContrastive(4), offset=1.0)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 150)), jit_compile=False)
    x = points(20_000, 1)
    model.fit(x, batch_size=2000, epochs=15, verbose=0)
    k, m = (float(weight) for weight in model.network.get_weights())
    assert k == pytest.approx(1 / 0.49, rel=0.05) and m == pytest.approx(0.5, abs=0.02)
    learned, exact = model.log_normalizer("learned"), model.log_normalizer("grid")
    assert float(exact.value) == pytest.approx(0.5 * np.log(2 * np.pi / k) - 1.0, abs=1e-4)
    assert abs(float(learned.value - exact.value)) < 0.03 and np.isnan(learned.standard_error)
    density = model.log_density(x[:5])
    assert density.kind == model.log_prob_kind == "exact"
    truth = -0.5 * np.square((x[:5, 0] - 0.5) / 0.7) - np.log(0.7) - LOG_Z
    np.testing.assert_allclose(density.values, truth, atol=0.08)


def test_normalisers_bracket_the_truth():
    model = quadratic(4.0, 0.3, size=3)
    truth = 1.5 * np.log(2 * np.pi / 4.0)
    below = model.log_normalizer("ais", num_chains=200, steps=20)
    above = model.log_normalizer("reverse", num_chains=200, steps=20, x=points(50, 3, loc=0.3, scale=0.5))
    for estimate in (below, above):
        assert abs(float(estimate.value) - truth) < 4 * float(estimate.standard_error) < 0.5
    assert model.log_density(points(3, 3), log_normalizer=below).kind == model.log_prob_kind == "estimate"


def test_the_grid_is_the_integral():
    x = quadrature.nodes((-1.0, 3.0), 8, 2)
    assert x.shape == (64, 2) and x.min() == -0.75 and x.max() == 2.75
    value = quadrature.log_integral(lambda x: 0.5 * tf.reduce_sum(x**2, -1), (-8.0, 8.0), 300, 2)  # several blocks
    assert float(value) == pytest.approx(2 * LOG_Z, abs=1e-4)
    with pytest.raises(ValueError, match="A grid should have one or two axes"):
        quadrature.nodes((0.0, 1.0), 4, 3)


def test_methods_of_a_gaussian():
    model = quadratic(4.0, 0.5, size=2, sampler=samplers.HMC(20, 0.2, 3))
    x = points(6)
    np.testing.assert_allclose(model.energy(x), 2.0 * np.square(x - 0.5).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), model.energy(x))
    np.testing.assert_allclose(model.score(x), -4.0 * (x - 0.5), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.anomaly_score(x, "gradient"), 4 * np.linalg.norm(x - 0.5, axis=-1), rtol=1e-5)
    samples = model.chains(800, seed=1)
    np.testing.assert_allclose(samples.x.numpy().std(0), [0.5, 0.5], atol=0.06)
    assert 0.5 < samples.acceptance.numpy().mean() < 1.0
    np.testing.assert_array_equal(model.sample(4, seed=1), model.sample(4, seed=1))
    assert np.abs(model.sample(4) - model.sample(4)).max() > 0
    downhill = model.refine(x, steps=50, sampler=samplers.Langevin(50, 0.1, temperature=0.0))
    np.testing.assert_allclose(downhill, np.full((6, 2), 0.5), atol=1e-3)


def test_a_range_bounds_the_density_and_the_chains():
    model = quadratic(4.0, 0.5, value_range=(0.0, 1.0), sampler=samplers.Langevin(5, 0.1))
    samples = model.sample(200, seed=0).numpy()
    assert samples.min() >= 0.0 and samples.max() <= 1.0
    assert np.isneginf(model.log_prob([[1.5]])) and float(model.log_normalizer().value) < 0.0
    with pytest.raises(ValueError, match=r"x should lie in \[0, 1\].*Received: values from 2 to 2"):
        model.refine([[2.0]])


def test_a_relative_energy_can_be_normalised():
    model = quadratic(0.0, objective=objectives.NoiseContrastive(), relative=True)
    model.compile("sgd", jit_compile=False)
    model.fit(points(200, 1), batch_size=200, verbose=0)
    assert float(model.log_normalizer().value) == pytest.approx(0.0, abs=0.02)


def test_noise_belongs_to_the_row():
    """Chains of a replica's rows are those of the whole batch."""
    seed, call = tf.constant(5, tf.int64), tf.constant(2, tf.int64)
    x = tf.zeros([8, 2])
    whole, part = noise_of(seed, call, 64, tf.constant(8)), noise_of(seed, call, 64, tf.constant(3), 5)
    for index in (0, 7):
        np.testing.assert_array_equal(part.normal(index, x[5:]), whole.normal(index, x)[5:])
        np.testing.assert_array_equal(part.uniform(index, x[5:]), whole.uniform(index, x)[5:])
    assert np.abs(whole.normal(0, x) - whole.normal(1, x)).min() > 0


def test_the_buffer_begins_at_the_reference_and_moves():
    model = small_energy(sampler=samplers.MALA(4, 0.05))
    x = points(32)
    model.initialize(tf.constant(x), draw_of(32))
    places = (model.carried["buffer"].samples.numpy() - x.mean(0)) / x.std(0)
    assert np.abs(places.mean(0)).max() < 0.5 and np.abs(places.std(0) - 1.0).max() < 0.4
    model.compile("sgd", jit_compile=False)
    history = model.fit(x, batch_size=16, epochs=1, verbose=0).history
    assert {"energy", "sample_energy", "acceptance", "loss"} == set(history)
    buffer = model.carried["buffer"].samples.numpy()
    before, size = buffer.copy(), float(model.carried["step_size"].value)
    assert size != 0.05
    model.fit(x[:8], batch_size=8, epochs=1, verbose=0)
    moved = np.abs(model.carried["buffer"].samples.numpy() - before).max(-1) > 0
    assert 1 <= moved.sum() <= 8


def test_a_divergence_is_named_before_it_is_nan():
    model = small_energy(objectives.ContrastiveDivergence(), energy_limit=5.0)
    model.compile(keras.optimizers.SGD(3.0), jit_compile=False)
    with pytest.raises(DivergenceError, match="Energies should stay within 5:.*term '(sample_)?energy', step"):
        model.fit(points(64), batch_size=8, epochs=10, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.network.get_weights())


def test_exported_functions_are_the_models(tmp_path):
    model, x = small_energy(shape=(4, 4, 1)), np.random.default_rng(0).random((3, 4, 4, 1), dtype="float32")
    model.export(tmp_path / "model")
    served = tf.saved_model.load(str(tmp_path / "model")).signatures
    np.testing.assert_allclose(served["energy"](x=tf.constant(x))["energy"], model.energy(x), atol=1e-5)
    np.testing.assert_allclose(served["score"](x=tf.constant(x))["score"], model.score(x), atol=1e-5)
    options = {"num_samples": tf.constant(4), "steps": tf.constant(5), "seed": tf.constant(7, tf.int64)}
    np.testing.assert_allclose(served["sample"](**options)["x"], model.sample(4, seed=7, steps=5), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: models.EnergyModel(networks.mlp_critic((2,), (4,), num_outputs=3)),
            r"energies of shape \(batch, 1\) or \(batch,\)",
        ),
        (lambda: small_energy(energy_limit=0.0), "`energy_limit` should be"),
        (lambda: small_energy(value_range=(1.0, 0.0)), "`value_range` should be"),
        (lambda: small_energy(objectives.GridLikelihood((-1, 1)), (3,)), "`objective` should be one of samples of 3"),
        (lambda: objectives.GridLikelihood((1.0, 1.0)), "`bounds` should be"),
        (lambda: small_energy().sample(0), "`num_samples` should be a positive integer"),
        (lambda: small_energy().sample(2, condition=[1, 2]), "condition should be None"),
        (lambda: small_energy().log_normalizer("exact"), "`method` should be one of"),
        (lambda: small_energy().log_normalizer("grid", steps=0), "`steps` should be a positive integer"),
        (lambda: small_energy().log_normalizer("ais", points=0), "`points` should be a positive integer"),
        (lambda: small_energy().log_normalizer("learned"), "`method` should be 'learned' of noise contrast alone"),
        (lambda: small_energy().log_normalizer("reverse"), "`x` should be data"),
        (lambda: small_energy().anomaly_score(points(2), "rank"), "`score` should be"),
        (lambda: small_energy().energy(points(2, 3)), r"x should have shape \(rows, 2\)"),
        (lambda: fit(small_energy(), points(64), 64), "capacity should be at least .* capacity=40, batch_size=64"),
        (lambda: fit(small_energy(value_range=(0.0, 1.0)), 3 + points(64), 8), r"x should lie in \[0, 1\]"),
        (
            lambda: fit(small_energy(objectives.GridLikelihood((-1, 1))), 3 + points(64), 8),
            r"x should lie in \[-1, 1\], the bounds of the grid",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def fit(model, x, batch_size):
    model.compile("adam", jit_compile=False)
    model.fit(x, batch_size=batch_size, verbose=0)


def test_parts_of_other_kinds_are_refused():
    with pytest.raises(TypeError, match="`objective` should be a keras_dl.objectives.EnergyObjective"):
        small_energy(objectives.Minimax())
    with pytest.raises(TypeError, match="`sampler` should be a keras_dl.samplers.MarkovChain"):
        small_energy(sampler="langevin")
    constant = Reference((2,))
    constant.fit(np.zeros(2, "float32"), np.array([1.0, 0.0], "float32"))
    assert np.isfinite(constant.log_prob(tf.zeros([1, 2]))).all()


def test_the_learned_normaliser_is_that_of_the_averaged_energy():
    model = small_energy(objectives.NoiseContrastive(), ema_momentum=0.5)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    model.fit(points(64), batch_size=8, verbose=0)
    learned = float(model.log_normalizer("learned").value)
    assert learned == float(model.ema_networks["normalizer"].log_z) != float(model.normalizer.log_z)
