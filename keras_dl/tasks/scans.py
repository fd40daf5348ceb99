"""Data of scans with masks: cases, a fingerprint, and patches by a plan."""

import contextlib
import copy
import functools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data import augment, segmentation
from keras_dl.data.segmentation.labels import compact
from keras_dl.data.segmentation.problems import listed
from keras_dl.tasks.measure import untracked
from keras_dl.tasks.scan_configs import few_folds, plan_of, trained_on
from keras_dl.types import PathLike, Track

VALIDATION_STEPS = 10


class ScanSpec(NamedTuple):
    """What a recipe's `build(hp, data_spec)` learns of a set of scans.

    Attributes:
        shape: the median sizes of the images, and their channels.
        num_classes: number of classes, the background included.
        num_samples: number of cases.
        fingerprint: `keras_dl.data.segmentation.Fingerprint`, by which it is planned.
    """

    shape: tuple
    num_classes: int
    num_samples: int
    fingerprint: segmentation.Fingerprint


class Scans:
    """Cases with masks, of which each fold leaves some out: a fifth, or those of some groups.

    Args:
        name: the set's name, or its folder's.
        cases: a sequence of `keras_dl.data.segmentation.Case`s with `names`, `num_classes` and `select(names)`.
        track: function `track(items, title)` that goes through items.
        folder: the folder of a set that has no name of its own, or None.
        groups: what keeps cases together in folds; see `keras_dl.data.segmentation.read_groups`.

    Attributes:
        spec: `ScanSpec`.
        kind: what a table calls the cases that are evaluated.
    """

    conditional = True

    def __init__(
        self, name: str, cases: Any, track: Track = untracked, folder: PathLike | None = None, groups: Any = None
    ):
        self.name, self.cases, self.track, self.kind = name, cases, track, "held-out cases"
        self.folder = None if folder is None else str(Path(folder).resolve())
        fingerprint = segmentation.fingerprint(self._read(cases, "looking at"), cases.num_classes, cases.modalities)
        shape = (*np.median(fingerprint.shapes, axis=0).astype(int).tolist(), len(fingerprint.modalities))
        self.spec = ScanSpec(shape, cases.num_classes, len(cases), fingerprint)
        self.groups = None if groups is None else segmentation.read_groups(groups, cases.names)
        self._prepared, self._store = {}, segmentation.Store()
        self._evaluated: Any = None

    @classmethod
    def load(
        cls,
        name: str,
        folder: PathLike | None = None,
        label_values: Sequence[int] | None = None,
        track: Track = untracked,
        reading: dict[str, Any] | None = None,
    ) -> Self:
        """Opens a named set, or a folder of images and masks, whose files are all checked.

        Args:
            name: one of `keras_dl.data.segmentation.NAMES`; of a folder, what it is called.
            folder: the folder, or None.
            label_values: of a folder: the values of the classes of a run, of which its masks may hold some or all;
                if they hold others, they are its own.
            track: function `track(items, title)` that goes through items.
            reading: how to read it: a dict that may hold `label_values` and `ignore`, as `open_folder` takes them, of a
                folder, and `groups`.
        """
        reading = dict(reading or {})
        groups = reading.pop("groups", None)
        if not folder:
            if reading:
                text = f"{name} has labels of its own; only a folder can be read by others"
                raise refusal(text, reading)
            return cls(name, segmentation.load(name), track, groups=groups)
        if label_values is not None and "label_values" not in reading:
            with contextlib.suppress(ValueError):
                cases = segmentation.open_folder(folder, label_values=label_values, **reading)
                return cls(name, cases, track, folder, groups)
        return cls(name, segmentation.open_folder(folder, **reading), track, folder, groups)

    def described(self) -> dict[str, Any]:
        """What a run's config says of the data, as JSON holds it."""
        spec = self.spec._asdict()
        del spec["fingerprint"]
        lists = {name: list(getattr(self.cases, name)) for name in ("label_values", "modalities", "names")}
        return spec | lists | {"ignore": self.cases.ignore, "groups": self.groups}

    def names(self, fold: int) -> tuple[list[str], list[str]]:
        """The names that a fold trains on, and those that it leaves out; of too few cases for folds all are both."""
        return segmentation.divide(self.cases.names, fold, self.groups)

    def held_out(self, options: dict[str, Any]) -> Any:
        """The cases that a run has not been trained on, or those that `of_run` chose."""
        if self._evaluated is not None:
            return self._evaluated
        return self.cases.select(self.names(options["fold"])[1])

    def num_held_out(self, options: dict[str, Any]) -> int:
        """How many cases `held_out` returns."""
        return len(self.held_out(options))

    def pipelines(self, options: dict[str, Any], seed: int) -> tuple[tf.data.Dataset, tf.data.Dataset]:
        """Returns the patches to train on, changed at random, and held-out ones, the same at every pass.

        Args:
            options: what a recipe's `fit_options` says: `plan`, as a dict, `batch_size`, `steps` per epoch, `fold`,
                `foreground`, `augmentation` and `mirroring`.
            seed: integer.
        """
        self.warn_of_fold(options["fold"])
        plan = segmentation.Plan.from_dict(options["plan"])
        transforms = segmentation.augmentation(options["augmentation"], plan, options["mirroring"])
        parts = [self._prepare(names, plan) for names in self.names(options["fold"])]
        several = options["deep_supervision"] and len(plan.output_strides) > 1
        strides = plan.output_strides if several else None

        def augmented(images, labels, key):
            return augment.augment(transforms, images, labels, seed=key)

        training, held_out = (segmentation.Patches(part, plan, options["foreground"], seed=seed) for part in parts)
        return (
            training.dataset(options["steps"], strides, augmented if transforms else None),
            held_out.dataset(min(options["steps"], VALIDATION_STEPS), strides, repeat=True),
        )

    def glance(self, options: dict[str, Any]) -> tuple:
        """A little of the held-out data, as arguments of `evaluate`."""
        return (self.pipelines(options, seed=0)[1].take(1),)

    def check_learnable(self, model: keras.Model, dataset: tf.data.Dataset) -> None:
        """Refuses data that a model cannot learn; patches are made to fit."""

    def check_resumed(self, config: dict[str, Any], path: PathLike, options: dict[str, Any]) -> None:
        """Refuses scans that are not those of a run that goes on.

        Args:
            config: the run's config.
            path: the run's folder.
            options: what the recipe's `fit_options` says of the scans now.
        """
        self._check_names(config, path)
        if segmentation.Plan.from_dict(options["plan"]) != plan_of(config):
            text = f"{path} was begun with other scans or masks than {self.name} holds now: their plan differs"
            raise refusal(text, f"{options['plan']}")

    def of_run(self, config: dict[str, Any], path: PathLike, other: bool = False, limit: int | None = None) -> Self:
        """Returns the scans with those cases to evaluate that a run held out, or with all of other data.

        Args:
            config: the run's config.
            path: the run's folder, for messages.
            other: whether these are other data than the run's own choice.
            limit: number of cases, the first ones; None for all.

        Raises:
            ValueError: if the images or cases do not fit the run.
        """
        self._check_fits(config, path)
        if not other:
            self._check_names(config, path)
        cases = self.cases if other else self.held_out(config["fit"])
        part = copy.copy(self)
        part._evaluated = cases.select(cases.names[:limit])
        if other:
            own = (self.name, self.folder) == (config["dataset"], config.get("folder"))
            trained = trained_on(config) if own else set()
            count = len(trained.intersection(part._evaluated.names))
            part.kind = f"cases of {self.name}" + (f" ({count} of them the model was trained on)" if count else "")
        return part

    def warn_of_fold(self, fold: int) -> None:
        """Warns of what training on a fold cannot learn, or its evaluation not tell."""
        training, held_out = self.names(fold)
        if few := few_folds(self.cases.names, self.groups):
            warnings.warn(few, stacklevel=3)
        classes = self.cases.classes
        if classes is None:
            return
        unseen = set().union(*(classes[name] for name in held_out)) - set().union(*(classes[n] for n in training))
        if unseen:
            labels = listed(str(self.cases.label_values[number]) for number in sorted(unseen))
            warnings.warn(
                f"no case of fold {fold} that is trained on has label {labels}, held-out ones do", stacklevel=3
            )

    def _check_names(self, config, path):
        """Refuses scans that are not those of a run: its folds would be others, and hold out what it trained on."""
        now, then = set(self.cases.names), set(config["data"].get("names", self.cases.names))
        if now != then:
            pairs = (("with", now - then), ("without", then - now))
            changes = [f"{word} {listed(sorted(names))}" for word, names in pairs if names]
            text = f"{path} was begun with other cases than {self.name} holds now, {' and '.join(changes)}"
            raise refusal(text, f"{len(now)} cases")

    def _check_fits(self, config, path):
        """Refuses data with other channels, axes or classes than those of a run."""
        data = config["data"]
        now = [len(self.spec.shape) - 1, self.spec.shape[-1], self.spec.num_classes]
        then = [len(data["shape"]) - 1, data["shape"][-1], data["num_classes"]]
        if now != then:
            raise refusal(
                f"the model of {path} takes images of {then[0]} axes and {then[1]} channels in {then[2]} classes; "
                f"{self.name} has {now[0]}, {now[1]} and {now[2]}",
                f"images of shape {self.spec.shape}",
            )

    def _prepare(self, names, plan):
        key = (tuple(names), plan.spacing, plan.normalizations, plan.inside_nonzero, plan.slice_axis)
        if key not in self._prepared:
            cases = self._read(self.cases.select(names), "preparing")
            # By map, which lets go of a large case before the next one is read.
            self._prepared[key] = list(map(functools.partial(self._kept, plan), cases))
        return self._prepared[key]

    def _kept(self, plan, case):
        """A prepared case whose arrays are memory maps if memory does not hold them."""
        prepared = segmentation.prepare(case, plan)
        image, labels = (self._store.keep(array) for array in (prepared.image, compact(prepared.labels)))
        return prepared._replace(image=image, labels=labels)

    def _read(self, cases, what):
        yield from self.track(cases, f"{what} {len(cases)} cases")
