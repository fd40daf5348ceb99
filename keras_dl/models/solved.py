"""Models that arrays fit in closed form: one epoch, without steps, with Keras' callbacks and history."""

import keras

from keras_dl.models.base import ObjectiveModel
from keras_dl.models.fitting import class_weights, feeding
from keras_dl.models.fitting.checking import check, check_numbers, check_options, check_ranks, is_arrays, reads_disk
from keras_dl.models.fitting.progress import Callbacks, as_list, check_callbacks
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
        arrays = is_arrays(x) and not reads_disk(x)
        if self.solves and arrays:
            x, options = self._whole(x, y, options)
            self.check_training(x)
            return self._fit_arrays(x, **options)
        if arrays and not isinstance(x, (tuple, list, dict)):
            check(self, x)
            self.check_training(x)
        return super().fit(x, y, **options)

    def _whole(self, x, y, options):
        """The array that is solved and the options that count there, checked as those of training by steps are."""
        check_options("fit", keras.Model.fit, options)
        check_numbers(options)
        weight, split = options.get("sample_weight"), options.get("validation_split")
        if options.get("class_weight") is not None:
            class_weights.check_alone("fit", weight, y)
        check(self, x, y, weight)
        x = x[0] if isinstance(x, (tuple, list)) else x
        if split and options.get("validation_data") is None:
            x, _, _, options["validation_data"] = feeding.split_rows(x, None, None, split)
        check_ranks(self, options.get("validation_data"))
        options["validation_data"] = feeding.held_out_data(self, options)
        check_callbacks(self, as_list(options.get("callbacks")))
        return x, options

    def _fit_arrays(self, x, callbacks=None, verbose="auto", validation_data=None, **options):
        self.stop_training = False
        shown = {"add_history": True, "add_progbar": verbose != 0, "verbose": 1 if verbose == "auto" else verbose}
        callbacks = Callbacks(as_list(callbacks), steps=1, epochs=1, model=self, **shown)
        callbacks.on_train_begin()
        callbacks.on_epoch_begin(0)
        with self.distribute_strategy.scope():
            logs = self.solve(x)
        if validation_data is not None:
            logs |= {f"val_{name}": value for name, value in self._held_out(validation_data, options).items()}
        callbacks.on_epoch_end(0, logs)
        callbacks.on_train_end(logs)
        return self.history

    def _held_out(self, data, options):
        """What `evaluate` finds of held-out data, with the options of `fit` that are about them."""
        data = data[0] if isinstance(data, (tuple, list)) else data
        batch_size = options.get("validation_batch_size") or options.get("batch_size")
        steps = options.get("validation_steps")
        return self.evaluate(data, batch_size=batch_size, steps=steps, verbose=0, return_dict=True)
