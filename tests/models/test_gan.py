"""GANs: the algorithm beside a plain loop, metrics, sampling, averages, clipping, precision, conditions, export."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from keras_dl import models, networks, objectives, runtime
from keras_dl.models.base import noise
from tests.models.builders import largest_difference
from tests.models.gan_builders import SHAPE, adams, compiled, images, small_gan

LABELS = (np.arange(60) % 3).astype("int32")


def draw_of(step, update, iteration, rows):
    """The noise of one inner update, as the base hands it out."""
    seed, step = tf.constant(1, tf.int64), tf.constant(step, tf.int64)
    return noise.Draw(seed, step, noise.stream_id(noise.TRAIN, update, iteration), tf.constant(rows), training=True)


def plain_wgan_gp(gan, batches, steps, optimizers):
    """Gulrajani et al. 2017, algorithm 1, written out with copies of the networks and a Keras optimizer for each."""
    generator, critic = (keras.models.clone_model(network) for network in (gan.generator, gan.critic))
    generator.set_weights(gan.generator.get_weights())
    critic.set_weights(gan.critic.get_weights())
    for step, batch in enumerate(batches):
        for i in range(steps):
            x = batch[i::steps]
            if len(x) == 0:
                continue
            draw = draw_of(step, 0, i, len(x))
            fake = generator(draw.normal((2,)))
            between = x + draw.uniform((1, 1, 1)) * (fake - x)
            with tf.GradientTape() as tape:
                with tf.GradientTape() as inner:
                    inner.watch(between)
                    scores = critic(between)
                slopes = tf.reshape(inner.gradient(scores, between), (len(x), -1))
                loss = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(x))
                loss += 10.0 * tf.reduce_mean((tf.norm(slopes, axis=1) - 1.0) ** 2)
            move(tape, loss, critic, optimizers[1])
        latents = draw_of(step, 1, 0, len(batch[::steps])).normal((2,))
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(critic(generator(latents)))
        move(tape, loss, generator, optimizers[0])
    return [*generator.get_weights(), *critic.get_weights()]


def move(tape, loss, network, optimizer):
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)


def test_wgan_gp_is_the_papers_algorithm():
    """Fresh rows for every inner update, one slice of latents for the generator: the weights of a plain loop."""
    gan = compiled(small_gan(models.WGANGP, critic_steps=3), 0.02)
    x = images(40)
    expected = plain_wgan_gp(gan, [x[:20], x[20:]], 3, [keras.optimizers.SGD(rate) for rate in (0.02, 0.04)])
    gan.fit(x, batch_size=20, shuffle=False, verbose=0)
    for found, weight in zip(gan.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, weight, atol=2e-6)


@pytest.mark.parametrize("options", [{"steps_per_execution": 3}, {"jit_compile": True}, {"run_eagerly": True}])
@pytest.mark.grid("options0")
def test_inner_updates_without_rows_change_nothing(options):
    """A tail of two rows is two critic updates, not four: an Adam would go on along its momentum."""
    gan = small_gan(models.WGANGP, critic_steps=4)
    x = images(18)
    plain = list(adams().values())
    expected = plain_wgan_gp(gan, [x[:8], x[8:16], x[16:]] * 2, 4, plain)
    compiled(gan, **adams(), **options)
    gan.fit(tf.data.Dataset.from_tensor_slices(x).batch(8), epochs=2, verbose=0)
    for found, weight in zip(gan.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, weight, atol=2e-5)
    for found, optimizer in zip((gan.generator_optimizer, gan.critic_optimizer), plain, strict=True):
        assert int(found.iterations) == int(optimizer.iterations)
        for slot, value in zip(found.variables, optimizer.variables, strict=True):
            np.testing.assert_allclose(slot, value, atol=2e-5)


def test_a_batch_without_rows_is_no_step_of_any_optimizer():
    gan = compiled(small_gan(), **adams())
    gan.train_on_batch(images(8))
    before = gan.get_weights()
    gan.train_on_batch(images(8)[:0])
    assert all(np.array_equal(a, b) for a, b in zip(before, gan.get_weights(), strict=True))
    assert [int(o.iterations) for o in (gan.generator_optimizer, gan.critic_optimizer)] == [1, 1]


def test_non_saturating_gan_with_r1_is_its_plain_loop():
    gan = compiled(small_gan(penalty=objectives.R1(3.0)), 0.1)
    x = tf.constant(images(20))
    generator, critic = (keras.models.clone_model(network) for network in (gan.generator, gan.critic))
    generator.set_weights(gan.generator.get_weights())
    critic.set_weights(gan.critic.get_weights())
    fake = generator(draw_of(0, 0, 0, 20).normal((2,)))
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(x)
            real = critic(x)
        slopes = inner.gradient(real, x)
        loss = -tf.reduce_mean(tf.math.log_sigmoid(real)) - tf.reduce_mean(tf.math.log_sigmoid(-critic(fake)))
        loss += 1.5 * tf.reduce_mean(tf.reduce_sum(slopes**2, (1, 2, 3)))
    move(tape, loss, critic, keras.optimizers.SGD(0.2))
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(tf.math.log_sigmoid(critic(generator(draw_of(0, 1, 0, 20).normal((2,))))))
    move(tape, loss, generator, keras.optimizers.SGD(0.1))
    gan.fit(x, batch_size=20, shuffle=False, verbose=0)
    for network, copy in ((gan.generator, generator), (gan.critic, critic)):
        for found, weight in zip(network.get_weights(), copy.get_weights(), strict=True):
            np.testing.assert_allclose(found, weight, atol=1e-6)


@pytest.mark.parametrize("options", [{"steps_per_execution": 2}, {"jit_compile": True}, {"run_eagerly": True}])
@pytest.mark.grid("options0", "options2")
def test_compilation_and_stacking_give_the_same_weights(options):
    def trained(**options):
        gan = compiled(small_gan(models.WGANGP, critic_steps=2, instance_noise=0.1), **options)
        gan.fit(images(), batch_size=16, epochs=2, verbose=0)
        return gan

    assert largest_difference(trained(steps_per_execution=1), trained(**options)) < 2e-6


KINDS = {
    "minimax": (models.GAN, {"objective": objectives.Minimax(0.1)}),
    "least squares": (models.GAN, {"objective": objectives.LeastSquares(), "penalty": objectives.Dragan(1.0)}),
    "hinge": (models.GAN, {"objective": objectives.Hinge(), "critic_options": {"spectral_norm": True}}),
    "relativistic": (models.GAN, {"objective": objectives.RelativisticAverage(), "penalty": objectives.R2(0.1)}),
    "consistency": (
        models.GAN,
        {
            "objective": objectives.Wasserstein(),
            "penalty": [objectives.GradientPenalty(), objectives.ConsistencyTerm(), objectives.OutputVariance()],
            "critic_options": {"dropout": 0.3, "spectral_norm": True},
            "critic_steps": 2,
            "instance_noise": objectives.Linear(10, 0.5, 0.0),
        },
    ),
    "wgan": (models.WGAN, {"critic_steps": 2}),
    "wgan-gp": (models.WGANGP, {"critic_steps": 2, "ema_momentum": 0.9}),
    "dcgan": (models.DCGAN, {"label_smoothing": 0.1}),
    "conditional": (models.ConditionalGAN, {"num_classes": 3, "critic_options": {"projection": True}}),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.grid("hinge", "wgan-gp")
def test_trains_saves_and_loads(name, tmp_path):
    kind, options = KINDS[name]
    gan = compiled(small_gan(kind, **options), **adams())
    data = (images(), LABELS) if "num_classes" in options else (images(),)
    logs = gan.fit(*data, batch_size=20, epochs=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in logs.values())
    names = {"critic_loss", "critic_real", "critic_fake", "generator_loss"}
    names |= {"critic_penalty"} if any(not p.constrains for p in gan.penalties) else set()
    assert set(logs) == names
    found = gan.evaluate(*data, batch_size=20, verbose=0, return_dict=True)
    assert set(found) == names
    gan.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert type(loaded) is kind and loaded.optimizer is loaded.critic_optimizer
    assert largest_difference(gan, loaded) == 0
    assert loaded.evaluate(*data, batch_size=20, verbose=0, return_dict=True) == found
    condition = [0, 2] if "num_classes" in options else None
    np.testing.assert_array_equal(loaded.sample(2, condition, seed=3), gan.sample(2, condition, seed=3))
    if name == "consistency":  # dropout, spectral normalization, a schedule: all that a run has to remember
        for one in (gan, loaded):
            one.fit(*data, batch_size=20, epochs=3, initial_epoch=2, verbose=0)
        assert largest_difference(gan, loaded) == 0


def test_evaluate_computes_the_losses_of_all_rows():
    gan = compiled(small_gan(objective=objectives.Wasserstein(), critic_steps=3))
    x = images(10)
    found = gan.evaluate(x, batch_size=10, verbose=0, return_dict=True)
    assert found["critic_real"] == pytest.approx(np.mean(gan.discriminate(x)), rel=1e-5)
    assert found["critic_loss"] == pytest.approx(found["critic_fake"] - found["critic_real"], rel=1e-4)
    assert gan.evaluate(x, batch_size=10, verbose=0, return_dict=True) == found


def test_clipping():
    gan = compiled(small_gan(models.WGAN, clip=0.03, critic_steps=2), **adams(0.1))
    gan.fit(images(), batch_size=20, epochs=2, verbose=0)
    weights = np.concatenate([w.ravel() for w in gan.critic.get_weights()])
    assert np.abs(weights).max() == np.float32(0.03)
    assert max(np.abs(w).max() for w in gan.generator.get_weights()) > 0.03


def test_instance_noise_follows_its_schedule():
    """A critic that measures the sample's spread sees the noise of the step, in both kinds of sample."""
    generator = networks.mlp_generator(1, (500,), hidden=(), output_activation=None)
    generator.set_weights([np.zeros_like(w) for w in generator.get_weights()])
    inputs = keras.Input((500,))
    spread = keras.layers.Dense(1, use_bias=False, name="score", kernel_initializer="ones")(keras.ops.square(inputs))
    gan = models.GAN(generator, keras.Model(inputs, spread / 500), instance_noise=objectives.Linear(4, 2.0, 0.0))
    compiled(gan, 0.0)
    logs = gan.fit(np.zeros((40, 500), "float32"), batch_size=20, epochs=3, verbose=0).history
    expected = [(2.0**2 + 1.5**2) / 2, (1.0**2 + 0.5**2) / 2, 0.0]
    np.testing.assert_allclose(logs["critic_real"], expected, rtol=0.05)
    np.testing.assert_allclose(logs["critic_fake"], expected, rtol=0.05)


def test_sampling():
    gan = small_gan()
    assert gan.sample(5).dtype == tf.float32 and gan.sample(5).shape == (5, *SHAPE)
    np.testing.assert_array_equal(gan.sample(5, seed=3), gan.sample(5, seed=3))
    np.testing.assert_allclose(gan.sample(8, seed=3)[:5], gan.sample(5, seed=3), atol=1e-6)
    assert np.abs(gan.sample(5, seed=3) - gan.sample(5, seed=4)).max() > 1e-3
    assert np.abs(gan.sample(5) - gan.sample(5)).max() > 1e-3
    z = np.random.default_rng(0).standard_normal((4, 2))
    np.testing.assert_allclose(gan.predict(z, verbose=0), gan.generate(z), atol=1e-6)
    np.testing.assert_allclose(gan.generate(z), gan.generator(z), atol=1e-6)


def conditional(**condition):
    generator = networks.mlp_generator(2, SHAPE, hidden=(4,), **condition)
    return models.ConditionalGAN(generator, networks.mlp_critic(SHAPE, hidden=(4,), **condition), seed=0)


@pytest.mark.parametrize(
    ("condition", "one"),
    [({"num_classes": 3}, 2), ({"num_classes": (3, None)}, [2, -0.7]), ({"condition_shape": (2, 3)}, np.ones((2, 3)))],
)
def test_one_condition_is_that_of_every_sample(condition, one):
    gan = conditional(**condition)
    samples = gan.sample(3, condition=[one] * 3, seed=0)
    np.testing.assert_array_equal(gan.sample(3, condition=one, seed=0), samples)
    np.testing.assert_array_equal(gan.sample(3, condition=[one], seed=0), samples)


def test_no_rows_give_no_rows():
    layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    convolutional = keras.Sequential([keras.Input(SHAPE), *layers])
    one = models.GAN(networks.dcgan_generator(2, (8, 8, 1), 2), networks.dcgan_critic((8, 8, 1), 2))
    other = models.GAN(networks.mlp_generator(2, SHAPE, hidden=(4,)), convolutional)
    labels = np.zeros(0, "int32")
    for gan, given in ((one, ()), (other, ()), (conditional(num_classes=3), (labels,))):
        shape = gan.generator.output.shape[1:]
        assert gan.generate(np.zeros((0, 2)), *given).shape == (0, *shape)
        assert gan.discriminate(np.zeros((0, *shape)), *given).shape == (0,)


def test_data_may_be_dicts():
    gan, other = (compiled(small_gan(models.ConditionalGAN, num_classes=3)) for _ in range(2))
    data = {"x": images(), "condition": LABELS}
    for given in (data, tf.data.Dataset.from_tensor_slices(data).batch(20)):
        gan.fit(given, batch_size=20 if given is data else None, shuffle=False, verbose=0)
        other.fit(images(), LABELS, batch_size=20, shuffle=False, verbose=0)
    assert largest_difference(gan, other) < 1e-6
    assert gan.evaluate(data, verbose=0) == gan.evaluate(images(), LABELS, verbose=0)
    z = np.random.default_rng(0).standard_normal((4, 2)).astype("float32")
    made = gan.predict({"latents": z, "condition": LABELS[:4]}, verbose=0)
    np.testing.assert_array_equal(made, gan.predict((z, LABELS[:4]), verbose=0))
    with pytest.raises(ValueError, match="condition should be integer labels"):
        gan.predict({"latents": z, "condition": LABELS[:4] + 3}, verbose=0)


def test_truncation_draws_from_the_cut_normal():
    gan = models.GAN(identity_generator(), networks.mlp_critic((3,), hidden=()))
    whole, cut = gan.sample(4000, seed=1).numpy(), gan.sample(4000, seed=1, truncation=0.8).numpy()
    assert stats.kstest(whole.ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(cut.ravel(), stats.truncnorm(-0.8, 0.8).cdf).pvalue > 1e-3
    np.testing.assert_allclose(gan.sample(4000, seed=1, truncation=50.0), whole, atol=1e-5)


def identity_generator():
    generator = networks.mlp_generator(3, (3,), hidden=(), output_activation=None)
    generator.set_weights([np.eye(3), np.zeros(3)])
    return generator


def test_averages_are_of_the_generator_and_used_to_sample():
    gan = compiled(small_gan(ema_momentum=0.7), 0.5)
    average = gan.generator.get_weights()
    x = images(20)
    for _ in range(3):
        gan.train_on_batch(x)
        average = [0.7 * a + 0.3 * w for a, w in zip(average, gan.generator.get_weights(), strict=True)]
    for found, expected in zip(gan.ema_networks["generator"].get_weights(), average, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    z = np.zeros((1, 2), "float32")
    np.testing.assert_allclose(gan.generate(z), gan.ema_networks["generator"](z), atol=1e-6)
    assert np.abs(gan.generate(z) - gan.generator(z)).max() > 1e-5
    assert list(gan.ema_networks) == ["generator"]


def half_precision_is_scaled(gan):
    optimizers = (gan.critic_optimizer, gan.generator_optimizer)
    return all(isinstance(optimizer, keras.optimizers.LossScaleOptimizer) for optimizer in optimizers)


@pytest.mark.parametrize(("policy", "jit_compile"), [("mixed_float16", False), ("mixed_bfloat16", True)])
@pytest.mark.grid("mixed_float16-False")
def test_half_precision(policy, jit_compile):
    reference = compiled(small_gan(models.WGANGP, critic_steps=2))
    keras.config.set_dtype_policy(policy)
    gan = compiled(small_gan(models.WGANGP, critic_steps=2), jit_compile=jit_compile)
    assert half_precision_is_scaled(gan) == (policy == "mixed_float16")
    if policy == "mixed_float16":
        # The scale that is tried first, 2**15, is too large here: steps would be left out until it has shrunk.
        gan.critic_optimizer.dynamic_scale.assign(128.0)
        gan.generator_optimizer.dynamic_scale.assign(128.0)
    for one in (reference, gan):
        one.fit(images(), batch_size=20, epochs=2, verbose=0)
    assert gan.sample(2).dtype == tf.float32 and gan.discriminate(images(2)).dtype == tf.float32
    keras.config.set_dtype_policy("float32")
    moved = largest_difference(reference, small_gan(models.WGANGP, critic_steps=2))
    assert largest_difference(reference, gan) < 0.1 * moved


@pytest.mark.full
def test_convolutional_networks_train_under_a_gradient_penalty():
    keras.utils.set_random_seed(0)
    shape = (8, 8, 1)
    pairs = [
        (networks.dcgan_generator(2, shape, 2), networks.dcgan_critic(shape, 2, normalization="layer")),
        (networks.resnet_generator(2, shape, 2), networks.resnet_critic(shape, 2, spectral_norm=True)),
    ]
    for generator, critic in pairs:
        gan = compiled(models.WGANGP(generator, critic, critic_steps=2, seed=0), **adams(1e-3))
        before = gan.get_weights()
        logs = gan.fit(np.random.default_rng(0).random((16, *shape)), batch_size=8, verbose=0).history
        assert all(np.isfinite(values).all() for values in logs.values())
        # But for the last bias, which moves real and generated scores alike.
        moved = [np.abs(w - b).max() for w, b in zip(gan.get_weights(), before, strict=True)]
        assert np.isfinite(moved).all() and sum(m < 1e-7 for m in moved) <= 1


def test_export(tmp_path):
    gan = small_gan(models.ConditionalGAN, num_classes=3, ema_momentum=0.9)
    served = tf.saved_model.load(runtime.export(gan, tmp_path / "gan"))
    assert set(served.signatures) == {"serving_default", "generate", "sample", "discriminate"}
    z, labels, x = np.zeros((2, 2), "float32"), np.array([0, 2], "int32"), images(2)
    made = served.signatures["generate"](latents=tf.constant(z), condition=tf.constant(labels))["x"]
    np.testing.assert_allclose(made, gan.generate(z, labels), atol=1e-6)
    scores = served.signatures["discriminate"](x=tf.constant(x), condition=tf.constant(labels))["score"]
    np.testing.assert_allclose(scores, gan.discriminate(x, labels), atol=1e-6)

    def sample(seed):
        inputs = {"num_samples": tf.constant(4), "condition": tf.constant([1]), "seed": tf.constant(seed, tf.int64)}
        return served.signatures["sample"](**inputs)["x"].numpy()

    np.testing.assert_allclose(sample(5), gan.sample(4, condition=1, seed=5), atol=1e-6)
    assert np.abs(sample(-1) - sample(-1)).max() > 1e-4
