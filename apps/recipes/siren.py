"""An image as a network of sines over the plane (SIREN; Sitzmann et al. 2020).

    python -m apps.train siren --out runs/siren

Fits the 128x128 camera image: coordinates in [-1, 1]^2 to grey levels, 198,401 weights, Adam at 1e-4. Every step takes
all pixels, so that an epoch is a step. The pictures show the image beside its reconstruction, gradient and Laplacian
of the network (by autodiff) beside those of the image, and the image with two and four times the pixels an axis.
"Held out" are the points in the middle of four pixels.

Three to four minutes on two cores. After 100, 200, 300 and 400 steps 29.8, 33.4, 37.3 and 39.8 dB, the mean of seeds 0,
1 and 2, which differ by up to 1.3 dB; the same network in PyTorch from one seed 30.0, 34.1, 38.1 and 40.4 dB. From
PyTorch's initial weights this one follows it to 0.02 dB over 200 steps (at 64x64): the spread is the weights' alone.
Between the pixels 36.8 dB; correlation with the image's gradient 0.92, with its Laplacian 0.89. Figures:
benchmarks/results/siren.json.

Any other image goes the same way in code: `x, y = keras_dl.data.pixels(image)`, with values in [-1, 1].
"""

import keras

import keras_dl
from keras_dl.checks import refusal
from keras_dl.runs import Name

DATASET = "camera"


def build(hp, data_spec):
    """Returns a compiled network of sines for coordinates of `data_spec.shape`."""
    if len(data_spec.shape) != 1:
        raise refusal("SIREN expects coordinates, a vector a sample", f"samples of shape {data_spec.shape}")
    units = hp.Int(Name("hidden_units", "width of each hidden dense layer"), 16, 1024, default=256, sampling="log")
    network = keras_dl.networks.siren(
        data_spec.shape[0],
        hidden=(units,) * hp.Int(Name("hidden_layers", "number of hidden dense layers"), 1, 8, default=4),
        omega_0=hp.Float(Name("omega_0", "frequency of the first sines"), 1.0, 300.0, default=30.0, sampling="log"),
        hidden_omega_0=hp.Float(
            Name("hidden_omega_0", "frequency of the other sines"), 1.0, 300.0, default=30.0, sampling="log"
        ),
    )
    model = keras_dl.models.Supervised(network)
    rate = hp.Float(Name("learning_rate", "step size at the beginning"), 1e-6, 1e-2, default=1e-4, sampling="log")
    metrics = [keras_dl.metrics.PSNR(value_range=2.0)]
    model.compile(keras.optimizers.Adam(rate), loss="mean_squared_error", metrics=metrics)
    return model


def fit_options(hp):
    """Returns the batch size, by default all pixels of the camera image, and the number of epochs."""
    return {
        "batch_size": hp.Int(Name("batch_size", "pixels per step"), 64, 262_144, default=16_384, sampling="log"),
        "epochs": hp.Fixed(Name("epochs", "passes over the training data"), 400),
    }


TASK = keras_dl.tasks.Field()
