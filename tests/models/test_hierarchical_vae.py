"""Hierarchical autoencoders: a linear-Gaussian hierarchy in closed form, the posterior's forms, what users call."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import stats

from keras_dl import bijectors, likelihoods, models, networks, objectives
from keras_dl.models.hierarchical_draws import PosteriorDraws
from keras_dl.models.latent_normals import LatentNormals, Normal
from tests.models.hierarchical_builders import X, small

# z1 ~ N(0, 1), z2 | z1 ~ N(A z1 + a, S^2), x | z2 ~ N(B z2 + b, T^2), with orthogonal columns of B.
A, SHIFT_A, S = np.array([[0.8], [-0.5]]), np.array([0.3, -0.2]), 0.7
B = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 2)))[0] * [1.3, 0.6]
SHIFT_B, T = np.array([0.1, 0.2, -0.3]), 0.5


def dense(inputs, kernel, bias):
    layer = keras.layers.Dense(len(bias))
    outputs = layer(inputs)
    layer.set_weights([kernel, bias])
    return outputs


def linear(sizes, kernel, bias):
    """A linear model of one input, or of state and features side by side."""
    inputs = {name: keras.Input((size,), name=name) for name, size in sizes.items()}
    x = keras.layers.Concatenate()(list(inputs.values())) if len(inputs) > 1 else next(iter(inputs.values()))
    return keras.Model(inputs if len(inputs) > 1 else x, dense(x, np.asarray(kernel), np.asarray(bias)))


def log_scales(*rows):
    """Kernels beside columns of zeros, for constant log scales."""
    kernel = np.concatenate(rows, 0)
    return np.concatenate([kernel, 0 * kernel], 1)


def covariances():
    of_z2 = A @ A.T + S**2 * np.eye(2)
    return of_z2, B @ of_z2 @ B.T + T**2 * np.eye(3)


def gaussian_hierarchy(shift=0.0, **options):
    """The hierarchy whose posterior is exact but for a shift of the first group's mean."""
    mean_x, (_, of_x) = B @ SHIFT_A + SHIFT_B, covariances()
    gain = A.T @ B.T @ np.linalg.inv(of_x)  # of E[z1 | x]
    variance = 1.0 - (gain @ B @ A).item()
    precision = 1 / S**2 + np.diag(B.T @ B) / T**2
    kernel = log_scales(A.T / S**2 / precision, B / T**2 / precision)
    bias = np.concatenate([(SHIFT_A / S**2 - B.T @ SHIFT_B / T**2) / precision, -0.5 * np.log(precision)])
    first = linear({"features": 3}, log_scales(gain.T), [shift - (gain @ mean_x).item(), 0.5 * np.log(variance)])
    second = linear({"state": 1, "features": 3}, kernel, bias)
    prior = linear({"state": 1}, log_scales(A.T), [*SHIFT_A, *np.log([S, S])])
    groups = [
        networks.Group(first, linear({"latents": 1}, [[1.0]], [0.0])),
        networks.Group(second, linear({"latents": 2}, np.eye(2), [0.0, 0.0]), prior),
    ]
    inputs = keras.Input((3,))
    encoder = keras.Model(inputs, [keras.layers.Identity()(inputs), keras.layers.Identity()(inputs)])
    decoder = networks.TopDown(groups, linear({"state": 2}, B.T, SHIFT_B))
    likelihood = likelihoods.Gaussian(scale=T)
    model = models.HierarchicalVAE(encoder, decoder, likelihood, posterior="plain", seed=2, **options)
    model.compile("sgd", run_eagerly=True)
    return model


def data(rows=30):
    return np.random.default_rng(1).normal(size=(rows, 3)).astype("float32")


def log_likelihood(x):
    return stats.multivariate_normal(B @ SHIFT_A + SHIFT_B, covariances()[1]).logpdf(x)


def test_the_exact_posterior_makes_every_weight_the_likelihood():
    x = data()
    model = gaussian_hierarchy()
    np.testing.assert_allclose(model.log_prob(x, num_samples=3), log_likelihood(x), atol=1e-4)
    bound = model.log_density(x, num_samples=3, kind="bound")  # no noise is left
    np.testing.assert_allclose(bound.values, log_likelihood(x), atol=1e-4)
    np.testing.assert_allclose(bound.standard_errors, 0.0, atol=1e-5)


def test_the_bound_is_the_likelihood_less_the_divergence_of_the_posterior():
    """The posterior of z1 is shifted, that of z2 given z1 exact: KL = shift^2 / (2 var), by the chain rule."""
    x, shift = np.repeat(data(2), 20_000, 0), 0.4
    of_x = covariances()[1]
    variance = 1.0 - (A.T @ B.T @ np.linalg.inv(of_x) @ B @ A).item()
    expected = log_likelihood(x).mean() - shift**2 / (2 * variance)
    results = gaussian_hierarchy(shift).evaluate(x, batch_size=len(x), verbose=0, return_dict=True)
    assert results["elbo"] == pytest.approx(expected, abs=0.02)
    mean = shift + (x[[0, -1]] - B @ SHIFT_A - SHIFT_B) @ np.linalg.inv(of_x) @ B @ A
    first = 0.5 * (variance + np.square(mean[:, 0]) - 1 - np.log(variance))
    assert results["rate_1"] == pytest.approx(first.mean(), abs=1e-4)
    assert results["rate"] == pytest.approx(results["rate_1"] + results["rate_2"], rel=1e-5)
    bound = gaussian_hierarchy(shift).log_density(x[:1], num_samples=4000, kind="bound")
    assert float(bound.values[0]) == pytest.approx(log_likelihood(x[:1]).item() - shift**2 / (2 * variance), abs=0.05)


def test_the_residual_posterior_is_the_plain_one_with_shifted_parameters_gradients_and_all():
    def parts(residual):
        state, features = keras.Input((2,), name="state"), keras.Input((4,), name="features")
        parameters = delta({"state": state, "features": features})
        posterior = parameters if residual else keras.layers.Add()([parameters, prior(state)])
        group = networks.Group(keras.Model({"state": state, "features": features}, posterior), merge, prior)
        decoder = networks.TopDown([networks.Group(top, merge_top), group], head)
        kind = "residual" if residual else "plain"
        return models.HierarchicalVAE(encoder, decoder, likelihoods.Gaussian(0.5), posterior=kind, seed=3)

    keras.utils.set_random_seed(1)
    encoder = networks.ladder_encoder((5,), hidden=(4, 3), activation="tanh")
    top, merge_top = random({"features": 3}, 4), random({"latents": 2}, 2)
    delta, prior = random({"state": 2, "features": 4}, 6), random({"state": 2}, 6)
    merge, head = random({"latents": 3}, 4), random({"state": 4}, 5)
    x, results = np.random.default_rng(0).normal(size=(7, 5)).astype("float32"), []
    for residual in (True, False):
        model = parts(residual)
        model.compile("sgd", run_eagerly=True)
        weights = [*encoder.weights, *top.weights, *delta.weights, *prior.weights, *merge.weights]
        weights += [*merge_top.weights, *head.weights]
        before = [w.numpy() for w in weights]
        losses = model.evaluate(x, verbose=0, return_dict=True)
        model.fit(x, batch_size=7, verbose=0)
        results.append((losses, [w.numpy() - b for w, b in zip(weights, before, strict=True)]))
        for weight, value in zip(weights, before, strict=True):
            weight.assign(value)
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        assert np.abs(one).max() > 0
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-7)


def random(sizes, units):
    rng = np.random.default_rng(units)
    return linear(sizes, rng.normal(size=(sum(sizes.values()), units)) * 0.4, rng.normal(size=units) * 0.1)


def test_the_divergence_is_the_papers_form_and_that_of_tfp():
    rng = np.random.default_rng(0)
    prior, delta = (tf.constant(rng.normal(size=(4, 6)), tf.float32) for _ in range(2))
    normals = LatentNormals("residual")
    p, q = normals.prior(prior), normals.posterior(delta, prior)
    of_tfp = tfp.distributions.kl_divergence(tfp.distributions.Normal(*q), tfp.distributions.Normal(*p))
    np.testing.assert_allclose(q.kl_divergence(p), tf.reduce_sum(of_tfp, -1), rtol=1e-5)
    loc, log_scale = np.split(delta, 2, -1)  # equation 2 of Vahdat & Kautz
    terms = 0.5 * (loc**2 / np.square(p.scale) + np.exp(2 * log_scale) - 2 * log_scale - 1)
    np.testing.assert_allclose(q.kl_divergence(p), terms.sum(-1), rtol=1e-4)
    of_tfp = tf.reduce_sum(tfp.distributions.Normal(*q).log_prob(q.loc + 1), -1)
    np.testing.assert_allclose(q.log_prob(q.loc + 1), of_tfp, rtol=1e-5)


def test_the_published_codes_clamp_and_offset():
    normals = LatentNormals("residual", soft_clamp=5.0, scale_offset=0.01)
    first = normals.prior(tf.zeros([1, 4]))
    np.testing.assert_allclose(first.scale, 1.01, rtol=1e-6)
    prior, delta = tf.constant([[3.0, 2.0]]), tf.constant([[4.0, -1.0]])
    q = normals.posterior(delta, prior)  # the clamp comes after the sums
    assert float(q.loc[0, 0]) == pytest.approx(5 * np.tanh(7 / 5), rel=1e-6)
    assert float(q.scale[0, 0]) == pytest.approx(np.exp(5 * np.tanh(1 / 5)) + 0.01, rel=1e-6)
    fixed = normals.posterior(delta, prior, fixed=True)
    assert float(fixed.loc[0, 0]) == pytest.approx(5 * np.tanh(4 / 5), rel=1e-6)


def test_precision_weighting_is_the_product_of_two_densities():
    own, prior = tf.constant([[0.7, -0.4]]), tf.constant([[-1.0, 0.3]])
    q = LatentNormals("precision_weighted").posterior(own, prior)
    z = np.linspace(-6, 6, 4001)
    product = stats.norm(0.7, np.exp(-0.4)).pdf(z) * stats.norm(-1.0, np.exp(0.3)).pdf(z)
    expected = product / (product.sum() * (z[1] - z[0]))
    np.testing.assert_allclose(stats.norm(float(q.loc[0, 0]), float(q.scale[0, 0])).pdf(z), expected, atol=1e-5)


SHAPES = ((2, 2, 3), (2, 2, 3), (4, 4, 3))


def test_balancing_is_the_published_formula_while_the_rate_warms_up():
    rates = np.array([0.5, 2.0, 7.0])
    code = (rates + 0.01) / (np.array([1.0, 1.0, 4.0]) / [2, 2, 1])  # 4^i over the groups of the scale
    paper = (rates + 0.01) * [1.0, 1.0, 4.0]
    for balancing, raw in (("code", code), ("paper", paper)):
        elbo = objectives.HierarchicalELBO(objectives.Linear(10), balancing=balancing)
        np.testing.assert_allclose(elbo.coefficients(rates, SHAPES, 3), raw / raw.mean(), rtol=1e-5)
        np.testing.assert_array_equal(elbo.coefficients(rates, SHAPES, 10), np.ones(3))
        np.testing.assert_array_equal(elbo.coefficients(0 * rates, SHAPES, 3), np.ones(3))
    np.testing.assert_array_equal(objectives.HierarchicalELBO(0.5).coefficients(rates, SHAPES, 3), np.ones(3))


def test_the_objective_charges_free_bits_group_by_group():
    elbo = objectives.HierarchicalELBO(0.5, free_bits=1.0)
    distortion, rates = tf.constant([3.0]), tf.constant([[0.25, 2.0]])
    values, terms = elbo(distortion, rates, tf.zeros(2), ((1,), (1,)), 0)
    assert float(values[0]) == pytest.approx(3.0 + 0.5 * (1.0 + 2.0))
    assert {name: float(term[0]) for name, term in terms.items()} == pytest.approx(
        {"elbo": -5.25, "rate": 2.25, "distortion": 3.0, "rate_1": 0.25, "rate_2": 2.0}
    )


def test_balancing_reads_the_rates_of_the_batch_before():
    model = small(beta=objectives.Linear(100, start=0.1), balancing="code")
    before = model.evaluate(X, batch_size=len(X), verbose=0, return_dict=True)
    model.optimizer.learning_rate = 0.0
    history = model.fit(X, batch_size=len(X), epochs=2, verbose=0, shuffle=False).history
    rates = np.array([[history[f"rate_{k}"][epoch] for k in (1, 2)] for epoch in (0, 1)])
    np.testing.assert_allclose(model.carried["mean_rates"].value, rates[1], rtol=1e-5)
    raw = (rates[0] + 0.01) / [2.0, 3.0]
    expected = history["distortion"][1] + (0.1 + 0.9 / 100) * (raw / raw.mean() * rates[1]).sum()
    assert history["loss"][1] == pytest.approx(expected, rel=1e-4)
    assert set(before) == set(history)


def test_a_flow_changes_densities_by_its_jacobian():
    model = small(flow=bijectors.Planar())
    noise = [tf.random.stateless_normal([len(X), size], (size, 0)) for size in (2, 3)]
    drawn = PosteriorDraws(model, noise, model.flows())
    parameters = tf.random.stateless_normal([len(X), 4], (7, 7))
    z = drawn.choose(0, tf.zeros([len(X), 4]), parameters)
    q = Normal(parameters[:, :2], tf.exp(parameters[:, 2:]))
    with tf.GradientTape() as tape:
        start = q.draw(noise[0])
        tape.watch(start)
        end = model.flow_1.forward_and_log_det(start)[0]
    determinant = np.linalg.det(tape.batch_jacobian(end, start))
    np.testing.assert_allclose(z, end, rtol=1e-6)
    expected = q.log_prob(start) - np.log(np.abs(determinant)) - Normal(tf.zeros(2), tf.ones(2)).log_prob(z)
    np.testing.assert_allclose(drawn.rates[0], expected, rtol=1e-3, atol=1e-5)
    assert np.abs(determinant - 1).max() > 1e-3


def test_reconstructions_keep_the_groups_that_are_asked_for():
    model = small()
    whole = model.reconstruct(X)
    np.testing.assert_allclose(model.decode(model.encode(X)), whole, atol=1e-6)
    np.testing.assert_array_equal(model.reconstruct(X, keep=2), whole)
    np.testing.assert_array_equal(model.reconstruct(X, keep=np.int64(2)), whole)
    nothing = model.reconstruct(X, keep=0).numpy()
    np.testing.assert_allclose(nothing, np.broadcast_to(nothing[:1], nothing.shape), atol=1e-6)  # of no x
    np.testing.assert_allclose(nothing[0], model.sample(1, temperature=0.0)[0], atol=1e-6)
    first = model.decoder.split(model.encode(X))[0]
    kept = model.reconstruct(X, keep=[0], temperature=1.0, seed=1)
    other = model.reconstruct(X, keep=[0], temperature=1.0, seed=2)
    assert np.abs(kept - other).max() > 1e-3 and np.abs(kept - whole).max() > 1e-3
    prior = model.decoder.groups[1].prior(model.decoder.groups[0].advance(None, first))[:, :3]
    expected = model.decode(model.decoder.join([first, prior]))
    np.testing.assert_allclose(model.reconstruct(X, keep=1), expected, atol=1e-6)


def test_interpolation_moves_the_groups_that_are_asked_for():
    model = small()
    lines = model.interpolate(X[:3], X[3:6], steps=4)
    assert lines.shape == (3, 4, 4, 4, 1)
    np.testing.assert_allclose(lines[:, 0], model.reconstruct(X[:3]), atol=1e-6)
    np.testing.assert_allclose(lines[:, -1], model.reconstruct(X[3:6]), atol=1e-6)
    start, end = (model.decoder.split(model.encode(x)) for x in (X[:3], X[3:6]))
    coarse = model.interpolate(X[:3], X[3:6], steps=3, groups=1)[:, 1]
    middle = [(start[0] + end[0]) / 2, start[1]]
    np.testing.assert_allclose(coarse, model.decode(model.decoder.join(middle)), atol=1e-6)


def test_samples_follow_seed_and_temperature():
    model = small()
    np.testing.assert_array_equal(model.sample(4, seed=1), model.sample(4, seed=1))
    assert np.abs(model.sample(4, seed=1) - model.sample(4, seed=2)).max() > 1e-3
    spread = [model.sample(200, seed=1, temperature=t).numpy().std(0).mean() for t in (0.0, 0.5, 1.0)]
    assert spread[0] < 1e-6 < spread[1] < spread[2]
    noise = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    assert model.from_latents(noise).shape == (4, 4, 4, 1)


def test_active_units_are_counted_group_by_group():
    model = small()
    means = model.encode(X).numpy().var(0)
    assert model.active_units(X, threshold=0.0) == [2, 3]
    threshold = float(np.sort(means[2:])[1:].mean())  # of the second group one latent varies more
    assert model.active_units(X, threshold)[1] == 1
    assert model.active_units(X, 1e6) == [0, 0]


def test_bits_per_dimension_are_nats_over_the_dimensions():
    model = small()
    bits = model.bits_per_dim(X[:4], num_samples=8)
    np.testing.assert_allclose(bits, -model.log_prob(X[:4], num_samples=8) / (16 * np.log(2)), rtol=1e-6)
    likelihood = likelihoods.Gaussian(scale=1.0)
    with pytest.raises(ValueError, match="bits_per_dim should be of levels.*Received: likelihood='gaussian"):
        small(likelihood).bits_per_dim(X[:4])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: small(posterior="other"), "`posterior` should be one of"),
        (lambda: small(balancing="other"), "`balancing` should be one of"),
        (lambda: small(soft_clamp=0), "`soft_clamp` should be"),
        (lambda: small(scale_offset=-1), "`scale_offset` should be"),
        (lambda: small(flow="planar"), "flow should be a bijector"),
        (lambda: small(likelihood=likelihoods.Gaussian()), "decoder should return the parameters of a Gaussian"),
        (lambda: small().reconstruct(X, keep=3), "`keep` should be a number of groups up to 2"),
        (lambda: small().reconstruct(X, keep=[2]), "`keep` should be a number of groups up to 2"),
        (lambda: small().reconstruct(X, keep=1.5), "`keep` should be a number of groups up to 2"),
        (lambda: small().interpolate(X[:2], X[:2], groups=3), "`groups` should be a number of groups up to 2"),
        (lambda: small().interpolate(X[:2], X[:2, :3]), r"y should have shape \(rows, 4, 4, 1\)"),
        (lambda: small().active_units(X[:0]), "`x` should not be empty"),
        (lambda: small().sample(2, temperature=-1), "`temperature` should be"),
        (lambda: small().sample(2, condition=[1, 2]), "The model takes no condition"),
        (lambda: small().interpolate(X[:2], X[:3]), "`x` and `y` should have the same number of rows"),
        (lambda: small().log_prob(X + 2), "should lie in"),
    ],
)
def test_refusals(build, message):
    with pytest.raises(ValueError, match=message):
        build()
