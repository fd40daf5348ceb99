"""Mini-batches, gradients and covariances of low rank of mixtures: against loops written out and scikit-learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA as Components
from sklearn.decomposition import FactorAnalysis
from sklearn.mixture import GaussianMixture as Reference

from keras_dl import models
from keras_dl.models import low_rank, mixture_shapes, mixture_starts
from tests.models.test_gaussian_mixture import X
from tests.named_sets import load_or_skip

ROWS = len(X)


def plain(model, **options):
    model.compile(jit_compile=False, **options)
    return model


def stream(x, batch=100):
    return tf.data.Dataset.from_tensor_slices(x).batch(batch)


def start_of(model, x):
    """What a mixture begins with: log-weights, means and precisions, float64."""
    log_weights, means, factors, *_ = model._start(x)
    return np.exp(log_weights.astype("float64")), means.astype("float64"), factors.astype("float64")


def precisions_of(factors, covariance):
    if covariance in ("full", "tied"):
        return factors @ np.swapaxes(factors, -1, -2)
    return np.square(factors)


@pytest.mark.parametrize("covariance", mixture_shapes.COVARIANCES)
def test_every_iteration_has_scikit_learns_lower_bound_from_equal_starts(covariance):
    x = X.astype("float32")
    model = plain(models.GaussianMixture((3,), 3, covariance, seed=0))
    weights, means, factors = start_of(model, x)
    starts = {"weights_init": weights / weights.sum(), "means_init": means}
    starts["precisions_init"] = precisions_of(factors, covariance)
    loss = model.fit(x, batch_size=ROWS, epochs=6, verbose=0).history["loss"]
    for iterations in (1, 3, 6):
        peer = Reference(3, covariance_type=covariance, max_iter=iterations, tol=0, **starts)
        with pytest.warns(match="did not converge"):
            peer.fit(x.astype("float64"))
        assert -loss[iterations - 1] == pytest.approx(peer.lower_bound_, rel=1e-6)


@pytest.mark.full
@pytest.mark.parametrize("covariance", mixture_shapes.COVARIANCES)
@pytest.mark.parametrize("name", ["digits", "fashion_mnist"])
def test_images_have_scikit_learns_lower_bound_and_score(name, covariance):
    """In their first principal components, ten groups from equal starts."""
    (_, _), (x, _) = load_or_skip(name)
    x = Components(16).fit_transform(x[:2000].reshape(len(x[:2000]), -1)).astype("float32")
    model = plain(models.GaussianMixture((16,), 10, covariance, seed=0))
    weights, means, factors = start_of(model, x)
    starts = {"weights_init": weights / weights.sum(), "means_init": means}
    starts["precisions_init"] = precisions_of(factors, covariance)
    loss = model.fit(x, batch_size=len(x), epochs=5, shuffle=False, verbose=0).history["loss"]
    peer = Reference(10, covariance_type=covariance, max_iter=5, tol=0, **starts)
    with pytest.warns(match="did not converge"):
        peer.fit(x.astype("float64"))
    assert -loss[-1] == pytest.approx(peer.lower_bound_, rel=1e-6, abs=5e-6)  # a float32 of sums of 16 terms
    assert float(np.mean(model.log_prob(x))) == pytest.approx(peer.score(x), abs=1e-4)


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from([*mixture_shapes.COVARIANCES, *low_rank.KINDS]), st.sampled_from([0.0, 1e3]),
    st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_an_iteration_never_lowers_the_likelihood(seed, covariance, offset, dtype):
    random = np.random.default_rng(seed)
    x = (random.normal(size=(60, 4)) * random.uniform(0.2, 3.0, 4) + 4 * random.integers(0, 3, (60, 1))).astype(dtype)
    options = {"rank": 2} if covariance in low_rank.KINDS else {}
    model = models.GaussianMixture((4,), 3, covariance, seed=seed, **options)
    model.compile(run_eagerly=True)
    loss = np.array(model.fit(x + offset, batch_size=60, epochs=8, verbose=0).history["loss"])
    assert (np.diff(loss) < 1e-5 * np.abs(loss[1:]) + 1e-5).all(), loss


@pytest.mark.parametrize("covariance", mixture_shapes.COVARIANCES)
def test_mini_batches_are_the_recursion_written_out(covariance):
    """Cappe & Moulines 2009: means of statistics move by (t + 2)^-0.6, and parameters follow from them."""
    model = plain(models.GaussianMixture((3,), 3, covariance, seed=0, method="mini_batch"))
    model.fit(stream(X), verbose=0)
    *_, centre, counts, totals, squares = model._start(X[:100])
    for step in range(4):
        x = X[100 * step : 100 * step + 100].astype("float64") - centre
        means, covariances = mixture_shapes.covariances_of(counts, totals, squares, covariance)
        factors = mixture_shapes.factors_of(covariances, covariance, 1e-6)
        matrices = mixture_shapes.matrices_of(factors, covariance, 3, 3)
        joint = [
            np.log(c) + multivariate_normal(m, s).logpdf(x) for c, m, s in zip(counts, means, matrices, strict=True)
        ]
        joint = np.exp(np.stack(joint, 1))
        weights = joint / joint.sum(1, keepdims=True)
        new = mixture_shapes.sums_of_squares(tf.constant(x), tf.constant(weights), covariance).numpy()
        rate = (step + 2) ** -0.6
        counts = counts + rate * (weights.mean(0) - counts)
        totals = totals + rate * (weights.T @ x / 100 - totals)
        squares = squares + rate * (new / 100 - squares)
    means, covariances = mixture_shapes.covariances_of(counts, totals, squares, covariance)
    matrices = mixture_shapes.matrices_of(mixture_shapes.factors_of(covariances, covariance, 1e-6), covariance, 3, 3)
    np.testing.assert_allclose(model.mixture_weights, counts / counts.sum(), rtol=1e-5)
    np.testing.assert_allclose(model.means, centre + means, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model.covariances, matrices, rtol=1e-3, atol=1e-4)


def test_mini_batches_come_near_the_optimum_and_go_on_from_a_file(tmp_path):
    best = models.GaussianMixture((3,), 3, seed=0)
    plain(best).fit(X, batch_size=ROWS, epochs=20, verbose=0)
    model = plain(models.GaussianMixture((3,), 3, seed=0, method="mini_batch"))
    model.fit(X, batch_size=50, epochs=8, verbose=0)
    assert float(np.mean(model.log_prob(X))) == pytest.approx(float(np.mean(best.log_prob(X))), abs=0.05)
    model.save(tmp_path / "mixture.keras")
    again = keras.saving.load_model(tmp_path / "mixture.keras")
    for one in (model, again):
        one.fit(X, batch_size=50, epochs=9, initial_epoch=8, verbose=0)
    np.testing.assert_array_equal(model.means, again.means)


def test_gradients_raise_the_likelihood_to_that_of_iterations():
    best = plain(models.GaussianMixture((3,), 3, seed=0))
    best.fit(X, batch_size=ROWS, epochs=20, verbose=0)
    model = plain(models.GaussianMixture((3,), 3, seed=0, method="gradient"), optimizer=keras.optimizers.Adam(0.03))
    loss = model.fit(X, batch_size=100, epochs=15, verbose=0).history["loss"]
    assert loss[-1] < loss[0]
    assert float(np.mean(model.log_prob(X))) == pytest.approx(float(np.mean(best.log_prob(X))), abs=0.02)
    assert model.mixture_weights.sum() == pytest.approx(1.0, abs=1e-6)
    assert (np.linalg.eigvalsh(model.covariances) > 0).all()
    samples = np.asarray(model.sample(4000, seed=0))
    np.testing.assert_allclose(samples.mean(0), X.mean(0), atol=0.3)


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_the_floor_bounds_what_gradients_make_of_equal_rows(covariance):
    model = models.GaussianMixture((2,), 2, covariance, floor=0.25, seed=0, method="gradient")
    model.mixture.factors.assign(100.0 * np.asarray(model.mixture.factors))
    model.limit()
    np.testing.assert_allclose(model.covariances, 0.25 * np.broadcast_to(np.eye(2), (2, 2, 2)), rtol=1e-5)


def test_one_ppca_is_the_closed_form_and_one_factor_analyser_scikit_learns():
    x = np.random.default_rng(0).normal(size=(300, 6)) @ np.random.default_rng(1).normal(size=(6, 6))
    x = x.astype("float32")
    exact = models.PPCA((6,), 2, seed=0)
    exact.fit(x, verbose=0)
    model = plain(models.GaussianMixture((6,), 1, "ppca", rank=2, floor=1e-9, seed=0))
    model.fit(x, batch_size=300, epochs=2, verbose=0)
    np.testing.assert_allclose(model.log_prob(x), exact.log_prob(x), atol=1e-3)
    assert float(model.mixture.noise[0, 0]) == pytest.approx(exact.noise_variance, rel=1e-4)
    analyser = plain(models.GaussianMixture((6,), 1, "factors", rank=2, floor=1e-9, seed=0))
    loss = np.array(analyser.fit(x, batch_size=300, epochs=40, verbose=0).history["loss"])
    assert (np.diff(loss) < 1e-5).all()
    peer = FactorAnalysis(2, tol=1e-6, max_iter=2000, svd_method="lapack").fit(x.astype("float64"))
    assert float(np.mean(analyser.log_prob(x))) == pytest.approx(peer.score(x.astype("float64")), abs=5e-3)


@pytest.mark.parametrize("kind", low_rank.KINDS)
def test_mixtures_of_low_rank_never_lose_likelihood_and_have_their_form(kind, tmp_path):
    random = np.random.default_rng(2)
    parts = [random.normal(size=(150, 2)) @ random.normal(size=(2, 5)) + 2 * random.normal(size=5) for _ in range(2)]
    x = (np.concatenate(parts) + 0.3 * random.normal(size=(300, 5))).astype("float32")
    model = plain(models.GaussianMixture((5,), 2, kind, rank=2, seed=0))
    loss = np.array(model.fit(x, batch_size=300, epochs=12, verbose=0).history["loss"])
    assert (np.diff(loss) < 1e-5).all() and loss[-1] < loss[0]
    loadings, noise = np.asarray(model.mixture.loadings), np.asarray(model.mixture.noise)
    expected = loadings @ np.swapaxes(loadings, 1, 2) + noise[:, :, None] * np.eye(5)
    np.testing.assert_allclose(model.covariances, expected, rtol=1e-3, atol=1e-4)
    if kind == "ppca":
        np.testing.assert_allclose(noise, np.broadcast_to(noise[:, :1], noise.shape))
    free = 5 * 2 - 1 + (1 if kind == "ppca" else 5)
    assert model.num_parameters == 2 * (free + 5) + 1
    model.save(tmp_path / "mixture.keras")
    again = keras.saving.load_model(tmp_path / "mixture.keras")
    np.testing.assert_array_equal(again.log_prob(x), model.log_prob(x))


def test_mini_batch_k_means_is_scikit_learns_batch_by_batch():
    model = plain(models.KMeans((3,), 3, seed=0, method="mini_batch"))
    start, _ = mixture_starts.best_of(X[:100].astype("float64"), 3, 0, 10, 300)
    peer = MiniBatchKMeans(3, init=start, n_init=1, reassignment_ratio=0.0)
    for _ in range(2):
        for first in range(0, ROWS, 100):
            peer.partial_fit(X[first : first + 100].astype("float64"))
    model.fit(stream(X), epochs=2, verbose=0)
    np.testing.assert_allclose(model.centres, peer.cluster_centers_, atol=1e-3)


def test_a_component_of_weight_zero_adds_nothing_and_begins_anew():
    model = plain(models.GaussianMixture((3,), 3, seed=0))
    weights, means, factors = start_of(model, X)
    model.mixture.set(np.array([np.log(0.25), np.log(0.75), -np.inf]), means, factors)
    both = [multivariate_normal(m, np.linalg.inv(f @ f.T)).logpdf(X) for m, f in zip(means, factors, strict=True)]
    np.testing.assert_allclose(
        model.log_prob(X), np.logaddexp(np.log(0.25) + both[0], np.log(0.75) + both[1]), rtol=1e-4
    )
    assert (np.asarray(model.predict_proba(X))[:, 2] == 0).all()
    sums = model.expect(tf.constant(X), models.base.Draw.for_sampling(0, 0, ROWS))[2]
    with pytest.warns(UserWarning, match="begin anew: .2."):
        model.maximise(sums)
    assert np.isfinite(model.log_prob(X)).all() and model.mixture_weights.min() > 0.1


def test_duplicates_and_a_point_per_cluster_have_finite_densities():
    x = np.repeat(np.array([[0.0, 0.0], [5.0, 5.0], [9.0, 0.0]], "float32"), 4, 0)
    for points, count in ((x, 3), (x[::4], 3)):
        model = plain(models.GaussianMixture((2,), count, floor=1e-3, seed=0))
        model.fit(points, batch_size=len(points), epochs=3, verbose=0)
        np.testing.assert_allclose(
            model.covariances, 1e-3 * np.broadcast_to(np.eye(2), (3, 2, 2)), rtol=1e-2, atol=1e-5
        )
        np.testing.assert_allclose(np.sort(model.means[:, 0]), [0.0, 5.0, 9.0], atol=1e-3)
        assert np.isfinite(model.log_prob(points)).all()


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: models.GaussianMixture((4,), 2, method="gibbs"), "`method` should be one of"),
        (lambda: models.GaussianMixture((4,), 2, rank=2), "`rank` should be None"),
        (lambda: models.GaussianMixture((4,), 2, "ppca"), "rank"),
        (lambda: models.GaussianMixture((4,), 2, "factors", rank=4), "below the 4 values"),
        (lambda: models.GaussianMixture((4,), 2, "ppca", rank=2, method="gradient"), 'method="em"'),
        (lambda: models.KMeans((4,), 2, method="gibbs"), "`method` should be one of"),
    ],
)
def test_refusals(build, match):
    with pytest.raises(ValueError, match=match):
        build()
