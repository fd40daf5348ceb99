"""Translation by pairs: losses term by term, training, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, objectives
from keras_dl.models.base import Draw
from tests.models.translation_builders import critic, images, pix2pix, translator

X, Y = images(), images(seed=1)
PAIRS = tf.constant(X), tf.constant(Y)


def draw(rows, training=False):
    seed, step = tf.constant(0, tf.int64), tf.constant(0, tf.int64)
    return Draw(seed, step, 0, tf.constant(rows), training=training, total=tf.cast(rows, tf.float32))


def softplus(x):
    return np.log1p(np.exp(x))


def parts(model):
    """Translations, and the critic's scores of real and of translated pairs."""
    fake = model.generator(X).numpy()
    scores = [model.critic({"x": x, "source": X}).numpy().reshape(len(X), -1) for x in (Y, fake)]
    return fake, *scores


def test_losses_term_by_term():
    model = pix2pix(l1_weight=7.0, adversarial_weight=3.0)
    fake, real_scores, fake_scores = parts(model)
    values, terms = model.critic_loss(PAIRS, draw(10))
    expected = 0.5 * (softplus(-real_scores) + softplus(fake_scores)).mean(1)
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    np.testing.assert_allclose(terms["real"], real_scores.mean(1), atol=1e-6)
    np.testing.assert_allclose(terms["fake"], fake_scores.mean(1), atol=1e-6)
    values, terms = model.generator_loss(PAIRS, draw(10))
    adversarial, l1 = softplus(-fake_scores).mean(1), np.abs(fake - Y).mean((1, 2, 3))
    np.testing.assert_allclose(terms["adversarial"], adversarial, rtol=1e-5)
    np.testing.assert_allclose(terms["l1"], l1, rtol=1e-5)
    np.testing.assert_allclose(values, 3 * adversarial + 7 * l1, rtol=1e-5)


def test_relativistic_objectives_see_real_pairs():
    model = pix2pix(objective=objectives.RelativisticAverage())
    _, real, fake = parts(model)
    _, terms = model.generator_loss(PAIRS, draw(10))
    expected = (softplus(real.mean() - fake) + softplus(real - fake.mean())).mean(1)
    np.testing.assert_allclose(terms["adversarial"], expected, rtol=1e-4)


def test_the_critic_moves_no_generator_and_the_generator_no_critic():
    model = pix2pix()
    model.compile()
    moved = {update.name: {v.path for v in update.variables} for update in model.updates}
    assert list(moved) == ["critic", "generator"]
    assert moved["critic"] == {v.path for v in model.critic.trainable_variables}
    assert moved["generator"] == {v.path for v in model.generator.trainable_variables}


def test_the_papers_optimizers():
    model = pix2pix()
    model.compile()
    for name in model.optimizer_names:
        optimizer = getattr(model, name)
        assert float(optimizer.learning_rate) == pytest.approx(2e-4)
        assert optimizer.beta_1 == 0.5


def test_it_learns_a_negative():
    model = pix2pix(ema_momentum=0.5)
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(X, 1 - X, batch_size=5, epochs=4, verbose=0).history
    assert history["generator_l1"][-1] < history["generator_l1"][0]
    translated = model.translate(X)
    np.testing.assert_array_equal(translated, model.translate(X))  # without noise
    np.testing.assert_allclose(translated, model.averaged("generator")(X), atol=1e-6)
    np.testing.assert_allclose(model.predict(X, verbose=0), translated, atol=1e-6)
    assert model.translate(X[:0]).shape == (0, 8, 8, 1)
    assert model.data_range == (0.0, 1.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pix2pix(l1_weight=-1),
        lambda: models.Pix2Pix(translator(), critic()),
        lambda: models.Pix2Pix(translator(), critic(source_channels=2)),
        lambda: pix2pix().check_data((X, Y[:, :4])),
        lambda: pix2pix().check_data((X, 255 * Y)),
        lambda: pix2pix().check_data(X),
        lambda: pix2pix().translate(X[..., [0, 0]]),
    ],
)
def test_bad_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()


def test_an_objective_is_asked_for():
    with pytest.raises(TypeError, match="Received: "):
        pix2pix(objective="hinge")
