import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_dl.models.base import noise


def draw(rows, offset=0, seed=3, step=5, stream=0):
    def constant(value):
        return tf.constant(value, tf.int64)

    return noise.Draw(constant(seed), constant(step), stream, tf.constant(rows), constant(offset))


@pytest.mark.parametrize("shape", [(), (3,), (4,), (2, 5)])
@pytest.mark.parametrize("kind", ["normal", "uniform", "integers"])
def test_a_replica_draws_its_rows_of_the_global_noise(kind, shape):
    whole = getattr(draw(10), kind)(shape)
    assert whole.shape == (10, *shape)
    np.testing.assert_array_equal(getattr(draw(4, offset=6), kind)(shape), whole[6:])
    assert getattr(draw(0, offset=10), kind)(shape).shape == (0, *shape)


@pytest.mark.parametrize("kind", ["normal", "uniform", "integers"])
def test_a_shape_may_be_tensorflows(kind):
    numbers = getattr(draw(10), kind)
    shaped = getattr(draw(10), kind)(tf.TensorShape([2, 3]))
    np.testing.assert_array_equal(shaped, numbers((2, 3)))
    assert getattr(draw(10), kind)(tf.TensorShape([])).shape == (10,)
    with pytest.raises(ValueError, match=r"known sizes. Received: shape=\(2, None\)"):
        numbers(tf.TensorShape([2, None]))


@pytest.mark.parametrize("kind", ["normal", "uniform", "integers"])
def test_xla_draws_the_same_numbers(kind):
    def numbers():
        return getattr(draw(64), kind)((7,))

    np.testing.assert_allclose(tf.function(numbers, jit_compile=True)(), numbers(), atol=3e-5)


def test_normals_are_normal_and_uniforms_uniform():
    normal = draw(200).normal((1000,)).numpy().ravel()
    assert stats.kstest(normal, "norm").pvalue > 1e-3
    assert stats.kstest(draw(200).uniform((1000,), 2.0, 5.0).numpy().ravel(), stats.uniform(2, 3).cdf).pvalue > 1e-3
    assert abs(stats.kurtosis(normal)) < 0.05
    assert np.isfinite(normal).all()


def test_integers_are_equally_likely_and_in_range():
    counts = np.bincount(draw(100).integers((1000,), high=7).numpy().ravel(), minlength=7)
    assert len(counts) == 7
    assert stats.chisquare(counts).pvalue > 1e-3


def test_seeds_steps_streams_and_calls_are_independent():
    first = draw(500)
    draws = [first.normal((8,)), first.normal((8,))]
    draws += [draw(500, seed=4).normal((8,)), draw(500, step=6).normal((8,))]
    draws += [draw(500, stream=noise.stream_id(*where)).normal((8,)) for where in [(1,), (0, 1), (0, 0, 1)]]
    correlations = np.corrcoef([d.numpy().ravel() for d in draws])
    assert np.abs(correlations - np.eye(len(draws))).max() < 0.08  # 5 standard errors


def test_a_65th_draw_is_refused():
    many = draw(1)
    for _ in range(64):
        many.uniform()
    with pytest.raises(ValueError, match="at most 64 times.*Received"):
        many.uniform()
