"""What `compile` refuses of a family's updates."""

import keras

from keras_dl.checks import check_count, refusal
from keras_dl.models.base.carried import EpochSum
from keras_dl.models.base.update import Update


def check_updates(model, updates, optimizers):
    """Returns what `make_updates` gave as a tuple of `Update`s that can run.

    Args:
        model: The model.
        updates: What `make_updates` returned.
        optimizers: The optimizers that it was given, which files hold.

    Raises:
        ValueError: If it is no sequence of `Update`s with names of their own, or one of them cannot run.
    """
    several = isinstance(updates, (tuple, list)) and not isinstance(updates, Update)
    if not several or not updates or not all(isinstance(update, Update) for update in updates):
        raise refusal("`make_updates` should return a tuple of `Update`s", f"{updates!r}")
    for what, names in (
        ("Updates", [update.name for update in updates]),
        ("Sums of updates", [name for update in updates for name in update.sums]),
    ):
        if len(set(names)) < len(names):
            raise refusal(f"{what} should have names of their own", f"{names}")
    if optimizers and all(update.optimizer is None for update in updates):
        raise refusal("`optimizer_names` should be () for a family without gradients", f"{model.optimizer_names}")
    for update in updates:
        _check_parts(update)
        _check_optimizer(update, optimizers)
        _check_states(model, update)
    return tuple(updates)


def _check_parts(update):
    if not callable(update.loss):
        raise refusal(
            f"The loss of update {update.name!r} should be a function; `self.loss` is an attribute of Keras' own: "
            "give the method another name",
            loss=update.loss,
        )
    for name in ("every", "repeats"):
        check_count(getattr(update, name), f"{name} of update {update.name!r}")
    for name in ("networks", "terms", "hands_back"):
        value = getattr(update, name)
        if not isinstance(value, (tuple, list)):
            raise refusal(f"{name} of update {update.name!r} should be a tuple: {name}=(...,)", **{name: value})


def _check_optimizer(update, optimizers):
    optimizer = update.optimizer
    if optimizer is None or any(optimizer is one for one in optimizers):
        return
    text = f"{type(optimizer).__name__} of its own" if isinstance(optimizer, keras.optimizers.Optimizer) else optimizer
    raise refusal(
        f"The optimizer of update {update.name!r} should be one that make_updates was given, as these are saved and "
        "resumed, or None for an update without gradients; name several in `optimizer_names`",
        optimizer=text,
    )


def _check_states(model, update):
    for name in update.hands_back:
        if name not in model.carried:
            raise refusal(
                f"hands_back of update {update.name!r} should name state that the model carries: "
                f"call carry({name!r}, ...) in __init__",
                f"{name!r}, carried are {sorted(model.carried)}",
            )
    for name in update.sums:
        if not isinstance(model.carried.get(name, EpochSum()), EpochSum):
            raise refusal(
                f"sums of update {update.name!r} should have other names than state that the model carries", f"{name!r}"
            )
