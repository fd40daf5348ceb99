"""Training runs: a model, its data and its folder."""

import math
import time
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_dl import runtime
from keras_dl.callbacks.sheets import epoch_title
from keras_dl.checks import refusal
from keras_dl.models.base import NotFiniteError
from keras_dl.report.curves import phase_begins, phases_in_words
from keras_dl.runs import closing, extension, space
from keras_dl.tasks.drawing import loss_curves
from keras_dl.tasks.measure import Context, silent, untracked
from keras_dl.types import Say, Track

SKIPPED = ("epoch", "seconds", "phase")
#: What tells TensorBoard that a value is a number to plot, as its own `tf.summary.scalar` does if it is installed.
SCALAR = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"}, data_class="DATA_CLASS_SCALAR")


def prepare(
    folder: Any, recipe: Any, config: dict, data: Any, strategy: Any, resumes: bool = False, extend: bool = False
) -> tuple:
    """Builds or loads the model of a run, and checks that it can learn the data.

    Args:
        folder: `RunFolder`.
        recipe: module with `build`, `fit_options` and `TASK`.
        config: what was asked for: at least `hyperparameters` and `seed`.
        data: what the task's `load` returned.
        strategy: `tf.distribute` strategy in whose scope the model lies.
        resumes: whether the run goes on from what its folder holds.
        extend: whether schedules become those of all the epochs that are wanted; see `extension.stretched`.

    Returns:
        `(model, config, pipelines)`: the model, the config with what the run is made of, and the task's pipelines.

    Raises:
        ValueError: if the recipe cannot be built like that, the data do not fit, a file is damaged, or epochs are
            wanted in which the learning rate is 0.
    """
    with strategy.scope():
        model, options, hyperparameters = space.build(recipe, data.spec, config["hyperparameters"], config["seed"])
    if resumes:
        data.check_resumed(config, folder.path, options)
    config = config | {"data": data.described(), "condition": recipe.TASK.condition}
    config |= {"hyperparameters": hyperparameters, "fit": options}
    if len(model.phases.phases) > 1:
        config |= {"phases": [phase.name for phase in model.phases.phases]}
    pipelines = data.pipelines(options, config["seed"])
    try:
        data.check_learnable(model, pipelines[0])
    except ValueError as error:
        raise ValueError(f"the recipe cannot learn {data.name}: {error}") from error
    if resumes:
        with strategy.scope():
            model = extension.stretched(model, folder) if extend else _latest(folder) or model
        done, epochs = model.state.epoch, options["epochs"]
        if done > epochs:
            raise refusal(f"{folder.path} has {done} epochs behind it", f"--epochs {epochs}")
        extension.check_rates(model, folder.path, epochs, int(pipelines[0].cardinality()))
    return model, config, pipelines


class Run:
    """One training run.

    Args:
        folder: `RunFolder`, which exists and holds the config.
        config: the run's config.
        task: `keras_dl.tasks.Task`.
        data: what the task's `load` returned.
        model: the compiled model.
        every: after how many steps a checkpoint is kept; `"epoch"` for every epoch.
        track: function `track(items, title)` that goes through items.
        say: function that is told lines of text.
    """

    def __init__(
        self,
        folder: Any,
        config: dict,
        task: Any,
        data: Any,
        model: Any,
        every: int | str = "epoch",
        track: Track = untracked,
        say: Say = silent,
    ):
        self.folder, self.config, self.task, self.data, self.model = folder, config, task, data, model
        self.every, self.track, self.say = every, track, say
        self.epochs = config["fit"]["epochs"]

    @property
    def context(self) -> Context:
        """The `Context` of the run's measures and pictures."""
        more: dict = {"track": self.track, "say": self.say, "epoch": int(self.model.state.epoch)}
        return Context(self.folder.path, self.config["fit"], self.config["seed"], **more)

    def fit(self, train_data: Any, test_data: Any, callbacks: Sequence = ()) -> None:
        """Trains from where the model stands to the last epoch; on the first worker, writes history and pictures."""
        done = self.model.state.epoch
        callbacks = [KeepModel(self.folder, self.every), *callbacks]
        if runtime.is_chief():
            drawing = self.task.callbacks(self.data, self.folder.pictures)
            callbacks = [*drawing, KeepHistory(self.folder, done), *callbacks]
        span = {"epochs": self.epochs, "initial_epoch": done}
        with closing.diverging(self.folder):
            self.model.fit(train_data, validation_data=test_data, verbose=0, callbacks=callbacks, **span)

    def finish(self, test_data: Any, measured: dict | None = None, epoch: int | None = None) -> tuple | None:
        """Evaluates the model, draws the pictures and writes the results.

        Args:
            test_data: held-out data.
            measured: dict of what is known of the model besides, or None.
            epoch: number of epochs behind the model; None for all.

        Returns:
            `(train, test, seconds, report)`: dicts of metrics, the time that training took, and the task's `Report`,
            whose files are all that were drawn; None on workers that write nothing.
        """
        test = self.model.evaluate(test_data, verbose=0, return_dict=True)
        if not runtime.is_chief():
            return None
        history, epoch = self.folder.read_history(epoch), epoch or self.epochs
        last = history[-1] if history else {}
        train = {k: v for k, v in last.items() if k not in SKIPPED and not k.startswith("val_")}
        test = (measured or {}) | {name: float(value) for name, value in test.items()}
        seconds = sum(row.get("seconds", 0.0) for row in history)
        self.folder.write_results({"epochs": epoch, "seconds": round(seconds, 1), "train": train, "test": test})
        curves = self.folder.pictures / "loss_curves.png"
        title = epoch_title(self.model, self.data.name, epoch, what="Metrics")
        if train:  # a history that was removed has no curves
            phases = phase_begins(history)
            note = phases_in_words(phases, self.config.get("phases", ()))
            loss_curves(curves, history, title, self.task.units, self.task.titles, phases, note)
        report = self.task.finish(self.model, self.data, self.folder.pictures, self.context)
        if report.measures:
            self.folder.write_evaluation({"dataset": self.data.name, "rows": report.rows, **report.results})
        drawn = {curves: "metrics over the epochs"} if train else {}
        report = report._replace(files={**drawn, **report.files})
        closing.close(self, test_data, report.files)
        return train, test, seconds, report

    def draw_samples(self, epoch: int) -> None:
        """Draws what the task draws after an epoch, for a model that was trained elsewhere."""
        for callback in self.task.callbacks(self.data, self.folder.pictures):
            callback.set_model(self.model)
            callback.on_epoch_end(epoch - 1)
            callback.on_train_end()


class KeepModel(runtime.Checkpoint):
    """Keeps the last states of the run, and the model after the last whole epoch as `model.keras`."""

    def __init__(self, folder, every):
        super().__init__(folder.checkpoints, every)
        self.run_folder = folder

    def on_epoch_end(self, epoch, logs=None):
        path = self.save()
        if runtime.is_chief():
            self.run_folder.keep_model(path / "model.keras")


class KeepHistory(keras.callbacks.Callback):
    """Keeps the history and TensorBoard logs after every epoch, and refuses to go on from NaN."""

    def __init__(self, folder, done):
        super().__init__()
        self.folder = folder
        self.rows = folder.read_history(epochs=done)
        parts = {part: str(folder.tensorboard / part) for part in ("train", "held_out")}
        self._writers = {part: tf.summary.create_file_writer(path) for part, path in parts.items()}
        self._began = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in (logs or {}).items()}
        broken = [name for name, value in logs.items() if not math.isfinite(value)]
        if broken:
            raise NotFiniteError(f"{', '.join(broken)} not finite in epoch {epoch + 1}; the epoch before is kept")
        self.rows.append({"epoch": epoch + 1, "seconds": round(time.perf_counter() - self._began, 4), **logs})
        self._summarize(epoch + 1, logs)
        self.folder.write_history(self.rows)

    def _summarize(self, epoch, logs):
        for name, value in logs.items():
            part = "held_out" if name.startswith("val_") else "train"
            with self._writers[part].as_default():
                tf.summary.write(name.removeprefix("val_"), tf.constant(value), epoch, SCALAR)
        for writer in self._writers.values():
            writer.flush()


def _latest(folder):
    """The model of the newest checkpoint or, if none is whole, of the last whole epoch; None if there is none."""
    return runtime.load_latest(folder.checkpoints) or (folder.load_model() if folder.model_file.is_file() else None)
