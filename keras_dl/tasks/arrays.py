"""Data of arrays: a named set as a task sees it."""

import dataclasses
from typing import Any

import keras_dl.data


@dataclasses.dataclass(frozen=True)
class Arrays:
    """Training and held-out arrays, and whether the model sees labels or values beside them.

    Attributes:
        name: the data set's name.
        x, y: training samples and their labels or values (None if there are none).
        x_test, y_test: the held-out ones.
        conditional: whether the model is trained on `(x, y)`.
    """

    name: str
    x: Any
    y: Any
    x_test: Any
    y_test: Any
    conditional: bool = False

    @classmethod
    def load(cls, name, condition=None):
        """Loads a set with what the model sees beside its samples.

        Args:
            name: the data set's name.
            condition: `"labels"`, `"values"` (which the model learns to predict) or None.

        Raises:
            ValueError: if the set does not have them, or a file is damaged.
            OSError: if a file cannot be read.
        """
        (x, y), (x_test, y_test) = keras_dl.data.load(name)
        kind = None
        if y is not None:
            kind = "values" if y.dtype.kind == "f" else "labels"
        if condition not in (None, kind):
            text = f"the recipe learns from {condition}, which {name} does not have"
            raise ValueError(f"{text}. Received: a set with {kind or 'samples alone'}")
        return cls(name, x, y, x_test, y_test, condition is not None)

    @property
    def spec(self):
        """`keras_dl.data.DataSpec` of the training samples."""
        return keras_dl.data.DataSpec.of(self.x, self.y)

    def described(self):
        """What a run's config says of the data, as JSON holds it."""
        return self.spec._asdict()

    def pipelines(self, options, seed):
        """Returns the training data, shuffled, and the held-out data, in order and the same at every pass.

        Both lack the class that the options call anomalous.
        """
        seen = self.without(options.get("anomaly_class"))
        batch_size, binarize = options.get("batch_size", 128), options.get("binarize")
        held_out = {"shuffle": False, "binarize": "static" if binarize else None}
        y, y_test = (seen.y, seen.y_test) if self.conditional else (None, None)
        return (
            keras_dl.data.pipeline(seen.x, y, batch_size, seed=seed, binarize=binarize),
            keras_dl.data.pipeline(seen.x_test, y_test, batch_size, seed=seed, **held_out),
        )

    def held_out(self, options):
        """The arrays that a model has not been trained on: `(x, y)`."""
        return self.x_test, self.y_test

    def num_held_out(self, options):
        """How many samples there are that a model has not been trained on."""
        return len(self.x_test)

    def glance(self, options):
        """A little of the data, as arguments of `evaluate`."""
        return (self.x[:2], self.y[:2]) if self.conditional else (self.x[:2],)

    def check_learnable(self, model, dataset):
        """Refuses data that a model cannot learn, before it trains: those of a dataset of `pipelines`."""
        dataset.order.check(model)

    def check_resumed(self, config, path, options):
        """Refuses data that are not those of a run that goes on; a named set is always the same."""

    def of_run(self, config, path, other=False, limit=None):
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
            raise ValueError(f"{text}. Received: {self.name}")
        return self.limited(limit)

    def limited(self, count):
        """The same with the first `count` held-out samples only; all of them for None."""
        y_test = None if self.y_test is None else self.y_test[:count]
        return dataclasses.replace(self, x_test=self.x_test[:count], y_test=y_test)

    def without(self, label):
        """The same without the samples of one class; as it is for None."""
        if label is None:
            return self
        if not (self.y == label).any():
            known = f"{self.name} has no class {label}; its labels are {self.y.min()} to {self.y.max()}"
            raise ValueError(f"{known}. Received: {label}")
        train, test = self.y != label, self.y_test != label
        parts = {"x": self.x[train], "y": self.y[train], "x_test": self.x_test[test], "y_test": self.y_test[test]}
        return dataclasses.replace(self, **parts)

    def split(self, batch):
        """A batch as `(x, condition)`, the condition None if the model takes none."""
        return batch if self.conditional else (batch, None)

    def first(self, pipeline, count):
        """The first samples of a pipeline, as the model sees them (binarised or not): `(x, condition)` as arrays."""
        batch = next(iter(pipeline.unbatch().batch(count)))
        x, condition = self.split(batch)
        return x.numpy(), None if condition is None else condition.numpy()
