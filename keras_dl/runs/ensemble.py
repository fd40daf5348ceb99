"""Ensembles of runs: the folds of one set of scans, or runs that share a plan."""

from keras_dl.checks import refusal
from keras_dl.runs.folder import RunFolder
from keras_dl.tasks.dice_table import columns, measures
from keras_dl.tasks.measure import Report
from keras_dl.tasks.rows import read_rows, write_rows
from keras_dl.tasks.scan_configs import plan_of, trained_on
from keras_dl.tasks.segmentation import Ensemble


def of_runs(folders, mirror=True):
    """Loads the models of runs as one ensemble.

    Args:
        folders: list of `RunFolder`s.
        mirror: whether mirror images are averaged, if all runs were trained on mirror images.

    Returns:
        `keras_dl.tasks.Ensemble`.

    Raises:
        ValueError: if a run is none of a segmenter, or the runs do not share a plan or classes.
        OSError: if a folder holds no run.
    """
    configs = [folder.read_config() for folder in folders]
    plan = common_plan(folders, configs)
    mirror = mirror and all(config["fit"]["mirroring"] for config in configs)
    models = [folder.load_model() for folder in folders]
    return Ensemble(models, plan, mirror, configs[0]["data"]["label_values"])


def common_plan(folders, configs):
    """The plan that all runs share, but for the size of batches; an ensemble averages on one grid, over classes."""
    for folder, config in zip(folders, configs, strict=True):
        if "plan" not in config["fit"]:
            text = f"{folder.path} holds no run of a segmenter: {config['recipe']} makes no masks"
            raise refusal(text, f"{folder.path}")
    plans = [plan_of(config)._replace(batch_size=1) for config in configs]
    values = [config["data"]["label_values"] for config in configs]
    for folder, plan, labels in zip(folders, plans, values, strict=True):
        if plan != plans[0]:
            text = f"{folder.path} was planned otherwise than {folders[0].path}: they make no ensemble"
            raise refusal(text, plan)
        if labels != values[0]:
            text = f"the masks of {folder.path} hold {labels}, and those of {folders[0].path} {values[0]}"
            raise refusal(f"{text}: they make no ensemble", labels)
    return plans[0]


def pooled(folder):
    """Brings together the scores of all cases of a folder of folds, each by the model that has not seen it.

    Args:
        folder: `RunFolder` with folds.

    Returns:
        `keras_dl.tasks.Report`; its files are written.
    """
    rows, seen = [], set()
    for fold in folder.folds():
        of_fold = read_rows(fold / "cases.csv")
        seen |= {row["case"] for row in of_fold} & trained_on(RunFolder(fold).read_config())
        rows += of_fold
    count = len({row["case"] for row in rows})
    by = "all of which the model was trained on" if seen else "each by the model of the fold that left it out"
    title = f"all {count} cases, {by}"
    write_rows(folder.path / "cases.csv", rows)
    files = {
        folder.path / "cases.csv": "the scores of every case and class",
        folder.evaluation_file: "their means",
        folder.path / "fold_*": f"the runs; python -m apps.segment {folder.path} takes them as an ensemble",
    }
    return Report(measures(rows), count, [(title, columns(rows))], files)
