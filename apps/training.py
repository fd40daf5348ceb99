"""What `apps.train` does once TensorFlow is there."""

import math
import sys
import time

import keras
import tensorflow as tf

from apps import asked, catalogue, exporting, field_pictures, pictures, progress, segmenting, settings
from apps.cli import UserError, user_errors
from apps.data import Data
from apps.run_folder import RunFolder, check_makeable
from apps.scans import Scans, check_same
from keras_dl import runtime
from keras_dl.callbacks import SampleGrid


def show_options(arguments):
    """Lists the hyperparameters of a recipe."""
    recipe = asked.recipe(arguments.recipe)
    name = asked.dataset_name(arguments) or recipe.DATASET
    data = Data.load(name, asked.condition(recipe), arguments.data)
    rows = settings.table(recipe, data.spec)
    defaults = {name: default for name, default, _ in rows}
    progress.results_table(
        f"hyperparameters of {arguments.recipe}",
        {"default": defaults, "takes": {name: takes for name, _, takes in rows}},
    )


def train(arguments):
    """Trains, or goes on training, and leaves a run folder, which the first worker writes."""
    with user_errors(ValueError, RuntimeError):
        strategy = runtime.strategy(arguments.strategy, arguments.replicas)
    progress.console.quiet = not runtime.is_chief()
    folder = RunFolder(arguments.out or f"runs/{arguments.recipe}")
    old = asked.old_config(folder, arguments, "run")
    if runtime.is_chief():
        folder.check_writable() if old else folder.check_new()
        if arguments.export:
            check_makeable(arguments.export)
    config = _config(arguments, old)
    recipe = asked.recipe(config["recipe"])
    data = asked.data(recipe, config)
    with strategy.scope():
        model, options, hyperparameters = settings.build(recipe, data.spec, config["hyperparameters"], config["seed"])
    if old and isinstance(data, Scans):
        check_same(data, old, folder.path, options)
    config |= {"data": data.described(), "condition": asked.condition(recipe)}
    config |= {"hyperparameters": hyperparameters, "fit": options}
    train_data, test_data = data.pipelines(options, config["seed"])
    if train_data.order.data is not None:
        with user_errors(ValueError, about=f"the recipe cannot learn {data.name}"):
            model.check_data(train_data.order.data)
    if old:
        with strategy.scope(), user_errors(ValueError):
            model = _load(folder) or model
        done, wanted = model.state.epoch, options["epochs"]
        if done > wanted:
            raise UserError(f"{folder.path} has {done} epochs behind it; received --epochs {wanted}")
    if runtime.is_chief():  # all workers have looked into the folder: they have exchanged the initial weights
        if not old:
            folder.create()
        folder.write_config(config)
    run = Run(folder, config, data, model, arguments.checkpoint_every or "epoch")
    run.fit(train_data, test_data)
    run.report(test_data)
    if arguments.export and runtime.is_chief():
        exporting.export(folder.path, arguments.export)


class Run:
    """One training run: a model, its data and its folder."""

    def __init__(self, folder, config, data, model, every="epoch"):
        self.folder, self.config, self.data, self.model, self.every = folder, config, data, model, every
        self.epochs = config["fit"]["epochs"]

    def fit(self, train_data, test_data):
        """Trains from where the model stands to the last epoch."""
        done = self.model.state.epoch
        self._announce(done)
        if done >= self.epochs:
            return
        bar = progress.TrainingBar(self.epochs, done)
        callbacks = [KeepModel(self.folder, self.every), bar]
        if runtime.is_chief():
            grid = [self._sample_grid()] if hasattr(self.model, "sample") else []
            callbacks = [*grid, KeepHistory(self.folder, done), *callbacks]
        try:
            self.model.fit(
                train_data,
                validation_data=test_data,
                epochs=self.epochs,
                initial_epoch=done,
                verbose=0,
                callbacks=callbacks,
            )
        except KeyboardInterrupt:
            bar.close()
            self._say_how_to_resume(bar.done)
            raise
        except OSError as error:
            raise UserError(f"cannot write to {self.folder.path}: {error}; the last whole state is kept") from error
        except runtime.LostWorkerError as error:
            raise UserError(f"{error}; go on with --resume") from error
        finally:
            bar.close()

    def _sample_grid(self):
        classes = self.data.spec.num_classes if self.data.conditional else None
        condition = pictures.class_rows(classes) if classes else None
        count = len(condition) if classes else 64 if len(self.data.spec.shape) == 3 else 2000
        return SampleGrid(self.folder.pictures, count, condition, pictures.COLUMNS)

    def _announce(self, done):
        spec, name = self.data.spec, self.config["dataset"]
        parameters = self.model.count_params()
        text = f"{self.config['recipe']} on {name}: {spec.num_samples:,} samples of {'x'.join(map(str, spec.shape))}"
        progress.console.print(f"{text}, {parameters:,} parameters, {self.epochs} epochs into {self.folder.path}")
        if done:
            finished = "already finished" if done >= self.epochs else "going on"
            progress.console.print(f"{done} epochs done: {finished}")

    def _say_how_to_resume(self, done):
        command = f"python -m apps.train {self.config['recipe']} --out {self.folder.path} --resume"
        progress.console.print(f"\nstopped after {done} whole epochs, which are kept; go on with\n  {command}")

    def report(self, test_data):
        """Evaluates, draws the pictures, and shows a table and what was written."""
        test = self.model.evaluate(test_data, verbose=0, return_dict=True)
        if not runtime.is_chief():
            return
        history = self.folder.read_history()
        train = {k: v for k, v in history[-1].items() if k not in ("epoch", "seconds") and not k.startswith("val_")}
        test = {name: float(value) for name, value in test.items()}
        seconds = sum(row["seconds"] for row in history)
        self.folder.write_results({"epochs": self.epochs, "seconds": round(seconds, 1), "train": train, "test": test})
        drawn = self.draw(history, test_data)
        title = f"\nafter {self.epochs} epochs, {seconds:.0f} seconds"
        progress.results_table(title, {f"train, epoch {history[-1]['epoch']}": train, "held out": test})
        files = {
            self.folder.model_file: "the model: with keras_dl imported, keras.saving.load_model reads it",
            self.folder.history_file: "metrics after every epoch",
            self.folder.tensorboard: "tensorboard --logdir",
        }
        progress.written(files | drawn)

    def draw(self, history, test_data):
        """Draws what this model can show, of held-out images where it needs some; returns paths with their meanings."""
        path = self.folder.pictures / "loss_curves.png"
        pictures.loss_curves(path, history)
        return {path: "metrics over the epochs"} | self.show(test_data)

    def show(self, test_data):
        """Draws all but the curves."""
        if isinstance(self.data, Scans):
            return self._segment()
        model, path, drawn = self.model, self.folder.pictures, {}
        x, condition = self.data.first(test_data, 1000)
        if self.data.has_values:
            return drawn | field_pictures.draw(path, model, self.data.x, self.data.y)
        if hasattr(model, "reconstruct"):
            pictures.reconstructions(path / "reconstructions.png", model, x, condition)
            drawn[path / "reconstructions.png"] = "originals, each beside its reconstruction"
        if hasattr(model, "embed"):
            pictures.embeddings(path / "embeddings.png", model, x, condition)
            return drawn | {path / "embeddings.png": "held-out images by their embeddings' two main directions"}
        if self.data.conditional:
            pictures.classes(path / "classes.png", model, self.data.spec.num_classes)
            drawn[path / "classes.png"] = "samples by class"
        elif x.shape[1:] == (2,) and hasattr(model, "discriminate"):
            pictures.critic_field(path / "critic_field.png", model, x)
            drawn[path / "critic_field.png"] = "data and samples over the critic's scores"
        elif getattr(model, "latent_size", None) == 2:
            pictures.manifold(path / "manifold.png", model)
            drawn[path / "manifold.png"] = "images over the two-dimensional latent space"
            if hasattr(model, "encode"):
                pictures.latent_means(path / "latents.png", model, x, self.data.y_test)
                drawn[path / "latents.png"] = "where the held-out images lie in it"
        return drawn | {path / f"samples_epoch_{self.epochs:04d}.png": "samples; after fewer epochs beside it"}

    def _segment(self):
        """Segments the held-out cases whole, and compares them with their masks."""
        cases = self.data.held_out(self.config["fit"])
        found, drawn = segmenting.compare(self.folder, [self.model], self.config, cases)
        self.folder.write_evaluation({"dataset": self.data.name, "rows": len(cases), **found})
        return drawn


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
            raise UserError(f"{', '.join(broken)} not finite in epoch {epoch + 1}; the epoch before is kept")
        self.rows.append({"epoch": epoch + 1, "seconds": round(time.perf_counter() - self._began, 4), **logs})
        self._summarize(epoch + 1, logs)
        self.folder.write_history(self.rows)

    def _summarize(self, epoch, logs):
        for name, value in logs.items():
            part = "held_out" if name.startswith("val_") else "train"
            with self._writers[part].as_default():
                tf.summary.scalar(name.removeprefix("val_"), value, step=epoch)
        for writer in self._writers.values():
            writer.flush()


def _load(folder):
    """The model of the newest checkpoint or, where none is whole, of the last whole epoch; None where there is none."""
    return runtime.load_latest(folder.checkpoints) or (folder.load_model() if folder.model_file.is_file() else None)


def _config(arguments, old):
    """What is asked for, by the command line and, where a run is resumed, by its config."""
    given = {name: getattr(arguments, name) for name in ("recipe", "seed", "preset")}
    given |= {"dataset": asked.dataset_name(arguments), "folder": asked.data_folder(arguments)}
    values = asked.values(arguments)
    if old is None:
        dataset = given["dataset"] or catalogue.default_dataset(arguments.recipe)
        config = given | {"dataset": dataset, "seed": arguments.seed or 0, "hyperparameters": values}
        return config | {"versions": asked.versions(), "command": ["python", "-m", "apps.train", *sys.argv[1:]]}
    asked.refuse_changes(given, old, "run")
    if arguments.epochs not in (None, old["hyperparameters"].get("epochs")):
        progress.console.print("schedules of learning rate and weights stay those of the first command")
    for name, value in values.items():
        if name != "epochs" and str(old["hyperparameters"].get(name)) != str(value):
            raise UserError(f"the run was begun with {name}={old['hyperparameters'].get(name)}; received {value}")
    return old | {"hyperparameters": old["hyperparameters"] | {k: v for k, v in values.items() if k == "epochs"}}
