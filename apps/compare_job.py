"""One job of a comparison: a recipe that is trained within the budget, and measured."""

import contextlib
import dataclasses
import json
import resource
import statistics
import sys
import time

import keras

from apps import catalogue, cli, train, train_options
from apps.cli import UserError, user_errors

FEATURES = "features.keras"
DRAWN, ROUNDS = 256, 5  # samples in a call whose time is taken, and calls


class Budget(keras.callbacks.Callback):
    """Ends training after the epoch in which the time runs out.

    Args:
        seconds: the time that is left; None for no end.
    """

    runs_last = True  # the epoch is kept

    def __init__(self, seconds):
        super().__init__()
        self.end = None if seconds is None else time.perf_counter() + seconds

    def on_epoch_end(self, epoch, logs=None):
        if self.end is not None and time.perf_counter() >= self.end:
            self.model.stop_training = True


def check(plan):
    """Refuses, before any is trained, recipes that draw no samples or do not learn from the data set."""
    for recipe in plan["recipes"]:
        if not catalogue.module(recipe).TASK.generates:
            raise UserError(f"{recipe} does not generate, and is not compared by samples")
        with user_errors(ValueError, OSError, ImportError, about=f"{recipe} cannot be trained on {plan['dataset']}"):
            steps_per_epoch(recipe, plan["dataset"])


def run(out, plan, job):
    """Trains a job from where it stands, and writes `compared.json` into its run folder."""
    from keras_dl import files, runtime
    from keras_dl.models.base import NotFiniteError
    from keras_dl.runs import closing

    recipe, _, seed = job.rpartition("-")
    figures: dict = {"runtime": runtime.describe()}
    with contextlib.ExitStack() as stack:
        training, pipelines = opened(out, plan, job, recipe, seed, stack)
        try:
            spend(training, pipelines, plan["budget"])
            if training.model.state.epoch < training.epochs:
                closing.note_end(training.folder, "stopped", "its budget of time was spent")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # before features are learned
            figures["peak_megabytes"] = round(peak / (1024 if sys.platform == "linux" else 1024**2))
            if not (out / FEATURES).is_file():
                wait_for(out, stack)  # the first job learns the features of all
            figures |= measured(training, pipelines[1], out / FEATURES, plan["num_samples"])
        except NotFiniteError as error:
            figures["ended"] = f"diverged: {error}"
    text = json.dumps(figures, indent=2) + "\n"
    files.replace(out / job / "compared.json", lambda path: path.write_text(text, encoding="utf-8"))


def wait_for(folder, stack):
    """Holds a folder until the stack ends, as soon as no other job does."""
    from keras_dl.runs import locked

    while True:
        try:
            return stack.enter_context(locked(folder))
        except BlockingIOError:
            time.sleep(0.5)


def opened(out, plan, job, recipe, seed, stack):
    """The run of a job, new or from where it stands, and its data."""
    folder = out / job
    words = [recipe, "--out", str(folder), "--seed", seed]
    if (folder / "config.json").is_file():
        words += ["--resume"]
    else:
        words += ["--dataset", plan["dataset"]]
    if "steps" in plan["budget"]:
        words += ["--epochs", str(-(-plan["budget"]["steps"] // steps_per_epoch(recipe, plan["dataset"])))]
    sys.argv = ["apps.train", *words]  # what the run's config says it was begun with
    return train.opened(train_options.parser(words).parse(words), stack)


def steps_per_epoch(recipe, dataset):
    """How many batches of a recipe's own size a pass over a data set has."""
    from keras_dl.runs import space

    module = catalogue.module(recipe)
    with user_errors(ValueError, OSError, ImportError):
        data = module.TASK.load(dataset)
    defaults = {row[0]: row[1] for row in space.table(module, data.spec)}
    return -(-data.spec.num_samples // int(defaults.get("batch_size", 128)))


def spend(training, pipelines, budget):
    """Trains until the budget or the epochs are at their end."""
    from apps.training_bar import TrainingBar

    done = training.model.state.epoch
    left = budget.get("seconds")
    if left is not None:
        left -= sum(row["seconds"] for row in training.folder.read_history(done))
    if done < training.epochs and (left is None or left > 0):
        bar = TrainingBar(training.epochs, done, training.task.progress, training.task.titles)
        try:
            training.fit(*pipelines, [bar, Budget(left)])
        except KeyboardInterrupt:
            raise SystemExit(cli.INTERRUPTED) from None
        finally:
            bar.close()


def measured(training, test_data, features, num_samples):
    """Returns the figures of a trained run, and leaves its results, pictures and report."""
    from keras_dl.tasks.features import sample_measures
    from keras_dl.tasks.measure import flat

    model, task, data = training.model, training.task, training.data
    history = training.folder.read_history()
    training.finish(test_data, epoch=history[-1]["epoch"])
    context = training.context
    figures = flat(task.measures(model, data, context)) if task.has_density else {}
    drawn = dataclasses.replace(context, num_samples=num_samples, features=str(features))
    figures |= flat(sample_measures(model, data, drawn))
    training.folder.write_evaluation({"dataset": data.name, "rows": data.num_held_out(context.options), **figures})
    figures |= {"weights": model.count_params(), "epochs": history[-1]["epoch"], "steps": int(model.state.step.numpy())}
    figures |= with_error("seconds_per_epoch", [row["seconds"] for row in history][1:] or [history[0]["seconds"]])
    return figures | with_error("samples_per_second", speeds(model, data))


def speeds(model, data):
    """Returns samples per second of a few calls, after one that is not timed."""
    condition = data.y_test[:1].repeat(DRAWN, axis=0) if data.conditional else None
    rates = []
    for seed in range(ROUNDS + 1):
        began = time.perf_counter()
        keras.ops.convert_to_numpy(model.sample(DRAWN, condition=condition, seed=seed))
        rates.append(DRAWN / (time.perf_counter() - began))
    return rates[1:]


def with_error(name, values):
    """Returns the mean of values, and its standard error if there are several."""
    figures = {name: statistics.fmean(values)}
    if len(values) > 1:
        figures[f"{name}_standard_error"] = statistics.stdev(values) / len(values) ** 0.5
    return figures
