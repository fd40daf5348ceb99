"""Files that we write: in one step, and never in the place of a file that is not ours.

Beside what we write lies a list of checksums, `.keras_dl.sums`, which `sha256sum --check` reads. A file is ours if the
list holds its checksum under its name: what a user put there, or has changed since, is not, and is never replaced.
A list grows by a line per file that is written, before the file is moved into its place, so that a kill between the two
loses nothing. It needs the standard library alone.
"""

import hashlib
import os
import warnings
from pathlib import Path

LIST = ".keras_dl.sums"
CHUNK = 1 << 20  # bytes that are read at once


def is_free(path):
    """Returns whether a path may be written to: there is nothing, or a file of ours that nobody has changed.

    Args:
        path: The path of a file.

    Example:

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "notes.txt")
    >>> replace(path, lambda temporary: temporary.write_text("ours"))
    >>> is_free(path)
    True
    >>> path.write_text("the user's") and is_free(path)
    False
    """
    path = Path(path)
    if not os.path.lexists(path):
        return True
    return path.is_file() and _line(path, path.name) in _lines(path.parent)


def check_free(paths):
    """Refuses paths of which one may not be written to.

    Args:
        paths: Paths of files.

    Raises:
        FileExistsError: If something is there that we did not write, or that was changed since.
    """
    for path in paths:
        if not is_free(path):
            text = f"{path} was not written by keras_dl, or was changed since, and is not replaced"
            raise FileExistsError(f"{text}: move it, or write elsewhere. Received: {path}")


def free_name(path):
    """Returns the path, or the first of `name_2`, `name_3` ... beside it that may be written to."""
    path, number = Path(path), 1
    stem, dot, suffix = path.name.partition(".")
    candidate = path
    while not is_free(candidate):
        number += 1
        candidate = path.with_name(f"{stem}_{number}{dot}{suffix}")
    return candidate


def replace(path, write):
    """Writes a file in one step, so that nobody reads half of it; its folder is made if it does not exist.

    Args:
        path: The path of the file.
        write: Function `write(temporary)` that writes a file of the same suffix.

    Raises:
        FileExistsError: If a file is there that is not ours.
    """
    path = Path(path)
    check_free([path])
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".new_{os.getpid()}_{path.name}")
    try:
        write(temporary)
        line = _line(temporary, path.name)
        if line not in _lines(path.parent):
            with open(path.parent / LIST, "a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def put(path, write):
    """Writes a file like `replace`, and beside a file that is not ours: a warning then says under which name.

    Args:
        path: The path of the file.
        write: Function `write(temporary)` that writes a file of the same suffix.

    Returns:
        The path of the file that was written.
    """
    free = free_name(path)
    if free != Path(path):
        warnings.warn(f"{path} is not a file of ours, and stays; written instead: {free}", stacklevel=3)
    replace(free, write)
    return free


def _lines(folder):
    """The lines of a folder's list, a set; empty if there is none."""
    path = folder / LIST
    return set(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else set()


def _line(path, name):
    """The line of a file in a list, under a name."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return f"{digest.hexdigest()}  {name}"
