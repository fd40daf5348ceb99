"""States of callbacks as plain data: read before a checkpoint is written, given back when a run resumes.

A callback of one's own takes part by two methods:

    get_state()        returns a dict of numbers, texts, lists, dicts, `None` and arrays
    set_state(state)   takes it back; called after `on_train_begin`

Keras' own callbacks have no such methods; for them `STANDARD` names the attributes that make up their state.
"""

import json
import warnings
from typing import Any

import keras
import numpy as np

from keras_dl.checks import refusal

STANDARD = {
    keras.callbacks.EarlyStopping: ("best", "best_epoch", "best_weights", "stopped_epoch", "wait"),
    keras.callbacks.History: ("epoch", "history"),
    keras.callbacks.ModelCheckpoint: ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    keras.callbacks.ReduceLROnPlateau: ("best", "cooldown_counter", "wait"),
}


def get_states(callbacks):
    """Returns a list of `[name of the class, state]`, one for every callback that has a state."""
    states = ([type(callback).__name__, _get(callback)] for callback in callbacks)
    return [[name, state] for name, state in states if state is not None]


def set_states(callbacks, states):
    """Gives callbacks their states back: the first of a class the first state of that class, and so on."""
    waiting = [callback for callback in callbacks if _get(callback) is not None]
    for name, state in states:
        callback = next((callback for callback in waiting if type(callback).__name__ == name), None)
        if callback is None:
            warnings.warn(f"The checkpoint holds the state of a {name}, which this run does not have", stacklevel=2)
            continue
        waiting.remove(callback)
        _set(callback, state)


def save(content, text_path, arrays_path):
    """Writes nested plain data with arrays in it as a JSON file and an `.npz` file."""
    arrays: dict[str, Any] = {}

    def encode(value):
        if isinstance(value, np.generic):
            return value.item()
        if keras.ops.is_tensor(value) or isinstance(value, np.ndarray):
            arrays[f"array_{len(arrays)}"] = np.asarray(value)
            return {"__array__": f"array_{len(arrays) - 1}"}
        raise refusal(
            "The state of a callback should be numbers, texts, lists, dicts or arrays", f"{value!r}", error=TypeError
        )

    text_path.write_text(json.dumps(content, default=encode, indent=1))
    with open(arrays_path, "wb") as file:
        np.savez(file, **arrays)


def load(text_path, arrays_path):
    """Reads what `save` wrote."""
    with np.load(arrays_path, allow_pickle=False) as file:
        arrays = dict(file)

    def decode(content):
        return arrays[content["__array__"]] if "__array__" in content else content

    return json.loads(text_path.read_text(), object_hook=decode)


def _get(callback):
    if hasattr(callback, "get_state"):
        return callback.get_state()
    for kind, names in STANDARD.items():
        if isinstance(callback, kind):
            return {name: getattr(callback, name) for name in names if hasattr(callback, name)}
    return None


def _set(callback, state):
    if hasattr(callback, "get_state"):
        callback.set_state(state)
        return
    for name, value in state.items():
        setattr(callback, name, value)
