"""Pictures of a run inside its page, with captions, and a slider over those that were drawn as training went on."""

import base64
import os
import re
import struct
from pathlib import Path
from urllib.parse import quote

from . import markup
from .markup import element

#: Bytes of pictures in a page, as they lie on disk; text, scripts and base64 make it under 5 MB.
BUDGET = 2_300_000
SUFFIXES = (".png", ".gif")  # of pictures, of films
EPOCH = re.compile(r"(.+)_epoch_(\d+)$")
CAPTIONS = {
    "samples": "samples, below real data where the picture has both",
    "interpolation": "paths between latents, one per row",
    "loss_curves": "metrics over the epochs",
}


def section(record, budget=BUDGET, beside=None):
    """Returns the section of all pictures of a run; those beyond the budget are named and linked.

    Args:
        record: the run.
        budget: bytes of pictures in the page.
        beside: the folder of the page, which links begin from; None for the run's.
    """
    series, single = _sorted(record)
    shown, left_out = chosen(series, single, budget)
    parts = []
    for name, paths in series.items():
        if frames := [path for path in paths if path in shown]:
            parts.append(_film(record, name, frames))
    parts += [figure(path, caption(record, path)) for path in single if path in shown]
    if left_out:
        begin = record.path if beside is None else beside
        links = [element("li", element("a", path.name, href=_address(path, begin))) for path in left_out]
        number = f"{len(left_out)} more pictures are" if len(left_out) > 1 else "1 more picture is"
        text = f"{number} in {record.path / 'pictures'}: the page would be larger than 5 MB with all"
        parts.append(markup.details(text, element("ul", *links)))
    return parts


def _address(path, begin):
    """How a page in a folder finds a file, as a link says it."""
    try:
        return quote(Path(os.path.relpath(path.resolve(), Path(begin).resolve())).as_posix())
    except ValueError:  # on another drive
        return path.resolve().as_uri()


def chosen(series, single, budget):
    """Returns the pictures that fit, a set, and the list of the others.

    The last of each series and the single ones come first, then what halves the widest gaps between epochs.
    """
    order = [path for paths in series.values() for path in paths[-1:]] + list(single)
    for paths in series.values():
        order += [paths[place] for place in _spread(len(paths))]
    shown, left_out = set(), []
    for path in dict.fromkeys(order):
        size = path.stat().st_size
        if size <= budget:
            shown.add(path)
            budget -= size
        else:
            left_out.append(path)
    return shown, sorted(left_out)


def _spread(count):
    """The places 0 to count - 1, in an order whose beginnings are spread evenly."""
    places, step = [0], 1 << max(0, count - 1).bit_length()
    while step > 1:
        places += range(step // 2, count, step)
        step //= 2
    return [place for place in places if place < count]


def caption(record, path):
    """Returns the sentence about a picture: the run's own, or by its name."""
    if path.name in record.captions:
        return str(record.captions[path.name])
    kind, epoch = parsed(path)
    text = CAPTIONS.get(kind, kind.replace("_", " "))
    return text if epoch is None else f"{text}; after {epoch:,} epoch{'' if epoch == 1 else 's'}"


def parsed(path):
    """Returns what a picture shows, by its name, and after how many epochs; None for no epoch."""
    match = EPOCH.match(path.stem)
    return (match[1], int(match[2])) if match else (path.stem, None)


def figure(path, text, **attributes):
    """Returns a picture with its caption, which is its alternative text, too."""
    content = path.read_bytes()
    width, height = _size(content)
    source = f"data:image/{path.suffix[1:]};base64," + base64.b64encode(content).decode()
    image = element("img", src=source, alt=text, width=width, height=height, loading="lazy")
    return element("figure", image, element("figcaption", text), **attributes)


def glance(record):
    """Returns the picture of a few samples of the data; nothing if the run left none."""
    path = record.path / "data.png"
    return figure(path, "a few held-out samples of the data") if path.is_file() else markup.Markup()


def _film(record, name, paths):
    """Pictures of one kind over the epochs, all below one another where no script runs."""
    frames = []
    for path in paths:
        text = caption(record, path)
        frames.append(figure(path, text, data_title=text))
    key = re.sub(r"\W", "-", f"film-{name}")
    title = name.replace("_", " ")
    if len(frames) == 1:
        return element("div", element("h3", title), *frames)
    limits = {"type": "range", "min": 0, "max": len(frames) - 1, "value": len(frames) - 1, "step": 1}
    slider = element("input", id=f"{key}-slider", data_film=key, **limits)
    label = element("label", "epoch (arrow keys move it)", for_=f"{key}-slider")
    control = element("div", label, slider, hidden=True)
    return element("div", element("h3", f"{title} over the epochs"), control, element("div", *frames, id=key))


def _sorted(record):
    """The run's pictures: series over the epochs by name, and single ones, as lists of paths."""
    series, single = {}, []
    for path in files_of(record):
        kind, epoch = parsed(path)
        single.append(path) if epoch is None else series.setdefault(kind, []).append(path)
    return series, single


def files_of(record):
    """The paths of a run's pictures and films, sorted; those that are empty are passed over."""
    entries = sorted((record.path / "pictures").glob("*"))
    return [path for path in entries if path.suffix in SUFFIXES and path.is_file() and path.stat().st_size]


def _size(content):
    """Width and height of a PNG or GIF, so that the page does not move as pictures appear; None for another file."""
    if content[:6] == b"GIF89a" and len(content) >= 10:
        return struct.unpack("<HH", content[6:10])
    if content[:8] != b"\x89PNG\r\n\x1a\n" or len(content) < 24:
        return None, None
    return struct.unpack(">II", content[16:24])
