"""Images and labels in a folder, as files of NIfTI or pictures, each read and checked once before it is used."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from keras_dl.checks import check_path, refusal
from keras_dl.data.segmentation import file_names
from keras_dl.data.segmentation.case import Case
from keras_dl.data.segmentation.checking import check_alike, check_classes, check_labels, consecutive, label_doubts
from keras_dl.data.segmentation.colours import check_alike_depth, check_colours, check_depth
from keras_dl.data.segmentation.description import describe
from keras_dl.data.segmentation.labels import compact, to_classes
from keras_dl.data.segmentation.listing import check_listed
from keras_dl.data.segmentation.problems import Problems, listed, named
from keras_dl.data.segmentation.store import MEMORY, Store
from keras_dl.types import PathLike


class Folder(Sequence):
    """The cases of a folder, whose files have been read; see `open_folder`.

    Attributes:
        names: The cases' names, sorted.
        num_classes: Number of classes, the background included; `None` without labels.
        label_values: The number in the files that each class has; `None` without labels.
        ignore: The number in the files of pixels that train nothing, which become -100; or `None`.
        modalities: Of each channel: as `dataset.json` says, else `"rgb"` for the colours of a picture, else `"grey"`
            or `"mri"`.
        classes: The classes that each case has, sets by name; `None` without labels.
    """

    def __init__(self, cases: Mapping, **attributes):
        self._cases = cases
        self.names = sorted(cases)
        self.num_classes = self.label_values = self.ignore = self.modalities = self.classes = None
        vars(self).update(attributes)

    def __len__(self):
        return len(self.names)

    def __getitem__(self, index: int | slice):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        name = self.names[index]
        opened, labels = self._cases[name]
        if labels is not None:
            labels = to_classes(labels, self.label_values, self.ignore)
        source = opened.source._replace(label_values=self.label_values)
        return Case(opened.image.astype("float32"), labels, opened.spacing, name, source)

    def select(self, names: Sequence) -> Self:
        """Returns a `Folder` of some of the cases.

        Raises:
            ValueError: If there is no case of one of the names.
        """
        unknown = sorted(set(names) - set(self.names))
        if unknown:
            raise refusal("names should be those of cases in the folder", f"{listed(unknown)}")
        attributes = {name: value for name, value in vars(self).items() if name not in ("names", "_cases")}
        return type(self)({name: self._cases[name] for name in names}, **attributes)

    def check_depth(self, kinds: Sequence) -> None:
        """Warns if all images end far below the value of white, as those of 12 bits in files of 16 do.

        Args:
            kinds: Of each channel, its modality or its normalisation in a plan; only colours are looked at.
        """
        check_depth({name: (image.image, image.source.white) for name, (image, _) in self._cases.items()}, kinds)


def open_folder(
    folder: PathLike,
    labelled: bool = True,
    num_classes: int | None = None,
    label_values: Sequence | None = None,
    channels: int | None = None,
    ignore: int | None = None,
    memory: int = MEMORY,
) -> Folder:
    """Opens a folder of images and labels, and reads and checks every file before anything is trained on it.

    Images are in `imagesTr/`, `images/` or `image/`, labels in `labelsTr/`, `labels/`, `label/`, `masks/` or `mask/`,
    as files of the same names: `.nii.gz`, `.nii`, `.png`, `.tif`, `.tiff`, `.bmp`, and images also `.jpg`. Several
    channels are files `name_0000`, `name_0001` ... beside labels `name`, the fourth axis of a NIfTI file, or the bands
    of a TIFF file. A `dataset.json` may name channels and labels, as in the Medical Segmentation Decathlon and nnU-Net;
    there pixels labelled `ignore` train nothing.

    The label values are those of `label_values`; else 0 to `num_classes - 1`; else those that `dataset.json` names;
    else the values that the files hold, which must be 0, 1, 2 ... without a gap, or 0 and 255. Masks may be empty.
    Where a picture has a coloured palette, its labels are the indices.

    Files are read once: cases stay in memory while they fit, and are memory maps of temporary files beyond that.

    Args:
        folder: The folder, or without labels also one that holds images itself.
        labelled: Whether there are labels.
        num_classes: Number of classes, the background included.
        label_values: Increasing integers: the value in the files of each class, the background first.
        channels: Number of channels of an image, if it is known: without labels, more files `name_0000`, `name_0001`
            ... are images of their own.
        ignore: The value in the files of pixels that train nothing, such as 255; `None` for that of `dataset.json`.
        memory: Bytes that cases may take in memory.

    Returns:
        A `Folder`: a sequence of `Case`s.

    Raises:
        FileNotFoundError: If there is no such folder, or no images or labels in it.
        ValueError: With the first of all problems found: an image without labels or labels without an image, shapes or
            places in space that differ, channels or axes that differ between cases or from `dataset.json`, a label
            value that is no class, values that are not finite, colours outside their range, a spacing that is absurd
            beside the others, a damaged file, a picture that may be read in more than one way.

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
    folder = Path(check_path(folder, "folder"))
    if not folder.is_dir():
        raise refusal("there should be a folder of images", f"{folder}, which is none", error=FileNotFoundError)
    check_classes(num_classes, label_values, ignore)
    description = describe(folder)
    named_by_user = num_classes is not None or label_values is not None
    label_values, ignore = _described(description, num_classes, label_values, ignore)
    allowed = None if label_values is None else {*label_values, ignore} - {None}
    files, images, labels = file_names.find(folder, labelled, channels)
    if labels is not None:
        check_listed(description.listed or {}, images, labels)
    cases, values = _read(files, images, labels, allowed, ignore, description.modalities, Store(memory))
    modalities = description.modalities or next(iter(cases.values()))[0].modalities
    if labels is None:
        return Folder(cases, modalities=modalities)
    values = {name: labels_of_case - {ignore} for name, labels_of_case in values.items()}
    described, label_values = label_values, label_values or consecutive(values)
    _warn(folder, values, described, named_by_user)
    classes = {name: {label_values.index(value) for value in labels_of_case} for name, labels_of_case in values.items()}
    attributes = {"label_values": label_values, "ignore": ignore, "modalities": modalities, "classes": classes}
    opened = Folder(cases, num_classes=len(label_values), **attributes)
    opened.check_depth(modalities)
    return opened


def _warn(folder, values, described, named_by_user):
    """Warns of masks that are probably not what they should be.

    Args:
        folder: Their folder.
        values: Sets of the label values of every case, without that which trains nothing.
        described: What stands for the classes, the background first; `None` where the files alone say it.
        named_by_user: Whether the user says what stands for the classes.
    """
    background = 0 if described is None else described[0]
    doubt = None if named_by_user else label_doubts(values, described, folder)
    if not any(labels_of_case - {background} for labels_of_case in values.values()):
        doubt = f"all masks in {folder} are empty: there is nothing to learn but the background"
    if doubt:
        warnings.warn(doubt, stacklevel=3)


def _described(description, num_classes, label_values, ignore):
    """The label values, and the one that trains nothing, as given or as the folder's description names them."""
    if ignore is None and not (label_values is not None and description.ignore in label_values):
        ignore = description.ignore
    if label_values is None:
        label_values = description.label_values if num_classes is None else tuple(range(num_classes))
    label_values = None if label_values is None else tuple(map(int, label_values))
    return label_values, None if ignore is None else int(ignore)


def _read(files, images, labels, allowed, ignore, modalities, store):
    """Reads everything once.

    Returns:
        The cases by name, `(Opened, labels)`, and the set of label values that each of them holds.
    """
    problems, cases, values = Problems(), {}, {}
    for name in sorted(images):
        with problems:
            paths = images[name]
            opened = files.read_image(paths)
            if not np.isfinite(opened.image).all():
                received = f"NaN or infinity in {listed(map(named, paths))}; replace them, as numpy.nan_to_num does"
                raise refusal("values should be finite", received)
            mask = None
            if labels is not None:
                check_colours(opened.image, modalities or opened.modalities, opened.source.white, named(paths[0]))
                mask, grid = files.read_labels(labels[name])
                if mask.ndim != opened.image.ndim - 1:
                    raise refusal(
                        "an image should have the axes of its labels: of volumes three axes, or four with channels",
                        f"shape {opened.image.shape[:-1]} in {named(paths[0])}",
                    )
                files.check_same_grid(opened.grid, grid, named(labels[name]))
                values[name] = check_labels(mask, allowed, labels[name], ignore)
                mask = store.keep(compact(mask))
            cases[name] = opened._replace(image=store.keep(opened.image)), mask
    every = {name: opened for name, (opened, _) in cases.items()}
    check_alike(every, modalities, problems)
    with problems:
        check_alike_depth(every, modalities)
    problems.check()
    return cases, values
