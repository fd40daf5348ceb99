"""Checkpoints: never lose work."""

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_dl.checks import check_path, refusal
from keras_dl.models.base import ObjectiveModel
from keras_dl.models.fitting import epoch_metrics
from keras_dl.runtime import callback_states, checkpoint_files
from keras_dl.runtime.strategy import is_chief
from keras_dl.types import PathLike

MODEL, STATE, ARRAYS = "model.keras", "state.json", "arrays.npz"


def latest(folder: PathLike) -> Path | None:
    """Returns the path of the newest whole checkpoint in a folder, or `None` if there is none.

    A checkpoint that is damaged is passed over with a warning, and the one before it used. `model.keras` in it is the
    model, which `keras.saving.load_model` reads too.

    Args:
        folder: Folder that a `Checkpoint` wrote to; it need not exist.

    Example:

    >>> keras_dl.runtime.latest("no/such/folder") is None
    True
    """
    folder = check_path(folder, "folder")
    position = checkpoint_files.newest(folder)
    return None if position is None else Path(folder) / position.name


def restore(model: keras.Model, folder: PathLike) -> Path | None:
    """Brings a model to the state of the newest whole checkpoint in a folder.

    Weights, averaged weights, every optimizer, random state and the place in the data; the next `fit` goes on from
    there. Under several workers all of them must call it. Nothing but numbers is read: no code, no configuration.

    Args:
        model: Compiled `keras_dl` model, built as the one that was saved.
        folder: Folder that a `Checkpoint` wrote to.

    Returns:
        The checkpoint's path, or `None` if there is none: the model is then left as it is.

    Raises:
        TypeError: If the model is not a compiled `keras_dl` model.
        ValueError: If the checkpoint is another model's, or workers see different checkpoints.

    Example:

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> def build():
    ...     model = keras_dl.models.Supervised(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]), seed=0)
    ...     model.compile("adam", loss="mse")
    ...     return model
    >>> model = build()
    >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0,
    ...     callbacks=[keras_dl.runtime.Checkpoint(folder)])
    >>> again = build()
    >>> keras_dl.runtime.restore(again, folder).name, again.state.epoch
    ('epoch_00003_step_000000003', 3)
    """
    _check_model(model)
    path = _agreed(folder, model.distribute_strategy)
    if path is not None:
        _load_weights(model, path)
    return path


def load_latest(folder: PathLike) -> Any:
    """Loads the model of the newest whole checkpoint in a folder, in the scope of the strategy at hand.

    Like `restore`, but model, optimizers and schedules are those that were saved. Keras' safe mode is on: no code is
    run from the file.

    Args:
        folder: Folder that a `Checkpoint` wrote to.

    Returns:
        A compiled model, or `None` if there is no checkpoint.

    Raises:
        ValueError: If workers see different checkpoints.
    """
    path = _agreed(folder, tf.distribute.get_strategy())
    return None if path is None else keras.saving.load_model(path / MODEL)


class Checkpoint(keras.callbacks.Callback):
    """Keeps the last checkpoints of a run, from which it resumes to the bit wherever it was killed.

    A checkpoint holds the weights and their averages, every optimizer, the random state, the place in the data, the
    epoch's metrics so far and the state of the other callbacks (see `callback_states`). It is written to a hidden
    folder and given its name in one step; sums tell a damaged one. Under several workers the first one writes.

    With arrays, or a dataset made by `keras_dl.data.pipeline`, the resumed run is the uninterrupted one. Other
    datasets must give the same batches in every epoch of every process.

    Args:
        folder: Folder of the run's checkpoints.
        every: `"epoch"`, or a number of steps; within an epoch a checkpoint is taken when the call that passes a
            multiple of it returns (`fit` may run several steps a call). The end of training is kept in any case.
        keep: How many checkpoints are kept.
        resume: Whether `fit` begins with `restore`. Its `epochs` counts from the beginning of the run, and so it does
            if the model was restored before.

    Raises:
        ValueError: If `every` or `keep` is out of range; in `fit`, if the folder holds checkpoints of a run that the
            model does not continue.
        OSError: In `fit`, if a checkpoint cannot be written; earlier ones stay as they are.

    Example:

    >>> import tempfile
    >>> checkpoint = keras_dl.runtime.Checkpoint(tempfile.mkdtemp(), every=100, keep=2, resume=True)
    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model = keras_dl.models.Supervised(network, seed=0)
    >>> model.compile("adam", loss="mse")
    >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0, callbacks=[checkpoint])
    >>> keras_dl.runtime.latest(checkpoint.folder).name
    'epoch_00003_step_000000003'
    """

    acts_on_batches = False  # it counts steps, stacked or not
    runs_last = True  # the states of all other callbacks are those after this batch or epoch

    def __init__(self, folder: PathLike, every: int | str = "epoch", keep: int = 3, resume: bool = False):
        super().__init__()
        if every != "epoch" and (isinstance(every, bool) or not isinstance(every, int) or every < 1):
            raise refusal("every should be 'epoch' or a positive number of steps", every=every)
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise refusal("keep should be a positive integer", keep=keep)
        self.folder, self.every, self.keep, self.resume = check_path(folder, "folder"), every, keep, resume
        self._writes, self._callbacks = is_chief(), []
        self._saved: Any = None

    def set_callbacks(self, callbacks: Sequence) -> None:
        """Takes the list of all callbacks of a `fit`; called by it."""
        self._callbacks = [callback for callback in callbacks if callback is not self]

    def on_train_begin(self, logs: dict | None = None) -> None:
        _check_model(self.model)
        self.model._initial_epoch = None
        if self.resume:
            restore(self.model, self.folder)
        self._saved = self._position()
        newest = checkpoint_files.newest(self.folder)
        if newest is not None and newest != self._saved:
            raise refusal(
                "The folder should be new, or the model restored from it (resume=True, or restore)",
                f"{self.folder}, which holds {newest.name}, and a model at {self._saved.name}",
            )
        if newest is not None and self.model.state.restored:
            self._take_up(Path(self.folder) / newest.name)
        if self._writes:
            checkpoint_files.tidy(self.folder, self._saved, self.keep)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self.every == "epoch" or self.model.state.skip:
            return
        if self._position().step // self.every > self._saved.step // self.every:
            self.save()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if (self.every == "epoch" or last) and self._position() != self._saved:
            self.save()

    def save(self) -> Path:
        """Writes a checkpoint now and returns its path. Under several workers all of them must call it."""
        position = self._position()
        if self._writes:
            checkpoint_files.write(self.folder, position, self._write)
            checkpoint_files.tidy(self.folder, position, self.keep)
        else:
            with tempfile.TemporaryDirectory() as folder:  # to save a model, workers exchange their metrics
                self.model.save(Path(folder) / MODEL)
        self._saved = position
        return Path(self.folder) / position.name

    def _position(self):
        state = self.model.state
        return checkpoint_files.Position(state.epoch, int(state.step.numpy()))

    def _write(self, path):
        self.model.save(path / MODEL)
        content = {
            "stop_training": bool(self.model.stop_training),
            "callbacks": callback_states.get_states(self._callbacks),
        }
        callback_states.save(content, path / STATE, path / ARRAYS)

    def _take_up(self, path):
        """Gives the callbacks their states, and `fit` the epoch to begin with."""
        content = callback_states.load(path / STATE, path / ARRAYS)
        callback_states.set_states(self._callbacks, content["callbacks"])
        stopped = content["stop_training"]
        self.model._initial_epoch = self.params["epochs"] if stopped else self.model.state.epoch


def _load_weights(model, path):
    expected = f"The model should be the one that {path} holds"
    with model.distribute_strategy.scope(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model.load_weights(path / MODEL)
        except (ValueError, KeyError) as error:
            raise refusal(expected, error) from error
    skipped = [str(warning.message) for warning in caught if str(warning.message).startswith("Skipping")]
    if skipped:  # Keras warns of optimizers and layers that it leaves as they were
        raise refusal(expected, skipped[0])


def _check_model(model):
    if not isinstance(model, ObjectiveModel):
        raise refusal(
            "model should be a keras_dl model (`models.Supervised` makes one of any network)",
            f"{type(model).__name__}",
            error=TypeError,
        )
    if not model.updates:
        raise refusal("model should be compiled: a checkpoint holds its optimizers", "one that is not", error=TypeError)


def _agreed(folder, strategy):
    """The newest whole checkpoint, or `None`, which all workers must have found before any of them loads it."""
    folder = check_path(folder, "folder")
    position = checkpoint_files.newest(folder)
    if strategy.num_replicas_in_sync > 1:
        step = -1 if position is None else position.step
        (steps,) = epoch_metrics.gather(strategy, lambda: [tf.constant(step, tf.int64)])
        different = sorted(set(steps.numpy().tolist()))
        if len(different) > 1:
            names = [f"one of step {step}" for step in different if step >= 0]
            names = ["none", *names] if different[0] < 0 else names
            raise refusal(f"All workers should find the same checkpoint in {folder}", f"{', '.join(names)}")
    return None if position is None else Path(folder) / position.name
