"""Objectives of a search: a metric and the direction in which it is better."""

import keras_tuner as kt

from keras_dl.metrics.directions import direction, logged_name


def objective(name: str, held_out: bool = True) -> kt.Objective:
    """Returns the `keras_tuner.Objective` of a metric, with the direction in which it is better.

    Args:
        name: Name of a metric of `keras_dl` (`"elbo"`, `"kid"`, `"psnr"`, ...) or of Keras (`"accuracy"`,
            `"mean_squared_error"`, ...), where a `val_` before it changes nothing; or the metric, such as one of your
            own with an attribute `direction`.
        held_out: Whether it is the value on held-out data, which Keras logs as `val_<name>`.

    Raises:
        ValueError: If it is not known which values of the metric are better; see `keras_dl.metrics.direction`.

    Example:

    >>> best = keras_dl.runtime.objective("kid")
    >>> best.name, best.direction
    ('val_kid', 'min')
    """
    logged = logged_name(getattr(name, "name", name))
    return kt.Objective(f"val_{logged}" if held_out else logged, direction(name))
