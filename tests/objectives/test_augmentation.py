"""Adaptive augmentation: no transform at probability 0, derivatives, the probability follows the critic's signs."""

import numpy as np
import tensorflow as tf

from keras_dl import objectives
from keras_dl.models.base import Draw


def draw(rows, seed=3):
    return Draw(tf.constant(seed, tf.int64), tf.constant(0, tf.int64), 0, rows)


def images(*shape):
    return tf.constant(np.random.default_rng(0).random(shape, dtype="float32"))


def test_nothing_happens_at_probability_0():
    x = images(3, 6, 5, 2)
    np.testing.assert_allclose(objectives.AdaptiveAugmentation()(x, 0.0, draw(3)), x, atol=1e-5)


def test_about_that_share_of_images_changes():
    x = images(400, 4, 4, 1)
    y = objectives.AdaptiveAugmentation()(x, 0.1, draw(400))
    unchanged = (np.abs(y - x).max((1, 2, 3)) < 1e-4).mean()
    # Six transforms and two of grey values; a mirror image half the time, no turn a fourth of it, a shift by 0 often.
    assert 0.9**8 < unchanged < 0.9**5 and np.abs(y).max() < 10


def test_derivatives():
    """Linear in the images apart from brightness: a gradient along a direction is the difference, and has its own."""
    augmentation, x, direction = objectives.AdaptiveAugmentation(), images(8, 6, 6, 3), images(8, 6, 6, 3) - 0.5
    weights = images(8, 6, 6, 3)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(weights * augmentation(x, 0.8, draw(8)) ** 2)
        gradient = tape.gradient(total, x)
        squares = tf.reduce_sum(gradient**2)
    step = 1e-2
    ends = [tf.reduce_sum(weights * augmentation(x + s * direction, 0.8, draw(8)) ** 2) for s in (-step, step)]
    np.testing.assert_allclose((ends[1] - ends[0]) / (2 * step), tf.reduce_sum(gradient * direction), rtol=2e-3)
    second = outer.gradient(squares, x)
    assert np.isfinite(second).all() and np.abs(second).max() > 0


def test_quarter_turns_and_mirror_images_are_among_what_happens():
    augmentation, x = objectives.AdaptiveAugmentation(), images(1, 5, 5, 1)
    repeated = tf.repeat(x, 3000, axis=0)
    y = np.asarray(augmentation(repeated, 0.3, draw(3000)))
    for turned in (x[0, :, ::-1], np.rot90(x[0], 1), np.rot90(x[0], 2)):
        assert (np.abs(y - turned).max((1, 2, 3)) < 1e-3).any()


def test_the_probability_follows_the_sign():
    augmentation = objectives.AdaptiveAugmentation(target=0.5, images=100.0)
    state = tf.constant([0.5, 0.5])
    for signs, change in ((8.0, 0.08), (-8.0, -0.08)):
        probability, rate = augmentation.next(state, tf.constant([signs, 8.0]))
        np.testing.assert_allclose(probability, 0.5 + change, rtol=1e-5)
        np.testing.assert_allclose(rate, 0.75 * 0.5 + 0.25 * np.sign(signs), rtol=1e-5)
    np.testing.assert_allclose(augmentation.next(tf.constant([0.0, -1.0]), tf.constant([-8.0, 8.0]))[0], 0.0)
