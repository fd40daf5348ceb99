"""Small adversarial models for tests."""

import keras
import numpy as np

from keras_dl import models, networks

SHAPE = (4, 4, 1)


def images(rows=60, seed=0):
    """Random images in [0, 1]."""
    return np.random.default_rng(seed).random((rows, *SHAPE), dtype=np.float32)


def small_gan(kind=models.GAN, num_classes=None, critic_options=None, **options):
    """An adversarial model of a few hundred weights, not compiled."""
    keras.utils.set_random_seed(0)
    condition = {"num_classes": num_classes}
    generator = networks.mlp_generator(2, SHAPE, hidden=(8,), activation="tanh", **condition)
    critic = networks.mlp_critic(SHAPE, hidden=(8,), activation="tanh", **condition, **(critic_options or {}))
    options.setdefault("seed", 1)
    return kind(generator, critic, **options)


def small_stylegan(shape=(8, 8, 1), num_classes=None, **options):
    """A StyleGAN of a few hundred weights, not compiled, with noise that shows."""
    keras.utils.set_random_seed(0)
    small = {"filters": 2, "max_filters": 4, "num_classes": num_classes, "mapping_layers": 1}
    generator = networks.stylegan_generator(shape, 4, **small)
    critic = networks.stylegan_critic(shape, **small)
    for layer in generator.get_layer("synthesis").layers:
        if layer.name.endswith("_noise"):
            layer.strength.assign([0.3])
    options.setdefault("seed", 1)
    return models.StyleGAN(generator, critic, **options)


def compiled(model, learning_rate=0.005, **options):
    """The model compiled with plain gradient descent, or the optimizers given."""
    options = {
        "generator_optimizer": keras.optimizers.SGD(learning_rate),
        "critic_optimizer": keras.optimizers.SGD(2 * learning_rate),
        "jit_compile": False,
        **options,
    }
    model.compile(**options)
    return model


def adams(learning_rate=0.01):
    """An Adam for each player."""
    return {
        "generator_optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5),
        "critic_optimizer": keras.optimizers.Adam(2 * learning_rate, beta_1=0.5),
    }


def small_lapgan(num_classes=None, critic_options=None, sides=(4, 8), **options):
    """A pyramid whose coarsest level is 2 pixels wide, not compiled."""
    keras.utils.set_random_seed(0)
    condition = {"num_classes": num_classes}
    generators = [networks.mlp_generator(3, (2, 2, 1), hidden=(8,), output_activation=None, **condition)]
    critics = [networks.mlp_critic((2, 2, 1), hidden=(8,), **condition)]
    for side in sides:
        generators.append(networks.lapgan_generator((side, side, 1), 2, (3, 3), **condition))
        critics.append(networks.lapgan_critic((side, side, 1), 2, 3, **(critic_options or {}), **condition))
    return models.LAPGAN(generators, critics, **{"seed": 1, **options})


def small_progressive(**options):
    """A model that grows from 2 to 4 pixels, not compiled."""
    keras.utils.set_random_seed(0)
    size = {"filters": 2, "smallest_size": 2}
    generator = networks.progressive_generator(3, (4, 4, 1), **size)
    critic = networks.progressive_critic((4, 4, 1), **size)
    return models.ProgressiveGAN(generator, critic, **{"seed": 1, "stable_images": 8, "fade_images": 24, **options})
