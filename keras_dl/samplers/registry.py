"""Samplers by name, and how often each evaluates the network."""

from collections.abc import Callable
from typing import Any

from keras_dl.checks import refusal
from keras_dl.samplers.multistep import dpm_solver
from keras_dl.samplers.ode import adaptive, euler, heun
from keras_dl.samplers.stochastic import ancestral, ddim, predictor_corrector

SAMPLERS: dict[str, Callable] = {
    "ancestral": ancestral,
    "ddim": ddim,
    "predictor_corrector": predictor_corrector,
    "euler": euler,
    "heun": heun,
    "dpm_solver": dpm_solver,
    "adaptive": adaptive,
}
#: Those that take the far end of a path for independent normal noise: the others need its velocity alone.
NOT_OF_VELOCITY = ("ancestral", "ddim", "predictor_corrector", "dpm_solver")
#: Those that, as they stand here, are functions of their start in the steps that they are asked for.
DETERMINISTIC = ("ddim", "dpm_solver", "euler", "heun")


def get(sampler: str | Callable) -> Callable:
    """Returns a sampler by its name; a function passes, such as `functools.partial(ddim, eta=0.5)`.

    Raises:
        ValueError: If there is none of that name.

    Example:

    >>> get("euler").__name__
    'euler'
    """
    if callable(sampler):
        return sampler
    if sampler not in SAMPLERS:
        raise refusal(f"`sampler` should be one of {tuple(SAMPLERS)}, or a function", sampler=sampler)
    return SAMPLERS[sampler]


def evaluations(sampler: Any, steps: int) -> int | None:
    """Returns how many times a sampler evaluates the network; `None` for `"adaptive"`, which decides as it goes.

    Args:
        sampler: Name of a sampler.
        steps: Number of steps.

    Example:

    >>> evaluations("heun", 18), evaluations("ddim", 50)
    (35, 50)
    """
    get(sampler)
    if sampler == "adaptive":
        return None
    return 2 * steps - 1 if sampler in ("heun", "predictor_corrector") else steps
