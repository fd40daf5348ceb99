"""Probabilistic principal component analysis (Tipping & Bishop 1999).

    python -m apps.train ppca --out runs/ppca
    python -m apps.train ppca --dataset fashion_mnist --set num_components=50 --out runs/fashion
    python -m apps.train ppca --set method=em --epochs 100 --out runs/em

A few seconds on digits. The closed form takes two passes: the first sums the moments and solves, and its loss is that
of the parameters before it; the second measures the solution. `components.png` shows the directions as images,
`scree.png` their variances with the model's number of components and the one that Minka's evidence chooses,
`reconstructions.png` held-out images from 1, 2, 4, ... components. log p(x) is exact, in nats.
"""

import math

import keras

import keras_dl
from keras_dl.runs import Name

DATASET = "digits"
EPOCHS = {"closed_form": 2, "em": 50, "gradient": 60}


def build(hp, data_spec):
    """Returns compiled probabilistic principal components of samples of `data_spec.shape`."""
    size = math.prod(data_spec.shape)
    count = num_components(hp, min(size - 1, data_spec.num_samples))
    model = keras_dl.models.PPCA(data_spec.shape, count, method(hp))
    return compiled(model, hp)


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    epochs = EPOCHS[hp.values.get("method", "closed_form")]
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 4096, default=256, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), epochs),
    }


def num_components(hp, most):
    """Returns the number of components, by default 16 or as many as there can be of values and rows."""
    most = max(1, min(1024, most))
    meaning = "number of principal components"
    return hp.Int(Name("num_components", meaning), 1, most, default=min(16, most), sampling="log")


def method(hp):
    """Returns how the model is fitted."""
    return hp.Choice(Name("method", "how the model is fitted"), list(EPOCHS), default="closed_form")


def compiled(model, hp):
    """Compiles a model, with Adam where gradients move it."""
    if model.method == "gradient":
        rate = hp.Float(Name("learning_rate", "step size"), 1e-5, 1e-1, default=1e-2, sampling="log")
        model.compile(keras.optimizers.Adam(rate))
    else:
        model.compile()
    return model


TASK = keras_dl.tasks.Components()
