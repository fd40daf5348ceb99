"""Whole scans segmented by the models of runs, compared with their masks, and written as files and pictures."""

import csv
import math
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from apps import progress, scan_pictures
from apps.cli import UserError, user_errors
from apps.run_folder import RunFolder
from apps.scans import plan_of
from keras_dl import metrics
from keras_dl.data import segmentation

PICTURED = 6


def compare(folder, models, config, cases, kind="held-out cases"):
    """Segments cases and compares them with their masks.

    Prints a table and writes `cases.csv`, predictions and overlays into the run folder.

    Args:
        folder: `RunFolder`.
        models: the models, whose probabilities are averaged.
        config: the run's config, which says the plan, and whether mirror images are averaged.
        cases: sequence of `Case`s with labels.
        kind: what the table calls them.

    Returns:
        `(found, written)`: the mean scores, a dict of numbers, and what was written, a dict of meanings by path.
    """
    rows, pictured = [], []
    plan, mirror = plan_of(config), config["fit"]["mirroring"]
    for case, labels in segmented(models, plan, cases, mirror):
        rows += scores(case, labels, plan.num_classes)
        if len(pictured) < PICTURED:
            pictured.append((case, labels))
        if case.source is not None:
            case.source.write(labels, folder.path / "predictions" / f"{case.name}{case.source.suffix}")
    found, shown = summary(rows)
    progress.results_table(f"\n{len(cases)} {kind}, segmented whole", shown)
    files = {folder.path / "cases.csv": "the scores of every case and class"}
    write_rows(folder.path / "cases.csv", rows)
    picture = folder.pictures / "overlays.png"
    scan_pictures.overlays(picture, pictured, plan.num_classes)
    files[picture] = "some cases: the image, its mask, and what the model makes of it"
    if (folder.path / "predictions").is_dir():
        files[folder.path / "predictions"] = "the masks that the model makes, as files like those of the data"
    return found, files


def segment(arguments):
    """Segments the images of a folder by one run's model, or by several as an ensemble."""
    folders = [RunFolder(run) for path in arguments.folders for run in RunFolder(path).folds() or [path]]
    configs = [folder.read_config() for folder in folders]
    plan = common_plan(folders, configs)
    axes, channels = len(plan.spacing), len(plan.normalizations)
    with user_errors(ValueError, OSError, ImportError):
        cases = segmentation.open_folder(arguments.data, labelled=False, channels=channels)
        found = len(cases[0].spacing), len(cases.modalities)
    if found != (axes, channels):
        text = f"the models take images of {axes} axes and {channels} channels"
        raise UserError(f"{text}; those of {arguments.data} have {found[0]} and {found[1]}")
    values, target = configs[0]["data"]["label_values"], Path(arguments.out)
    if target.resolve() in segmentation.taken(arguments.data):
        raise UserError(f"--out {target} holds the images or masks of --data; give another folder")
    models, pictured = [folder.load_model() for folder in folders], []
    if len(models) > 1:
        progress.console.print(f"an ensemble of {', '.join(str(folder.path) for folder in folders)}")
    mirror = all(config["fit"]["mirroring"] for config in configs) and not arguments.no_mirroring
    with user_errors(OSError, about=f"cannot write to {target}"):
        target.mkdir(parents=True, exist_ok=True)
        for case, labels in segmented(models, plan, cases, mirror):
            source = case.source._replace(label_values=tuple(values))
            source.write(labels, target / f"{case.name}{source.suffix}")
            if len(pictured) < PICTURED:
                pictured.append((case, labels))
        scan_pictures.overlays(target / "overlays.png", pictured, plan.num_classes)
    meaning = f"the masks of {len(cases)} cases, as files like the images"
    progress.written({target: meaning, target / "overlays.png": "some of them over their images"})


def segmented(models, plan, cases, mirror=True):
    """Yields each case with the labels that the models give it."""
    functions = [probabilities(model) for model in models]
    for case in progress.tracked(cases, f"segmenting {len(cases)} cases"):
        with user_errors(ValueError):
            yield case, segmentation.segment(functions, case, plan, mirror=mirror)


def probabilities(model):
    """A compiled function from patches to the probabilities of their pixels' classes, at full resolution."""

    @tf.function(reduce_retracing=True)
    def predict(patches):
        outputs = model(patches, training=False)
        return tf.nn.softmax(tf.nest.flatten(outputs)[0])

    return lambda patches: keras.ops.convert_to_numpy(predict(tf.convert_to_tensor(patches)))


def common_plan(folders, configs):
    """The plan that all runs share, but for the size of batches; an ensemble averages on one grid, over classes."""
    for folder, config in zip(folders, configs, strict=True):
        if "plan" not in config["fit"]:
            raise UserError(f"{folder.path} holds no run of a segmenter: {config['recipe']} makes no masks")
    plans = [plan_of(config)._replace(batch_size=1) for config in configs]
    values = [config["data"]["label_values"] for config in configs]
    for folder, plan, held in zip(folders, plans, values, strict=True):
        if plan != plans[0]:
            raise UserError(f"{folder.path} was planned otherwise than {folders[0].path}: they make no ensemble")
        if held != values[0]:
            text = f"the masks of {folder.path} hold {held}, and those of {folders[0].path} {values[0]}"
            raise UserError(f"{text}: they make no ensemble")
    return plans[0]


def scores(case, labels, num_classes):
    """Rows of one case: the Dice score of each class but the background, and its Hausdorff distance."""
    dice = metrics.dice_score(case.labels, labels, num_classes)
    distance = metrics.hausdorff_95(case.labels, labels, case.spacing, num_classes)
    pairs = list(enumerate(zip(dice.tolist(), distance.tolist(), strict=True)))[1:]
    return [{"case": case.name, "class": label, "dice": d, "hausdorff_95": h} for label, (d, h) in pairs]


def summary(rows):
    """Means over the cases in which a class occurs, and their standard errors: as numbers, and as a table's columns.

    A class that only the mask or only the prediction has is at an infinite distance: it is counted, and left out of
    the mean distance.
    """
    found, columns = {}, {"Dice": {}, "Hausdorff 95": {}, "cases": {}, "missed or made up": {}}
    for label in sorted({row["class"] for row in rows}):
        dice = _known(rows, label, "dice")
        distances = _known(rows, label, "hausdorff_95")
        near = [distance for distance in distances if math.isfinite(distance)]
        key, name = f"class_{label}", f"class {label}"
        found[f"dice_{key}"], columns["Dice"][name] = _mean(dice)
        found[f"hausdorff_95_{key}"], columns["Hausdorff 95"][name] = _mean(near)
        columns["cases"][name], columns["missed or made up"][name] = str(len(dice)), str(len(distances) - len(near))
    for score, title in (("dice", "Dice"), ("hausdorff_95", "Hausdorff 95")):
        values = [value for name, value in found.items() if name.startswith(f"{score}_class") and value is not None]
        found[f"{score}_mean"] = float(np.mean(values)) if values else None
        columns[title]["mean"] = f"{np.mean(values):.4f}" if values else ""
    return found, columns


def write_rows(path, rows):
    """Writes dicts as a CSV file, in one step."""
    temporary = path.with_name(f".new_{path.name}")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)


def _known(rows, label, score):
    """The scores of a class in the cases in which it occurs."""
    return [row[score] for row in rows if row["class"] == label and not math.isnan(row[score])]


def _mean(values):
    """A mean and its text with the standard error; None and nothing of no values."""
    if not values:
        return None, ""
    error = f" ± {np.std(values, ddof=1) / len(values) ** 0.5:.4f}" if len(values) > 1 else ""
    return float(np.mean(values)), f"{np.mean(values):.4f}{error}"
