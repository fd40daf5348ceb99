"""What a save does beside Keras: its lists found once, and a warning of parts that no other process can load."""

import warnings

import keras
from keras.src.backend.common import global_state  # where Keras keeps the list; both are not exported
from keras.src.saving import saving_lib

# Modules whose classes Keras finds by itself.
_KNOWN_MODULES = ("keras", "builtins")
KINDS = ("Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss")


def remember_left_out():
    """Puts Keras' lists where Keras looks for them.

    Keras stores what it found under "saving_attr_skipset_..." and looks under "saving_attr_skiplist_...". So every
    save makes a new optimizer to read its attributes; the names of its two variables are new, and for a variable of
    a new name TensorFlow keeps a kernel for as long as the process lives: 70 KiB a save.
    """
    for kind in KINDS:
        name = f"saving_attr_skiplist_{kind}"
        if global_state.get_global_attribute(name) is None:
            global_state.set_global_attribute(name, saving_lib.get_attr_skipset(kind))


def warn_of_unregistered(config):
    """Warns of classes and functions in a config that Keras will not find when it loads the file.

    Args:
        config: A nest of dicts and lists, as `get_config` returns it.
    """
    names = sorted(set(_unregistered(config)))
    if names:
        warnings.warn(
            f"{', '.join(names)} should be registered by @keras.saving.register_keras_serializable(): without, the "
            "saved model is loaded only with custom_objects that name them.",
            stacklevel=4,
        )


def _unregistered(config):
    if isinstance(config, dict):
        name, module = config.get("registered_name"), config.get("module")
        own = "class_name" in config and name and (module or "").split(".")[0] not in _KNOWN_MODULES
        if own and keras.saving.get_registered_object(name) is None:
            yield name
        for value in config.values():
            yield from _unregistered(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _unregistered(value)
