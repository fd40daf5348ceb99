"""What is saved of a model, and what a save does beside Keras."""

import warnings
from typing import Any

import keras
from keras.src.backend.common import global_state  # where Keras keeps the list; both are not exported
from keras.src.saving import saving_lib

from keras_dl.checks import refusal
from keras_dl.types import PathLike

# Modules whose classes Keras finds by itself.
_KNOWN_MODULES = ("keras", "builtins")
# Where Keras looks for functions that a file names.
_FUNCTIONS = (keras.activations, keras.initializers, keras.losses, keras.metrics, keras.ops)
KINDS = ("Layer", "Functional", "Sequential", "Metric", "Optimizer", "Loss")


class Saved(keras.Model):
    """The part of an `ObjectiveModel` that Keras' files hold."""

    def get_config(self) -> dict:
        """Returns the arguments of this class; a family adds its own, networks by `serialize_keras_object`."""
        return {"name": self.name, "seed": self.seed, "ema_momentum": self.ema_momentum}

    def get_compile_config(self) -> dict | None:
        """Returns the arguments of `compile`, all optimizers among them; `None` before it."""
        if not self.compiled:
            return None
        optimizers = {n: keras.saving.serialize_keras_object(getattr(self, n)) for n in self.optimizer_names}
        optimizers |= self._rescaled_from  # which compile rescales again
        main = next((n for n in self.optimizer_names if getattr(self, n) is self.optimizer), None)
        main = "auto" if self.shares_rates else main
        choices = {**self.compile_choices, "run_eagerly": self.run_eagerly, "auto_scale_loss": self._scales_loss}
        choices |= {} if self._checks_finite else {"check_finite": False}
        return {"optimizer": main, **choices, **optimizers}

    def compile_from_config(self, config: dict) -> None:
        """Compiles with what `get_compile_config` returned; the weights of optimizers follow from the file."""
        config = dict(config)
        for name in self.optimizer_names:
            config[name] = keras.saving.deserialize_keras_object(config[name])
        self.compile(**config)

    def save(self, *args, **options) -> None:
        """Writes the model to a file; `keras.Model.save`, with a warning of parts that could not be loaded again.

        Raises:
            ValueError: If the file is to be HDF5, of which Keras loads no class but its own.
        """
        filepath = str(next(iter(args), options.get("filepath", "")))
        if filepath.endswith((".h5", ".hdf5")):
            raise refusal("`filepath` should end in .keras (a model in HDF5 could not be loaded)", filepath=filepath)
        warn_of_unregistered([self.get_config(), self.get_compile_config()])
        return super().save(*args, **options)

    def load_weights(self, filepath: PathLike, *args, **options) -> None:
        """Reads weights and optimizers from a file; `keras.Model.load_weights`.

        Steps, noise and the order of the data go on where the file stopped, too. A `.keras` file is a whole model: the
        next `fit` goes on within its epoch, as after `load_model`. After a file of weights (`.weights.h5`) it begins
        with the first batch of an epoch, as that of Keras does, unless a callback reads it within `fit`
        (`keras.callbacks.BackupAndRestore`).
        """
        super().load_weights(filepath, *args, **options)
        if not (self.state.fitting or str(filepath).endswith(".keras")):
            self.state.give_up_place()

    def save_own_variables(self, store: Any) -> None:
        """Writes what Keras' files would lack: step, seed, place in the data and the state of generators."""
        remember_left_out()
        super().save_own_variables(store)
        self.state.save(store)

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` wrote."""
        names = set(store.keys())
        # Keras' own reader wants nothing else in the store. Weights of the family's own bear the numbers that it gives.
        for number, variable in enumerate(self._trainable_variables + self._non_trainable_variables):
            if str(number) not in names:
                raise refusal(f"The file should hold the model's own weight {variable.path!r}", "none")
            variable.assign(store[str(number)])
        self.state.load(store)


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
        if config.get("class_name") == "function":
            name = config["config"]
            own = not any(hasattr(functions, name) for functions in _FUNCTIONS)
        if own and keras.saving.get_registered_object(name) is None:
            yield name
        for value in config.values():
            yield from _unregistered(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _unregistered(value)
