"""The space of a recipe: what it asks for, read off by asking it."""

import json
import warnings
from typing import Any

import keras_tuner as kt

CHOICES = (kt.engine.hyperparameters.Choice, kt.engine.hyperparameters.Boolean)


class Space:
    """All that a recipe may ask for, which depends on what it is told.

    What it asks for follows from the answers alone, so that nothing is asked twice. Less than one ask for each value of
    each choice would miss what only that value opens: a recipe is a function, whose branches nothing else shows.

    Args:
        ask: Function that has the recipe ask `keras_tuner.HyperParameters`, and notes the answers.
    """

    def __init__(self, ask):
        self._ask = ask
        self._answers, self._failed = [], []

    def note(self, answers):
        """Remembers what a recipe has asked for."""
        parameters = {}
        for parameter in answers.space:
            parameters.setdefault(parameter.name, parameter)
        active = {name: answers.values[name] for name in parameters if name in answers.values}
        self._answers.append((active, parameters))

    def asked(self, values):
        """What the recipe asks for if it is told some values.

        Args:
            values: Dict of values by name; others are at their defaults.

        Returns:
            `(answers, parameters)`: dicts of the values and of the hyperparameters by name, in the order of asking.

        Raises:
            ValueError: Whatever the recipe raises at these values.
        """
        for answers, parameters in self._answers:
            defaults = {name: parameters[name].default for name in answers}
            if all(values.get(name, defaults[name]) == answer for name, answer in answers.items()):
                return answers, parameters
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._ask(told(values))
        return self._answers[-1]

    def explore(self, values=None):
        """Finds what the recipe may ask for, asking it once for each value of each choice.

        Args:
            values: Dict of hyperparameters that are fixed, and not explored.

        Returns:
            Dict of `keras_tuner` hyperparameters by name, in the order in which the recipe asks for them.
        """
        fixed, declared = values or {}, {}
        waiting, tried = [{}], set()
        while waiting:
            path = waiting.pop(0)
            told_values = {**path, **fixed}
            if path and told_values in self._failed:
                continue
            try:
                answers, parameters = self.asked(told_values)
            except Exception:
                if not path:
                    raise
                self._failed.append(told_values)
                continue  # choices that do not go together: a trial that meets them will say why
            for name, parameter in parameters.items():
                declared.setdefault(name, parameter)
                if not isinstance(parameter, CHOICES) or name in fixed:
                    continue
                tried.add((name, answers.get(name)))
                new = [value for value in parameter.values if (name, value) not in tried]
                tried.update((name, value) for value in new)
                waiting += [{**path, name: value} for value in new]
        return declared


def told(values):
    """Hyperparameters that hold values and have no space yet."""
    hp = kt.HyperParameters()
    hp.values.update(values)
    return hp


def is_fixed(parameter: Any) -> bool:
    """Whether a hyperparameter is a `hp.Fixed`, which no search changes."""
    return isinstance(parameter, kt.engine.hyperparameters.Fixed)


def described(parameter):
    """What is searched of a hyperparameter, as JSON holds it: a default is where nothing is searched."""
    config = {key: value for key, value in parameter.get_config().items() if key not in ("name", "conditions")}
    if not is_fixed(parameter):
        config.pop("default", None)
    return {"kind": type(parameter).__name__, **config}


def searched(parameters):
    """What is searched of a dict of hyperparameters, by name, as JSON gives it back."""
    configs = {name: described(p) for name, p in parameters.items() if not is_fixed(p)}
    return json.loads(json.dumps(configs))


def differences(old: dict, new: dict) -> list[str]:
    """How two spaces differ, dicts of `described` by name: a list of texts, empty if they do not."""
    texts = [f"{name} was not searched" for name in new if name not in old]
    texts += [f"{name} is not asked for any more" for name in old if name not in new]
    for name in [name for name in new if name in old and old[name] != new[name]]:
        changed = [key for key in {**old[name], **new[name]} if old[name].get(key) != new[name].get(key)]
        texts += [f"{name} had {key} {old[name].get(key)!r}, now {new[name].get(key)!r}" for key in changed]
    return texts
