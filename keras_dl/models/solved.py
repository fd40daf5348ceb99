"""Models that arrays fit in closed form: one epoch, without steps, with Keras' callbacks and history."""

import keras

from keras_dl.models.base import ObjectiveModel
from keras_dl.models.base.checking import check, is_arrays, reads_disk
from keras_dl.models.base.fitting import as_list
from keras_dl.models.base.progress import Callbacks
from keras_dl.types import Nest, Tensor


class SolvedModel(ObjectiveModel):
    """Base of models that `fit` solves where it is given arrays, and trains step by step on other data.

    A family writes `solves`, whether its method has a closed form, and `solve(x)`, which moves the weights and returns
    the logs of the epoch.
    """

    #: Whether arrays are fitted by `solve`.
    solves = False

    def solve(self, x: Tensor) -> dict[str, float]:
        """Moves the weights to those that are best for a matrix `x`; returns the logs, a dict of numbers."""
        raise NotImplementedError(f"{type(self).__name__} should define solve(x).")

    def check_training(self, x: Tensor) -> None:
        """Refuses arrays from which nothing can be learned, before any work starts."""

    def fit(self, x: Nest = None, y: Nest = None, **options) -> keras.callbacks.History:  # type: ignore[override]
        if not self.compiled:
            self.compile()
        if is_arrays(x) and not reads_disk(x) and not isinstance(x, (tuple, list, dict)):
            check(self, x)
            self.check_training(x)
        if self.solves and y is None and is_arrays(x) and not reads_disk(x):
            return self._fit_arrays(x, **options)
        return super().fit(x, y, **options)

    def _fit_arrays(self, x, callbacks=None, verbose="auto", validation_data=None, epochs=1, **options):
        self.stop_training = False
        shown = {"add_history": True, "add_progbar": verbose != 0, "verbose": 1 if verbose == "auto" else verbose}
        callbacks = Callbacks(as_list(callbacks), steps=1, epochs=1, model=self, **shown)
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(0)
        with self.distribute_strategy.scope():
            logs = self.solve(x)
        if validation_data is not None:
            held_out = validation_data[0] if isinstance(validation_data, (tuple, list)) else validation_data
            batch_size = options.get("validation_batch_size") or options.get("batch_size")
            found = self.evaluate(held_out, batch_size=batch_size, verbose=0, return_dict=True)
            logs |= {f"val_{name}": value for name, value in found.items()}
        callbacks.on_epoch_end(0, logs)
        callbacks.on_train_end(logs)
        return self.history
