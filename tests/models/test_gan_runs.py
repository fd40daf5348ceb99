"""Whole runs of adversarial models in processes of their own: two replicas beside one, and resuming."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers, models, networks, objectives
from tests.models.builders import largest_difference
from tests.models.gan_builders import SHAPE, adams, compiled, images, small_gan
from tests.objectives.test_penalties import FROZEN, PENALTIES, FixedDraw, conv_critic, frozen_gradients
from tests.processes import output_of

TWO_REPLICAS = """
import functools, sys
import numpy as np, tensorflow as tf
device = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(device, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.models.builders import largest_difference
from tests.models.test_gan_runs import WAYS, distance_from_torch, on_replicas
for train, option in WAYS:
    one, two = train(option), on_replicas(train, option)
    counts = [int(m.critic_optimizer.iterations.numpy() + m.state.step.numpy()) for m in (one, two)]
    print(train.__name__, largest_difference(one, two), *counts)
for name, jit_compile in (("gradient_penalty", True), ("r1", False)):
    print("torch", name, on_replicas(functools.partial(distance_from_torch, name), jit_compile))
"""
RESUME = """
import sys
import keras
import keras_dl
from tests.models.gan_builders import images
model = keras.saving.load_model(sys.argv[1])
model.fit(images(), batch_size=20, epochs=4, initial_epoch=2, verbose=0)
model.save(sys.argv[1])
"""


def trained(jit_compile):
    """50 steps with all that a critic update can hold: penalty, noise, clipping, spectral normalization, an average."""
    gan = small_gan(
        models.GAN,
        objective=objectives.Wasserstein(),
        penalty=[objectives.GradientPenalty(10.0), objectives.WeightClipping(0.5)],
        critic_steps=2,
        instance_noise=0.1,
        ema_momentum=0.9,
        critic_options={"spectral_norm": True},
    )
    compiled(gan, 0.002, jit_compile=jit_compile)
    gan.fit(images(), batch_size=12, epochs=10, verbose=0)  # five batches of 12, six rows a replica, three an update
    return gan


def with_tails(jit_compile):
    """Adam, batches of 8 and a tail of 3 rows in four inner updates, of which the last has none."""
    gan = small_gan(models.WGANGP, critic_steps=4)
    adam = {f"{name}_optimizer": keras.optimizers.Adam(0.01, epsilon=1e-3) for name in ("generator", "critic")}
    gan.compile(**adam, jit_compile=jit_compile)
    gan.fit(tf.data.Dataset.from_tensor_slices(images(19)).batch(8), epochs=2, verbose=0)
    return gan


def synchronized(convolutions):
    """Statistics of the global batch; of the tail of 3 rows a critic update sees one, so that a replica sees none."""
    keras.utils.set_random_seed(0)
    normal = [layers.BatchNormalization(momentum=0.5, synchronized=True) for _ in range(2)]
    maps = [keras.layers.Conv2D(2, 3)] if convolutions else []
    judging = [*maps, keras.layers.Flatten(), keras.layers.Dense(4), normal[0], keras.layers.Dense(1)]
    making = [keras.layers.Dense(16), normal[1], keras.layers.Reshape(SHAPE)]
    networks = [keras.Sequential([keras.Input(s), *parts]) for s, parts in (((2,), making), (SHAPE, judging))]
    gan = compiled(models.GAN(*networks, critic_steps=2, seed=0), jit_compile="auto")
    gan.fit(tf.data.Dataset.from_tensor_slices(images(19)).batch(8), epochs=2, verbose=0)
    return gan


#: Each with one option: rows that are missing matter to what XLA compiles, and to convolutions.
WAYS = ((trained, False), (with_tails, True), (synchronized, True))


class AtFrozenPoints(objectives.Penalty):
    """A penalty at the frozen samples and positions of the rows that a replica holds."""

    def __init__(self, penalty):
        self.penalty = penalty

    def __call__(self, critic, real, fake, draw):
        held = tf.cast(draw.offset, tf.int32) + tf.range(draw.rows)
        positions = FixedDraw()
        positions.uniform = lambda shape: tf.gather(FROZEN["position"], held)
        return self.penalty(critic, real, tf.gather(FROZEN["fake"], held), positions)


class NoGame(objectives.Adversarial):
    def critic_loss(self, real, fake):
        return 0.0 * real

    def generator_loss(self, fake, real=None):
        return 0.0 * fake


def distance_from_torch(name, jit_compile):
    """How far a step of gradient descent by a penalty alone is from torch's double backward."""
    critic, generator = conv_critic("tanh"), networks.mlp_generator(1, (11, 11, 2), (), output_activation=None)
    gan = models.GAN(generator, critic, objective=NoGame(), penalty=AtFrozenPoints(PENALTIES[name]), seed=0)
    sgd = {f"{player}_optimizer": keras.optimizers.SGD(1.0) for player in ("generator", "critic")}
    gan.compile(**sgd, jit_compile=jit_compile)
    before = critic.get_weights()
    gan.fit(FROZEN["real"], batch_size=4, shuffle=False, verbose=0)
    moved = [a - b for a, b in zip(before, critic.get_weights(), strict=True)]
    pairs = zip(moved, frozen_gradients("tanh", name, critic), strict=True)
    return max(np.abs(a - b).max() / max(1.0, np.abs(b).max()) for a, b in pairs)


@functools.cache
def two_devices():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def on_replicas(train, jit_compile):
    with two_devices().scope():  # one for all, as the collectives of two strategies in a process mistake each other
        return train(jit_compile)


@pytest.mark.slow
@pytest.mark.full
def test_two_replicas_train_as_one_and_as_torch():
    """What counts are: 50 steps of two critic updates; twice 3 steps, of four, four and three, or of two each."""
    lines = [line.split() for line in output_of(TWO_REPLICAS, timeout=1800).splitlines()]
    torch = [float(line[2]) for line in lines if line[0] == "torch"]
    assert len(torch) == 2 and max(torch) < 5e-5
    lines = [line for line in lines if line[0] != "torch"]
    assert len(lines) == 3
    for name, difference, *counts in lines:
        assert counts == [{"trained": "150", "with_tails": "28", "synchronized": "18"}[name]] * 2
        assert float(difference) < 1e-5


@pytest.mark.full
def test_a_fresh_process_goes_on_to_the_bit(tmp_path):
    """Both optimizers, the average and the random state are saved; so are the choices of `compile`."""

    def build():
        return compiled(small_gan(models.WGANGP, critic_steps=2, ema_momentum=0.9, instance_noise=0.1), **adams())

    whole, part, path = build(), build(), str(tmp_path / "gan.keras")
    whole.fit(images(), batch_size=20, epochs=4, verbose=0)
    part.fit(images(), batch_size=20, epochs=2, verbose=0)
    part.save(path)
    assert largest_difference(whole, part) > 0
    output_of(RESUME, path)
    resumed = keras.saving.load_model(path)
    assert largest_difference(whole, resumed) == 0
    for name in ("generator_optimizer", "critic_optimizer"):
        pairs = zip(getattr(whole, name).variables, getattr(resumed, name).variables, strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
    iterations = [int(o.iterations.numpy()) for o in (resumed.critic_optimizer, resumed.generator_optimizer)]
    assert iterations == [24, 12]
    np.testing.assert_array_equal(whole.sample(3, seed=0), resumed.sample(3, seed=0))
    assert resumed.optimizer is resumed.critic_optimizer


def critics():
    """Critics that cannot take batches of no rows by themselves."""
    flat = [keras.layers.Flatten(), keras.layers.Dense(4), keras.layers.BatchNormalization()]
    maps = [keras.layers.Conv2D(2, 3), keras.layers.Flatten()]
    return {"batch normalization": flat, "convolution": maps}


@pytest.mark.parametrize("name", critics())
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.grid("False-convolution")
def test_the_end_of_data_may_leave_inner_updates_without_rows(name, jit_compile):
    critic = keras.Sequential([keras.Input(SHAPE), *critics()[name], keras.layers.Dense(1)])
    gan = models.GAN(networks.mlp_generator(2, SHAPE, hidden=(4,)), critic, critic_steps=4, seed=0)
    compiled(gan, jit_compile=jit_compile)
    gan.fit(tf.data.Dataset.from_tensor_slices(images(10)).batch(8), epochs=2, verbose=0)  # tails of two rows
    assert all(np.isfinite(weights).all() for weights in gan.get_weights())
