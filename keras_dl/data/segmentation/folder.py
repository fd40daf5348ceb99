"""Images and labels in a folder, as files of NIfTI, PNG or TIFF, checked before they are used."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_dl.data.segmentation import file_names, pictures
from keras_dl.data.segmentation.case import Case
from keras_dl.data.segmentation.problems import Problems, listed, named


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


def open_folder(folder, labelled=True, num_classes=None, label_values=None, channels=None):
    """Opens a folder of images and labels, and checks every file before anything is trained on it.

    Images are in `imagesTr/`, `images/` or `image/`, labels in `labelsTr/`, `labels/`, `label/`, `masks/` or `mask/`,
    as files of the same names: `.nii.gz`, `.nii`, `.png`, `.tif`, `.tiff` or `.bmp`. Several channels are files
    `name_0000`, `name_0001` ... beside labels `name`, or the fourth axis of a NIfTI file. A `dataset.json` may name
    channels and labels, as in the Medical Segmentation Decathlon and nnU-Net.

    The label values are those of `label_values`; else 0 to `num_classes - 1`, if that is given or in `dataset.json`;
    else the values that the files hold, which must be 0, 1, 2 ... without a gap, or 0 and 255. Masks may be empty.
    Where a picture has a coloured palette, its labels are the indices.

    Args:
        folder: The folder, or without labels also one that holds images itself.
        labelled: Whether there are labels.
        num_classes: Number of classes, the background included.
        label_values: Increasing integers: the value in the files of each class, the background first.
        channels: Number of channels of an image, if it is known: without labels, more files `name_0000`, `name_0001`
            ... are images of their own.

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
    _check_classes(num_classes, label_values)
    cases = Folder(*file_names.find(folder, labelled, channels))
    description = _description(folder)
    if label_values is None:
        num_classes = num_classes or description.get("num_classes")
        label_values = None if num_classes is None else tuple(range(num_classes))
    num_channels, found = _check_files(cases, label_values)
    if labelled:
        cases.label_values = _consecutive(found) if label_values is None else tuple(label_values)
        cases.num_classes = len(cases.label_values)
    kind = "mri" if cases._files is not pictures else "rgb" if num_channels == 3 else "grey"
    modalities = description.get("modalities", ())
    cases.modalities = modalities if len(modalities) == num_channels else (kind,) * num_channels
    return cases


def _check_classes(num_classes, label_values):
    if num_classes is not None and (not isinstance(num_classes, int) or num_classes < 1):
        raise ValueError(f"`num_classes` must be a positive integer. Received: num_classes={num_classes!r}")
    values = [] if label_values is None else list(label_values)
    if any(int(v) != v for v in values) or values != sorted(set(values)) or min(values, default=0) < 0:
        raise ValueError(
            f"`label_values` must be increasing integers of at least 0. Received: label_values={label_values!r}"
        )
    if num_classes is not None and values and len(values) != num_classes:
        raise ValueError(f"`num_classes` and `label_values` differ. Received: {num_classes} and {label_values!r}")


def _check_files(cases, label_values):
    """Reads everything once; returns the number of channels, and the label values that each case holds."""
    problems, shapes, found = Problems(), {}, {}
    for name in cases.names:
        with problems:
            image, _, affine, _ = cases._files.read_image(cases._images[name])
            paths = cases._images[name]
            if not np.isfinite(image).all():
                raise ValueError(f"Expected finite values. Received: NaN or infinity in {listed(map(named, paths))}")
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
        "Expected labels 0, 1, 2 ... without a gap, or 0 and 255; else renumber them, or give `label_values`. "
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
