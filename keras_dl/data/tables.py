"""Small tables of measurements, for densities: columns that are continuous, standardised."""

import os
from pathlib import Path

import numpy as np

from keras_dl.checks import refusal
from keras_dl.data import files

NAMES = ("wine_quality_red", "wine_quality_white", "breast_cancer")
_ROWS = {"wine_quality_red": 1599, "wine_quality_white": 4898}
_MOST_CORRELATED = 0.98


def load(name, fold=0, folds=10):
    """Returns a table's training and held-out rows, as `keras_dl.data.load` gives them.

    As published (Uria et al. 2013, "RNADE"): of two columns with a correlation above 0.98 the later one is dropped, the
    others are standardised by the training rows, and a tenth of the rows is held out. `wine_quality_red` and
    `wine_quality_white` are read from `$KERAS_DL_DATA/wine_quality/`, without the quality; `breast_cancer` comes with
    scikit-learn.

    Args:
        name: One of the names above.
        fold: Which of the folds is held out.
        folds: Number of folds.

    Returns:
        `((x, y), (x_test, y_test))`, float32 rows and int32 labels, `None` for wine.
    """
    x, y = _read(name)
    order = np.random.default_rng(0).permutation(len(x))
    x = x[:, uncorrelated(x)][order]
    y = None if y is None else y[order].astype("int32")
    held_out = np.arange(len(x)) % folds == fold
    mean, deviation = x[~held_out].mean(0), x[~held_out].std(0)
    x = ((x - mean) / deviation).astype("float32")
    labels = (None, None) if y is None else (y[~held_out], y[held_out])
    return (x[~held_out], labels[0]), (x[held_out], labels[1])


def uncorrelated(x, most=_MOST_CORRELATED):
    """Returns the columns that have no correlation above `most` with a column before them, in order."""
    correlations, chosen = np.corrcoef(x.T), []
    for column in range(x.shape[1]):
        if all(abs(correlations[column, other]) <= most for other in chosen):
            chosen.append(column)
    return chosen


def _read(name):
    if name == "breast_cancer":
        from sklearn.datasets import load_breast_cancer

        return load_breast_cancer(return_X_y=True)
    root = os.environ.get("KERAS_DL_DATA")
    if root is None:
        raise refusal(
            f"the environment variable KERAS_DL_DATA should name a folder with wine_quality/, for {name}",
            "KERAS_DL_DATA is not set",
            error=FileNotFoundError,
        )
    path = files.find(Path(root) / "wine_quality", [f"winequality-{name.removeprefix('wine_quality_')}.csv"])
    try:
        table = np.loadtxt(path, delimiter=",")
    except ValueError as error:
        raise refusal(f"{path} should hold numbers, comma separated", str(error)) from error
    if table.shape != (_ROWS[name], 12):
        raise refusal(f"{path} should have {_ROWS[name]} rows of 12 numbers", f"shape {table.shape}")
    return table[:, :-1], None
