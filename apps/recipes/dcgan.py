"""Deep convolutional GAN (Radford et al. 2016).

    python -m apps.train dcgan --out runs/dcgan

One to two minutes on two cores. 10,000 samples beside the held-out digits, seed 0 (python -m apps.evaluate runs/dcgan):
precision 0.65, recall 0.69, coverage 0.99, FID 18.2 +- 5.6 by the features of a LeNet, inception score 8.7.

    python -m apps.train dcgan --dataset mnist --epochs 3 --set batch_size=128 --out runs/dcgan_mnist

Two to four minutes: FID 16.3 +- 0.4, KID 9.8 +- 0.5 by the features of a LeNet, inception score 6.6.
"""

import keras_dl
from apps.recipes import gan
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {}


def build(hp, data_spec):
    """Returns a compiled DCGAN for images of `data_spec.shape`."""
    generator, critic = gan.networks(hp, data_spec, kind="dcgan", critic_normalization="batch")
    smoothing = hp.Float(Name("label_smoothing", "how far the target of data lies below 1"), 0.0, 0.3, default=0.1)
    model = keras_dl.models.DCGAN(generator, critic, label_smoothing=smoothing, ema_momentum=gan.ema_momentum(hp))
    model.compile(**gan.optimizers(hp, generator=5e-4, critic=5e-4, beta_2=0.999))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return gan.fit_options(hp, epochs=150)


TASK = keras_dl.tasks.Generation(latents=True, critic=True)
