"""TIFF files, decoded as their tags say: bands, colours, transparency and pages are told apart."""

import numpy as np

from keras_dl import lazy
from keras_dl.data.segmentation.picture_file import PictureFile, UnknownPicture, turned

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6
NAMES = {4: "a mask of another picture", 5: "CMYK", 6: "YCbCr", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*"}
ALPHA = (1, 2)
LOSSY = (6, 7, 33003, 33004, 33005, 34712, 34892, 34927, 34934, 50001, 50002)  # kinds of JPEG, WebP and JPEG XL
ORIENTATION = 274
STACKS = {"Z": "slices", "T": "times", "Q": "pages", "I": "pages"}


def read(path):
    """Decodes a file.

    Args:
        path: The file.

    Returns:
        A `PictureFile`.

    Raises:
        UnknownPicture: If it is no one picture of known channels, or compressed as no installed package reads it.
        Exception: Whatever tifffile raises of a damaged file.
    """
    tifffile = lazy.need("tifffile", "Reading TIFF files")
    with tifffile.TiffFile(path) as file:
        series, page = _only_picture(file)
        if page.photometric == YCBCR and page.compression not in (6, 7):
            raise UnknownPicture("one of YCbCr; convert it to RGB")
        if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR):
            name = NAMES.get(int(page.photometric), page.photometric.name)
            raise UnknownPicture(f"one of {name}; convert it to grey, bands or RGB")
        array = _with_channels_last(_pixels(series, page, path), series.axes)
        picture = _understood(array, page, file)
        tag = page.tags.get(ORIENTATION)
    orientation = 1 if tag is None else int(tag.value)
    parts = {name: turned(getattr(picture, name), orientation) for name in ("array", "alpha", "indices")}
    return picture._replace(**parts)


def _only_picture(file):
    """The file's one picture and its first page; smaller copies of it do not count."""
    series = [one for one in file.series if not one.pages[0].is_reduced]
    if len(series) != 1:
        shapes = ", ".join(f"{one.axes} {one.shape}" for one in series)
        raise UnknownPicture(f"{len(series)} pictures, {shapes}; save each as a file of its own")
    return series[0], series[0].keyframe


def _with_channels_last(array, axes):
    single = [number for number, axis in enumerate(axes) if axis not in "YX" and array.shape[number] == 1]
    array, axes = np.squeeze(array, tuple(single)), "".join(a for n, a in enumerate(axes) if n not in single)
    for axis, what in STACKS.items():
        if axis in axes:
            count = array.shape[axes.index(axis)]
            raise UnknownPicture(
                f"{count} {what} (axes {axes}, shape {array.shape}); save channels as axes CYX or YXC or as files "
                "name_0000, name_0001 ..., volumes as NIfTI, and pictures one a file"
            )
    channels = [axis for axis in axes if axis not in "YX"]
    if sorted(axes) not in (sorted("YX"), sorted("YXS"), sorted("YXC")):
        raise UnknownPicture(f"axes {axes} of shape {array.shape}; save it with axes YX, CYX or YXC")
    if not channels:
        return array[..., None]
    return np.transpose(array, [axes.index(axis) for axis in ("Y", "X", channels[0])])


def _understood(array, page, file):
    refusal = None
    if int(page.compression) in LOSSY:
        refusal = f"compressed with losses ({page.compression.name}), which changes labels: save masks without"
    bits = page.bitspersample if isinstance(page.bitspersample, int) else page.bitspersample[0]
    white = float(2**bits - 1) if array.dtype.kind == "u" and bits > 8 else 255.0
    if page.photometric == PALETTE:
        return _with_palette(array[..., 0], page, refusal)
    if array.dtype == bool:
        array = array.astype("uint8") * 255
        bits = 8
    if page.photometric == WHITE_IS_ZERO and not _written_as_numbers(page, file):
        if array.dtype.kind != "u":
            raise UnknownPicture(f"{array.dtype} with 0 as white; save it with 0 as black")
        if bits > 1 and page.bitspersample != 1:
            refusal = refusal or "one where 0 is white, so that its numbers are not its greys: save it with 0 as black"
        array = (2**bits - 1 - array).astype(array.dtype)
    first = 3 if page.photometric in (RGB, YCBCR) else 1
    kinds = page.extrasamples if array.shape[-1] == page.samplesperpixel else ()
    clear = [first + number for number, kind in enumerate(kinds) if int(kind) in ALPHA]
    if len(clear) > 1:
        raise UnknownPicture(f"one with {len(clear)} transparencies; save bands as such (ExtraSamples 0)")
    alpha = array[..., clear[0]] if clear else None
    array = np.delete(array, clear, axis=-1) if clear else array
    return PictureFile(array, colours=first == 3, white=white, alpha=alpha, refusal=refusal)


def _written_as_numbers(page, file):
    """Whether tifffile wrote a boolean array, whose True it stores as 1 although it calls 0 white."""
    return page.bitspersample == 1 and file.is_shaped


def _with_palette(indices, page, refusal):
    palette = np.asarray(page.colormap).T
    white = 255.0 if palette.max() < 256 else 65535.0
    if (palette == palette[:, :1]).all():
        ramp = np.array_equal(palette[:, 0] // (white // 255), np.arange(len(palette)))
        array = indices if ramp else palette[indices][..., 0]
        return PictureFile(array[..., None], white=255.0 if ramp else white, indices=indices, refusal=refusal)
    return PictureFile(palette[indices], colours=True, white=white, indices=indices, refusal=refusal)


def _pixels(series, page, path):
    """The values of all pages; when tifffile lacks a codec, Pillow's, if that reads such files as they are."""
    try:
        return series.asarray()
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        bits = page.bitspersample if isinstance(page.bitspersample, int) else max(page.bitspersample)
        plain = bits in (1, 8) or (bits == 16 and page.samplesperpixel == 1 and page.sampleformat == 1)
        known = page.photometric in (BLACK_IS_ZERO, RGB, PALETTE, YCBCR) and page.planarconfig == 1
        if len(series.pages) > 1 or not plain or not known or page.extrasamples:
            raise UnknownPicture(
                f"one compressed as {page.compression.name}: pip install imagecodecs, or keras_dl with the extra 'tiff'"
            ) from error
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture)
