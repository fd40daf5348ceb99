"""What the config of a run on scans says: its plan, and the cases that it was trained on."""

from typing import Any

from keras_dl.data import segmentation

NUM_FOLDS = 5


def trained_on(config: dict[str, Any]) -> set[str]:
    """The names of the cases that a run was trained on, as a set; none if its config does not say it."""
    names = config["data"].get("names", [])
    groups = config["data"].get("groups")
    if len(names) < NUM_FOLDS and groups is None:
        return set(names)
    return set(segmentation.fold(names, config["fit"]["fold"], NUM_FOLDS, groups=groups)[0])


def plan_of(config: dict[str, Any]) -> segmentation.Plan:
    """The plan of a run's config."""
    return segmentation.Plan.from_dict(config["fit"]["plan"])
