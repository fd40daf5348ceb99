"""Generation: a model that draws samples, such as a GAN."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl.callbacks import SampleGrid, SampleMetrics
from keras_dl.checks import refusal
from keras_dl.tasks import drawing
from keras_dl.tasks.base import Task
from keras_dl.tasks.features import metric_names, metric_of, range_of, sample_measures
from keras_dl.tasks.measure import Context, Measure
from keras_dl.types import PathLike, Tensor

MOST_SAMPLES = 2000
MEASUREMENTS = 10


class Generation(Task):
    """The task of a model that draws samples.

    The model has `sample(num_samples, condition=None, seed=None)`.

    Args:
        condition: `"labels"` for a model of classes, or `None`.
        latents: Whether samples are `model.generate(latents)` of vectors of `model.latent_size` normal numbers; two of
            them are drawn as a plane.
        critic: Whether there are `model.discriminate(x)` and `model.critic`, which are drawn for points in the plane.
    """

    card_pictures: tuple[str, ...] = ("classes.png", "samples_epoch_*.png")
    progress: tuple[str | tuple[str, ...], ...] = (("generator_loss", "critic_loss"), "loss")
    #: Whether the model has `sample`; a task of another kind may say that its model has none.
    generates = True

    def __init__(self, condition: str | None = None, latents: bool = False, critic: bool = False):
        super().__init__(condition)
        self.latents, self.critic = latents, critic

    def callbacks(self, data: Any, folder: Path) -> list[keras.callbacks.Callback]:
        if not self.generates or not drawing.can_show(data.spec.shape):
            return []
        classes = data.spec.num_classes if self.condition else None
        condition = drawing.class_rows(classes) if classes else None
        count = len(condition) if classes else 64 if len(data.spec.shape) == 3 else 2000
        real = drawing.real_beside(data.x_test, count)
        return [SampleGrid(folder, count, condition, drawing.COLUMNS, dataset=data.name, real=real)]

    def measures(self, model: keras.Model, data: Any, context: Context | None = None) -> dict[str, Measure]:
        context = context or Context()
        measures = super().measures(model, data, context)
        if context.num_samples == 0 or not self.generates:
            return measures
        return measures | sample_measures(model, data, context)

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        x, _ = data.first(data.pipelines(context.options, context.seed)[1], drawing.MOST_POINTS)
        pictures = {}
        if self.condition and self.generates:
            title = drawing.title("Samples by class", model, data, context)
            real = (data.x_test, data.y_test)
            drawing.classes(folder / "classes.png", model, data.spec.num_classes, title=title, data=real)
            pictures[folder / "classes.png"] = "real data and samples by class"
        elif self.critic and x.shape[1:] == (2,):
            title = drawing.title("Critic's scores", model, data, context)
            drawing.critic_field(folder / "critic_field.png", model, x, title=title)
            pictures[folder / "critic_field.png"] = "data and samples over the critic's scores"
        elif self.latents and model.latent_size == 2:
            pictures |= self.plane(model, data, folder, x, context)
        grids = sorted(folder.glob("samples_epoch_*.png"))[-1:]
        return pictures | dict.fromkeys(grids, "real data and samples; after fewer epochs beside it")

    def plane(self, model: keras.Model, data: Any, folder: Path, x: Tensor, context: Context) -> dict[Path, str]:
        """Draws the plane of two latents; returns the meanings of the pictures by path."""
        title = drawing.title("Images over the two latents", model, data, context)
        drawing.manifold(folder / "manifold.png", model.generate, title=title)
        return {folder / "manifold.png": "images over the two-dimensional latent space"}

    def samples(
        self,
        model: keras.Model,
        num_classes: int | None = None,
        num_samples: int | None = None,
        labels: Sequence[int] | None = None,
        seed: int | None = None,
    ) -> np.ndarray:
        if not self.generates:
            return super().samples(model)
        if self.condition is None:
            if labels is not None:
                raise refusal("the model takes no condition", f"labels {list(labels)}")
            condition, num_samples = None, num_samples or 64
        elif labels is not None:
            num_samples = num_samples or drawing.COLUMNS * len(labels)
            condition = np.resize(np.asarray(labels, "int32"), num_samples)
        else:
            rows = drawing.class_rows(num_classes)
            condition = rows if num_samples is None else np.resize(rows[:: drawing.COLUMNS], num_samples)
            num_samples = len(condition)
        return keras.ops.convert_to_numpy(model.sample(num_samples, condition=condition, seed=seed))

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        return {"latents": {}} if self.latents else {}

    def goals(
        self, model: keras.Model, data: Any, options: dict[str, Any], features: PathLike | None = None
    ) -> list[str]:
        return metric_names(data, features) if self.generates else []

    def watches(
        self, goal: str, data: Any, epochs: int, context: Context | None = None
    ) -> list[keras.callbacks.Callback]:
        context = context or Context()
        if not self.generates or goal not in metric_names(data, features=True):
            return []
        metric = metric_of(goal, data, context)
        count = min(len(data.x_test), MOST_SAMPLES)
        condition = data.y_test[:count] if data.conditional else None
        options = {"every": -(-epochs // MEASUREMENTS), "clip": range_of(metric.features)}
        return [SampleMetrics([metric], data.x_test[:count], count, condition, **options)]
