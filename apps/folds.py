"""All folds of a set of scans, one run after another: `apps.train RECIPE --folds`."""

import copy
import csv
import json

import keras

from apps import asked, progress, segmenting, settings, training
from apps.cli import UserError
from apps.run_folder import RunFolder
from apps.scans import NUM_FOLDS


def train(arguments):
    """Trains a run for each fold into OUT/fold_0 to OUT/fold_4, and brings their held-out cases together."""
    if asked.condition(asked.recipe(arguments.recipe)) != "masks":
        raise UserError(f"--folds is for recipes of scans with masks; {arguments.recipe} is none")
    if "fold" in settings.assignments(arguments.set):
        raise UserError("--folds trains all folds, and --set fold=... one of them; give one of the two")
    out = RunFolder(arguments.out or f"runs/{arguments.recipe}")
    if out.exists():
        raise UserError(f"{out.path} holds a run of its own; give another --out for the folds")
    if out.folds() and not arguments.resume:
        raise UserError(f"{out.path} already holds folds: go on with --resume, or give another --out")
    for number in range(NUM_FOLDS):
        one = copy.copy(arguments)
        one.out = str(out.path / f"fold_{number}")
        one.export = arguments.export and f"{arguments.export}_fold_{number}"
        one.set = [*arguments.set, f"fold={number}"]
        progress.console.print(f"\nfold {number} of 0 to {NUM_FOLDS - 1}")
        keras.backend.clear_session()
        training.train(one)
    report(out)


def report(out):
    """Shows and writes the scores of all cases, each by the model that has not seen it."""
    rows = []
    for folder in out.folds():
        with (folder / "cases.csv").open(newline="", encoding="utf-8") as file:
            rows += [
                {"case": row["case"], "class": int(row["class"])}
                | {name: float(row[name]) for name in ("dice", "hausdorff_95")}
                for row in csv.DictReader(file)
            ]
    found, shown = segmenting.summary(rows)
    count = len({row["case"] for row in rows})
    progress.results_table(f"\nall {count} cases, each by the model of the fold that left it out", shown)
    segmenting.write_rows(out.path / "cases.csv", rows)
    data = json.loads((out.folds()[0] / "config.json").read_text(encoding="utf-8"))["dataset"]
    out.write_evaluation({"dataset": data, "rows": count, **found})
    progress.written(
        {
            out.path / "cases.csv": "the scores of every case and class",
            out.evaluation_file: "their means",
            out.path / "fold_*": f"the runs; python -m apps.segment {out.path} takes them as an ensemble",
        }
    )
