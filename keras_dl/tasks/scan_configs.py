"""What the config of a run on scans says: its plan, and the cases that it was trained on."""

from collections.abc import Sequence
from typing import Any

from keras_dl.data import segmentation
from keras_dl.data.segmentation.folds import NUM_FOLDS


def trained_on(config: dict[str, Any]) -> set[str]:
    """The names of the cases that a run was trained on, as a set; none if its config does not say it."""
    names, groups = config["data"].get("names", []), config["data"].get("groups")
    return set(segmentation.divide(names, config["fit"]["fold"], groups)[0])


def num_folds(config: dict[str, Any]) -> int:
    """How many folds there are of the cases of a run's config; 1 where too few cases or groups are all trained on."""
    return segmentation.count_folds(config["data"].get("names", []), config["data"].get("groups"))


def few_folds(names: Sequence[str], groups: Any) -> str | None:
    """What to say where there are fewer folds than five and no file that says so; None if there are five.

    Example:

    >>> few_folds("abc", {"a": 1, "b": 1, "c": 2})
    '2 groups make 2 folds, 0 to 1, each of which leaves one group out'
    """
    count = segmentation.count_folds(names, groups)
    if isinstance(groups, list) or count == NUM_FOLDS:
        return None
    if count > 1:
        return f"{count} groups make {count} folds, 0 to {count - 1}, each of which leaves one group out"
    few, more = ("are too few for folds", "or more") if groups is None else ("are of one group", "groups")
    text = f"{len(names)} cases {few}: all are trained on, and evaluation is of the same"
    return f"{text}; give {NUM_FOLDS} {more}"


def plan_of(config: dict[str, Any]) -> segmentation.Plan:
    """The plan of a run's config."""
    return segmentation.Plan.from_dict(config["fit"]["plan"])
