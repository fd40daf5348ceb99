"""Data of arrays: a named set, or a file or folder, as a task sees it."""

import dataclasses
import functools
import math
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

import keras_dl.data
from keras_dl.checks import refusal
from keras_dl.data import segmentation
from keras_dl.data.disk import rows_of
from keras_dl.data.pipeline import pipelines
from keras_dl.data.spec import DataSpec
from keras_dl.types import Nest, PathLike

#: Of data on disk, the part that is held out, in memory: at most as many samples as the named sets have, and numbers.
HELD_OUT = 0.1
MOST_HELD_OUT = 10_000
MOST_NUMBERS = 2**27  # half a GB


@dataclasses.dataclass(frozen=True)
class Arrays:
    """Training and held-out arrays, and whether the model sees labels or values beside them.

    Attributes:
        name: the data set's name.
        x, y: training samples, arrays or columns on disk, and their labels or values (None if there are none).
        x_test, y_test: the held-out ones, arrays.
        conditional: whether the model is trained on `(x, y)`.
        opened: `keras_dl.data.disk.opening.Opened`, of which these are parts; None for a named set.
    """

    name: str
    x: Any
    y: Any
    x_test: Any
    y_test: Any
    conditional: bool = False
    opened: Any = None

    @classmethod
    def load(cls, name: str, condition: str | None = None) -> Self:
        """Loads a set with what the model sees beside its samples.

        Args:
            name: the data set's name.
            condition: `"labels"`, `"values"` (which the model learns to predict) or None.

        Raises:
            ValueError: if the set does not have them, or a file is damaged.
            OSError: if a file cannot be read.
        """
        (x, y), (x_test, y_test) = keras_dl.data.load(name)
        _check_condition(name, y, condition)
        return cls(name, x, y, x_test, y_test, condition is not None)

    @classmethod
    def open(cls, path: PathLike, name: str, condition: str | None = None) -> Self:
        """Opens a file or folder, of which a tenth is held out, the same at every call.

        Args:
            path: what `keras_dl.data.open` takes.
            name: what the data are called.
            condition: see `load`.

        Raises:
            ValueError: if the data do not have what the recipe learns from, or are damaged.
            OSError: if a file cannot be read.
        """
        opened = dataclasses.replace(keras_dl.data.open(path), name=name)
        _check_condition(name, opened.y, condition)
        training, held_out = opened.split(HELD_OUT, most=fitting(MOST_HELD_OUT, opened.x))
        y_test = None if held_out.y is None else held_out.y[:]
        return cls(name, training.x, training.y, held_out.x[:], y_test, condition is not None, opened)

    @functools.cached_property
    def spec(self) -> DataSpec:
        """`keras_dl.data.DataSpec` of the training samples."""
        return DataSpec.of(self.x, self.y if self.opened is None else self.opened.y)

    def described(self) -> dict[str, Any]:
        """What a run's config says of the data, as JSON holds it."""
        described = self.spec._asdict()
        if self.opened is not None:
            described |= {"classes": self.opened.classes and list(self.opened.classes), "num_rows": len(self.opened)}
        return described

    def training(self, most: int) -> tuple:
        """Training samples as arrays `(x, y)`: all, or `most` of them from all over, fewer if they are large."""
        most = fitting(most, self.x)
        if len(self.x) <= most:
            return self.x[:], None if self.y is None else self.y[:]
        rows = np.linspace(0, len(self.x) - 1, most).astype(int)
        return self.x[rows], None if self.y is None else self.y[rows]

    def pipelines(self, options: dict[str, Any], seed: int) -> tuple[tf.data.Dataset, tf.data.Dataset]:
        """Returns the training data, shuffled, and the held-out data, in order and the same at every pass.

        Both lack the class that the options call anomalous.
        """
        seen = self.without(options.get("anomaly_class"))
        training, held_out = (seen.x, seen.y), (seen.x_test, seen.y_test)
        if not self.conditional:
            training, held_out = (seen.x, None), (seen.x_test, None)
        sizes = {"batch_size": options.get("batch_size", 128), "seed": seed}
        return pipelines(training, held_out, binarize=options.get("binarize"), **sizes)

    def held_out(self, options: dict[str, Any]) -> Any:
        """The arrays that a model has not been trained on: `(x, y)`."""
        return self.x_test, self.y_test

    def num_held_out(self, options: dict[str, Any]) -> int:
        """How many samples there are that a model has not been trained on."""
        return len(self.x_test)

    def glance(self, options: dict[str, Any]) -> tuple:
        """A little of the data, as arguments of `evaluate`."""
        return (self.x[:2], self.y[:2]) if self.conditional else (self.x[:2],)

    def check_learnable(self, model: keras.Model, dataset: tf.data.Dataset) -> None:
        """Refuses data that a model cannot learn, before it trains: those of a dataset of `pipelines`."""
        dataset.order.check(model)

    def check_resumed(self, config: dict[str, Any], path: PathLike, options: dict[str, Any]) -> None:
        """Refuses data that are not those of a run that goes on; a named set is always the same."""
        if self.opened is not None:
            self._check_same(config, path)

    def of_run(self, config: dict[str, Any], path: PathLike, other: bool = False, limit: int | None = None) -> Self:
        """Returns the data on which a run's model is evaluated.

        Args:
            config: the run's config.
            path: the run's folder, for messages.
            other: whether these are other data than the run's.
            limit: number of held-out samples, the first ones; None for all.

        Raises:
            ValueError: if the samples are of another shape than the run's.
        """
        shape, expected = list(self.spec.shape), config["data"]["shape"]
        if shape != expected:
            text = f"the model of {path} takes samples of shape {expected}; those of {self.name} have {shape}"
            raise refusal(text, f"{self.name}")
        if self.opened is None:
            return self.limited(limit)
        if not other:
            self._check_same(config, path)
            return self.limited(limit)
        self._check_classes(config, path)
        x, y = dataclasses.replace(self, x=self.opened.x, y=self.opened.y).training(MOST_HELD_OUT)
        return dataclasses.replace(self, x_test=x, y_test=y).limited(limit)

    def _check_same(self, config, path):
        """Refuses data that have changed: what was held out would be other samples."""
        rows = config["data"].get("num_rows")
        if len(self.opened) != rows:
            text = f"the run of {path} was begun with {rows} samples of {self.name}"
            raise refusal(text, f"{len(self.opened)}")
        self._check_classes(config, path)

    def _check_classes(self, config, path):
        known, classes = config["data"].get("classes"), self.opened.classes
        if known and classes and list(classes) != known:
            text = f"the model of {path} knows the classes {', '.join(known)}"
            raise refusal(text, f"{', '.join(classes)} in {self.name}")

    def limited(self, count: int | None) -> Self:
        """The same with the first `count` held-out samples only; all of them for None."""
        y_test = None if self.y_test is None else self.y_test[:count]
        return dataclasses.replace(self, x_test=self.x_test[:count], y_test=y_test)

    def without(self, label: int | None) -> Self:
        """The same without the samples of one class; as it is for None."""
        if label is None:
            return self
        if not (self.y == label).any():
            known = f"{self.name} has no class {label}; its labels are {self.y.min()} to {self.y.max()}"
            raise refusal(known, label)
        train, test = self.y != label, self.y_test != label
        parts = {"x": rows_of(self.x, train), "y": self.y[train]}
        parts |= {"x_test": self.x_test[test], "y_test": self.y_test[test]}
        return dataclasses.replace(self, **parts)

    def split(self, batch: Nest) -> tuple:
        """A batch as `(x, condition)`, the condition None if the model takes none."""
        return batch if self.conditional else (batch, None)

    def first(self, pipeline: tf.data.Dataset, count: int) -> tuple:
        """The first samples of a pipeline, as the model sees them (binarised or not): `(x, condition)` as arrays."""
        batch = next(iter(pipeline.unbatch().batch(count)))
        x, condition = self.split(batch)
        return x.numpy(), None if condition is None else condition.numpy()


def fitting(most, x):
    """How many samples, at most so many, have no more than `MOST_NUMBERS` numbers."""
    return max(1, min(most, MOST_NUMBERS // max(1, math.prod(x.shape[1:]))))


def check_arrays(name: str, folder: PathLike | None, condition: str | None) -> None:
    """Refuses scans with masks where a recipe learns from arrays.

    Args:
        name: Name of the set; of a folder or file, what it is called.
        folder: The folder or file, or None.
        condition: What the recipe learns from beside samples, or None.
    """
    if name in segmentation.NAMES or (folder and _holds_masks(folder)):
        text = f"{folder or name} holds scans with masks, from which only recipes of segmentation learn"
        raise refusal(text, f"a recipe that learns from {condition or 'samples alone'}")


def _holds_masks(folder):
    """Whether a folder is one of images with masks, by the names of what it holds."""
    pairs = ("images", "masks"), ("imagesTr", "labelsTr")
    return any(all(Path(folder, name).is_dir() for name in pair) for pair in pairs)


def _check_condition(name, y, condition):
    """Refuses data without what a recipe learns from."""
    kind = None
    if y is not None:
        kind = "values" if y.dtype.kind == "f" else "labels"
    if condition not in (None, kind):
        text = f"the recipe learns from {condition}, which {name} does not have"
        hint = "; of one-hot labels, save the argmax" if kind == "values" and y.ndim == 2 and y.shape[1] > 1 else ""
        raise refusal(text, f"a set with {kind or 'samples alone'}{hint}")
