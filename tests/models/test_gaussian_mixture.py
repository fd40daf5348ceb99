"""Mixtures of Gaussians: against scikit-learn, and what iterations promise."""

import warnings

import keras
import numpy as np
import pytest
from sklearn.mixture import GaussianMixture as Reference

from keras_dl import models
from keras_dl.models.mixture_shapes import COVARIANCES

RANDOM = np.random.default_rng(0)
CENTRES = np.array([[0, 0, 0], [6, 0, 3], [0, 7, -4.0]])
X = (CENTRES[RANDOM.integers(3, size=400)] + RANDOM.normal(size=(400, 3)) * [1, 0.5, 2]).astype("float32")


def as_matrices(precisions, covariance):
    """Three precisions as scikit-learn stores them, as matrices."""
    if covariance in ("full", "tied"):
        return np.broadcast_to(precisions, (3, 3, 3))
    return np.broadcast_to(precisions.reshape(3, -1), (3, 3))[:, :, None] * np.eye(3)


@pytest.mark.grid("full", "tied")
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_optimum_is_scikit_learns(covariance, tmp_path):
    model = models.GaussianMixture((3,), 3, covariance, seed=0)
    loss = np.array(model.fit(X, batch_size=400, epochs=15, verbose=0).history["loss"])
    assert (np.diff(loss) < 1e-5).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = Reference(3, covariance_type=covariance, tol=0, max_iter=300, random_state=0).fit(
            X.astype("float64")
        )
    assert float(np.mean(model.log_prob(X))) == pytest.approx(reference.score(X), abs=1e-4)
    assert model.bic(X) == pytest.approx(reference.bic(X), abs=0.1)
    assert model.aic(X) == pytest.approx(reference.aic(X), abs=0.1)
    order, theirs = np.argsort(model.means[:, 0]), np.argsort(reference.means_[:, 0])
    np.testing.assert_allclose(model.means[order], reference.means_[theirs], atol=1e-2)
    np.testing.assert_allclose(model.mixture_weights[order], reference.weights_[theirs], atol=1e-3)
    precisions = np.linalg.inv(model.covariances[order])
    np.testing.assert_allclose(precisions, as_matrices(reference.precisions_, covariance)[theirs], atol=2e-2)
    probabilities = np.asarray(model.predict_proba(X))
    np.testing.assert_allclose(np.sort(probabilities), np.sort(reference.predict_proba(X)), atol=5e-3)
    np.testing.assert_array_equal(model.predict(X, verbose=0), probabilities.argmax(1))
    samples, labels = model.sample(4000, seed=1, labels=True)
    np.testing.assert_allclose(np.bincount(labels) / 4000, np.exp(model.mixture.log_weights), atol=0.03)
    np.testing.assert_allclose(np.mean(samples, 0), X.mean(0), atol=0.3)
    model.save(tmp_path / "mixture.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "mixture.keras").log_prob(X), model.log_prob(X))


@pytest.mark.parametrize(("width", "error"), [(1.0, 1e-5), (0.1, 1e-3)])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_narrow_components_far_apart_have_scikit_learns_covariances(covariance, width, error):
    """Their variance is 1e-6 or 1e-8 of the data's, beyond what differences of float32 sums can tell."""
    random = np.random.default_rng(0)
    sign = random.integers(0, 2, (400, 1)) * 2 - 1
    x = (sign * [1000.0, 0.0] + width * random.normal(size=(400, 2))).astype("float32")
    model = models.GaussianMixture((2,), 2, covariance, seed=0)
    model.compile(jit_compile=False)
    loss = model.fit(x, batch_size=400, epochs=4, verbose=0).history["loss"]
    score = Reference(2, covariance_type=covariance, random_state=0).fit(x.astype("float64")).score(x.astype("float64"))
    assert -loss[-1] == pytest.approx(score, abs=error)
    assert float(np.mean(model.log_prob(x))) == pytest.approx(score, abs=error)


def test_directions_of_very_different_spread_have_scikit_learns_covariances():
    """The least variance of a component is 1e-7 of its largest, as of columns that are nearly proportional."""
    random = np.random.default_rng(0)
    wide, narrow = random.normal(size=(2, 2000, 1))
    sign = random.integers(0, 2, (2000, 1)) * 2 - 1
    x = (sign * [1000.0, -1000.0] + 100.0 * wide + 0.03 * narrow * [1, -1]).astype("float32")
    model = models.GaussianMixture((2,), 2, seed=0)
    model.compile(jit_compile=False)
    loss = model.fit(x, batch_size=500, epochs=4, verbose=0).history["loss"]
    score = Reference(2, random_state=0).fit(x.astype("float64")).score(x.astype("float64"))
    assert -loss[-1] == pytest.approx(score, abs=2e-3)


def test_a_component_without_rows_begins_anew_and_is_reported():
    model = models.GaussianMixture((2,), 2, seed=0)
    sums = {"counts": [10.0, 0.0], "totals": np.zeros((2, 2)), "squares": [10 * np.eye(2), np.zeros((2, 2))]}
    with pytest.warns(UserWarning, match="begin anew: .1."):
        model.maximise(sums)
    assert np.isfinite(model.log_prob(np.zeros((1, 2)))).all()


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: models.GaussianMixture.select(X, 3), "sequence of numbers"),
        (lambda: models.GaussianMixture((2,), 0), "positive integer"),
        (lambda: models.GaussianMixture((2,), 2, "round"), "`covariance` should be one of"),
        (lambda: models.GaussianMixture((2,), 2, floor=0.0), "floor"),
        (lambda: models.GaussianMixture((2,), 9).fit(np.zeros((4, 2))), "at least 9 rows"),
        (lambda: models.GaussianMixture((2,), 2).fit(np.ones((4, 2))), "two distinct rows"),
        (lambda: models.GaussianMixture((2,), 2).fit(np.full((4, 2), np.nan)), "finite"),
        (lambda: models.GaussianMixture((2,), 2).fit(np.zeros((4, 3))), "should have shape"),
    ],
)
def test_refusals(build, match):
    with pytest.raises(ValueError, match=match):
        build()
