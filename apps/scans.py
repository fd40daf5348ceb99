"""A set of scans with masks as a recipe of segmentation sees it: cases, a fingerprint, and patches by a plan."""

import contextlib
from typing import Any, NamedTuple

import numpy as np

from apps import progress
from apps.cli import UserError, user_errors
from keras_dl.data import augment, segmentation
from keras_dl.data.segmentation.problems import listed

NUM_FOLDS = 5
VALIDATION_STEPS = 10


class ScanSpec(NamedTuple):
    """What a recipe's `build(hp, data_spec)` is told of a set of scans.

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
    """Cases with masks, of which each fold trains on four fifths.

    Attributes:
        name: the set's name, or its folder's.
        cases: a sequence of `keras_dl.data.segmentation.Case`s with `names`, `num_classes` and `select(names)`.
        spec: `ScanSpec`.
    """

    conditional, has_values = True, False

    def __init__(self, name, cases):
        self.name, self.cases = name, cases
        found = segmentation.fingerprint(self._read(cases, "looking at"), cases.num_classes, cases.modalities)
        shape = (*np.median(found.shapes, axis=0).astype(int).tolist(), len(found.modalities))
        self.spec = ScanSpec(shape, cases.num_classes, len(cases), found)
        self._prepared = {}

    @classmethod
    def load(cls, name, folder=None, label_values=None):
        """Opens a named set, or a folder of images and masks, whose files are all checked.

        Args:
            name: one of `keras_dl.data.segmentation.NAMES`; of a folder, what it is called.
            folder: the folder, or None.
            label_values: of a folder: the values of the classes of a run, of which its masks may hold some or all;
                where they hold others, they are its own.
        """
        with user_errors(ValueError, OSError, ImportError):
            if not folder:
                return cls(name, segmentation.load(name))
            with contextlib.suppress(ValueError):
                if label_values is not None:
                    return cls(name, segmentation.open_folder(folder, label_values=label_values))
            return cls(name, segmentation.open_folder(folder))

    def described(self):
        """What a run's config says of the data, as JSON holds it."""
        spec = self.spec._asdict()
        del spec["fingerprint"]
        held = {name: list(getattr(self.cases, name)) for name in ("label_values", "modalities", "names")}
        return spec | held

    def names(self, fold):
        """The names that a fold trains on, and those that it leaves out."""
        with user_errors(ValueError):
            return segmentation.fold(self.cases.names, fold, NUM_FOLDS)

    def held_out(self, options):
        """The cases that a run has not been trained on."""
        return self.cases.select(self.names(options["fold"])[1])

    def pipelines(self, options, seed):
        """Returns the patches to train on, changed at random, and held-out ones, the same at every pass.

        Args:
            options: what a recipe's `fit_options` says: `plan`, as a dict, `batch_size`, `steps` an epoch, `fold`,
                `foreground`, `augmentation` and `mirroring`.
            seed: integer.
        """
        plan = segmentation.Plan.from_dict(options["plan"])
        transforms = segmentation.augmentation(options["augmentation"], plan, options["mirroring"])
        parts = [self._prepare(names, plan) for names in self.names(options["fold"])]
        several = options["deep_supervision"] and len(plan.output_strides) > 1
        strides = plan.output_strides if several else None

        def change(images, labels, key):
            return augment.augment(transforms, images, labels, seed=key)

        training, held_out = (segmentation.Patches(part, plan, options["foreground"], seed=seed) for part in parts)
        return (
            training.dataset(options["steps"], strides, change if transforms else None),
            held_out.dataset(min(options["steps"], VALIDATION_STEPS), strides, repeat=True),
        )

    def trial(self, options, seed):
        """What a search trains a trial on and measures it by: `((x, y), held_out)`, here datasets."""
        training, held_out = self.pipelines(options, seed)
        return (training, None), held_out

    def glance(self, options):
        """A little of the held-out data, as arguments of `evaluate`."""
        return (self.pipelines(options, seed=0)[1].take(1),)

    def _prepare(self, names, plan):
        key = (tuple(names), plan.spacing, plan.normalizations, plan.inside_nonzero, plan.slice_axis)
        if key not in self._prepared:
            with user_errors(ValueError):
                cases = self._read(self.cases.select(names), "preparing")
                self._prepared[key] = [segmentation.prepare(case, plan) for case in cases]
        return self._prepared[key]

    @staticmethod
    def _read(cases, what):
        yield from progress.tracked(cases, f"{what} {len(cases)} cases")


def check_fits(data, config, path):
    """Refuses data with other channels, axes or classes than those of a run."""
    made = config["data"]
    found = [len(data.spec.shape), data.spec.shape[-1], data.spec.num_classes]
    expected = [len(made["shape"]), made["shape"][-1], made["num_classes"]]
    if found != expected:
        raise UserError(
            f"the model of {path} takes images of {expected[0] - 1} axes and {expected[1]} channels in {expected[2]} "
            f"classes; {data.name} has {found[0] - 1}, {found[1]} and {found[2]}"
        )


def check_same(data, config, path, options=None):
    """Refuses scans that are not those of a run: its folds would be others, and hold out what it was trained on.

    Args:
        data: `Scans`.
        config: the run's config.
        path: the run's folder.
        options: where the run goes on, what the recipe's `fit_options` says of the scans now.
    """
    found, made = set(data.cases.names), set(config["data"].get("names", data.cases.names))
    if found != made:
        pairs = (("with", found - made), ("without", made - found))
        changes = [f"{word} {listed(sorted(names))}" for word, names in pairs if names]
        raise UserError(f"{path} was begun with other cases than {data.name} holds now, {' and '.join(changes)}")
    if options is not None and segmentation.Plan.from_dict(options["plan"]) != plan_of(config):
        raise UserError(f"{path} was begun with other scans or masks than {data.name} holds now: their plan differs")


def trained_on(config):
    """The names of the cases that a run was trained on, as a set; none where its config does not say it."""
    names = config["data"].get("names")
    return set(segmentation.fold(names, config["fit"]["fold"], NUM_FOLDS)[0]) if names else set()


def plan_of(config: dict[str, Any]):
    """The plan of a run's config."""
    return segmentation.Plan.from_dict(config["fit"]["plan"])
