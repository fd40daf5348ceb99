"""What the theory says a trained critic is: density ratios, the Jensen-Shannon divergence, the Wasserstein distance."""

import keras
import numpy as np
import pytest
from scipy import integrate, stats

from keras_dl import models, networks, objectives

DATA, MODEL = stats.norm(0.0, 1.0), stats.norm(1.5, 0.7)


def fixed_generator(loc, scale):
    """A generator whose samples are normal, whatever the game."""
    generator = networks.mlp_generator(1, (1,), hidden=(), output_activation=None)
    generator.set_weights([np.full((1, 1), scale), np.full(1, loc)])
    return generator


def train_critic(gan, x, epochs, batch_size=512):
    keras.utils.set_random_seed(0)
    steps = epochs * (len(x) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(5e-3, steps * gan.critic_steps)
    gan.compile(generator_optimizer=keras.optimizers.SGD(0.0), critic_optimizer=keras.optimizers.Adam(schedule))
    gan.fit(x, batch_size=batch_size, epochs=epochs, verbose=0)


@pytest.mark.slow
@pytest.mark.full
def test_trained_critic_is_the_density_ratio_and_gives_the_js_divergence():
    keras.utils.set_random_seed(0)
    critic = networks.mlp_critic((1,), hidden=(32, 32), activation="tanh")
    gan = models.GAN(fixed_generator(1.5, 0.7), critic, objective=objectives.Minimax(), seed=0)
    rng = np.random.default_rng(0)
    train_critic(gan, rng.standard_normal((8192, 1)).astype("float32"), epochs=60)
    x = np.linspace(-2.5, 3.0, 111)
    probability = 1 / (1 + np.exp(-gan.discriminate(x[:, None]).numpy().astype("float64")))
    np.testing.assert_allclose(probability, DATA.pdf(x) / (DATA.pdf(x) + MODEL.pdf(x)), atol=0.04)
    grid = np.linspace(-9, 9, 10001)
    p, q = DATA.pdf(grid), MODEL.pdf(grid)
    halves = [integrate.simpson(d * np.log(2 * d / (p + q)), x=grid) / 2 for d in (p, q)]
    test = rng.standard_normal((100_000, 1)).astype("float32")
    value = -gan.evaluate(test, batch_size=20_000, verbose=0, return_dict=True)["critic_loss"]
    assert value / 2 + np.log(2) == pytest.approx(sum(halves), abs=0.01)


@pytest.mark.slow
@pytest.mark.full
def test_wasserstein_critic_estimates_the_shift_of_gaussians():
    """W_1 of a normal and its shifted copy is the shift. With weight w the best slope is 1 + shift / (2 w)."""
    shift = 1.5
    keras.utils.set_random_seed(0)
    critic = networks.mlp_critic((1,), hidden=(32, 32), activation="leaky_relu")
    gan = models.WGANGP(fixed_generator(shift, 1.0), critic, gradient_penalty=100.0, critic_steps=1, seed=0)
    rng = np.random.default_rng(0)
    train_critic(gan, rng.standard_normal((8192, 1)).astype("float32"), epochs=40)
    test = rng.standard_normal((100_000, 1)).astype("float32")
    found = gan.evaluate(test, batch_size=20_000, verbose=0, return_dict=True)
    assert found["critic_real"] - found["critic_fake"] == pytest.approx(shift, rel=0.05)
