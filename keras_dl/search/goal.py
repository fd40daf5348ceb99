"""Objectives of a hyperparameter search."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import keras_tuner as kt

from keras_dl import runtime
from keras_dl.checks import refusal


class Goal(NamedTuple):
    """What a search is after.

    Attributes:
        name: the metric, such as `"kid"`.
        objective: the `keras_tuner.Objective` of its held-out value.
        unsearched: names of hyperparameters that would change the problem, or what the metric means.
    """

    name: str
    objective: kt.Objective
    unsearched: tuple

    @classmethod
    def choose(cls, name: str | None, offers: Sequence, task: Any) -> Self:
        """Returns the goal of that name.

        Args:
            name: a metric's name, or None for the first that is offered.
            offers: list of names, the task's `goals`.
            task: `keras_dl.tasks.Task`.

        Raises:
            ValueError: if it is not offered.
        """
        known = offers[0] if name is None else canonical(name)
        if known not in offers:
            offered = f"there are: {', '.join(offers)}"
            raise refusal(f"{name!r} is no objective of this recipe on these data; {offered}", f"{name!r}")
        return cls(known, runtime.objective(known), (*task.problem, *task.unsearched.get(known, ())))


def canonical(name):
    """The name that a metric is logged by, without `val_`; of one that is not known, the name itself."""
    try:
        return runtime.objective(name, held_out=False).name
    except ValueError:
        return name
