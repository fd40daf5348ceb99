"""Translation by pairs: losses term by term, training, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives
from keras_dl.models.base import Draw
from keras_dl.models.dropout_noise import layers_that_drop, with_dropout
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


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ((5, 8, 1), (5, 8, 1), "critic should have a patch to judge"),
        ((8, 8, 1), (10, 8, 1), "target images should have shape \\(rows, 8, 8, 1\\)"),
    ],
)
def test_images_that_networks_of_any_size_do_not_take(source, target, said):
    model = models.Pix2Pix(translator((None, None, 1)), critic((None, None, 1), source_channels=1))
    model.check_data((images(2, (6, 7, 1)), images(2, (6, 7, 1))))
    with pytest.raises(ValueError, match=said):
        model.check_data((images(2, source), images(2, target)))


def test_an_objective_is_asked_for():
    with pytest.raises(TypeError, match="Received: "):
        pix2pix(objective="hinge")


def test_seeded_noise_repeats_and_belongs_to_the_row():
    model = pix2pix()
    first = model.translate(X, seed=3).numpy()
    np.testing.assert_array_equal(model.translate(X, seed=3), first)
    np.testing.assert_allclose(model.translate(X[:4], seed=3), first[:4], atol=1e-6)
    assert np.abs(model.translate(X, seed=4) - first).max() > 1e-4
    assert np.abs(model.translate(X) - first).max() > 1e-4
    assert np.abs(np.diff(model.translate(np.repeat(X[:1], 2, 0), seed=3), axis=0)).max() > 1e-4
    assert model.translate(X[:0], seed=3).shape == (0, 8, 8, 1)


def test_noise_is_keras_dropout_alone():
    """Beside Keras' own dropout with the same masks: the rest of the network is as it is after training."""
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(2, 3, padding="same")(inputs))
    x = keras.layers.Dropout(0.4)(x)
    network = keras.Model(inputs, x)
    noisy, plain = with_dropout(network, PAIRS[0], draw(10)).numpy(), network(X).numpy()
    kept = noisy != 0
    assert 0.5 < kept.mean() < 0.7
    np.testing.assert_allclose(noisy[kept], plain[kept] / 0.6, rtol=1e-5)
    outer = keras.Model(inputs, keras.layers.Rescaling(2.0)(network(inputs)))  # one network within another
    np.testing.assert_allclose(with_dropout(outer, PAIRS[0], draw(10)), 2 * noisy, rtol=1e-6)
    assert len(layers_that_drop(outer)) == 1


def test_noise_of_networks_of_any_size_and_of_exports(tmp_path):
    options = {"filters": 2, "levels": 2, "normalization": "instance", "output_activation": "sigmoid"}
    generator = networks.pix2pix_generator((None, None, 1), **options)
    model = models.Pix2Pix(generator, critic((None, None, 1), source_channels=1))
    assert model.translate(images(2, (9, 10, 1)), seed=0).shape == (2, 9, 10, 1)
    model = pix2pix()
    model.export(str(tmp_path / "model"))
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["translate_noisy"]
    seed = tf.constant(3, tf.int64)
    np.testing.assert_allclose(served(x=PAIRS[0], seed=seed)["translated"], model.translate(X, seed=3), atol=1e-5)
    fresh = [served(x=PAIRS[0], seed=tf.constant(-1, tf.int64))["translated"] for _ in range(2)]
    assert np.abs(fresh[0] - fresh[1]).max() > 1e-4


def test_a_seed_without_dropout_is_refused():
    options = {"filters": 2, "levels": 2, "normalization": "instance", "dropout": 0.0}
    model = models.Pix2Pix(networks.pix2pix_generator((8, 8, 1), **options), critic(source_channels=1))
    with pytest.raises(ValueError, match="a generator with dropout.*Received: seed=1"):
        model.translate(X, seed=1)
    assert set(model.signatures()) == {"translate"}
