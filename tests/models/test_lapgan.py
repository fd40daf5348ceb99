"""Pyramids of adversarial networks: what levels see and judge, what moves, sampling from any level, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers, models, networks, objectives
from keras_dl.models.base import Draw
from keras_dl.models.lapgan_game import LevelGame
from tests.models.gan_builders import small_lapgan

X = np.random.default_rng(0).random((6, 8, 8, 1), dtype=np.float32)
LABELS = tf.range(6) % 3
DOWN, UP = layers.PyramidDown(), layers.PyramidUp()


def draw(rows=6):
    return Draw(tf.constant(7, tf.int64), tf.constant(0, tf.int64), 0, tf.constant(rows))


def vectors(size):
    return draw().uniform((size,), -1.0, 1.0)


def softplus(x):
    return np.log1p(np.exp(np.asarray(x)))


def test_a_level_plays_on_real_coarse_images():
    """The critic sees the blurred coarse image with a difference added, real or generated."""
    model = small_lapgan(num_classes=3, critic_options={"dropout": 0.0})
    middle = DOWN(X)
    coarse = UP(DOWN(middle))
    planes = tf.reshape(vectors(16), (6, 4, 4, 1))
    made = model.generator_1({"latents": planes, "coarse": coarse, "condition": LABELS})
    real, fake = (model.critic_1({"x": x, "condition": LABELS})[:, 0] for x in (middle, coarse + made))
    values, terms = LevelGame(model, 1).critic_loss((X, LABELS), draw())
    np.testing.assert_allclose(values, softplus(-real) + softplus(fake), atol=1e-5)
    np.testing.assert_allclose(terms["fake"], fake, atol=1e-5)
    np.testing.assert_allclose(LevelGame(model, 1).generator_loss((X, LABELS), draw()), softplus(-fake), atol=1e-5)


def test_the_coarsest_level_makes_whole_images():
    model = small_lapgan()
    _, terms = LevelGame(model, 0).critic_loss(X, draw())
    np.testing.assert_allclose(terms["real"], model.critic_0(DOWN(DOWN(X)))[:, 0], atol=1e-6)
    np.testing.assert_allclose(terms["fake"], model.critic_0(model.generator_0(vectors(3)))[:, 0], atol=1e-6)


def test_a_level_may_play_on_generated_coarse_images():
    """Its samples are then those that `generate` makes of the same noise at that level."""
    model = small_lapgan(generated_coarse=True, critic_options={"dropout": 0.0})
    latents = vectors(3 + 16 + 64)
    _, terms = LevelGame(model, 2).critic_loss(X, draw())
    np.testing.assert_allclose(terms["fake"], model.critic_2(model.generate(latents))[:, 0], atol=1e-5)
    np.testing.assert_allclose(terms["real"], model.critic_2(X)[:, 0], atol=1e-5)


def smooth(model, level):
    """The level's game with every rectifier on, so that finite differences have derivatives."""
    for network in (getattr(model, f"generator_{level}"), getattr(model, f"critic_{level}")):
        for layer in network.layers:
            if isinstance(layer, keras.layers.Conv2D) and layer.name != "difference":
                layer.bias.assign(tf.fill(layer.bias.shape, 20.0))
    return LevelGame(model, level)


@pytest.mark.parametrize("level", [1, 2])
def test_gradients_by_what_a_level_is_conditioned_on(level):
    """Through the pyramid, the level's generator and its critic, beside finite differences."""
    game = smooth(small_lapgan(objective=objectives.LeastSquares()), level)
    x, direction = tf.constant(X), draw().normal((8, 8, 1))
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(game.generator_loss(x, draw()))
    slope = float(tf.reduce_sum(tape.gradient(value, x) * direction))
    step = 0.02
    ahead, behind = (tf.reduce_sum(game.generator_loss(x + sign * step * direction, draw())) for sign in (1, -1))
    assert slope == pytest.approx(float(ahead - behind) / (2 * step), rel=0.02)


def test_generated_coarse_images_carry_no_gradient():
    model = small_lapgan(generated_coarse=True)
    weights = [v.value for v in [*model.generator_0.trainable_variables, *model.generator_1.trainable_variables]]
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(LevelGame(model, 2).generator_loss(x, draw()))
    assert all(gradient is None for gradient in tape.gradient(value, [x, *weights]))


def test_all_levels_or_some_learn():
    model = small_lapgan()
    model.compile(generator_optimizer=keras.optimizers.SGD(0.1), critic_optimizer="sgd", run_eagerly=True)
    assert len({id(update.optimizer) for update in model.updates}) == len(model.updates) == 6
    assert float(model.generator_2_optimizer.learning_rate) == pytest.approx(0.1)
    history = model.fit(X, batch_size=3, verbose=0).history
    assert {f"{player}_{k}_loss" for player in ("generator", "critic") for k in range(3)} <= set(history)
    one = small_lapgan(levels=(1,))
    one.compile("sgd", run_eagerly=True)
    before = [network.get_weights() for network in one.networks]
    one.fit(X, batch_size=3, verbose=0)
    moved = [
        any((a != b).any() for a, b in zip(old, network.get_weights(), strict=True))
        for old, network in zip(before, one.networks, strict=True)
    ]
    assert moved == [False, True, False] * 2


def test_levels_learn_the_same_alone_and_together():
    together, alone = small_lapgan(), small_lapgan()
    for model in (together, alone):
        model.compile("sgd", run_eagerly=True)
    together.fit(X, batch_size=6, epochs=2, shuffle=False, verbose=0)
    first = models.LAPGAN(alone.networks[:3], alone.networks[3:], levels=(0,), seed=1)
    first.compile("sgd", run_eagerly=True)
    first.fit(X, batch_size=6, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(together.generator_0.get_weights(), first.generator_0.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_samples_from_any_level():
    model = small_lapgan(num_classes=3)
    samples = model.sample(4, condition=[0, 1, 2, 0], seed=3)
    latents = Draw.for_sampling(tf.constant(3, tf.int64), tf.constant(0, tf.int64), 4).uniform((83,), -1.0, 1.0)
    coarsest = model.generator_0({"latents": latents[:, :3], "condition": tf.constant([0, 1, 2, 0])})
    np.testing.assert_allclose(model.generate(latents, [0, 1, 2, 0]), samples, atol=1e-6)
    np.testing.assert_allclose(model.refine(coarsest, [0, 1, 2, 0], seed=3), samples, atol=1e-6)
    levels = model.sample_levels(4, condition=[0, 1, 2, 0], seed=3)
    assert [level.shape[1] for level in levels] == [2, 4, 8]
    np.testing.assert_allclose(model.refine(levels[1], [0, 1, 2, 0], seed=3), samples, atol=1e-6)
    np.testing.assert_array_equal(model.refine(X, 1), X)
    clipped = small_lapgan(num_classes=3, value_range=(0.2, 0.4))
    expected = np.clip(samples, 0.2, 0.4)
    np.testing.assert_allclose(clipped.sample(4, condition=[0, 1, 2, 0], seed=3), expected, atol=1e-6)
    np.testing.assert_allclose(clipped.refine(levels[1], [0, 1, 2, 0], seed=3), expected, atol=1e-6)
    assert model.refine(levels[0][:0], LABELS[:0]).shape == (0, 8, 8, 1)
    assert model.refine(DOWN(X), 1).shape == X.shape
    assert model.predict((latents, np.array([0, 1, 2, 0])), verbose=0).shape == samples.shape
    scores = model.discriminate(DOWN(X), LABELS)
    expected = model.critic_1({"x": DOWN(X), "condition": LABELS})[:, 0]
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_the_pyramid_gives_the_image_back():
    levels = small_lapgan().pyramid(X)
    assert [level.shape[1] for level in levels] == [2, 4, 8]
    image = levels[0]
    for difference in levels[1:]:
        image = UP(image) + difference
    np.testing.assert_allclose(image, X, atol=1e-6)


@pytest.mark.full
def test_saved_models_sample_and_refine(tmp_path):
    model = small_lapgan(num_classes=3)
    model.export(str(tmp_path / "saved"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "saved"))
    label, seed = tf.constant([2]), tf.constant(5, tf.int64)
    sampled = served.sample(tf.constant(2), label, seed)["x"]
    np.testing.assert_allclose(sampled, model.sample(2, condition=2, seed=5), atol=1e-5)
    coarse = DOWN(DOWN(X[:2]))
    refined = served.refine(coarse, tf.constant([1, 0]), seed)["x"]
    np.testing.assert_allclose(refined, model.refine(coarse, [1, 0], seed=5), atol=1e-5)


def pair(side, **options):
    generator = networks.lapgan_generator((side, side, 1), 2, (3,), **options)
    return generator, networks.lapgan_critic((side, side, 1), 2, 3, **options)


FIRST = networks.mlp_generator(3, (4, 4, 1), hidden=(4,)), networks.mlp_critic((4, 4, 1), hidden=(4,))


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([FIRST, pair(16)], r"generators\[1\] should make images of shape \(8, 8, 1\), twice the level before"),
        ([FIRST, pair(6)], r"generators\[1\] should make images of shape \(8, 8, 1\)"),
        ([FIRST, (networks.mlp_generator(2, (8, 8, 1)), pair(8)[1])], r"generators\[1\] should take 'latents'"),
        ([FIRST, (pair(8)[0], FIRST[1])], "critic should take what the generator makes"),
        ([FIRST, pair(8, num_classes=3)], "one kind of condition, or none"),
        ([pair(8)], "generator should take latents of shape"),
        ([], "`generators` should be a sequence of networks"),
    ],
)
def test_levels_that_do_not_meet_are_refused(levels, message):
    with pytest.raises(ValueError, match=message):
        models.LAPGAN([pair[0] for pair in levels], [pair[1] for pair in levels])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: small_lapgan(levels=(0, 3)), "`levels` should be different numbers from 0 to 2"),
        (lambda: small_lapgan(levels=(1, 1)), "`levels` should be different numbers"),
        (lambda: small_lapgan(value_range=(1, 0)), r"value_range should be \(low, high\)"),
        (lambda: small_lapgan(generated_coarse=2), "`generated_coarse` should be True or False"),
        (lambda: models.LAPGAN([FIRST[0]], [FIRST[1]] * 2), "one generator and one critic per level"),
        (lambda: small_lapgan().refine(X[:, :6, :6]), r"x should have shape \(rows, 2, 2, 1\) or .*Received"),
        (lambda: small_lapgan().sample(0), "`num_samples` should be a positive integer"),
        (lambda: small_lapgan(num_classes=3).sample(2, condition=3), "integer labels from 0 to 2"),
        (lambda: small_lapgan(value_range=(-9, -8)).check_data(X), r"x should lie in \[-9, -8\], the model's"),
        (lambda: small_lapgan().check_data(DOWN(X)), r"x should have shape \(rows, 8, 8, 1\)"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
