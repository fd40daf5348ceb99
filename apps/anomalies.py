"""How well a model tells a class that it has not seen from the others."""

import keras
import numpy as np

from keras_dl import metrics

ROWS = 500


def areas(model, x, anomalous, num_samples):
    """Returns the ROC-AUC of scores of images, a dict of `Estimate`s by the name of the score.

    Args:
        model: a model with `log_prob` and `reconstruct`.
        x: images of all classes.
        anomalous: booleans, which of them are of the class that the model has not seen.
        num_samples: how many latents a likelihood takes.
    """
    batches = [x[start : start + ROWS] for start in range(0, len(x), ROWS)]
    scores = {
        "likelihood": [-keras.ops.convert_to_numpy(model.log_prob(b, num_samples=num_samples)) for b in batches],
        "reconstruction": [_squared_error(b, keras.ops.convert_to_numpy(model.reconstruct(b))) for b in batches],
    }
    joined = {name: np.concatenate(parts) for name, parts in scores.items()}
    return {name: metrics.roc_auc(values[~anomalous], values[anomalous]) for name, values in joined.items()}


def _squared_error(x, made):
    return np.sum(np.square(x - made).reshape(len(x), -1), axis=1)
