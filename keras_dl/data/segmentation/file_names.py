"""Files of a folder by their names alone: images, labels, and those that belong together."""

import re
from pathlib import Path

from keras_dl.checks import refusal
from keras_dl.data.segmentation import nifti, pictures
from keras_dl.data.segmentation.problems import listed, named
from keras_dl.types import PathLike

IMAGES = ("imagesTr", "images", "image")
LABELS = ("labelsTr", "labels", "label", "masks", "mask")
# Images and volumes that would otherwise be left out in silence beside files that are read.
VOLUMES = (
    ".mha .mhd .nrrd .nhdr .dcm .dicom .ima .img .hdr .mgh .mgz .mnc .mnc2 .mrc .bz2 .zst .h5 .hdf5 .mat .vtk .vti"
)
SLIDES = ".svs .ndpi .scn .mrxs .vms .czi .lif .lsm .nd2 .oib .oif .oir .vsi .stk .dv .qptiff .zarr .btf .tf8"
PICTURES = (
    ".npy .npz .gif .webp .jp2 .j2k .jpx .jpe .jfif .jxl .ppm .pgm .pbm .pnm .tga .heic .heif .avif .psd .exr .raw .dib"
)
UNREADABLE = frozenset(f"{VOLUMES} {SLIDES} {PICTURES}".split())
_CHANNEL = re.compile(r"(.+)_(\d{4})")


def find(folder, labelled, channels=None):
    """Finds the files of a folder's cases.

    Args:
        folder: The folder.
        labelled: Whether there are labels.
        channels: Number of channels of an image, if it is known.

    Returns:
        `(files, images, labels)`: the module that reads them, the paths of each case's channels by its name, and the
        path of its labels, or `None`.

    Raises:
        FileNotFoundError: If there are no images or labels.
        ValueError: If two files have one name, an image has no labels or labels no image, or cases have other channels.
    """
    files, images = _files(_inside(folder, IMAGES, alone=not labelled))
    labels = _by_stem(_inside(folder, LABELS, files.SUFFIXES), files) if labelled else None
    images = _with_channels(images, labels, channels)
    _check_pairs(images, labels)
    _check_channels(images)
    return files, images, labels


def taken(folder: PathLike) -> set:
    """Returns the folders that hold images or labels of a folder of cases, a set of absolute paths.

    Args:
        folder: The folder, or that of the images alone.
    """
    folder = Path(folder).resolve()
    roots = [folder, folder.parent] if folder.name in IMAGES else [folder]
    inside = {root / name for root in roots for name in (*IMAGES, *LABELS)}
    return {folder, *(path for path in inside if path.exists())}


def _inside(folder, names, suffixes=None, alone=False):
    """The one folder of some names that holds images, or files of these suffixes."""
    folders = [folder / name for name in names if (folder / name).is_dir()]
    holding = [one for one in folders if any(_is_image(path, suffixes) for path in one.iterdir())]
    if len(holding) > 1:
        text = f"{folder} should hold one folder of the names {', '.join(names)}; rename those that are not meant"
        raise refusal(text, listed(path.name for path in holding))
    if folders or alone:
        return (holding or folders or [folder])[0]
    there = listed(sorted(path.name for path in folder.iterdir())) or "nothing"
    raise refusal(f"{folder} should hold a folder {' or '.join(names)}", there, error=FileNotFoundError)


def _files(folder):
    """Returns the module that reads the folder's files, and these by their names without suffix."""
    readers = [(files, stems) for files in (nifti, pictures) if (stems := _by_stem(folder, files))]
    if len(readers) == 1:
        return readers[0]
    if readers:
        examples = " and ".join(next(iter(stems.values())).name for _, stems in readers)
        raise refusal(f"{folder} should hold either NIfTI files or pictures", f"both, as {examples}")
    suffixes = ", ".join((*nifti.SUFFIXES, *pictures.SUFFIXES))
    raise refusal(f"{folder} should hold images ({suffixes})", "none", error=FileNotFoundError)


def _by_stem(folder, files):
    paths = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and folder.name in (*IMAGES, *LABELS) and any(map(_is_image, path.iterdir())):
            raise refusal(f"{folder} should hold files alone; move those of its folders into it", f"{named(path)}")
        suffix = next((s for s in files.SUFFIXES if path.name.lower().endswith(s)), None)
        if path.suffix.lower() in UNREADABLE:
            formats = ", ".join((*nifti.SUFFIXES, *pictures.SUFFIXES))
            raise refusal(f"files should be {formats}; convert others", f"{named(path)}")
        if suffix is None:
            continue
        stem = path.name[: -len(suffix)]
        if stem in paths:
            raise refusal("there should be one file of each name", f"{paths[stem].name} and {named(path)}")
        paths[stem] = path
    return paths


def _is_image(path, suffixes=None):
    """Whether a path is that of an image or a volume, one that can be read or not, or has one of some suffixes."""
    suffixes = suffixes or (*nifti.SUFFIXES, *pictures.SUFFIXES, *UNREADABLE)
    return not path.name.startswith(".") and path.name.lower().endswith(suffixes)


def _with_channels(images, labels, channels):
    """Groups files `name_0000`, `name_0001` ... by name, if labels (or all images) say that these are channels."""
    matches = {stem: _CHANNEL.fullmatch(stem) for stem in images}
    all_channels = labels is None and _all_channels(matches, channels)
    grouped = {}
    for stem, path in images.items():
        match = matches[stem]
        are_channels = match and (match[1] in labels and stem not in labels if labels else all_channels)
        grouped.setdefault(match[1] if are_channels else stem, []).append(path)
    return grouped


def _all_channels(matches, channels):
    """Whether each name comes with its first channel, and none with more than there are: these are numbered images."""
    if not all(match and f"{match[1]}_0000" in matches for match in matches.values()):
        return False
    names = [match[1] for match in matches.values()]
    return channels is None or max(map(names.count, set(names))) <= channels


def _check_pairs(images, labels):
    without = [] if labels is None else sorted(set(images) - set(labels))
    alone = [] if labels is None else sorted(set(labels) - set(images))
    if without or alone:
        faults = [f"no labels for {listed(without)}"] if without else []
        faults += [f"no image for {listed(alone)}"] if alone else []
        raise refusal("every image should have labels of the same name", f"{'; '.join(faults)}")


def _check_channels(images):
    """Refuses cases whose files are not numbered as those of the others are."""
    numbers = {}
    for name, paths in images.items():
        if [path_stem(path) for path in paths] == [name]:
            channels = ("0000",)  # a file without a number
        else:
            channels = tuple(path_stem(path)[-4:] for path in paths)
        numbers.setdefault(channels, []).append(name)
    if len(numbers) > 1:
        numberings = "; ".join(f"{', '.join(channels)} of {listed(names)}" for channels, names in numbers.items())
        raise refusal("every image should have channels of the same numbers", numberings)


def path_stem(path):
    """Returns a file's name without what says its format, `.nii.gz` included."""
    suffixes = [s for s in (*nifti.SUFFIXES, *pictures.SUFFIXES) if path.name.lower().endswith(s)]
    return path.name[: -len(max(suffixes, key=len))] if suffixes else path.stem
