"""Plans of hyperparameter searches: what is searched, and for what."""

import difflib
import math
from typing import Any, NamedTuple, Self

import keras_tuner as kt

from keras_dl import runtime
from keras_dl.checks import refusal
from keras_dl.runs import space
from keras_dl.runtime.tuning import is_fixed
from keras_dl.search.goal import Goal
from keras_dl.tasks import Task
from keras_dl.types import PathLike

#: A trial has one of so many parts of the recipe's epochs, unless their number is set.
SHARE = 10


class Plan(NamedTuple):
    """What is searched, and for what.

    Attributes:
        hypermodel: what `keras_dl.runtime.hypermodel` makes of a recipe.
        task: `keras_dl.tasks.Task`.
        data: what the task's `load` returned.
        offers: names of the objectives that the task offers.
        goal: `Goal`.
        space: `keras_tuner.HyperParameters`, in which those that are not searched are fixed.
        values: dict of the hyperparameters that were set, and the number of epochs.
        options: the recipe's `fit_options`, at its defaults.
    """

    hypermodel: runtime.tuning.Recipe
    task: Task
    data: Any
    offers: list
    goal: Goal
    space: kt.HyperParameters
    values: dict
    options: dict

    @classmethod
    def make(
        cls,
        recipe: Any,
        data: Any,
        values: dict,
        objective: str | None = None,
        seed: int = 0,
        features: PathLike | None = None,
    ) -> Self:
        """Reads the space off the recipe, and checks what is asked for.

        The recipe is built once with what is set, by which the objectives are found, too, and once for each other value
        of each choice.

        Args:
            recipe: a module (or any object) with `build`, `fit_options` and `TASK`.
            data: what the task's `load` returned.
            values: dict of hyperparameters that are set, by name: texts, as from a command line, or values.
            objective: name of one of the task's goals; None for the first.
            seed: integer from which all proposals and trials follow.
            features: file of features to compare images by, or None.

        Raises:
            ValueError: for a value or a name that the space does not have, or an objective that is not offered.
        """
        hypermodel = _hypermodel(recipe, data, seed)
        settings = Settings(values)
        model, options = hypermodel.ask(settings)
        offers = recipe.TASK.goals(model, data, options, features)
        goal = Goal.choose(objective, offers, recipe.TASK)
        parameters, values = _explored(hypermodel, settings, values)
        return cls(hypermodel, recipe.TASK, data, offers, goal, _space(parameters, values, goal), values, options)

    @classmethod
    def restore(cls, recipe: Any, data: Any, state: dict) -> Self:
        """Returns the plan that `state` was called of, without building a model.

        Args:
            recipe, data: those of the plan.
            state: what its `state` returned.
        """
        hypermodel, offers = _hypermodel(recipe, data, state["seed"]), state["offers"]
        goal = Goal.choose(state["goal"], offers, recipe.TASK)
        searched = kt.HyperParameters.from_config(state["space"])
        return cls(hypermodel, recipe.TASK, data, offers, goal, searched, state["values"], state["options"])

    def state(self) -> dict[str, Any]:
        """Returns all of the plan but the recipe and the data, as JSON holds it."""
        state = {"seed": self.hypermodel.seed, "offers": list(self.offers), "goal": self.goal.name}
        return state | {"space": self.space.get_config(), "values": self.values, "options": self.options}

    @property
    def searched(self) -> list:
        """The hyperparameters that are searched."""
        return [parameter for parameter in self.space.space if not is_fixed(parameter)]

    @property
    def unsearched(self) -> list[str]:
        """Names of the hyperparameters that the objective keeps at their defaults."""
        fixed = [parameter.name for parameter in self.space.space if is_fixed(parameter)]
        return [name for name in fixed if name not in self.values]

    def listed(self) -> dict[str, Any]:
        """Returns what is searched, what is not, and the objectives, as a program lists them and JSON holds them."""
        searched = self.searched
        rows = [
            [
                str.__str__(parameter.name),
                space.describe(parameter) if parameter in searched else f"{parameter.value} (not searched)",
                getattr(parameter, "sampling", None) or "",
                space.meaning(parameter),
            ]
            for parameter in sorted(self.space.space, key=lambda parameter: parameter not in searched)
        ]
        return {"objective": self.goal.objective.name, "rows": rows, "offers": list(self.offers)}

    def described(self) -> dict[str, Any]:
        """What a search's config says of the plan beside what was asked for, as JSON holds it."""
        described = {"data": self.data.described(), "objective": self.goal.name}
        return described | {"hyperparameters": self.values, "fit": self.options}


class Settings(space.Settings):
    """Hyperparameters that are set, with fewer epochs than the recipe's own."""

    def _retrieve(self, hp):
        if hp.name == "epochs" and "epochs" not in self.values:
            self.values["epochs"] = math.ceil(hp.default / SHARE)
        return super()._retrieve(hp)


def _hypermodel(recipe, data, seed):
    def options(hp):
        return space.with_task(recipe.fit_options(hp), recipe, hp, data.spec)

    return runtime.hypermodel(recipe.build, data.spec, options, seed)


def _explored(hypermodel, settings, assignments):
    """What the recipe may ask for, by name, and the values of those hyperparameters that are set.

    Those that only other choices open are found by exploring, and then fixed for what they open in turn.
    """
    declared = {parameter.name for parameter in settings.space}
    values = {name: settings.values[name] for name in ("epochs", *assignments) if name in declared}
    while True:
        parameters = hypermodel.explore(values)
        new = [name for name in parameters if name in assignments and name not in values]
        if not new:
            break
        values |= {name: space.parse(parameters[name], assignments[name]) for name in new}
    for name in assignments:
        if name not in parameters:
            near = difflib.get_close_matches(name, parameters, n=3) or sorted(parameters)
            hint = f"Did you mean {' or '.join(near)}?"
            raise refusal(f"unknown hyperparameter {name!r}. {hint}", f"{name}={assignments[name]!r}")
    return parameters, values


def _space(parameters, values, goal):
    """The space to search, in which what is set or not searched is fixed."""
    hp = kt.HyperParameters()
    for name, parameter in parameters.items():
        if name in values:
            hp.Fixed(name, values[name])
        elif name in goal.unsearched:
            hp.Fixed(name, parameter.default)
        elif not is_fixed(parameter):
            hp.merge([parameter])
    return hp
