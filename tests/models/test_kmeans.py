"""k-means and the scores of clusterings: against scikit-learn, and by streams."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.cluster import KMeans as Reference

from keras_dl import metrics, models
from keras_dl.models import mixture_starts
from tests.models.test_gaussian_mixture import X


def test_inertia_from_equal_starts_is_scikit_learns():
    x = X.astype("float64")
    for seed in range(3):
        start = mixture_starts.plus_plus(x, 5, np.random.default_rng(seed))
        centres, labels = mixture_starts.lloyd(x, start, iterations=300)
        reference = Reference(5, init=start, n_init=1, max_iter=300, tol=0).fit(x)
        np.testing.assert_allclose(np.square(x - centres[labels]).sum(), reference.inertia_, rtol=1e-10)
        np.testing.assert_allclose(centres, reference.cluster_centers_, atol=1e-8)


def test_several_starts_are_at_least_as_good_as_scikit_learns():
    model = models.KMeans((3,), 3, starts=5, seed=0)
    loss = model.fit(X, verbose=0).history["loss"][-1]
    reference = Reference(3, n_init=5, random_state=0).fit(X)
    assert model.inertia(X) == pytest.approx(len(X) * loss, rel=1e-5)
    assert model.inertia(X) == pytest.approx(reference.inertia_, rel=1e-4)
    assert metrics.adjusted_rand_index(reference.labels_, model.predict(X, verbose=0)) == pytest.approx(1.0)


def test_a_stream_takes_lloyds_iterations_over_all_rows():
    model = models.KMeans((3,), 3, seed=0)
    stream = tf.data.Dataset.from_tensor_slices(X + 1e3).batch(64)
    loss = np.array(model.fit(stream, epochs=6, verbose=0).history["loss"])
    reference = Reference(3, n_init=5, random_state=0).fit(X.astype("float64"))
    assert (np.diff(loss) < 1e-4).all() and loss[-1] == pytest.approx(reference.inertia_ / len(X), rel=1e-3)


def test_a_cluster_without_rows_stays_and_is_reported():
    model = models.KMeans((2,), 2, seed=0)
    with pytest.warns(UserWarning, match="without rows stay: .1."):
        model.move({"counts": [2.0, 0.0], "totals": [[4.0, 2.0], [0.0, 0.0]]})
    np.testing.assert_array_equal(model.centres, [[2.0, 1.0], [0.0, 0.0]])


def pairs(counts):
    return (counts * (counts - 1) / 2).sum()


def entropy(counts):
    shares = counts[counts > 0] / counts.sum()
    return -(shares * np.log(shares)).sum()


def test_scores_are_the_formulas_and_refuse_what_is_no_clustering():
    labels, clusters = np.array([0, 0, 1, 1, 2, 2]), np.array([1, 1, 0, 0, 0, 2])
    table = np.array([[(clusters[labels == row] == column).sum() for column in range(3)] for row in range(3)])
    both, rows, columns = pairs(table), pairs(table.sum(1)), pairs(table.sum(0))
    chance = rows * columns / 15
    index = (both - chance) / ((rows + columns) / 2 - chance)
    assert metrics.adjusted_rand_index(labels, clusters) == pytest.approx(index)
    information = entropy(table.sum(1)) + entropy(table.sum(0)) - entropy(table)
    expected = 2 * information / (entropy(table.sum(1)) + entropy(table.sum(0)))
    assert metrics.normalized_mutual_information(labels, clusters) == pytest.approx(expected)
    assert metrics.silhouette([[0.0], [1.0], [4.0]], [0, 0, 1]) == pytest.approx((3 / 4 + 2 / 3 + 0) / 3)
    for call in (
        lambda: metrics.adjusted_rand_index([0, 1], [0, 1, 1]),
        lambda: metrics.normalized_mutual_information([0.5, 1.5], [0, 1]),
        lambda: metrics.silhouette([[0.0], [1.0]], [0, 0]),
    ):
        with pytest.raises(ValueError, match="should"):
            call()
    assert {metrics.direction(name) for name in ("silhouette", "adjusted_rand_index")} == {"max"}


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda: models.KMeans((2,), 0), "positive integer"),
        (lambda: models.KMeans(2, 2), "shape of a sample"),
        (lambda: models.KMeans((2,), 9).fit(np.zeros((4, 2))), "at least 9 rows"),
        (lambda: models.KMeans((2,), 2).fit(np.ones((4, 2))), "two distinct rows"),
        (lambda: models.KMeans((2,), 2).fit(np.full((4, 2), np.nan)), "finite"),
        (lambda: models.KMeans((2,), 2).fit(np.zeros((4, 3))), "should have shape"),
    ],
)
def test_refusals(build, match):
    with pytest.raises(ValueError, match=match):
        build()


@pytest.mark.parametrize("kind", [models.KMeans, models.GaussianMixture])
def test_first_batches_of_which_no_clusters_can_be_made_are_refused(kind):
    for x, match in ((X[:2], "3 rows. Received: 2 rows"), (np.ones((9, 3)), "two distinct rows")):
        model = kind((3,), 3, seed=0)
        model.compile(jit_compile=False)
        with pytest.raises(ValueError, match=f"The first batch should have at least {match}"):
            model.fit(tf.data.Dataset.from_tensor_slices(x.astype("float32")).batch(9), verbose=0)


def test_held_out_data_may_come_as_a_tuple_of_one():
    """As for every model here, `validation_data=(x,)`; targets are refused."""
    x = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    kinds = {models.KMeans: 3, models.GaussianMixture: 3, models.PPCA: 1}
    for model in (kind((2,), count, seed=0) for kind, count in kinds.items()):
        assert "val_loss" in model.fit(x, validation_data=(x[:20],), verbose=0).history, model.name
        with pytest.raises(ValueError, match="takes x alone, no targets"):
            model.check_data((x, x))


def test_fewer_distinct_rows_than_clusters_are_said():
    x = np.repeat([[0.0, 0], [5, 5], [9, 1]], 20, axis=0).astype("float32")
    for kind in (models.KMeans, models.GaussianMixture):
        model = kind((2,), 5, seed=0)
        with pytest.warns(UserWarning, match="x has 3 distinct rows for 5 clusters"):
            model.fit(x, batch_size=60, verbose=0)
