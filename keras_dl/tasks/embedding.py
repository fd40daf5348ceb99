"""Embedding: a model that puts samples of one class beside each other."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl import metrics
from keras_dl.tasks import drawing
from keras_dl.tasks.base import Task
from keras_dl.tasks.measure import ROWS, Context, Measure, of_estimate

NEIGHBOURS = 5


class Embedding(Task):
    """The task of a model with `embed(x)`, vectors of shape `(batch, size)`, that learns from labels."""

    def __init__(self):
        super().__init__("labels")

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        return {}

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        note = f"{NEIGHBOURS} nearest training images vote; ± is one standard error over the held-out ones"
        accuracy = of_estimate(nearest_neighbours(model, data), "max", f"accuracy of {NEIGHBOURS} nearest", note)
        return super().measures(model, data, context) | {"knn_accuracy": accuracy._replace(unit="%")}

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        x, labels = data.first(data.pipelines(context.options, context.seed)[1], drawing.MOST_POINTS)
        title = drawing.title("Embeddings of held-out data", model, data, context)
        drawing.embeddings(folder / "embeddings.png", model, x, labels, title)
        return {folder / "embeddings.png": "held-out images by their embeddings' two main directions"}


def nearest_neighbours(model, data):
    """Returns how often most of the nearest training images have a held-out image's class, as an `Estimate`."""
    embedded = []
    for x in (data.x, data.x_test):
        batches = [model.embed(x[start : start + ROWS]) for start in range(0, len(x), ROWS)]
        embedded.append(np.concatenate([keras.ops.convert_to_numpy(batch) for batch in batches]))
    return metrics.knn_accuracy(embedded[0], data.y, embedded[1], data.y_test, NEIGHBOURS)
