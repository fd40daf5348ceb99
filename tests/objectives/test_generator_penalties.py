"""Penalties on the generator: their mathematics, and their place in the game."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives
from keras_dl.models.base import Draw
from tests.models.gan_builders import adams, images

Z = np.random.default_rng(0).standard_normal((5, 3)).astype("float32")


def draw():
    return Draw(tf.constant(1, tf.int64), tf.constant(0, tf.int64), 0, tf.constant(len(Z)))


@pytest.mark.parametrize(("gain", "expected"), [(0.25, 2.0 * 0.75**2), (1.0, 0.0), (3.0, 0.0), (7.0, 2.0 * 3.0**2)])
@pytest.mark.parametrize("step", [0.1, 1.0])
def test_a_scaled_isometry_is_charged_for_its_gain(gain, expected, step):
    penalty = objectives.JacobianClamping(2.0, smallest=1.0, largest=4.0, step=step)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0].astype("float32")

    def generator(z):
        return gain * tf.matmul(z, rotation)

    values = penalty(generator, Z, generator(Z), draw())
    assert values.shape == (5,)
    np.testing.assert_allclose(values, np.full(5, expected), atol=2e-3)


def test_the_ratio_is_that_of_a_finite_step_along_the_drawn_direction():
    matrix = np.random.default_rng(2).standard_normal((3, 6)).astype("float32")
    noise = draw().normal((3,)).numpy().astype("float64")
    direction = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    ratio = np.linalg.norm(np.sin(Z + 0.5 * direction) @ matrix - np.sin(Z) @ matrix, axis=1) / 0.5

    def generator(z):
        return tf.reshape(tf.matmul(tf.sin(z), matrix), (-1, 2, 3, 1))

    penalty = objectives.JacobianClamping(smallest=0.0, largest=0.0, step=0.5)
    np.testing.assert_allclose(penalty(generator, Z, generator(Z), draw()), ratio**2, rtol=1e-4)


def test_it_moves_the_generator_alone():
    """A game whose losses are constant: only the penalty has a gradient, and it has none for the critic."""
    generator, critic = networks.mlp_generator(2, (4, 4, 1), hidden=(8,)), networks.mlp_critic((4, 4, 1), hidden=(8,))
    penalty = objectives.JacobianClamping(smallest=5.0)
    gan = models.GAN(generator, critic, objective=Nothing(), penalty=penalty, seed=0)
    before = [network.get_weights() for network in (gan.generator, gan.critic)]
    gan.compile(**adams(), jit_compile=False)
    history = gan.fit(images(24), batch_size=8, epochs=4, verbose=0).history
    assert set(history) == {"critic_loss", "critic_real", "critic_fake", "generator_loss", "generator_penalty"}
    assert history["generator_penalty"] == history["generator_loss"]
    assert history["generator_penalty"][-1] < history["generator_penalty"][0]
    after = [network.get_weights() for network in (gan.generator, gan.critic)]
    assert not all(map(np.array_equal, before[0], after[0]))
    assert all(map(np.array_equal, before[1], after[1]))


def test_penalties_of_both_players_share_a_list():
    penalties = [objectives.R1(0.1), objectives.JacobianClamping(), objectives.WeightClipping(0.5)]
    generator, critic = networks.mlp_generator(2, (4, 4, 1), hidden=(8,)), networks.mlp_critic((4, 4, 1), hidden=(8,))
    gan = models.GAN(generator, critic, penalty=penalties, critic_steps=2, seed=0)
    again = models.GAN.from_config(gan.get_config())
    assert list(again.penalties) == penalties
    again.compile(**adams(), jit_compile=False)
    history = again.fit(images(16), batch_size=8, verbose=0).history
    assert {"critic_penalty", "generator_penalty"} < set(history)
    assert max(np.abs(w).max() for w in again.critic.get_weights()) <= 0.5
    assert max(np.abs(w).max() for w in again.generator.get_weights()) > 0.5


@pytest.mark.parametrize("options", [{"weight": -1.0}, {"smallest": 3.0, "largest": 2.0}, {"step": 0.0}])
def test_bad_arguments(options):
    with pytest.raises(ValueError, match=f"`{list(options)[-1]}`.*Received: "):
        objectives.JacobianClamping(**options)


@keras.saving.register_keras_serializable(package="keras_dl_tests")
class Nothing(objectives.Adversarial):
    """A game that nobody plays."""

    def critic_loss(self, real, fake):
        return 0.0 * (real + fake)

    def generator_loss(self, fake, real=None):
        return 0.0 * fake
