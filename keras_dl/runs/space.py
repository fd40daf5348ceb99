"""Hyperparameter spaces: names with a meaning, and values that are set, checked and listed as a recipe asks."""

import difflib

import keras
import keras_tuner as kt

from keras_dl.checks import refusal


class Name(str):
    """Name of a hyperparameter with what it means, for lists of a recipe's hyperparameters.

    It is a string like any other to KerasTuner, in files and in dicts.

    Example:

    >>> import keras_tuner as kt
    >>> hp = kt.HyperParameters()
    >>> hp.Int(Name("latent_size", "numbers that a sample is made of"), 2, 64, default=16)
    16
    >>> hp.get("latent_size"), meaning(hp.space[0])
    (16, 'numbers that a sample is made of')

    Args:
        name: The name.
        meaning: What it means, in a few words.
        values: The values that it takes, for an `hp.Fixed` of texts; None for any.
    """

    meaning: str
    values: tuple | None

    def __new__(cls, name, meaning, values=None):
        text = super().__new__(cls, name)
        text.meaning, text.values = meaning, values
        return text

    def __str__(self):
        return self  # KerasTuner makes names strings by `str`, which would lose the meaning

    def __getnewargs__(self):
        return str.__str__(self), self.meaning, self.values


def meaning(parameter):
    """What a hyperparameter means, `""` if its name does not say so."""
    return getattr(parameter.name, "meaning", "")


class Settings(kt.HyperParameters):
    """Hyperparameters some of whose values are set by texts, each checked when a recipe asks for it.

    So one call of a recipe's `build` reads the space and makes the model, though what is asked for may depend on what
    was set (filters only if the network is convolutional).

    Args:
        values: dict from name to a text, as from a command line, or to a value, as from a preset.
    """

    def __init__(self, values):
        super().__init__()
        self.values.update(values)
        self._unchecked = dict(values)

    def _retrieve(self, hp):
        if hp.name in self._unchecked:
            self.values[hp.name] = parse(hp, self._unchecked.pop(hp.name))
        return super()._retrieve(hp)

    def check_known(self):
        """Refuses values of names that were not asked for."""
        names = sorted(parameter.name for parameter in self.space)
        for name in self._unchecked:
            if name == "epochs":
                text = "the recipe has no hyperparameter `epochs`, which --epochs would set: its `fit_options` should"
                raise refusal(f"{text} ask for hp.Fixed('epochs', 10)", epochs=self._unchecked[name])
            near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
            known = f"Values set here open {', '.join(names) or 'none'}; others may open it."
            hint = f"Did you mean {' or '.join(near)}?" if near else known
            raise refusal(f"unknown hyperparameter {name!r}. {hint}", f"{name}={self._unchecked[name]!r}")


def build(recipe, data_spec, values, seed):
    """Builds a recipe's model with some hyperparameters set and the others at their defaults.

    Args:
        recipe: a module (or any object) with `build(hp, data_spec)`, `fit_options(hp)` and, unless what a model is for
            does not matter, `TASK`.
        data_spec: `keras_dl.data.DataSpec`.
        values: dict from name to a text from a command line or a value from a preset.
        seed: integer, from which the initial weights and all noise follow.

    Returns:
        `(model, options, hyperparameters)`: the compiled model, the dict of the recipe's `fit_options`, and the dict
        of every hyperparameter's value.

    Raises:
        ValueError: for a name that the space does not have, or a value that does not fit into it.
    """
    hp = Settings(values)
    keras.utils.set_random_seed(seed)
    model, options = recipe.build(hp, data_spec), recipe.fit_options(hp)
    options = with_task(options, recipe, hp, data_spec)
    hp.check_known()
    return model, options, {str.__str__(parameter.name): hp.values[parameter.name] for parameter in hp.space}


def with_task(options, recipe, hp, data_spec):
    """What a recipe's `fit_options` said, checked, and what its task adds to it for the data, as JSON holds it."""
    task, epochs = getattr(recipe, "TASK", None), options.get("epochs") if isinstance(options, dict) else None
    if type(epochs) is not int or epochs < 1:
        expected = "`fit_options` should return a dict of batch_size and epochs, a positive integer"
        raise refusal(expected, fit_options=options)
    return options | (task.options(hp, data_spec) if task else {})


def parse(parameter, value):
    """Returns `value` (a text, or a number from a preset) as a value of a KerasTuner hyperparameter.

    Raises:
        ValueError: if it is none; the message says what the hyperparameter takes.
    """
    parsers = {"Int": _number, "Float": _number, "Boolean": _boolean, "Choice": _choice, "Fixed": _fixed}
    try:
        return parsers[type(parameter).__name__](parameter, value)
    except ValueError:
        raise refusal(f"{parameter.name} takes {describe(parameter)}", f"{value!r}") from None


def describe(parameter):
    """What a hyperparameter takes, in words."""
    kind = type(parameter).__name__
    if kind in ("Int", "Float"):
        noun = "a whole number" if kind == "Int" else "a number"
        step = f" in steps of {parameter.step}" if _has_step(parameter) else ""
        return f"{noun} from {parameter.min_value} to {parameter.max_value}{step}"
    if kind == "Boolean":
        return "true or false"
    if kind == "Choice":
        return "one of " + ", ".join(map(str, parameter.values))
    if type(parameter.value) is int:
        return f"a whole number from {_least(parameter)}"
    if values := getattr(parameter.name, "values", None):
        return "one of " + ", ".join(values)
    return {bool: "true or false", float: "a number"}.get(type(parameter.value), "a text")


def table(recipe, data_spec, values=None):
    """Rows (name, default, what it takes, what it means) of the recipe's space.

    Args:
        recipe: as of `build`.
        data_spec: `keras_dl.data.DataSpec`.
        values: dict of hyperparameters that are set, as of `build`, and open others; the rest are at their defaults.

    Raises:
        ValueError: for a name that the space does not have, or a value that does not fit into it.
    """
    values = values or {}
    hp = Settings(values)
    recipe.build(hp, data_spec)
    recipe.fit_options(hp)
    hp.check_known()
    shown = [f"{hp.values[p.name]} (set)" if p.name in values else str(p.default) for p in hp.space]
    return [(p.name, text, describe(p), meaning(p)) for p, text in zip(hp.space, shown, strict=True)]


def _least(parameter):
    """The smallest whole number that a fixed one may be: counts begin at 1, numbers of folds at 0."""
    return min(1, parameter.value)


def _has_step(parameter):
    default = 1 if type(parameter).__name__ == "Int" else None
    return parameter.sampling == "linear" and parameter.step not in (None, default)


def _number(parameter, value):
    number = _whole(value) if type(parameter).__name__ == "Int" else float(value)
    if not parameter.min_value <= number <= parameter.max_value:
        raise ValueError
    if _has_step(parameter):
        steps = (number - parameter.min_value) / parameter.step
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError
    return number


def _whole(value):
    if isinstance(value, str):
        return int(value)
    if int(value) != value:
        raise ValueError
    return int(value)


def _boolean(parameter, value):
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ValueError
    return known[str(value).lower()]


def _choice(parameter, value):
    for candidate in parameter.values:
        if str(candidate) == str(value):
            return candidate
    raise ValueError


def _fixed(parameter, value):
    kind = type(parameter.value)
    if kind is bool:
        return _boolean(parameter, value)
    if kind is int:
        number = _whole(value)
        if number < _least(parameter):
            raise ValueError
        return number
    value, values = kind(value), getattr(parameter.name, "values", None)
    if values and value not in values:
        raise ValueError
    return value
