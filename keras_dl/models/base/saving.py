"""Keras' list of attributes that a file leaves out, found once a process instead of at every save."""

from keras.src.backend.common import global_state  # where Keras keeps the list; both are not exported
from keras.src.saving import saving_lib

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
