"""Objectives of a hyperparameter search."""

from typing import NamedTuple

import keras_tuner as kt

from apps.cli import UserError
from keras_dl import runtime


class Goal(NamedTuple):
    """What a search is after.

    Attributes:
        name: the metric, such as `"kid"`.
        objective: the `keras_tuner.Objective` of its held-out value.
        unsearched: names of hyperparameters that would change what the metric means.
    """

    name: str
    objective: kt.Objective
    unsearched: tuple

    @classmethod
    def choose(cls, name, offers, task):
        """The objective of that name, or the first that is offered; another is refused.

        Args:
            name: a text from the command line, or None.
            offers: list of names, the task's `goals`.
            task: `keras_dl.tasks.Task`.
        """
        known = offers[0] if name is None else canonical(name)
        if known not in offers:
            raise UserError(f"{name!r} is no objective of this recipe on these data; there are: {', '.join(offers)}")
        return cls(known, runtime.objective(known), task.unsearched.get(known, ()))


def canonical(name):
    """The name that a metric is logged by, without `val_`; of one that is not known, the name itself."""
    try:
        return runtime.objective(name, held_out=False).name
    except ValueError:
        return name
