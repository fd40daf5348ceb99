"""Networks that grow: fades at both ends, what phases train, the schedule on resuming, equalised steps, refusals."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers, models, networks
from keras_dl.models import progressive_growth as growth
from keras_dl.models.base import Draw
from tests.models.gan_builders import small_progressive

X = np.random.default_rng(0).random((8, 4, 4, 1), dtype=np.float32)


def pair(size=8, **options):
    """Networks of three levels, 2, 4 and 8 pixels wide, whose biases are not 0."""
    keras.utils.set_random_seed(0)
    options = {"filters": 2, "smallest_size": 2, **options}
    shape = (size, size, 1)
    both = networks.progressive_generator(3, shape, **options), networks.progressive_critic(shape, **options)
    for network in both:
        for weight in network.trainable_variables:
            weight.assign(weight + 0.1)
    return both


def normal(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).standard_normal(shape), tf.float32)


def at(level, rows=4):
    return tf.fill((rows, 1), float(level))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_whole_level_is_the_smaller_network(level):
    """The network of all levels at a whole `level` gives what the layers up to it give, enlarged."""
    generator, critic = pair()
    z = normal(4, 3)
    image = growth.images(generator, z, level)
    times = 2 ** (2 - level)
    whole = generator({"latents": z, "level": at(level)})
    np.testing.assert_allclose(whole, np.asarray(image).repeat(times, 1).repeat(times, 2), atol=1e-6)
    scores = critic({"x": whole, "level": at(level)})
    np.testing.assert_allclose(scores, growth.scores(critic, image, level), atol=1e-5)


@pytest.mark.parametrize("level", [1, 2])
def test_fades_at_0_and_1_are_the_smaller_and_the_larger_network(level):
    generator, critic = pair()
    z = normal(4, 3)
    small, large = (growth.images(generator, z, k) for k in (level - 1, level))
    np.testing.assert_allclose(growth.images(generator, z, level, 0.0), growth.enlarged(small), atol=1e-6)
    np.testing.assert_allclose(growth.images(generator, z, level, 1.0), large, atol=1e-6)
    x = normal(4, 2 << level, 2 << level, 1)
    scores = [growth.scores(critic, growth.reduced(x), level - 1), growth.scores(critic, x, level)]
    for fade, expected in enumerate(scores):
        np.testing.assert_allclose(growth.scores(critic, x, level, float(fade)), expected, atol=1e-6)
    half = growth.scores(critic, x, level, 0.5)
    assert np.abs(half - scores[0]).max() > 1e-4 and np.abs(half - scores[1]).max() > 1e-4


def test_within_a_fade_the_whole_network_agrees():
    generator, critic = pair()
    z = normal(4, 3)
    image = growth.images(generator, z, 1, 0.25)
    whole = generator({"latents": z, "level": at(0.25)})
    np.testing.assert_allclose(whole, growth.enlarged(image), atol=1e-6)
    np.testing.assert_allclose(
        critic({"x": whole, "level": at(0.25)}), growth.scores(critic, image, 1, 0.25), atol=1e-5
    )


def test_data_fade_as_images_do():
    x = normal(2, 8, 8, 1)
    means = x.numpy().reshape(2, 4, 2, 4, 2, 1).mean((2, 4))
    np.testing.assert_allclose(growth.data_at(x, 1), means, atol=1e-6)
    np.testing.assert_allclose(growth.data_at(x, 1, 1.0), means, atol=1e-6)
    below = means.reshape(2, 2, 2, 2, 2, 1).mean((2, 4)).repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(growth.data_at(x, 1, 0.25), 0.75 * below + 0.25 * means, atol=1e-6)


def test_published_numbers_of_weights():
    """The authors' code prints 23,087,249 for the critic; table 2 of the paper has 23.1 million for both."""
    generator = networks.progressive_generator(512, (1024, 1024, 3))
    channels = [512, 512, 512, 512, 256, 128, 64, 32, 16]
    expected = 16 * 512 * 512 + 512 + 9 * 512 * 512 + 512
    for before, after in zip(channels[:-1], channels[1:], strict=True):
        expected += 9 * (before + after) * after + 2 * after
    expected += sum(3 * c + 3 for c in channels)
    assert generator.count_params() == expected == 23_079_115
    assert networks.progressive_critic((1024, 1024, 3)).count_params() == 23_087_249


def test_an_equalised_step_is_the_rate_times_the_constant():
    """Adam without memory moves a weight by its rate, what the layer computes by `gain / sqrt(fan_in)` of it."""
    layer = layers.EqualizedDense(1, use_bias=False, gain=2.0**0.5)
    x = np.ones((1, 50), "float32")
    before = float(layer(x)[0, 0])
    optimizer = keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.0, epsilon=1e-12)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(x))
    optimizer.apply(tape.gradient(value, [layer.kernel.value]), [layer.kernel])
    moved = 50 * 1e-3 * (2.0 / 50) ** 0.5
    assert before - float(layer(x)[0, 0]) == pytest.approx(moved, rel=1e-3)


def test_phases_train_their_layers_and_the_count_of_images_is_the_schedule():
    model = small_progressive(stable_images=8, fade_images=16, steps_per_batch=(1, 2))
    assert [phase.name for phase in model.phases.phases] == ["2x2", "fade 4x4", "4x4"]
    assert model.phases.starts == [0, 8, 24] and [p.steps_per_batch for p in model.phases.phases] == [1, 2, 2]
    model.compile(run_eagerly=True)
    levels, moved = [], []
    for _ in range(4):
        before = {layer.name: layer.get_weights() for layer in model.generator.layers}
        model.fit(X, batch_size=8, verbose=0)
        levels.append(model.level)
        changed = [
            layer.name
            for layer in model.generator.layers
            if any((a != b).any() for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
        ]
        moved.append(changed)
    assert levels == [0.0, 0.5, 1.0, 1.0]
    first = ["features_0", "to_rgb_0"]
    assert set(moved[0]) == set(first) and set(moved[1]) == {*first, "features_1", "to_rgb_1"}
    assert set(moved[3]) == {"features_0", "features_1", "to_rgb_1"}
    assert int(model.generator_optimizer.iterations.numpy()) == 2  # anew with the last phase; two steps per batch
    assert model.sample(2, seed=0).shape == (2, 4, 4, 1)


class Watched(models.ProgressiveGAN):
    """Remembers the graphs that its steps were compiled in, without holding them."""

    graphs_of_phases: list = []

    def critic_loss(self, batch, draw):
        self.graphs_of_phases.append(weakref.ref(tf.compat.v1.get_default_graph()))
        return super().critic_loss(batch, draw)


def test_the_graph_of_a_phase_is_freed_when_the_next_begins():
    keras.utils.set_random_seed(0)
    size = {"filters": 2, "smallest_size": 2}
    networks_ = networks.progressive_generator(3, (4, 4, 1), **size), networks.progressive_critic((4, 4, 1), **size)
    model = Watched(*networks_, stable_images=16, fade_images=10**6)
    model.compile(jit_compile=False)
    alive = []
    for _ in range(3):
        model.fit(X, batch_size=8, verbose=0)
        gc.collect()
        alive.append([graph() is not None for graph in model.graphs_of_phases])
    assert alive == [[True], [True], [False, True]]


def test_samples_are_clipped():
    model, clipped = small_progressive(), small_progressive(value_range=(-0.01, 0.01))
    expected = np.clip(model.sample(4, seed=0), -0.01, 0.01)
    np.testing.assert_allclose(clipped.sample(4, seed=0), expected, atol=1e-7)
    assert clipped.data_range == (-0.01, 0.01) and model.data_range is None


def test_drift_is_a_square_of_scores_of_data():
    model, plain = small_progressive(drift=0.5), small_progressive(drift=0.0)
    plain.set_weights(model.get_weights())
    values, terms = zip(*(one.critic_loss(X, noise()) for one in (model, plain)), strict=True)
    np.testing.assert_allclose(values[0] - values[1], 0.5 * np.square(terms[0]["real"]), atol=1e-5)


def noise():
    return Draw(tf.constant(7, tf.int64), tf.constant(0, tf.int64), 0, tf.constant(8), total=tf.constant(8.0))


@pytest.mark.full
def test_a_run_goes_on_within_a_fade(tmp_path):
    """Saved in the midst of a fade, to the bit; another schedule is refused by name."""

    def build(**options):
        model = small_progressive(stable_images=8, fade_images=32, ema_momentum=0.9, **options)
        model.compile(jit_compile=False)
        return model

    whole, part = build(), build()
    whole.fit(X, batch_size=8, epochs=4, verbose=0)
    part.fit(X, batch_size=8, epochs=2, verbose=0)
    assert 0 < part.level < 1
    part.save(tmp_path / "part.keras")
    loaded = keras.saving.load_model(tmp_path / "part.keras")
    assert loaded.level == part.level
    loaded.fit(X, batch_size=8, epochs=4, initial_epoch=2, verbose=0)
    for a, b in zip(whole.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    other = small_progressive(stable_images=16, fade_images=32, ema_momentum=0.9)
    other.compile(jit_compile=False)
    with pytest.raises(ValueError, match=r"The schedule \(stable_images, fade_images\) should be the saved one"):
        other.load_weights(tmp_path / "part.keras")


@pytest.mark.full
def test_saved_models_have_the_level_that_was_reached(tmp_path):
    model = small_progressive()
    model.export(str(tmp_path / "saved"), verbose=False)
    served = tf.saved_model.load(str(tmp_path / "saved"))
    z = normal(2, 3)
    np.testing.assert_allclose(served.generate(z)["x"], model.generate(z), atol=1e-5)
    sampled = served.sample(tf.constant(2), tf.constant(5, tf.int64))["x"]
    np.testing.assert_allclose(sampled, model.sample(2, seed=5), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: networks.progressive_generator(3, (12, 12, 1)), "`output_shape` should be 4 pixels, doubled some"),
        (lambda: networks.progressive_critic((8, 6, 1)), "`input_shape` should be 4 pixels, doubled some times"),
        (lambda: networks.progressive_generator(3, (2, 2, 1)), "`output_shape` should be 4 pixels"),
        (lambda: small_progressive(fade_images=0), "`fade_images` should be a positive integer"),
        (lambda: small_progressive(stable_images=(8, 8)), "`stable_images` should be a number, or a sequence of 1"),
        (lambda: small_progressive(steps_per_batch=(1,)), "`steps_per_batch` should be a number, or a sequence of 2"),
        (lambda: small_progressive(penalty=None), "penalty should not be given: ProgressiveGAN has its own"),
        (lambda: small_progressive(drift=-1.0), "`drift` should be a finite number"),
        (lambda: models.ProgressiveGAN(pair()[0], pair(4)[1]), "critic should"),
        (lambda: models.ProgressiveGAN(pair()[0], pair(smallest_size=4)[1]), "should have the generator's levels, 3"),
        (
            lambda: models.ProgressiveGAN(networks.mlp_generator(3, (4, 4, 1)), networks.mlp_critic((4, 4, 1))),
            "generator and critic should grow",
        ),
        (
            lambda: small_progressive(value_range=(0, 1)).check_data(255 * np.abs(X)),
            r"x should lie in \[0, 1\], the model's",
        ),
        (lambda: small_progressive().check_data(X[:, :2]), r"x should have shape \(rows, 4, 4, 1\)"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
