"""What a model notices of all the data of a fit, of those that stream over the first epoch."""

import threading
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import keras
import tensorflow as tf

from keras_dl.checks import refusal
from keras_dl.data.pipeline import join
from keras_dl.models.fitting.checking import is_arrays
from keras_dl.types import Nest, Tensor


class Look(Protocol):
    """What looks for a fault that data have only if all of their batches have it."""

    #: What is right, a sentence without its full stop.
    expected: str

    def add(self, values: Tensor) -> None:
        """Takes the values of a batch."""

    def fault(self) -> str | None:
        """Says what is wrong with all that was taken, `None` if nothing is."""


class Watching:
    """The part of a model that looks at all that it is trained on, as its `check_data` shows it by `watch`."""

    # Of the model.
    state: Any

    _look: Look | None = None
    _looking = threading.Lock()  # columns on disk are read in threads

    def fit_watched(self, look: Look | None, fit: Callable, *args: Any, **options: Any) -> keras.callbacks.History:
        """Returns `fit(*args, **options)`, and warns of what `look`, if there is one, finds in its first epoch."""
        self._look = look
        try:
            return fit(*args, **options)
        finally:
            self._look = None

    def watch(self, values: Tensor) -> None:
        """Shows the values of a batch."""
        look = self._look
        if look is not None and self.state.fitting:
            with self._looking:
                look.add(values)

    def evaluate(self, *args: Any, **options: Any) -> Any:
        """Evaluates the model; `ObjectiveModel.evaluate`. Within a fit, nothing held out is watched."""
        look, self._look = self._look, None
        try:
            return super().evaluate(*args, **options)  # type: ignore[misc]
        finally:
            self._look = look

    def finish_epoch(self) -> None:
        super().finish_epoch()  # type: ignore[misc]
        look, self._look = self._look, None
        fault = None if look is None else look.fault()
        if look is not None and fault is not None:
            warnings.warn(str(refusal(look.expected, fault)), stacklevel=2)


def at_hand(x: Nest, y: Nest | None = None) -> Nest | None:
    """The nest of arrays and columns on disk that `fit` is given, as such or in a pipeline; `None` of what streams."""
    if isinstance(x, tf.data.Dataset):
        return getattr(getattr(x, "order", None), "data", None)
    return join(x, y) if is_arrays(x) else None
