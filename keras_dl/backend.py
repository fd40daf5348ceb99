"""What Keras computes with, which has to be TensorFlow: importing this module says so in one sentence."""

import os

from keras_dl.checks import refusal


def _backend():
    try:
        import keras
    except ImportError:  # the backend that was chosen is not installed
        chosen = os.environ.get("KERAS_BACKEND", "tensorflow")
        if chosen == "tensorflow":
            raise
        return chosen
    return keras.config.backend()


if _backend() != "tensorflow":
    raise refusal(
        "keras_dl computes with TensorFlow: set KERAS_BACKEND=tensorflow, in the environment or in keras.json",
        f"the backend {_backend()!r}",
        error=ImportError,
    )
