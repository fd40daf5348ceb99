"""Flows: densities with an exact map to latents, of points, tables or images."""

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_dl.checks import refusal
from keras_dl.models import flow_signatures
from keras_dl.tasks import drawing, flow_drawing, showing
from keras_dl.tasks.arrays import Arrays
from keras_dl.tasks.density import Density
from keras_dl.tasks.measure import Context, untracked
from keras_dl.types import PathLike, Tensor, Track

_FAR = 8.0  # deviations from the median, by the quartiles, beyond which a value is called an outlier
_DEVIATIONS = 1.349  # between the quartiles of a normal
_SHOWN = 8  # columns that a warning names


class Flow(Density):
    """The task of a normalizing flow: a `Density` whose model has `encode`, `decode` and `sample(..., temperature=)`.

    Tables that `--data` names are standardised by their training rows: log p(x) is that of standardised columns, as
    published figures are. Constant columns, on which a density is unbounded, are left out, and outliers, beyond 8
    deviations as the quartiles give them, are counted; a warning reports both.

    Args:
        condition: `"labels"` for a density of `x` given its class, or `None`.
    """

    def __init__(self, condition: str | None = None):
        super().__init__(condition)

    def load(
        self,
        name: str,
        folder: PathLike | None = None,
        label_values: Sequence[int] | None = None,
        track: Track = untracked,
    ) -> Any:
        data = super().load(name, folder, label_values, track)
        return standardised(data) if folder and len(data.x.shape) == 2 else data

    def views(self, model: keras.Model, options: dict[str, Any] | None = None) -> dict[str, dict]:
        shows = model.bijector.has_inverse and (len(model.shape) == 3 or tuple(model.shape) == (2,))
        if not shows:
            return super().views(model, options)
        images = {"posterior": {}} if len(model.shape) == 3 else {}
        return super().views(model, options) | {"latents": {}} | images | showing.decoded_steps(model)

    def page_signatures(self, model: keras.Model) -> dict[str, Any]:
        return {"decode_steps": flow_signatures.decode_steps(model)}

    def pictures(self, model: keras.Model, data: Any, folder: Path, context: Context | None = None) -> dict[Path, str]:
        context = context or Context()
        x, condition = data.first(data.pipelines(context.options, context.seed)[1], drawing.MOST_POINTS)
        pictures = super().pictures(model, data, folder, context)
        if x.shape[1:] == (2,) and condition is None:
            return self.of_points(model, data, folder, x, context) | pictures
        if x.ndim == 4:
            return self.of_images(model, data, folder, x, condition, context) | pictures
        return pictures

    def of_points(self, model: keras.Model, data: Any, folder: Path, x: Tensor, context: Context) -> dict[Path, str]:
        """Draws density and map of points in the plane; returns the meanings of the pictures by path."""
        flow_drawing.density(folder / "density.png", model, x, drawing.title("Density", model, data, context))
        title = drawing.title("Grid of latents", model, data, context)
        flow_drawing.warped_grid(folder / "warped_grid.png", model, title)
        return {
            folder / "density.png": "held-out data, samples and the density",
            folder / "warped_grid.png": "a grid of latents and what the flow makes of it",
        }

    def of_images(
        self, model: keras.Model, data: Any, folder: Path, x: Tensor, condition: Tensor | None, context: Context
    ) -> dict[Path, str]:
        """Draws samples by temperature and interpolations; returns the meanings of the pictures by path."""
        title = drawing.title("Samples by temperature", model, data, context)
        labels = None if condition is None else np.arange(drawing.COLUMNS, dtype="int32") % data.spec.num_classes
        flow_drawing.temperatures(folder / "temperatures.png", model, labels, title)
        title = drawing.title("Interpolations", model, data, context)
        flow_drawing.interpolations(folder / "interpolations.png", model, x, condition, title=title)
        return {
            folder / "temperatures.png": "samples, a row per temperature",
            folder / "interpolations.png": "between pairs of held-out images, along lines of latents",
        }

    def card(self, config: dict[str, Any]) -> list[str]:
        columns = config.get("data", {}).get("standardised")
        if not columns:
            return []
        lines = ["", "Columns are standardised: subtract `mean`, then divide by `deviation`.", ""]
        lines += ["| column | mean | deviation |", "|---|---|---|"]
        rows = zip(columns["columns"], columns["mean"], columns["deviation"], strict=True)
        return lines + [f"| {column} | {mean:.6g} | {deviation:.6g} |" for column, mean, deviation in rows]


@dataclasses.dataclass(frozen=True)
class Standardised(Arrays):
    """A table whose columns have mean 0 and deviation 1 over the training rows.

    Attributes:
        columns: numbers of the columns, without constant ones.
        mean, deviation: float64 arrays of the columns as they are in the file.
    """

    columns: Any = ()
    mean: Any = None
    deviation: Any = None

    def described(self):
        lists = {name: np.asarray(getattr(self, name)).tolist() for name in ("columns", "mean", "deviation")}
        return {**super().described(), "standardised": lists}


def standardised(data):
    """Returns a table of `Arrays` with standardised columns, and warns of constant ones and of outliers."""
    rows = np.asarray(data.x[:], "float64")
    mean, deviation = rows.mean(0), rows.std(0)
    varies = deviation > 1e-6 * np.maximum(1.0, np.abs(mean))
    if not varies.any():
        raise refusal(f"{data.name} should have a column that varies", "constant columns only")
    _report(data.name, rows, deviation, varies)
    columns, mean, deviation = np.flatnonzero(varies), mean[varies], deviation[varies]

    def scaled(x):
        return ((np.asarray(x, "float64")[:, varies] - mean) / deviation).astype("float32")

    fields = {field.name: getattr(data, field.name) for field in dataclasses.fields(data)}
    fields |= {"x": scaled(rows), "x_test": scaled(data.x_test), "columns": columns}
    return Standardised(**{**fields, "mean": mean, "deviation": deviation})


def _report(name, rows, deviation, varies):
    constant = np.flatnonzero(~varies)
    if len(constant):
        shown = ", ".join(map(str, constant[:_SHOWN])) + (", ..." if len(constant) > _SHOWN else "")
        text = "on them a density is unbounded, and they are left out"
        warnings.warn(f"{name} has {len(constant)} constant columns, {shown}: {text}.", stacklevel=4)
    low, median, high = np.quantile(rows[:, varies], [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, (high - low) / _DEVIATIONS, deviation[varies])
    far = (np.abs(rows[:, varies] - median) > _FAR * spread).sum(0)
    if far.any():
        columns = np.flatnonzero(varies)[far > 0]
        counts = [f"{count} in column {column}" for column, count in zip(columns, far[far > 0], strict=True)]
        shown = ", ".join(counts[:_SHOWN]) + (", ..." if len(counts) > _SHOWN else "")
        warnings.warn(f"{name} has values beyond {_FAR:g} deviations of the middle half: {shown}.", stacklevel=4)
