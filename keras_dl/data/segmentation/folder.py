"""Images and labels in a folder, as files of NIfTI, PNG or TIFF, checked before they are used."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_dl.data.segmentation import nifti, pictures
from keras_dl.data.segmentation.case import Case
from keras_dl.data.segmentation.problems import Problems, listed, named

IMAGES = ("imagesTr", "images", "image")
LABELS = ("labelsTr", "labels", "label", "masks", "mask")
_CHANNEL = re.compile(r"(.+)_(\d{4})")


class Folder(Sequence):
    """The cases of a folder, read when they are asked for; see `open_folder`.

    Attributes:
        names: The cases' names, sorted.
        num_classes: Number of classes, the background included; `None` without labels.
        label_values: The number in the files that each class has; `None` without labels.
        modalities: Of each channel: as `dataset.json` says, else `"rgb"` for three channels of a picture, else
            `"grey"` or `"mri"`.
    """

    def __init__(self, files, images, labels):
        self._files, self._images, self._labels = files, images, labels
        self.names = sorted(images)
        self.num_classes, self.label_values, self.modalities = None, None, None

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        name = self.names[index]
        image, spacing, _, source = self._files.read_image(self._images[name])
        labels = None
        if self._labels is not None:
            found = self._files.read_labels(self._labels[name])[0]
            labels = np.searchsorted(self.label_values, found).astype("int32")
        return Case(image, labels, spacing, name, source._replace(label_values=self.label_values))

    def select(self, names):
        """Returns a `Folder` of some of the cases.

        Raises:
            ValueError: If there is no case of one of the names.
        """
        unknown = sorted(set(names) - set(self.names))
        if unknown:
            raise ValueError(f"Expected names of cases in the folder. Received: {listed(unknown)}")
        part = Folder(self._files, {name: self._images[name] for name in names}, self._labels)
        part.num_classes, part.label_values, part.modalities = self.num_classes, self.label_values, self.modalities
        return part


def open_folder(folder, labelled=True, num_classes=None, label_values=None):
    """Opens a folder of images and labels, and checks every file before anything is trained on it.

    Images are in `imagesTr/`, `images/` or `image/`, labels in `labelsTr/`, `labels/`, `label/`, `masks/` or `mask/`,
    as files of the same names: `.nii.gz`, `.nii`, `.png`, `.tif`, `.tiff` or `.bmp`. Several channels are files
    `name_0000`, `name_0001` ... beside labels `name`, or the fourth axis of a NIfTI file. A `dataset.json` may name
    channels and labels, as in the Medical Segmentation Decathlon and nnU-Net.

    The label values are those of `label_values`; else 0 to `num_classes - 1`, if that is given or in `dataset.json`;
    else the values that the files hold, which must be 0, 1, 2 ... without a gap, or 0 and 255. Masks may be empty.

    Args:
        folder: The folder, or without labels also one that holds images itself.
        labelled: Whether there are labels.
        num_classes: Number of classes, the background included.
        label_values: Increasing integers: the value in the files of each class, the background first.

    Returns:
        A `Folder`: a sequence of `Case`s.

    Raises:
        FileNotFoundError: If there is no such folder, or no images or labels in it.
        ValueError: With the first of all problems found: an image without labels or labels without an image, shapes or
            places in space that differ, other numbers of channels or axes, a label value that is no class, values that
            are not finite, a damaged file.

    Example:

    >>> import tempfile
    >>> from keras_dl.data.segmentation.pictures import PictureSource
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for kind, values in (("images", 7), ("labels", [0, 255, 255])):
    ...         PictureSource().write(np.full((2, 3), values), Path(folder, kind, "a.png"))
    ...     cases = open_folder(folder)
    ...     cases.names, cases.label_values, cases[0].labels.tolist()
    (['a'], (0, 255), [[0, 1, 1], [0, 1, 1]])
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"Expected a folder of images. Received: {folder}, which is none")
    files, images = _files(_inside(folder, IMAGES, alone=not labelled))
    labels = _by_stem(_inside(folder, LABELS), files) if labelled else None
    cases = Folder(files, _with_channels(images, labels), labels)
    _check_pairs(cases, labels)
    description = _description(folder)
    if label_values is None:
        num_classes = num_classes or description.get("num_classes")
        label_values = None if num_classes is None else tuple(range(num_classes))
    channels, found = _check_files(cases, label_values)
    if labelled:
        cases.label_values = _consecutive(found) if label_values is None else tuple(label_values)
        cases.num_classes = len(cases.label_values)
    default = (
        ("rgb",) * 3 if files is pictures and channels == 3 else ("grey" if files is pictures else "mri",) * channels
    )
    modalities = description.get("modalities", ())
    cases.modalities = modalities if len(modalities) == channels else default
    return cases


def _inside(folder, names, alone=False):
    found = [folder / name for name in names if (folder / name).is_dir()]
    if found or alone:
        return found[0] if found else folder
    there = listed(sorted(path.name for path in folder.iterdir())) or "nothing"
    raise FileNotFoundError(f"Expected a folder {' or '.join(names)} in {folder}. Received: {there}")


def _files(folder):
    """Returns the module that reads the folder's files, and these by their names without suffix."""
    for files in (nifti, pictures):
        if found := _by_stem(folder, files):
            return files, found
    suffixes = ", ".join((*nifti.SUFFIXES, *pictures.SUFFIXES))
    raise FileNotFoundError(f"Expected images ({suffixes}) in {folder}. Received: none")


def _by_stem(folder, files):
    found = {}
    for path in sorted(folder.iterdir()):
        suffix = next((s for s in files.SUFFIXES if path.name.lower().endswith(s)), None)
        if suffix and not path.name.startswith("."):
            found[path.name[: -len(suffix)]] = path
    return found


def _with_channels(images, labels):
    """Groups files `name_0000`, `name_0001` ... by name, where labels (or all images) say that these are channels."""
    matches = {stem: _CHANNEL.fullmatch(stem) for stem in images}
    grouped = {}
    for stem, path in images.items():
        match = matches[stem]
        are_channels = match and (match[1] in labels and stem not in labels if labels else _all_channels(matches))
        grouped.setdefault(match[1] if are_channels else stem, []).append(path)
    return grouped


def _all_channels(matches):
    """Whether each name comes with its first channel."""
    return all(match and f"{match[1]}_0000" in matches for match in matches.values())


def _check_pairs(cases, labels):
    without = [] if labels is None else sorted(set(cases.names) - set(labels))
    alone = [] if labels is None else sorted(set(labels) - set(cases.names))
    if without or alone:
        found = [f"no labels for {listed(without)}"] if without else []
        found += [f"no image for {listed(alone)}"] if alone else []
        raise ValueError(f"Expected labels of the same name for every image. Received: {'; '.join(found)}")


def _check_files(cases, label_values):
    """Reads everything once; returns the number of channels, and the label values that each case holds."""
    problems, shapes, found = Problems(), {}, {}
    for name in cases.names:
        with problems:
            image, _, affine, _ = cases._files.read_image(cases._images[name])
            paths = cases._images[name]
            if not np.isfinite(image).all():
                raise ValueError(f"Expected finite values. Received: NaN or infinity in {named(paths[0])}")
            shapes.setdefault((image.ndim - 1, image.shape[-1]), []).append(name)
            if cases._labels is not None:
                path = cases._labels[name]
                labels, label_affine = cases._files.read_labels(path)
                cases._files.check_same_grid(image, affine, labels, label_affine, named(path))
                found[name] = _check_values(labels, label_values, path)
    if len(shapes) > 1:
        kinds = "; ".join(f"{axes} axes, {n} channels in {listed(names)}" for (axes, n), names in shapes.items())
        problems.messages.insert(0, f"Expected images of as many axes and channels each. Received: {kinds}")
    problems.check()
    return next(iter(shapes))[1], found


def _check_values(labels, label_values, path):
    values = np.unique(labels)
    if labels.dtype.kind not in "biu" and not (np.isfinite(values).all() and (values == np.round(values)).all()):
        raise ValueError(f"Expected whole numbers as labels. Received: {listed(map(str, values))} in {named(path)}")
    values = [int(value) for value in values]
    strangers = [v for v in values if v < 0 or (label_values is not None and v not in label_values)]
    if strangers:
        known = "labels of at least 0" if label_values is None else f"the labels {listed(map(str, label_values))}"
        raise ValueError(f"Expected {known}. Received: {listed(map(str, strangers))} in {named(path)}")
    return values


def _consecutive(found):
    values = sorted({value for values in found.values() for value in values} | {0})
    if values == [0, 255] or values == list(range(len(values))):
        return tuple(values) if len(values) > 1 else (0, 1)
    missing = next(v for v in range(len(values)) if values[v] != v)
    rare = min(values[missing:], key=lambda v: sum(v in held for held in found.values()))
    where = [name for name, held in found.items() if rare in held]
    raise ValueError(
        "Expected labels 0, 1, 2 ... without a gap, or 0 and 255; else give `label_values`. "
        f"Received: {listed(map(str, values))}, of which {rare} in {listed(where)}"
    )


def _description(folder):
    """Reads numbers of classes and modalities from `dataset.json`, where there is one."""
    path = folder / "dataset.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        labels = content.get("labels", {})
        keys = [int(v) for v in (labels if all(map(str.isdecimal, labels)) else labels.values())]
        channels = content.get("channel_names", content.get("modality", {}))
        modalities = tuple(str(channels[key]).lower() for key in sorted(channels, key=int))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"Expected dataset.json to name labels and channels. Received: {error!r}") from error
    return {"num_classes": max(keys) + 1 if keys else None, "modalities": modalities}
