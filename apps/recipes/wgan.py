"""Wasserstein GAN with weight clipping (Arjovsky et al. 2017).

    python -m apps.train wgan --out runs/wgan

Three to seven minutes on two cores. Clipped critics are simple functions (Gulrajani et al. 2017), and the samples are
the blurriest of the recipes': 10,000 beside the held-out digits, seed 0 (python -m apps.evaluate runs/wgan), have
precision 0.51, recall 0.84, coverage 0.99, FID 14.9 +- 4.0 by the features of a LeNet, inception score 8.3.
"""

import keras

import keras_dl
from apps.recipes import gan
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled WGAN for samples of `data_spec.shape`."""
    generator, critic = gan.networks(hp, data_spec)
    model = keras_dl.models.WGAN(
        generator,
        critic,
        clip=hp.Float(Name("clip", "largest size of a critic's weight"), 1e-3, 1.0, default=0.05, sampling="log"),
        critic_steps=gan.steps_of_critic(hp, 5),
        ema_momentum=gan.ema_momentum(hp, 0.99),
    )
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-5, 1e-2, default=5e-4, sampling="log")
    model.compile(**{name: keras.optimizers.RMSprop(rate) for name in model.optimizer_names})
    return model


def fit_options(hp):
    """Returns the batch size, five times that of an update, and the number of epochs."""
    return gan.fit_options(hp, critic_steps=5, epochs=700)


TASK = keras_dl.tasks.Generation(latents=True, critic=True)
