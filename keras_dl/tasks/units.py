"""Units of metrics, and which of their values are better, as tables and axes say it."""

import math

from keras_dl.tasks.measure import direction

#: Names of metrics -> their unit.
UNITS = {
    "elbo": "nats",
    "log_prob": "nats",
    "rate": "nats",
    "distortion": "nats",
    "bits_per_dimension": "bits",
    "psnr": "dB",
}
#: Metrics that are shares of a whole, which tables show in percent.
SHARES = ("accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "knn_accuracy", "acc")
BETTER = {"max": "higher", "min": "lower", None: ""}
#: Bounds and densities of which a loss is the negative, where it has no weights.
NEGATIVES = ("elbo", "log_prob")


def unit(name, units=None):
    """Returns the unit of a metric, `""` for one that has none or of which it is not known.

    Args:
        name: name of the metric; a `val_` before it changes nothing.
        units: dict of units by name, which come first; or None.

    Example:

    >>> unit("val_psnr"), unit("accuracy"), unit("loss", {"loss": "nats"}), unit("kid")
    ('dB', '%', 'nats', '')
    """
    name = name.removeprefix("val_")
    if name in SHARES:
        return "%"
    return (units or {}).get(name) or UNITS.get(name, "")


def better(name):
    """Returns `"higher"` or `"lower"`, which values of a metric are better; `""` where it is not known."""
    return BETTER[direction(name)]


def scale(name, units=None):
    """Returns what an axis says: the unit and which way is better.

    Example:

    >>> scale("psnr"), scale("rate"), scale("beta")
    ('dB, higher is better', 'nats, lower is better', '')
    """
    of = unit(name, units)
    of = "0 to 1" if of == "%" else of
    which = better(name)
    return ", ".join(part for part in (of, f"{which} is better" if which else "") if part)


def without_repeats(columns):
    """Returns columns of metrics without a loss that is only the negative of a bound or density in the same table.

    Args:
        columns: dict of columns, a column a dict of numbers or texts by name.

    Example:

    >>> without_repeats({"train": {"elbo": -3.0, "loss": 3.0}, "held out": {"elbo": -4.0, "loss": 4.0}})
    {'train': {'elbo': -3.0}, 'held out': {'elbo': -4.0}}
    """
    holding = [column for column in columns.values() if "loss" in column]
    if not holding or not all(map(_repeats, holding)):
        return columns
    return {key: {name: column[name] for name in column if name != "loss"} for key, column in columns.items()}


def _repeats(column):
    """Whether a column's loss is the negative of another of its numbers."""
    loss = _number(column["loss"])
    others = [_number(column.get(name)) for name in NEGATIVES]
    return any(math.isclose(loss, -other, rel_tol=1e-5, abs_tol=1e-4) for other in others)


def _number(value):
    """A number, or that at the beginning of a text such as `1.5 ± 0.1`; NaN for another."""
    try:
        return float(str(value).split(" ")[0])
    except ValueError:
        return math.nan
