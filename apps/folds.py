"""Runs of all folds of scans: the option `--folds` of `apps.train`."""

import copy
from pathlib import Path

from apps import catalogue, cli
from apps.cli import UserError, user_errors


def train_all(arguments, train):
    """Trains a run for each fold into OUT/fold_0, OUT/fold_1 ..., and brings their held-out cases together.

    There are five, or as many as `--groups` makes; how many, the first one's config tells.

    Args:
        arguments: the arguments of `apps.train`.
        train: function that trains one run, given arguments.
    """
    import keras

    from apps import show
    from keras_dl.runs import RunFolder, ensemble
    from keras_dl.tasks.scan_configs import num_folds

    out = RunFolder(arguments.out or f"runs/{catalogue.title(arguments.recipe)}")
    check_folds(arguments, out)
    number, count = 0, None
    while number != count:
        show.say(f"\nfold {number}" + (f" of 0 to {count - 1}" if count else ""))
        keras.backend.clear_session()
        train(fold_arguments(arguments, out, number))
        count = count or num_folds(RunFolder(out.folds()[0]).read_config())
        number += 1
    with user_errors(ValueError, OSError):
        pooled = ensemble.pooled(out)
        dataset = RunFolder(out.folds()[0]).read_config()["dataset"]
        out.write_evaluation({"dataset": dataset, "rows": pooled.rows, **pooled.results})
    show.report(pooled)
    show.written(pooled.files)


def check_folds(arguments, out):
    """Refuses folds of a recipe that has none, and a folder that they cannot go to."""
    if catalogue.module(arguments.recipe).TASK.condition != "masks":
        raise UserError(f"--folds is for recipes of scans with masks; {arguments.recipe} is none")
    if "fold" in cli.assignments(arguments.set):
        raise UserError("--folds trains all folds, and --set fold=... one of them; give one of the two")
    if out.exists():
        raise UserError(f"{out.path} holds a run of its own; give another --out for the folds")
    if out.folds() and not arguments.resume:
        raise UserError(f"{out.path} already holds folds: go on with --resume, or give another --out")
    if not out.folds():
        with user_errors(OSError):
            out.check_new()


def fold_arguments(arguments, out, number):
    """The arguments with which one fold is trained."""
    one = copy.copy(arguments)
    one.out = str(Path(out.path) / f"fold_{number}")
    one.export = arguments.export and f"{arguments.export}_fold_{number}"
    one.resume = arguments.resume and (Path(one.out) / "config.json").is_file()
    one.set = [*arguments.set, f"fold={number}"]
    return one
