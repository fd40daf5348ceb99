"""Samplers with the exact score of Gaussians and mixtures: moments, orders of convergence, likelihoods."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import processes, samplers

MEANS = np.array([[2.0, 0.0], [-1.0, 1.5]], "float32")
WEIGHTS = np.array([0.3, 0.7], "float32")
SCALE = 0.4
PROCESSES = {
    "vp": processes.VariancePreserving(),
    "cosine": processes.Cosine(min_signal=0.0),
    "edm": processes.EDM(sigma_max=40.0),
    "straight": processes.RectifiedFlow(),
}


def log_density(process, x, t):
    """Log-density of the mixture, diffused to time t."""
    alpha, variance = process.alpha(t), tf.square(process.alpha(t) * SCALE) + tf.square(process.sigma(t))
    squares = tf.reduce_sum(tf.square(x[:, None] - alpha * MEANS), -1) / variance
    return tf.reduce_logsumexp(np.log(WEIGHTS) - 0.5 * squares, -1) - tf.math.log(2.0 * np.pi * variance)


def mixture(process):
    """The exact prediction of every kind for a mixture of two Gaussians in the plane."""

    def field(x, t, kind):
        alpha, sigma = process.alpha(t), process.sigma(t)
        variance = tf.square(alpha * SCALE) + tf.square(sigma)
        residuals = (x[:, None] - alpha * MEANS) / variance
        shares = tf.nn.softmax(np.log(WEIGHTS) - 0.5 * variance * tf.reduce_sum(tf.square(residuals), -1), -1)[
            ..., None
        ]
        data = tf.reduce_sum(shares * (MEANS + alpha * SCALE**2 * residuals), 1)
        noise = tf.reduce_sum(shares * sigma * residuals, 1)
        return processes.target(process, data, noise, t, kind)

    return field


def gaussian(process, mean, scale):
    """The same for one Gaussian."""

    def field(x, t, kind):
        alpha, sigma = process.alpha(t), process.sigma(t)
        residual = (x - alpha * mean) / (tf.square(alpha * scale) + tf.square(sigma))
        return processes.target(process, mean + alpha * scale**2 * residual, sigma * residual, t, kind)

    return field


def start(process, shape, seed=0):
    sigma = process.sigma(tf.constant(process.t_max))
    return sigma * tf.random.stateless_normal(shape, (seed, 1))


def noise(index, x):
    return tf.random.stateless_normal(tf.shape(x), tf.stack([index, 7]))


def exact_path(process, x, mean, scale):
    """Where the probability-flow equation takes samples of a Gaussian: to the same number of deviations."""
    t = tf.constant(process.t_max)
    deviation = tf.sqrt(tf.square(process.alpha(t) * scale) + tf.square(process.sigma(t)))
    return mean + scale * (x - process.alpha(t) * mean) / deviation


@pytest.mark.parametrize(
    ("name", "order", "process"),
    [(name, 1, process) for name in ("euler", "ddim") for process in ("vp", "edm")]
    + [("heun", 2, process) for process in PROCESSES]
    + [("dpm_solver", 2, "edm")],
)
def test_order_of_convergence(name, order, process):
    process, sampler = PROCESSES[process], samplers.SAMPLERS[name]
    x, field = start(process, (8, 1)), gaussian(process, 1.5, 0.5)
    truth = exact_path(process, x, 1.5, 0.5)
    run = tf.function(lambda times: sampler(field, process, x, times), input_signature=[tf.TensorSpec([None])])
    errors = [float(tf.reduce_max(tf.abs(run(process.times(n)) - truth))) for n in (40, 80, 160)]
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert slopes.max() > order - 0.35, (errors, slopes)


@pytest.mark.parametrize("process", ["vp", "edm"])
def test_deviations_of_ancestral_sampling_converge_at_first_order(process):
    """Of a Gaussian: from below, by about as much again as the steps are long; the mean is right at any number."""
    process = PROCESSES[process]
    x, field = start(process, (20_000, 1)), gaussian(process, 1.5, 0.5)
    run = tf.function(lambda times: samplers.ancestral(field, process, x, times, noise=noise))
    made = [run(process.times(steps)).numpy() for steps in (20, 80, 320)]
    np.testing.assert_allclose([samples.mean() for samples in made], 1.5, atol=0.015)
    errors = np.array([0.5 - samples.std() for samples in made])
    assert (errors > 0).all() and np.log2(errors[:-1] / errors[1:]).min() > 1.2, errors  # two halvings of the steps


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_moments_of_a_mixture(name, process):
    process, sampler = PROCESSES[process], samplers.SAMPLERS[name]
    x, field = start(process, (4000, 2)), mixture(process)
    run = tf.function(lambda x, times: sampler(field, process, x, times, noise=noise))
    samples = run(
        x, process.times(200 if name in ("ancestral", "ddim", "euler", "predictor_corrector") else 60)
    ).numpy()
    mean = WEIGHTS @ MEANS
    covariance = (MEANS - mean).T @ np.diag(WEIGHTS) @ (MEANS - mean) + SCALE**2 * np.eye(2)
    tolerance = 0.25 if name == "predictor_corrector" else 0.12  # four standard errors, and the steps' bias
    np.testing.assert_allclose(samples.mean(0), mean, atol=tolerance)
    np.testing.assert_allclose(np.cov(samples.T), covariance, atol=2 * tolerance)


def test_ddim_ends_where_the_equation_does():
    process = processes.Cosine(min_signal=0.0)
    x, field = start(process, (16, 1)), gaussian(process, 1.5, 0.5)
    made = tf.function(lambda times: samplers.ddim(field, process, x, times))(process.times(400))
    np.testing.assert_allclose(made, exact_path(process, x, 1.5, 0.5), atol=5e-3)


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_ddim_shrinks_as_known(steps):
    """Standard normal data and a quarter of a circle: each of n steps multiplies by cos(pi / 2n)."""
    process = processes.Cosine(min_signal=0.0)
    made = samplers.ddim(gaussian(process, 0.0, 1.0), process, tf.constant([[1.0]]), process.times(steps))
    assert float(made[0, 0]) == pytest.approx(np.cos(np.pi / (2 * steps)) ** steps, abs=1e-5)


def test_one_euler_step_of_a_straight_path_is_the_mean():
    """All mass falls on the mean of the data: the squared distance is the trace of their covariance."""
    process = processes.RectifiedFlow()
    made = samplers.euler(mixture(process), process, start(process, (64, 2)), process.times(1))
    np.testing.assert_allclose(made, np.tile(WEIGHTS @ MEANS, (64, 1)), atol=1e-5)


def test_churn_keeps_the_distribution():
    process = PROCESSES["edm"]
    sampler = functools.partial(samplers.heun, churn=20.0)
    x, field = start(process, (4000, 2)), mixture(process)
    samples = tf.function(lambda times: sampler(field, process, x, times, noise=noise))(process.times(60)).numpy()
    np.testing.assert_allclose(samples.mean(0), WEIGHTS @ MEANS, atol=0.1)
    with pytest.raises(ValueError, match="`churn` should be 0"):
        sampler(mixture(process), PROCESSES["vp"], start(process, (4, 2)), process.times(2), noise=noise)


@pytest.mark.parametrize(
    "process",
    [
        processes.VariancePreserving(beta_max=40.0),  # whose end is noise alone, as the model says of it
        processes.Cosine(min_signal=0.0),
        processes.EDM(sigma_max=4000.0),
        processes.RectifiedFlow(),
    ],
)
def test_likelihoods_are_the_closed_form(process):
    x = tf.constant([[2.0, 0.1], [-1.2, 1.0], [0.5, 0.5], [3.0, -0.5]])
    exact = tf.function(samplers.log_likelihood, autograph=False)
    values, latents = exact(mixture(process), process, x, samplers.axes(x), exact=True)
    np.testing.assert_allclose(values[0], log_density(process, x, tf.constant(process.t_min)), atol=1e-3)
    assert latents.shape == x.shape


def test_directions_estimate_without_bias():
    process = PROCESSES["straight"]
    x = tf.tile(tf.constant([[0.5, 0.5]]), [200, 1])
    signs = 2.0 * tf.cast(tf.random.stateless_uniform((2, 200, 2), (0, 3), 0, 2, tf.int32), tf.float32) - 1.0
    values, _ = tf.function(samplers.log_likelihood, autograph=False)(mixture(process), process, x, signs)
    truth = log_density(process, x, tf.constant(0.0)).numpy()[0]
    error = values.numpy().std() / np.sqrt(values.numpy().size)
    assert abs(values.numpy().mean() - truth) < 4 * error + 2e-3


def test_a_tolerance_that_cannot_be_met_is_an_error(monkeypatch):
    monkeypatch.setattr(samplers.dormand_prince, "MOST_EVALUATIONS", 20)
    with pytest.raises(tf.errors.InvalidArgumentError, match="tolerance should be one that 20 evaluations can meet"):
        samplers.integrate(lambda t, state: (tf.sin(1000.0 * t) * state[0],), (tf.ones([1]),), 0.0, 10.0, 1e-6)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5])
def test_the_adaptive_solver_meets_its_tolerance_and_stays_within(tolerance):
    times = []

    def derivative(t, state):
        times.append(t)
        return (-5.0 * tf.cos(5.0 * t) * state[0], tf.cos(5.0 * t) * tf.ones([2]))

    tf.config.run_functions_eagerly(True)
    first, second = samplers.integrate(derivative, (tf.ones([3]), tf.zeros([2])), 1.0, 0.0, tolerance)
    tf.config.run_functions_eagerly(False)
    np.testing.assert_allclose(first, np.exp(np.sin(5.0)) * np.ones(3), rtol=10 * tolerance)
    np.testing.assert_allclose(second, -np.sin(5.0) / 5.0 * np.ones(2), atol=10 * tolerance)
    assert min(times) >= 0.0 and max(times) <= 1.0
    assert len(times) < {1e-3: 70, 1e-5: 130}[tolerance]  # an estimate that is too large takes twice as many


def test_names_and_evaluations():
    calls = []

    def counting(x, t, kind):
        calls.append(kind)
        return x

    process = processes.EDM()
    for name in ("euler", "ddim", "heun", "dpm_solver"):
        calls.clear()
        tf.config.run_functions_eagerly(True)
        samplers.get(name)(counting, process, tf.ones([1, 1]), process.times(5), noise=noise)
        tf.config.run_functions_eagerly(False)
        assert len(calls) == samplers.evaluations(name, 5), name
    assert samplers.evaluations("adaptive", 5) is None
    with pytest.raises(ValueError, match="`sampler` should be one of.*Received: sampler='plms'"):
        samplers.get("plms")
    with pytest.raises(ValueError, match="`eta` should be from 0 to 1"):
        samplers.ddim(counting, process, tf.ones([1, 1]), process.times(5), eta=0.5)
    with pytest.raises(ValueError, match="`variance` should be"):
        samplers.ancestral(counting, process, tf.ones([1, 1]), process.times(5), noise, variance="fixed")
