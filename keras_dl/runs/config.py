"""Configs of runs and searches: what was asked for, enough to do it again, and what may not change when it goes on."""

from collections.abc import Sequence

from keras_dl.checks import refusal


def refuse_changes(asked: dict, old: dict, kind: str) -> None:
    """Refuses what differs from what the resumed run or search was begun with; None asks for nothing.

    Args:
        asked: dict of what is asked for now.
        old: config of what is resumed.
        kind: what it is, `"run"` or `"search"`.
    """
    for name, value in asked.items():
        if value is not None and value != old.get(name):
            raise refusal(f"the {kind} was begun with {name} {old.get(name)!r}", f"{value!r}")


def refuse_other_values(values: dict, old: dict, kind: str, free: Sequence = ()) -> None:
    """Refuses hyperparameters that differ from those that the resumed run or search was begun with.

    Args:
        values: dict from name to a text or a value.
        old: config of what is resumed.
        kind: what it is, `"run"` or `"search"`.
        free: names that may change.
    """
    hyperparameters = old["hyperparameters"]
    for name, value in values.items():
        if name not in free and str(hyperparameters.get(name)) != str(value):
            begun = f"{name}={hyperparameters[name]}" if name in hyperparameters else f"no {name}"
            raise refusal(f"the {kind} was begun with {begun}", value)
