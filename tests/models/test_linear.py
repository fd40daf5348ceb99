"""Principal components: against scikit-learn, closed forms and each other, with offsets and missing values."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA as Reference

from keras_dl import models
from keras_dl.models import moments
from keras_dl.models.linear_gaussian import NOISE_FLOOR
from tests.models.linear_builders import low_rank
from tests.named_sets import load_or_skip

DIGITS = load_digits().data.astype("float32")
RANDOM = np.random.default_rng(3).normal(size=(40, 12)).astype("float32") * np.arange(1, 13, dtype="float32")
CONSTANT = np.concatenate([RANDOM, np.full((40, 2), 7.0, "float32")], 1)
SHAPES = {
    "digits": (DIGITS, 10),
    "rows_below_features": (RANDOM[:6], 4),
    "constant_features": (CONSTANT, 5),
    "rank_deficient": (RANDOM[:, :3] @ RANDOM[:3], 3),
    "all": (RANDOM, 12),
}


def fitted(kind, x, count, **options):
    model = kind(x.shape[1:], count, seed=0, **options)
    model.fit(x, verbose=0)
    return model


@pytest.mark.parametrize("solver", ["covariance", "full"])
@pytest.mark.parametrize("name", SHAPES)
def test_components_are_scikit_learns(name, solver):
    x, count = SHAPES[name]
    model = fitted(models.PCA, x, count, solver=solver)
    reference = Reference(count, svd_solver="full").fit(x.astype("float64"))
    cosines = np.sum(model.components * reference.components_, 1)
    np.testing.assert_allclose(np.abs(cosines), 1.0, atol=1e-5)
    np.testing.assert_allclose(model.components, reference.components_ * np.sign(cosines)[:, None], atol=1e-5)
    variance = reference.explained_variance_ * (len(x) - 1) / len(x)  # theirs divides by n - 1
    np.testing.assert_allclose(model.explained_variance, variance, rtol=1e-5)
    np.testing.assert_allclose(model.explained_variance_ratio, reference.explained_variance_ratio_, rtol=1e-5)
    np.testing.assert_allclose(
        np.asarray(model.transform(x)) * np.sign(cosines), reference.transform(x), atol=1e-3 * np.abs(x).max()
    )
    expected = reference.inverse_transform(reference.transform(x.astype("float64")))
    np.testing.assert_allclose(model.reconstruct(x), expected, atol=1e-4 * np.abs(x).max())


@pytest.mark.full
def test_fashion_mnist_has_scikit_learns_components_and_likelihood():
    (_, _), (x, _) = load_or_skip("fashion_mnist")
    x = x.reshape(len(x), -1)
    model = fitted(models.PPCA, x, 20)
    reference = Reference(20, svd_solver="full").fit(x.astype("float64"))
    np.testing.assert_allclose(np.abs(np.sum(model.components * reference.components_, 1)), 1.0, atol=1e-5)
    np.testing.assert_allclose(model.explained_variance, reference.explained_variance_ * (len(x) - 1) / len(x), 1e-5)
    assert float(np.mean(model.log_prob(x))) == pytest.approx(reference.score(x.astype("float64")), abs=0.01)


@pytest.mark.parametrize("count", [2, 10, 30])
def test_the_likelihood_is_that_of_the_maximum_in_closed_form(count):
    model = fitted(models.PPCA, DIGITS, count)
    values = np.linalg.eigvalsh(np.cov(DIGITS.astype("float64").T, bias=True))[::-1]
    noise = values[count:].mean()
    size = len(values)
    log_det = np.log(values[:count]).sum() + (size - count) * np.log(noise)
    closed = -0.5 * (size * np.log(2 * np.pi) + log_det + size)
    assert model.noise_variance == pytest.approx(noise, rel=1e-5)
    assert model.history.history["loss"][0] == pytest.approx(-closed, abs=1e-8)
    assert float(np.mean(model.log_prob(DIGITS))) == pytest.approx(closed, abs=1e-3)
    # scikit-learn divides by n - 1 and so has another covariance: rescaled, its score is the same.
    score = Reference(count, svd_solver="full").fit(DIGITS.astype("float64")).score(DIGITS.astype("float64"))
    assert score == pytest.approx(closed, abs=1e-4)


def test_density_and_posterior_are_those_of_the_joint_gaussian():
    x = low_rank()
    model = fitted(models.PPCA, x, 3)
    loadings, noise = np.asarray(model.density.loadings, "float64"), model.noise_variance
    covariance = loadings @ loadings.T + noise * np.eye(8)
    expected = multivariate_normal(model.mean_, covariance).logpdf(x)
    np.testing.assert_allclose(model.log_prob(x), expected, atol=1e-3)
    posterior = model.encode(x[:4])
    gain = loadings.T @ np.linalg.inv(covariance)
    np.testing.assert_allclose(posterior.mean(), (x[:4] - model.mean_) @ gain.T, atol=1e-4)
    np.testing.assert_allclose(posterior.covariance()[0], np.eye(3) - gain @ loadings, atol=1e-5)
    samples = np.asarray(model.sample(20000, seed=0))
    np.testing.assert_allclose(np.cov(samples.T), covariance, atol=0.05 * covariance.max())


def test_the_linear_autoencoder_has_the_exact_likelihood():
    model = fitted(models.PPCA, DIGITS.reshape(-1, 8, 8, 1), 6)
    vae, x = model.to_vae(seed=0), DIGITS[:16].reshape(-1, 8, 8, 1)
    estimate = vae.log_density(x, num_samples=3)
    np.testing.assert_allclose(estimate.values, model.log_prob(x), atol=2e-3)  # all weights are equal
    np.testing.assert_allclose(estimate.standard_errors, 0.0, atol=1e-2)  # the square root of rounding
    np.testing.assert_allclose(vae.encode(x), model.transform(x), atol=1e-4)


def test_streams_and_arrays_lead_to_the_same_weights():
    x = low_rank(offset=1e4)
    arrays = fitted(models.PCA, x, 3)
    stream = models.PCA((8,), 3, seed=0)
    stream.fit(tf.data.Dataset.from_tensor_slices(x).batch(64), verbose=0)
    np.testing.assert_allclose(stream.components, arrays.components, atol=1e-5)
    np.testing.assert_allclose(stream.explained_variance, arrays.explained_variance, rtol=1e-5)


@pytest.mark.parametrize("method", ["closed_form", "em"])
def test_offsets_cost_no_digits(method):
    x = np.random.default_rng(0).normal(size=(2000, 6)).astype("float32")
    x = x * np.array([2, 1, 1, 1, 1, 1], "float32") + np.float32(1e4)
    exact = np.linalg.eigvalsh(np.cov(x.astype("float64").T, bias=True))[-1]
    model = models.PPCA((6,), 1, method=method, seed=0)
    model.fit(x, batch_size=500, epochs=1 if method == "closed_form" else 60, verbose=0)
    assert model.explained_variance[0] == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [0.0, 0.5, 1e4])
def test_blocks_of_rows_are_one_product(dtype, offset, monkeypatch):
    monkeypatch.setattr(moments, "_LARGE", 0.0)  # as for data of millions of values: float32 within a block
    monkeypatch.setattr(moments, "BLOCK", 300)
    x = (np.random.default_rng(0).normal(size=(2500, 7)) + offset).astype(dtype)
    mean, covariance = moments.covariance(x)
    np.testing.assert_allclose(mean, x.mean(0, dtype="float64"), atol=1e-6)
    np.testing.assert_allclose(covariance, np.cov(x.astype("float64").T, bias=True), atol=2e-6)


def test_random_projections_find_leading_components():
    x = low_rank(rows=120, size=400, rank=4)
    exact, random = (fitted(models.PCA, x, 4, solver=solver) for solver in ("full", "randomized"))
    np.testing.assert_allclose(np.abs(np.sum(exact.components * random.components, 1)), 1.0, atol=1e-5)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 1e3]), st.booleans(), st.sampled_from(["float32", "float64"]))
def test_an_iteration_never_lowers_the_likelihood(seed, offset, missing, dtype):
    x = low_rank(rows=40, size=5, rank=2, offset=offset, seed=seed).astype(dtype)
    if missing:
        x[np.random.default_rng(seed).random(x.shape) < 0.2] = np.nan
    model = models.PPCA((5,), 2, method="em", missing=missing, seed=seed)
    model.compile(run_eagerly=True)
    loss = np.array(model.fit(x, batch_size=40, epochs=6, verbose=0).history["loss"])
    assert (np.diff(loss) < 1e-4 * np.abs(loss[1:])).all(), loss


@pytest.mark.full
def test_iterations_and_gradients_reach_the_closed_form():
    x = low_rank(noise=1.0)
    best = float(np.mean(fitted(models.PPCA, x, 3).log_prob(x)))
    em = models.PPCA((8,), 3, method="em", seed=0)
    em.fit(x, batch_size=300, epochs=80, verbose=0)
    assert float(np.mean(em.log_prob(x))) == pytest.approx(best, abs=1e-3)
    gradient = models.PPCA((8,), 3, method="gradient", seed=0)
    gradient.compile(keras.optimizers.Adam(0.05))
    gradient.fit(x, batch_size=100, epochs=80, verbose=0)
    assert float(np.mean(gradient.log_prob(x))) == pytest.approx(best, abs=0.05)


def test_missing_values_are_recovered_and_the_subspace_too():
    x = low_rank(rows=400)
    holes = np.random.default_rng(1).random(x.shape) < 0.3
    broken = np.where(holes, np.nan, x).astype("float32")
    model = models.PPCA((8,), 3, method="em", missing=True, seed=0)
    model.fit(broken, batch_size=400, epochs=60, verbose=0)
    angles = np.linalg.svd(model.components @ fitted(models.PCA, x, 3).components.T)[1]
    assert np.degrees(np.arccos(np.clip(angles.min(), -1, 1))) < 5.0
    of_means = np.square(np.nanmean(broken, 0) - x)[holes].mean()
    assert np.square(np.asarray(model.impute(broken)) - x)[holes].mean() < 0.2 * of_means
    loadings, row = np.asarray(model.density.loadings, "float64"), 0
    seen = ~holes[row]
    covariance = loadings @ loadings.T + model.noise_variance * np.eye(8)
    inner = covariance[np.ix_(seen, seen)]
    expected = multivariate_normal(model.mean_[seen], inner).logpdf(x[row, seen])
    assert float(model.log_prob(broken[:1])[0]) == pytest.approx(expected, abs=1e-3)
    deviation = np.linalg.solve(inner, x[row, seen] - model.mean_[seen])
    conditional = model.mean_[~seen] + covariance[np.ix_(~seen, seen)] @ deviation
    np.testing.assert_allclose(np.asarray(model.impute(broken[:1]))[0, ~seen], conditional, atol=1e-3)


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_the_evidence_chooses_the_rank(rank):
    x = low_rank(rows=500, size=12, rank=rank)
    for criterion in ("minka", "bic"):
        assert models.PPCA.select(x, criterion).num_components == rank
    assert abs(models.PPCA.select(x, "held_out").num_components - rank) <= 1


def test_the_evidence_is_scikit_learns_choice():
    random = np.random.default_rng(0).normal(size=(200, 20)) * np.linspace(5, 0.5, 20)
    assert models.PCA.select(random).num_components == Reference("mle").fit(random).n_components_


def test_a_rank_deficient_density_has_the_floor_of_noise():
    x = np.outer(np.arange(10.0), np.ones(4)).astype("float32")
    model = fitted(models.PPCA, x, 2)
    assert model.noise_variance == pytest.approx(NOISE_FLOOR * x.var(0).mean(), rel=1e-3)
    assert np.isfinite(model.log_prob(x)).all()


def test_columns_of_very_different_scales_have_scikit_learns_likelihood():
    """Of breast_cancer, whose ten first components leave 2e-7 of the mean variance."""
    x = load_breast_cancer().data
    for count in (5, 10, 15):
        reference = Reference(count, svd_solver="full").fit(x)
        model = fitted(models.PPCA, x, count)
        assert float(np.mean(model.log_prob(x))) == pytest.approx(reference.score(x), abs=1e-3)
        assert model.noise_variance == pytest.approx(reference.noise_variance_ * (len(x) - 1) / len(x), rel=1e-4)


def test_files_and_callbacks(tmp_path):
    x = low_rank()
    model = models.PCA((8,), 3, whiten=True, seed=0)
    seen = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs_seen.append(dict(logs)))
    logs_seen = []
    model.fit(x[:250], validation_data=(x[250:],), callbacks=[seen], verbose=0)
    assert set(logs_seen[0]) == {"loss", "val_loss"}
    assert model.evaluate(x[250:], verbose=0) == pytest.approx(logs_seen[0]["val_loss"], rel=1e-5)
    np.testing.assert_allclose(np.std(model.transform(x[:250]), 0), 1.0, atol=1e-4)
    model.save(tmp_path / "pca.keras")
    loaded = keras.saving.load_model(tmp_path / "pca.keras")
    np.testing.assert_array_equal(loaded.transform(x), model.transform(x))
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: models.PPCA((4,), 4), "fewer than the 4 values"),
        (lambda: models.PCA((4,), 5), "at most the 4 values"),
        (lambda: models.PPCA((4,), 2, method="gibbs"), "`method` should be one of"),
        (lambda: models.PPCA((4,), 2, missing=True), 'method="em"'),
        (lambda: models.PPCA((4,), 0), "positive integer"),
        (lambda: models.PPCA(4, 1), "shape of a sample"),
        (lambda: models.PPCA((4,), 2, solver="lapack"), "`solver`"),
        (lambda: models.PPCA((4,), 2).fit(np.full((9, 4), np.nan)), "should be finite"),
        (lambda: models.PPCA((4,), 2).fit(np.full((9, 4), np.inf)), "should be finite"),
        (lambda: models.PPCA((4,), 2).fit(np.zeros((9, 4))), "two distinct rows"),
        (lambda: models.PPCA((4,), 2).fit(1e20 * np.eye(4)), "deviations between 1e-12 and 1e.15.*Received: 4.33e.19"),
        (lambda: models.PCA((4,), 2).fit(1e-20 * np.eye(4)), "deviations between 1e-12 and 1e.15.*Received: 4.33e-21"),
        (lambda: models.PPCA((4,), 2).fit(np.eye(4)[:1]), "as many rows as components"),
        (lambda: models.PPCA((4,), 2).fit(np.zeros((9, 3))), "should have shape"),
        (lambda: models.PPCA((4,), 2).fit(np.array(["a"] * 9)), "should hold numbers"),
        (lambda: models.PPCA.select(np.zeros((9, 3))), "should vary"),
    ],
)
def test_refusals(build, match):
    with pytest.raises((ValueError, TypeError), match=match):
        build()


def stream(x, batch=10):
    return tf.data.Dataset.from_tensor_slices(x.astype("float32")).batch(batch)


@pytest.mark.parametrize(
    ("method", "x", "match"),
    [
        ("closed_form", np.eye(4)[:1], "as many rows as components. Received: 1 rows"),
        ("closed_form", np.full((30, 4), 0.1), "x should have at least two distinct rows"),
        ("closed_form", np.full((30, 4), np.inf), "should be finite.*batch 1"),
        ("closed_form", np.r_[np.eye(4), np.full((4, 4), np.nan)], "should be finite.*batch 1"),
        ("em", np.eye(4)[:2], "as many rows as components. Received: 2 rows"),
        ("em", np.full((30, 4), 0.1), "The first batch should have at least two distinct rows"),
        ("gradient", np.full((30, 4), 1e4), "The first batch should have at least two distinct rows"),
        ("em", np.eye(4)[:, :3], "should have shape.*batch 1"),
        ("em", np.eye(4)[:, :, None], "should have shape.*batch 1"),
    ],
)
def test_streams_are_refused_as_they_are_read(method, x, match):
    model = models.PPCA((4,), 3, method, seed=0)
    model.compile(jit_compile=False)
    before = model.mean_
    with pytest.raises(ValueError, match=match):
        model.fit(stream(x), verbose=0)
    assert (model.noise_variance > 0) and np.isfinite(before).all()


def test_integers_are_taken_as_real_numbers():
    x = np.random.default_rng(0).integers(0, 255, (40, 4))
    integers, floats = (models.PCA((4,), 2, seed=0) for _ in range(2))
    integers.fit(x, verbose=0)
    floats.fit(x.astype("float32"), verbose=0)
    np.testing.assert_allclose(integers.components, floats.components, atol=1e-6)
    np.testing.assert_allclose(integers.transform(x), floats.transform(x.astype("float32")), rtol=1e-5, atol=1e-3)
