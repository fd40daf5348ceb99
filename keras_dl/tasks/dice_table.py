"""Table of Dice scores and Hausdorff distances, by case and class and in the mean."""

import math

import numpy as np

from keras_dl import metrics
from keras_dl.tasks.measure import Measure

SCORES = {"dice": ("Dice of whole cases", "max"), "hausdorff_95": ("Hausdorff 95", "min")}
NOTES = {
    "dice": "Dice from 0 to 1, higher is better; ± is one standard error over the cases",
    "hausdorff_95": "Hausdorff distance in the unit of the spacing (mm of medical scans), lower is better",
}


def scores(case, labels, num_classes):
    """Rows of one case: the Dice score of each class but the background, and its Hausdorff distance."""
    dice = metrics.dice_score(case.labels, labels, num_classes)
    distance = metrics.hausdorff_95(case.labels, labels, case.spacing, num_classes)
    pairs = list(enumerate(zip(dice.tolist(), distance.tolist(), strict=True)))[1:]
    return [{"case": case.name, "class": label, "dice": d, "hausdorff_95": h} for label, (d, h) in pairs]


def measures(rows):
    """Means over the cases in which a class occurs, and over the classes, as `Measure`s by name.

    A class that only the mask or only the prediction has is at an infinite distance, which the mean leaves out: in how
    many cases that is, is a measure of its own.
    """
    means = {}
    for label in _classes(rows):
        distances = _known(rows, label, "hausdorff_95")
        means[f"cases_class_{label}"] = Measure(len(distances), title="")
        means[f"missed_or_made_up_class_{label}"] = Measure(_infinite(distances), direction="min", title="")
        for score, (_, direction) in SCORES.items():
            means[f"{score}_class_{label}"] = Measure(_mean(_finite(rows, label, score)), None, direction)
    for score, (_, direction) in SCORES.items():
        values = [means[f"{score}_class_{label}"].value for label in _classes(rows)]
        mean = _mean([value for value in values if value is not None])
        means[f"{score}_mean"] = Measure(mean, None, direction, note=NOTES[score])
    return means


def columns(rows):
    """The table's columns: means and their standard errors by class, and how many cases they are of."""
    table = {title: {} for title, _ in SCORES.values()} | {"cases": {}, "missed or made up": {}}
    for label in _classes(rows):
        name = f"class {label}"
        for score, (title, _) in SCORES.items():
            table[title][name] = _text(_finite(rows, label, score))
        distances = _known(rows, label, "hausdorff_95")
        table["cases"][name] = str(len(_known(rows, label, "dice")))
        table["missed or made up"][name] = str(_infinite(distances))
    means = measures(rows)
    for score, (title, _) in SCORES.items():
        table[title]["mean"] = means[f"{score}_mean"].text
    return table


def _classes(rows):
    return sorted({row["class"] for row in rows})


def _known(rows, label, score):
    """The scores of a class in the cases in which it occurs."""
    return [row[score] for row in rows if row["class"] == label and not math.isnan(row[score])]


def _finite(rows, label, score):
    return [value for value in _known(rows, label, score) if math.isfinite(value)]


def _infinite(distances):
    return sum(math.isinf(distance) for distance in distances)


def _mean(values):
    return float(np.mean(values)) if values else None


def _text(values):
    """A mean with its standard error; nothing of no values."""
    if not values:
        return ""
    error = f" ± {np.std(values, ddof=1) / len(values) ** 0.5:.4f}" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{error}"
