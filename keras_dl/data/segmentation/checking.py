"""Checks of a folder: what its files have to share, and which labels they may hold."""

import numbers

import numpy as np

from keras_dl.checks import check_count, refusal
from keras_dl.data.segmentation.problems import listed, named

LARGEST_RATIO = 50  # of a case's spacing to the median one, along an axis
MOST_LABELS = 64  # that the files alone say; numbered objects are taken for classes otherwise
LARGEST_MEAN_RATIO = 8  # of the geometric mean over the axes


def check_classes(num_classes, label_values, ignore=None):
    """Refuses arguments of `open_folder` that are no classes."""
    if num_classes is not None:
        check_count(num_classes, "num_classes")
    values = [] if label_values is None else list(label_values)
    whole = all(isinstance(v, numbers.Real) and not isinstance(v, bool) and v % 1 == 0 for v in values)
    if not whole or values != sorted(set(values)) or min(values, default=0) < 0:
        raise refusal("`label_values` should be increasing integers of at least 0", label_values=label_values)
    if num_classes is not None and values and len(values) != num_classes:
        raise refusal("`num_classes` and `label_values` differ", f"{num_classes} and {label_values!r}")
    integer = isinstance(ignore, numbers.Integral) and not isinstance(ignore, bool)
    if ignore is not None and (not integer or ignore in {0, *values}):
        raise refusal("`ignore` should be an integer that is no class", ignore=ignore)


def check_labels(labels, allowed, path, ignore=None):
    """Returns the set of the values of a mask, or refuses those that are none of the allowed ones.

    Args:
        labels: Integer array.
        allowed: A set of values, or `None` for any of at least 0.
        path: The file.
        ignore: A value that is allowed, too, or `None`.
    """
    values = {int(value) for value in np.unique(labels)}
    strangers = sorted(v for v in values - {ignore} if v < 0 or (allowed is not None and v not in allowed))
    if strangers:
        known = "labels of at least 0" if allowed is None else f"the labels {listed(map(str, sorted(allowed)))}"
        raise refusal(f"a mask should hold {known}", f"{listed(map(str, strangers))} in {named(path)}")
    return values


def consecutive(values):
    """Returns the label of each class, of the sets of labels that cases hold, by name."""
    labels = sorted({value for labels_of_case in values.values() for value in labels_of_case} | {0})
    if labels == [0, 255] or labels == list(range(len(labels))):
        return tuple(labels) if len(labels) > 1 else (0, 1)
    missing = next(v for v in range(len(labels)) if labels[v] != v)
    rare = min(labels[missing:], key=lambda v: sum(v in labels_of_case for labels_of_case in values.values()))
    holders = [name for name, labels_of_case in values.items() if rare in labels_of_case]
    raise refusal(
        "labels should be 0, 1, 2 ... without a gap, or 0 and 255; else renumber them, or give `label_values`, "
        "or `ignore` for pixels that train nothing",
        f"{listed(map(str, labels))}, of which {rare} in {listed(holders)}",
    )


def label_doubts(values, described, folder):
    """Returns what lets one suspect that labels mean something else than classes, in words, or `None`.

    Args:
        values: Sets of the labels that cases hold, by name.
        described: The label of each class as `dataset.json` names them, or `None` where the files alone say them.
        folder: What the message calls the folder.

    Example:

    >>> label_doubts({"a": {1, 2}, "b": {1, 3}}, None, "pets")
    'no mask in pets holds 0, which is taken for the background beside 1, 2, 3: renumber labels that begin with 1'
    """
    labels = sorted(set().union(*values.values()))
    missing = sorted(set(described or ()) - {0, *labels})
    if missing and any(labels):
        return f"no mask in {folder} holds {listed(map(str, missing))}, of the labels that dataset.json names"
    if described is None and labels and 0 not in labels:
        known = listed(map(str, labels))
        text = f"no mask in {folder} holds 0, which is taken for the background beside {known}"
        return f"{text}: renumber labels that begin with 1"
    if described is None and len(labels) > MOST_LABELS:
        text = f"masks in {folder} hold {len(labels)} labels, each of which is taken for a class"
        return f"{text}: of numbered objects, such as cells, save all as 1; of classes, name them in dataset.json"
    return None


def check_alike(opened, modalities, problems):
    """Adds to problems what images do not share.

    Args:
        opened: Of each case, by name, its `Opened`.
        modalities: Of each channel as a description says, or none.
        problems: A `Problems`.
    """
    shapes, layouts = {}, {}
    for name, image in opened.items():
        shapes.setdefault((image.image.ndim - 1, image.image.shape[-1]), []).append(name)
        kinds = () if modalities else image.modalities
        layouts.setdefault((image.layout, kinds), []).append(name)
    if len(shapes) > 1:
        kinds = "; ".join(f"{axes} axes, {n} channels in {listed(names)}" for (axes, n), names in shapes.items())
        problems.messages.insert(0, f"images should have as many axes and channels each. Received: {kinds}")
    elif len(layouts) > 1:
        kinds = "; ".join(f"{_kinds(*key)} in {listed(names)}" for key, names in layouts.items())
        problems.messages.insert(0, f"every image should have the same channels. Received: {kinds}")
    elif modalities and shapes and next(iter(shapes))[1] != len(modalities):
        problems.messages.insert(
            0,
            f"images should have the {len(modalities)} channels that dataset.json names, "
            f"{listed(modalities)}; name each. "
            f"Received: {next(iter(shapes))[1]} in {listed(opened)}",
        )
    elif opened:
        _check_spacings(opened, problems)


def _kinds(layout, modalities):
    text = ", ".join(modalities) or f"{sum(layout)} channels"
    return text if len(layout) == 1 else f"{text} ({' + '.join(map(str, layout))} of {len(layout)} files)"


def _check_spacings(opened, problems):
    """A spacing in another unit is plausible alone, and absurd beside the others."""
    logs = {name: np.log(image.spacing) for name, image in opened.items()}
    # A spacing that some case has: what lies between those of two cases is that of none.
    middle = np.percentile(list(logs.values()), 50, axis=0, method="lower")
    for name, log in logs.items():
        ratios = np.abs(log - middle)
        if ratios.max() > np.log(LARGEST_RATIO) or abs((log - middle).mean()) > np.log(LARGEST_MEAN_RATIO):
            usual = ", ".join(f"{value:.3g}" for value in np.exp(middle))
            spacing = ", ".join(f"{value:.3g}" for value in opened[name].spacing)
            problems.messages.append(
                f"spacings should be in one unit, here about {usual}; correct the header. Received: {spacing} in {name}"
            )
