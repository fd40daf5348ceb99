"""Real NVP: affine couplings (Dinh et al. 2017).

    python -m apps.train realnvp --out runs/realnvp
    python -m apps.train realnvp --data FILE.csv --out runs/table

Images are dequantised and taken as vectors behind a logit; tables (wine_quality_red, breast_cancer, or `--data`) are
standardised. Half a minute on two cores for digits.
"""

import math

import keras

import keras_dl
from keras_dl.runs import Name

DATASET = "digits"
PRESETS = {
    "mnist": {  # the network of the MAF paper's table
        "num_layers": 5,
        "hidden_units": 1024,
        "hidden_layers": 2,
        "normalization": "batch",
        "alpha": 1e-6,
        "learning_rate": 1e-4,
        "batch_size": 100,
        "epochs": 100,
    }
}


def build(hp, data_spec):
    """Returns a compiled flow for samples of `data_spec.shape`."""
    options = {"num_layers": num_layers(hp, 8), "hidden": hidden(hp), "normalization": normalization(hp)}
    mask = hp.Choice(Name("mask", "which values a coupling sees"), ["half", "checkerboard"], default="checkerboard")
    model = keras_dl.models.RealNVP(**options, mask=mask, **data_options(hp, data_spec), ema_momentum=ema_momentum(hp))
    model.compile(optimizer(hp, data_spec))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "samples per step"), 16, 4096, default=64, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 60),
    }


def data_options(hp, data_spec):
    """Returns what a flow is told of its data: the shape of real numbers, or how integers are dequantised."""
    if data_spec.num_levels is None:
        return {"shape": data_spec.shape}
    # Blank pixels spread over a whole deviation behind a logit with alpha 1e-6, and over 0.06 behind one with 0.05: the
    # first stroke that crosses them would lie fifty deviations off. Colour images, without any, take the usual 0.05.
    alpha = 1e-6 if data_spec.shape[-1] == 1 else 0.05
    alpha = hp.Float(Name("alpha", "distance of pixels from the ends of the logit"), 1e-7, 0.4, default=alpha)
    return {"dequantized": keras_dl.likelihoods.Dequantized(data_spec.shape, data_spec.num_levels, alpha=alpha)}


def num_layers(hp, default):
    return hp.Int(Name("num_layers", "number of invertible layers"), 1, 32, default=default)


def hidden(hp, units=128):
    """Returns the widths of the layers of each network."""
    units = hp.Int(Name("hidden_units", "width of each hidden dense layer"), 8, 1024, default=units, sampling="log")
    return (units,) * hp.Int(Name("hidden_layers", "number of hidden dense layers"), 1, 4, default=2)


def normalization(hp):
    name = hp.Choice(Name("normalization", "what stands between layers"), ["actnorm", "batch", "none"])
    return None if name == "none" else name


def ema_momentum(hp):
    """Returns the momentum of averaged weights, or `None` for 0."""
    momentum = hp.Float(Name("ema_momentum", "decay of averaged weights; 0 for none"), 0.0, 0.9999, default=0.99)
    return momentum or None


def optimizer(hp, data_spec, rate=1e-3):
    """Returns Adam with a learning rate that falls along a cosine to zero over the run."""
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-5, 1e-1, default=rate, sampling="log")
    options = fit_options(hp)
    steps = options["epochs"] * math.ceil(data_spec.num_samples / options["batch_size"])
    clip = hp.Float(Name("clip_norm", "largest norm of a step's gradient"), 0.1, 1e4, default=100.0, sampling="log")
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps), global_clipnorm=clip)


TASK = keras_dl.tasks.Flow()
