"""Joint energy-based model (Grathwohl et al. 2020): a classifier that is read as a density too.

    python -m apps.train jem --out runs/jem
    python -m apps.train jem --set energy_weight=0 --out runs/classifier

Cross-entropy, and persistent chains on the log-sum-exp of the logits. With `energy_weight=0` the density has no weight
and the same network is a classifier. Evaluation gives accuracy and cross-entropy; `classes.png` shows samples by class,
`langevin.png` chains from noise.
"""

import keras

import keras_dl
from apps.recipes import ebm
from keras_dl.checks import refusal
from keras_dl.runs import Name

DATASET = "digits"


def build(hp, data_spec):
    """Returns a compiled joint model for images of `data_spec.shape` in `data_spec.num_classes` classes."""
    data_spec.check_images("images with labels")
    if not data_spec.num_classes:
        raise refusal("data should be images with labels", "no labels")
    filters = hp.Int(Name("filters", "channels after the first convolution"), 4, 256, default=16, sampling="log")
    network = ebm.energy_network(data_spec.shape, filters, data_spec.num_classes)
    weight = hp.Float(Name("energy_weight", "weight of the density's loss"), 0.0, 10.0, default=1.0)
    noise = hp.Float(Name("input_noise", "deviation of noise on the density's data"), 0.0, 0.3, default=0.03)
    objective, sampler = ebm.persistent(hp), ebm.langevin(hp, 20)
    options = {"value_range": (0.0, 1.0), "sample_steps": 100, "ema_momentum": 0.99}
    model = keras_dl.models.JEM(network, objective, sampler, weight, noise, **options)
    rate = hp.Float(Name("learning_rate", "step size"), 1e-6, 1e-1, default=1e-3, sampling="log")
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {"batch_size": ebm.batch_size(hp), "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 60)}


class Joint(ebm.Images):
    """Generation by chains of a model that classifies as well."""

    card_pictures = ("classes.png", "langevin.png")
    progress = ("accuracy", "loss")

    def views(self, model, options=None):
        return {"classify": {}}


TASK = Joint("labels")
