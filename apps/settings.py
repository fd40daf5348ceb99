"""Hyperparameters from the command line, checked against the space that a recipe's own `build` asks for."""

import keras
import keras_tuner as kt

from apps import catalogue
from apps.cli import UserError, user_errors


def assignments(texts):
    """Splits `NAME=VALUE` texts into a dict of texts; a later one overrides an earlier one."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise UserError(f"--set expects NAME=VALUE, for instance latent_size=8; received {text!r}")
        found[name.strip()] = value.strip()
    return found


def build(recipe, data_spec, values, seed):
    """Builds a recipe's model with some hyperparameters given and the others at their defaults.

    What a recipe asks for may depend on what it was told (filters only where the network is convolutional), so the
    space is asked again until every given value has found its place.

    Args:
        recipe: the recipe's module.
        data_spec: `keras_dl.data.DataSpec`.
        values: dict from name to a text from the command line or a value from a preset.
        seed: integer, from which the initial weights and all noise follow.

    Returns:
        `(model, options, hyperparameters)`: the compiled model, the dict of the recipe's `fit_options`, and the dict
        of every hyperparameter's value.

    Raises:
        UserError: for a name that the space does not have, or a value that does not fit into it.
    """
    checked = {}
    while True:
        hp = kt.HyperParameters()
        hp.values.update(checked)
        keras.utils.set_random_seed(seed)
        with user_errors(ValueError):
            model, options = recipe.build(hp, data_spec), fit_options(recipe, hp, data_spec)
        space = {parameter.name: parameter for parameter in hp.space}
        new = [name for name in values if name in space and name not in checked]
        if not new:
            break
        checked.update({name: parse(space[name], values[name]) for name in new})
    for name in values:
        if name not in space:
            raise UserError(catalogue.unknown("hyperparameter", name, sorted(space)))
    return model, options, {name: hp.values[name] for name in space}


def fit_options(recipe, hp, data_spec):
    """What a recipe's `fit_options` says, with its plan where it makes one for the data, as JSON holds it."""
    options = recipe.fit_options(hp)
    return options | {"plan": recipe.plan(hp, data_spec).to_dict()} if hasattr(recipe, "plan") else options


def parse(parameter, value):
    """Returns `value` (a text, or a number from a preset) as a value of a KerasTuner hyperparameter.

    Raises:
        UserError: if it is none; the message says what the hyperparameter takes.
    """
    parsers = {"Int": _number, "Float": _number, "Boolean": _boolean, "Choice": _choice, "Fixed": _fixed}
    try:
        return parsers[type(parameter).__name__](parameter, value)
    except ValueError:
        raise UserError(f"{parameter.name} takes {describe(parameter)}; received {value!r}") from None


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
    return {bool: "true or false", float: "a number"}.get(type(parameter.value), "a text")


def table(recipe, data_spec):
    """Rows (name, default, what it takes) of the recipe's space, as its defaults open it."""
    hp = kt.HyperParameters()
    recipe.build(hp, data_spec)
    recipe.fit_options(hp)
    return [(parameter.name, str(parameter.default), describe(parameter)) for parameter in hp.space]


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
    return kind(value)
