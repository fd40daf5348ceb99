"""Categorical likelihood against scipy's log-softmax."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_dl.likelihoods import Categorical
from keras_dl.testing import check_likelihood


def classes(shape, num_classes, seed=0):
    return np.random.default_rng(seed).integers(0, num_classes, shape).astype("float32")


def normal(shape, seed=1):
    return (2 * np.random.default_rng(seed).standard_normal(shape)).astype("float32")


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 3, 2)])
def test_contract(shape):
    check_likelihood(Categorical(4), classes(shape, 4), normal((*shape[:-1], 4 * shape[-1])))
    check_likelihood(Categorical(2), classes(shape, 2), normal((*shape[:-1], 2 * shape[-1])))


@pytest.mark.parametrize("seed", [0, 1])
def test_matches_scipy(seed):
    x, logits = classes((6, 3, 3, 2), 5, seed), normal((6, 3, 3, 10), seed)
    log_softmax = scipy.special.log_softmax(logits.astype("float64").reshape(6, 3, 3, 2, 5), axis=-1)
    expected = np.take_along_axis(log_softmax, x.astype(int)[..., None], axis=-1).sum((1, 2, 3, 4))
    np.testing.assert_allclose(Categorical(5)(logits).log_prob(x), expected, rtol=1e-5)


def test_large_logits_are_exact():
    distribution = Categorical(2)(tf.constant([[1e4, -1e4], [1e4, -1e4]]))
    np.testing.assert_array_equal(distribution.log_prob([[0], [1]]), [0.0, -2e4])


def test_mean_is_the_likeliest_class():
    logits = normal((4, 2, 6))
    expected = logits.reshape(4, 2, 2, 3).argmax(-1)
    for shown in (Categorical(3).mean(logits), Categorical(3).mode(logits), Categorical(3)(logits).mode()):
        assert shown.dtype == tf.int32
        np.testing.assert_array_equal(shown, expected)


def test_draws_follow_the_probabilities():
    logits = np.float32([[0.0, 1.0, -1.0, 0.5]])
    draws = Categorical(4)(logits).sample(20_000, seed=[5, 6]).numpy().ravel()
    expected = 20_000 * scipy.special.softmax(logits.astype("float64")).ravel()
    assert scipy.stats.chisquare(np.bincount(draws, minlength=4), expected).pvalue > 1e-3


def test_check_wants_class_numbers():
    Categorical(3).check(np.array([[0, 2]], dtype="uint8"))
    with pytest.raises(ValueError, match="`x` should hold class numbers. Received: "):
        Categorical(3).check(np.array([0.0, 1.5]))
    for bad in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match=r"`x` should lie in \[0, 2\]. Received: "):
            Categorical(3).check(np.array(bad))


@pytest.mark.parametrize("num_classes", [1, 0, -3, 2.0, True, None])
def test_refuses_other_numbers_of_classes(num_classes):
    with pytest.raises(ValueError, match="`num_classes` should be an integer of at least 2. Received: "):
        Categorical(num_classes)
