"""Masked autoregressive flow (Papamakarios et al. 2017), affine or of splines.

    python -m apps.train maf --out runs/maf
    python -m apps.train maf --data FILE.npy --out runs/mine

Tables of continuous columns: wine_quality_red and wine_quality_white (read from $KERAS_DL_DATA), breast_cancer, or
`--data FILE.npy` or `FILE.csv`, standardised by the training rows; constant columns are left out, outliers reported.
The log-likelihood is that of the standardised columns. Half a minute on two cores.
"""

import keras_dl
from apps.recipes import realnvp
from keras_dl.runs import Name

DATASET = "breast_cancer"
PRESETS = {
    "mnist": {  # the network of the paper's table
        "num_layers": 5,
        "hidden_units": 1024,
        "hidden_layers": 2,
        "normalization": "batch",
        "transform": "affine",
        "alpha": 1e-6,
        "learning_rate": 1e-4,
        "batch_size": 100,
        "epochs": 100,
    }
}


def build(hp, data_spec):
    """Returns a compiled flow for samples of `data_spec.shape`."""
    kind = hp.Choice(Name("transform", "function of each value"), ["affine", "spline"])
    transform = keras_dl.bijectors.SplineTransform() if kind == "spline" else None
    options = {"hidden": realnvp.hidden(hp, 64), "normalization": realnvp.normalization(hp), "transform": transform}
    options |= realnvp.data_options(hp, data_spec)
    model = keras_dl.models.MAF(num_layers=realnvp.num_layers(hp, 5), **options, ema_momentum=realnvp.ema_momentum(hp))
    model.compile(realnvp.optimizer(hp, data_spec))
    return model


def fit_options(hp):
    """Returns the batch size and the number of epochs."""
    return realnvp.fit_options(hp)


TASK = keras_dl.tasks.Flow()
