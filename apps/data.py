"""A named data set as a recipe sees it."""

from typing import Any, NamedTuple

import keras_dl
from apps.cli import UserError, user_errors
from apps.scans import Scans


class Data(NamedTuple):
    """Training and held-out arrays, and whether the model sees labels or values beside them.

    Attributes:
        name: the data set's name.
        x, y: training samples and their labels or values (None where there are none).
        x_test, y_test: the held-out ones.
        conditional: whether the model is trained on `(x, y)`.
    """

    name: str
    x: Any
    y: Any
    x_test: Any
    y_test: Any
    conditional: bool

    @classmethod
    def load(cls, name, condition=None, folder=None, label_values=None):
        """Loads a set with what the model sees beside its samples; a missing or damaged file becomes a message.

        Args:
            name: the data set's name.
            condition: `"labels"`, `"values"` (which the model learns to predict), `"masks"` or None.
            folder: a folder of scans with masks to take instead of a named set, or None.
            label_values: of such a folder: the values of a run's classes, as `Scans.load` takes them.

        Returns:
            A `Data`, or for masks a `Scans`.
        """
        _check_kind(name, condition, folder)
        if condition == "masks":
            return Scans.load(name, folder, label_values)
        with user_errors(ValueError, OSError):
            (x, y), (x_test, y_test) = keras_dl.data.load(name)
        kind = None if y is None else "values" if y.dtype.kind == "f" else "labels"
        if condition not in (None, kind):
            raise UserError(f"the recipe learns from {condition}, which {name} does not have")
        return cls(name, x, y, x_test, y_test, condition is not None)

    def described(self):
        """What a run's config says of the data, as JSON holds it."""
        return self.spec._asdict()

    def trial(self, options, seed):
        """What a search trains a trial on and measures it by: `((x, y), held_out)`, divided into batches later."""
        labels = (self.y, self.y_test) if self.conditional else (None, None)
        return (self.x, labels[0]), (self.x_test, labels[1])

    def glance(self, options):
        """A little of the data, as arguments of `evaluate`."""
        return self.x[:2], self.y[:2]

    def limited(self, count):
        """The same with the first `count` held-out samples only; all of them for None."""
        y_test = None if self.y_test is None else self.y_test[:count]
        return self._replace(x_test=self.x_test[:count], y_test=y_test)

    def without(self, label):
        """The same without the samples of one class; as it is for None."""
        if label is None:
            return self
        if not (self.y == label).any():
            raise UserError(f"{self.name} has no class {label}; its labels are {self.y.min()} to {self.y.max()}")
        kept, kept_test = self.y != label, self.y_test != label
        x_test, y_test = self.x_test[kept_test], self.y_test[kept_test]
        return self._replace(x=self.x[kept], y=self.y[kept], x_test=x_test, y_test=y_test)

    @property
    def has_values(self):
        """Whether the model learns to predict values."""
        return self.conditional and self.y.dtype.kind == "f"

    @property
    def spec(self):
        return keras_dl.data.DataSpec.of(self.x, self.y)

    def split(self, batch):
        """A batch as `(x, condition)`, the condition None where the model takes none."""
        return batch if self.conditional else (batch, None)

    def first(self, pipeline, count):
        """The first samples of a pipeline, as the model sees them (binarised or not): `(x, condition)` as arrays."""
        batch = next(iter(pipeline.unbatch().batch(count)))
        x, condition = self.split(batch)
        return x.numpy(), None if condition is None else condition.numpy()

    def pipelines(self, options, seed):
        """Returns the training data, shuffled, and the held-out data, in order and the same at every pass.

        Both lack the class that the options call anomalous.
        """
        seen = self.without(options.get("anomaly_class"))
        batch_size, binarize = options["batch_size"], options.get("binarize")
        held_out = "static" if binarize else None
        with user_errors(ValueError):
            return (
                keras_dl.data.pipeline(*self._pair(seen.x, seen.y), batch_size, seed=seed, binarize=binarize),
                keras_dl.data.pipeline(
                    *self._pair(seen.x_test, seen.y_test), batch_size, shuffle=False, seed=seed, binarize=held_out
                ),
            )

    def _pair(self, x, y):
        return (x, y) if self.conditional else (x, None)


def _check_kind(name, condition, folder):
    """Refuses scans for recipes that do not learn from masks, and other data for those that do."""
    scans = keras_dl.data.segmentation.NAMES
    if condition == "masks" and folder is None and name not in scans:
        raise UserError(f"the recipe learns from masks, which {name} does not have; there are: {', '.join(scans)}")
    if condition != "masks" and (folder or name in scans):
        raise UserError(f"{folder or name} holds scans with masks; unet, unet3d and nnunet learn from these")
