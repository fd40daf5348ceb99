"""What adversarial models refuse, and what they warn of, before any work starts."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives
from tests.models.gan_builders import SHAPE, compiled, images, small_gan

GENERATOR = networks.mlp_generator(2, SHAPE, hidden=(4,))
CONDITIONAL = networks.mlp_generator(2, SHAPE, hidden=(4,), num_classes=3)
CRITIC = networks.mlp_critic(SHAPE, hidden=(4,))
WIDE = networks.mlp_critic(SHAPE, hidden=(4,), num_outputs=4)
SEQUENCES = keras.Sequential([keras.Input((5, 2)), keras.layers.Flatten(), keras.layers.Dense(16)])
THREE = objectives.Attributes(3)
FIVE = networks.mlp_critic(SHAPE, hidden=(4,), num_classes=5)
VECTORS = {"condition_shape": (2,)}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: models.GAN(GENERATOR, networks.mlp_critic((4, 4, 2))), "critic should take what the generator makes"),
        (lambda: models.GAN(GENERATOR, networks.mlp_critic((16,))), "critic should take what the generator makes"),
        (lambda: models.GAN(GENERATOR, WIDE), r"critic should return shape \(batch, 1\)"),
        (lambda: models.GAN(GENERATOR, CRITIC, latent_size=3), "latent_size should be the number of latents"),
        (lambda: models.GAN(SEQUENCES, networks.mlp_critic((16,))), "generator should take latents of shape"),
        (lambda: models.GAN(GENERATOR, CRITIC, critic_steps=0), "critic_steps. should be a positive integer"),
        (lambda: models.GAN(GENERATOR, CRITIC, critic_steps=2.0), "critic_steps. should be a positive integer"),
        (lambda: models.GAN(GENERATOR, CRITIC, instance_noise=-1.0), "instance_noise should be a schedule"),
        (lambda: models.GAN(GENERATOR, CRITIC, ema_momentum=1.0), "`ema_momentum` should be"),
        (lambda: models.GAN(GENERATOR, CRITIC, ema_momentum="a"), "`ema_momentum` should be"),
        (lambda: models.GAN(GENERATOR, CRITIC, attribute_critic=CRITIC), "attributes should be given"),
        (lambda: models.GAN(GENERATOR, WIDE, attributes=THREE), "generator should be conditional"),
        (lambda: models.GAN(CONDITIONAL, CRITIC, attributes=THREE), r"critic should return shape \(batch, 4\)"),
        (
            lambda: models.GAN(CONDITIONAL, CRITIC, attributes=THREE, attribute_critic=CRITIC),
            r"attribute_critic should return shape \(batch, 3\)",
        ),
        (lambda: models.ConditionalGAN(GENERATOR, CRITIC), "generator should be conditional"),
        (lambda: models.ConditionalGAN(CONDITIONAL, CRITIC), "critic should be conditional, or attributes be given"),
        (lambda: models.ConditionalGAN(CONDITIONAL, FIVE), "critic should take the generator's classes, 3"),
        (
            lambda: models.ConditionalGAN(CONDITIONAL, networks.mlp_critic(SHAPE, hidden=(4,), **VECTORS)),
            "critic should take the generator's condition, of shape .*",
        ),
        (
            lambda: models.ConditionalGAN(CONDITIONAL, WIDE, attributes=objectives.Attributes((3, None))),
            "attributes should be those that the generator takes, 3",
        ),
        (lambda: models.WGAN(GENERATOR, CRITIC, clip=0.0), "clip should be above 0"),
        (lambda: models.WGAN(GENERATOR, CRITIC, objective=objectives.Hinge()), "objective should not be given: WGAN"),
        (lambda: models.WGANGP(GENERATOR, CRITIC, penalty=None), "penalty should not be given: WGANGP"),
        (lambda: models.DCGAN(GENERATOR, CRITIC, objective=None), "objective should not be given: DCGAN"),
        (lambda: models.WGANGP(GENERATOR, CRITIC, gradient_penalty=-1.0), "`gradient_penalty` should be a finite"),
        (lambda: models.GAN(keras.Sequential([keras.layers.Dense(4)]), CRITIC), "generator should be built"),
    ],
)
def test_refuses_parts_that_do_not_fit(build, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: "):
        build()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: models.GAN(GENERATOR, CRITIC, objective="hinge"), "objective should be an adversarial one"),
        (lambda: models.GAN(GENERATOR, CRITIC, penalty=10.0), "penalty should be one"),
        (lambda: models.GAN("generator", CRITIC), "generator should be a Keras layer"),
        (lambda: models.GAN(GENERATOR, None), "critic should be a Keras layer"),
    ],
)
def test_refuses_other_types(build, message):
    with pytest.raises(TypeError, match=f"{message}.*Received: "):
        build()


def test_compile_wants_both_optimizers():
    with pytest.raises(ValueError, match="generator_optimizer, critic_optimizer. Received no critic_optimizer"):
        small_gan().compile(generator_optimizer="adam")
    shared = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="optimizers of their own. Received: one object twice"):
        small_gan().compile(generator_optimizer=shared, critic_optimizer=shared)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((6, 5, 4, 1)), "x should have shape"),
        (np.zeros((6, 16)), "x should have shape"),
        (images(6) - 0.5, r"x should lie in \[0, 1\], the range of the generator's sigmoid"),
        (255.0 * images(6), r"x should lie in \[0, 1\]"),
        (np.full((6, *SHAPE), np.nan), "x should be finite"),
        (images(0), "x should not be empty"),
        ((images(6), np.zeros(6, "int32")), "condition should be None"),
    ],
)
def test_fit_refuses(x, message):
    gan = compiled(small_gan())
    before = gan.get_weights()
    x = x if isinstance(x, tuple) else (x,)
    for method in (gan.fit, gan.evaluate):
        with pytest.raises(ValueError, match=f"{message}.*Received: "):
            method(*x, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, gan.get_weights(), strict=True))


@pytest.mark.parametrize(("rows", "batch_size"), [(20, 4), (21, 20), (2, 32)])
def test_every_inner_update_needs_rows(rows, batch_size):
    gan = compiled(small_gan(critic_steps=5))
    with pytest.raises(ValueError, match="Every batch, the last one too, should have at least 5 rows.*Received: "):
        gan.fit(images(rows), batch_size=batch_size, verbose=0)


def test_every_inner_update_needs_rows_of_a_generator_too():
    gan = compiled(small_gan(critic_steps=5))
    with pytest.raises(ValueError, match="should have at least 5 rows.*Received: a batch of 4"):
        gan.fit(((images(4),) for _ in range(2)), verbose=0)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (None, "condition should be given"),
        (np.arange(6), "condition should be integer labels from 0 to 2"),
        (np.full(6, 0.5), "condition should be integer labels"),
        (np.zeros(5, "int32"), "condition should have 6 rows|array 1 of the data should have as many rows"),
        (np.zeros((6, 3)), "condition should have shape"),
    ],
)
def test_conditions_are_checked(condition, message):
    gan = compiled(small_gan(models.ConditionalGAN, num_classes=3))
    with pytest.raises(ValueError, match=f"({message}).*Received: "):
        gan.fit(images(6), condition, verbose=0)
    with pytest.raises(ValueError, match=f"({message}).*Received: "):
        gan.discriminate(images(6), condition)
    with pytest.raises(ValueError, match=f"({message}|condition should have 6 rows).*Received: "):
        gan.sample(6, condition=condition)


def test_attributes_are_checked_column_by_column():
    sizes = (3, None)
    generator = networks.mlp_generator(2, SHAPE, hidden=(4,), num_classes=sizes)
    gan = models.GAN(generator, CRITIC, attributes=objectives.Attributes(sizes), attribute_critic=WIDE)
    assert gan.sample(1, condition=[[2, -0.7]]).shape == (1, *SHAPE)
    with pytest.raises(ValueError, match=r"condition\[:, 0\] should be integer labels from 0 to 2. Received: "):
        gan.sample(1, condition=[[3, -0.7]])
    with pytest.raises(ValueError, match=r"condition should have 3 rows.*Received: "):
        gan.sample(3, condition=2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda gan: gan.generate(np.zeros((2, 3))), "latents should have shape"),
        (lambda gan: gan.generate(np.zeros(2)), "latents should have shape"),
        (lambda gan: gan.sample(0), "num_samples. should be a positive integer"),
        (lambda gan: gan.sample(2, truncation=0.0), "truncation should be a number above 0"),
        (lambda gan: gan.sample(2, seed=-1), "`seed` should be an integer"),
        (lambda gan: gan.discriminate(np.zeros((2, 3))), "x should have shape"),
        (lambda gan: gan.sample(2, condition=1), "condition should be None"),
        (lambda gan: gan.sample(2, condition="a"), "condition should hold numbers"),
        (lambda gan: gan.sample(2, condition=[[1], [1, 2]]), "condition should be an array of numbers"),
        (lambda gan: gan.generate(np.full((1, 2), np.nan)), "latents should be finite"),
        (lambda gan: gan.generate([["a", "b"]]), "latents should hold numbers"),
        (lambda gan: gan.discriminate(images(2) * np.inf), "x should be finite"),
        (lambda gan: gan.predict({"z": np.zeros((1, 2))}, verbose=0), "data as a dict should have the keys"),
        (lambda gan: models.GAN(gan.generator, gan.critic, attributes=10), "attributes should be objectives."),
    ],
)
def test_methods_refuse(call, message):
    with pytest.raises((ValueError, TypeError), match=f"{message}.*Received: "):
        call(small_gan())


def batches(x, y):
    """The same batches as arrays in a dataset, in a dataset that is not known to end, and from a generator."""
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    return dataset, dataset.filter(lambda *_: True), ((x[i : i + 4], y[i : i + 4]) for i in range(0, len(x), 4))


@pytest.mark.parametrize("options", [{"steps_per_execution": 1}, {"steps_per_execution": 3}, {"run_eagerly": True}])
def test_labels_of_later_batches_are_checked(options):
    """A label out of range is a vector of zeros in the networks, and shows in no loss."""
    x, y = images(24), np.arange(24) % 3
    y[22] = 3
    gan = compiled(small_gan(models.ConditionalGAN, num_classes=3), **options)
    for data in batches(x, y):
        with pytest.raises(ValueError, match="condition should be integer labels from 0 to 2. Received: .* 3"):
            gan.fit(data, verbose=0)
    for data in batches(x, y):
        with pytest.raises(ValueError, match="condition should be integer labels from 0 to 2. Received: .* 3"):
            gan.evaluate(data, verbose=0)
    gan.fit(batches(x[:20], y[:20])[0], validation_data=(x[:4], y[:4]), verbose=0)
    with pytest.raises(ValueError, match="condition should be integer labels"):  # validation has not ended the checks
        gan.fit(batches(x, y)[1].skip(2), validation_data=(x[:4], y[:4]), epochs=2, steps_per_epoch=2, verbose=0)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.grid("False")
def test_labels_are_checked_under_a_strategy(jit_compile):
    x, y = images(12), np.zeros((12, 2))
    y[9] = (3, 0.5)
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        generator = networks.mlp_generator(2, SHAPE, hidden=(4,), num_classes=(3, None))
        critic = networks.mlp_critic(SHAPE, hidden=(4,), num_classes=(3, None))
        gan = compiled(models.ConditionalGAN(generator, critic, seed=0), jit_compile=jit_compile)
    for method in (gan.fit, gan.evaluate):
        with pytest.raises(ValueError, match=r"condition\[:, 0\] should be integer labels from 0 to 2. Received: .* 3"):
            method(batches(x, y)[0], verbose=0)
    assert int(gan.state.step) == 2


def test_synchronized_layers_are_refused_where_xla_cannot_hold_them():
    def build(jit_compile):
        normal = keras.layers.BatchNormalization(synchronized=True)
        generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16), normal, keras.layers.Reshape(SHAPE)])
        gan = models.GAN(generator, CRITIC, seed=0)
        return compiled(gan, jit_compile=jit_compile)

    assert build(True).jit_compile and build("auto").jit_compile
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        assert not build("auto").jit_compile
        with pytest.raises(ValueError, match="jit_compile should be 'auto' or False.*Received: jit_compile=True"):
            build(True)


def test_warns_of_a_critic_with_a_sigmoid():
    inputs = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(inputs)
    dense = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(flat))
    layer = keras.Model(inputs, keras.layers.Activation("sigmoid")(keras.layers.Dense(1)(flat)))
    nested = keras.Sequential([keras.Input(SHAPE), dense])
    deep = keras.Model(inputs, keras.layers.Reshape((1,))(nested(inputs)))
    operation = keras.Model(inputs, keras.ops.sigmoid(keras.layers.Dense(1)(flat)))
    for critic in (dense, layer, nested, deep, operation):
        with pytest.warns(UserWarning, match="critic should end without a sigmoid"):
            models.GAN(GENERATOR, critic)
    hidden = keras.layers.Dense(3, "sigmoid")(flat)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.GAN(GENERATOR, keras.Model(inputs, keras.layers.Flatten()(keras.layers.Dense(1)(hidden))))


def test_warns_of_batch_normalization_under_a_gradient_penalty():
    critic = networks.dcgan_critic((16, 16, 1), 2)
    generator = networks.mlp_generator(2, (16, 16, 1))
    with pytest.warns(UserWarning, match="batch normalization in the critic"):
        models.WGANGP(generator, critic)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        models.DCGAN(generator, critic)
        models.WGANGP(generator, networks.dcgan_critic((16, 16, 1), 2, normalization="layer"))


def test_warns_of_data_that_fill_half_of_a_tanh():
    generator = networks.mlp_generator(2, SHAPE, hidden=(4,), output_activation="tanh")
    gan = compiled(models.GAN(generator, CRITIC))
    with pytest.warns(UserWarning, match="give 2 x - 1"):
        gan.check_data(images(6))
    with pytest.raises(ValueError, match=r"x should lie in \[-1, 1\]"):
        gan.check_data(3 * images(6))


def test_attributes_of_vectors_are_checked_too():
    generator = networks.mlp_generator(2, SHAPE, hidden=(4,), **VECTORS)
    critic = networks.mlp_critic(SHAPE, hidden=(4,), num_outputs=5)
    gan = compiled(models.ConditionalGAN(generator, critic, attributes=objectives.Attributes((3, None)), seed=0))
    for category in (3.0, 1.5):
        with pytest.raises(ValueError, match=r"condition\[:, 0\] should be integer labels from 0 to 2. Received: "):
            gan.fit(images(8), np.full((8, 2), category), verbose=0)
