"""Units of metrics, and which of their values are better, as tables and axes say it."""

import math
import re

from keras_dl.tasks import measure

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
#: The two terms of a bound, of which each falls where the other rises.
_TERMS = ("rate", "distortion")


def unit(name, units=None):
    """Returns the unit of a metric, `""` for one that has none or of which it is not known.

    Args:
        name: name of the metric; a `val_` before it changes nothing, nor does the number of a group behind it.
        units: dict of units by name, which come first; or None.

    Example:

    >>> unit("val_psnr"), unit("accuracy"), unit("loss", {"loss": "nats"}), unit("rate_2"), unit("kid")
    ('dB', '%', 'nats', 'nats', '')
    """
    name = re.sub(r"^val_|_\d+$", "", name)
    if name in SHARES:
        return "%"
    return (units or {}).get(name) or UNITS.get(name, "")


def better(name):
    """Returns `"higher"` or `"lower"`, which values of a metric are better; `""` where a value alone does not say.

    It does not for the loss of one of several updates, such as that of a critic, which is low where the generator is
    bad, nor for one term of a bound.

    Example:

    >>> better("val_loss"), better("critic_loss"), better("rate_2")
    ('lower', '', '')
    """
    part = re.sub(r"^val_|_\d+$", "", name)
    return "" if part in _TERMS or part.endswith("_loss") else BETTER[measure.direction(name)]


def scale(name, units=None, direction=None):
    """Returns what an axis says: the unit and which way is better.

    Args:
        name: name of the metric.
        units: dict of units by name, which come first; or None.
        direction: `"max"` or `"min"` where it has been chosen, as a search does; None for what the name says.

    Example:

    >>> scale("psnr"), scale("rate"), scale("beta")
    ('dB, higher is better', 'nats', '')
    """
    of = unit(name, units)
    of = "0 to 1" if of == "%" else of
    which = BETTER[direction] if direction else better(name)
    return ", ".join(part for part in (of, f"{which} is better" if which else "") if part)


def metric_text(name, value, units=None):
    """Returns a number as tables show it: shares in percent, the others with four places.

    Example:

    >>> metric_text("accuracy", 0.98765), metric_text("psnr", 30.0)
    ('98.77', '30.0000')
    """
    return f"{100 * value:.2f}" if unit(name, units) == "%" else f"{value:.4f}"


def without_repeats(values):
    """Returns the metrics of a table without a loss that says what an ELBO or a log-likelihood in it says already.

    A loss is left out beside an ELBO, of which it is the negative, at most with a weight of the rate, and where it is
    the negative of the mean log-likelihood.

    Args:
        values: dict of numbers by name.

    Example:

    >>> without_repeats({"elbo": -3.0, "loss": 3.0, "rate": 1.0})
    {'elbo': -3.0, 'rate': 1.0}
    >>> without_repeats({"log_prob": -3.0, "loss": 2.5})
    {'log_prob': -3.0, 'loss': 2.5}
    """
    if "loss" not in values:
        return values
    density = values.get("log_prob")
    repeats = density is not None and math.isclose(values["loss"], -density, rel_tol=1e-5, abs_tol=1e-4)
    if "elbo" not in values and not repeats:
        return values
    return {name: value for name, value in values.items() if name != "loss"}
