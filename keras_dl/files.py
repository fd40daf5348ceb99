"""Files that we write: in one step, and never in the place of a file that is not ours.

Beside what we write lies a list of checksums, `.keras_dl.sums`, which `sha256sum --check` reads. A file is ours if the
list holds its checksum under its name: what a user put there, or has changed since, is not, and is never replaced.
A list grows by a line per file that is written, before the file is moved into its place, so that a kill between the two
loses nothing; of a file that is written again and again, old lines are dropped. A link stays a link: the file that it
leads to is replaced, and listed where it lies. It needs the standard library alone.
"""

import hashlib
import os
import warnings
from pathlib import Path

LIST = ".keras_dl.sums"
CHUNK = 1 << 20  # bytes that are read at once
MOST_LINES = 64  # of one file, before the old ones are dropped


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
    if not os.path.lexists(path):
        return True
    path = _followed(path)
    return path.is_file() and _line(path, path.name) in _lines(path.parent)


def is_listed(path):
    """Returns whether we have written a file of that name there, whatever has become of it since."""
    path = _followed(path)
    return any(line.endswith(f"  {path.name}") for line in _lines(path.parent))


def adopt(paths):
    """Lists files as ours, as they are now: those that an earlier version wrote, which kept no lists of them.

    Args:
        paths: Paths; those that are no files are passed over.
    """
    for path in filter(os.path.isfile, paths):
        path = _followed(path)
        _append(path.parent, _line(path, path.name))


def check_free(paths):
    """Refuses paths of which one may not be written to.

    Args:
        paths: Paths of files.

    Raises:
        FileExistsError: If something is there that we did not write, or that was changed since, or a file where the
            path has a folder.
    """
    for path in paths:
        there = next((parent for parent in Path(path).absolute().parents if os.path.lexists(parent)), None)
        if there is not None and not there.is_dir():
            raise FileExistsError(f"{there} should be a folder. Received: a file")
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


def replace(path, write, flush=False):
    """Writes a file in one step, so that nobody reads half of it; its folder is made if it does not exist.

    Args:
        path: The path of the file.
        write: Function `write(temporary)` that writes a file of the same suffix.
        flush: Whether the file and its line are on the disk before it is moved into its place.

    Raises:
        FileExistsError: If a file is there that is not ours.
    """
    check_free([path])
    suffixed, path = Path(path).name, _followed(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".new_{os.getpid()}_{suffixed}")
    try:
        write(temporary)
        if flush:
            _flush(temporary)
        line = _line(temporary, path.name)
        _append(path.parent, line)
        if flush:
            _flush(path.parent / LIST)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _shorten(path.parent, line)


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


def _followed(path):
    """Where a path leads, through all links."""
    return Path(os.path.realpath(path))


def _lines(folder):
    """The lines of a folder's list, in order; none if there is no list."""
    path = folder / LIST
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _append(folder, line):
    """Adds a line to a folder's list unless it is there."""
    if line in _lines(folder):
        return
    with open(folder / LIST, "a+b") as file:
        file.seek(max(0, file.tell() - 1))
        gap = b"" if file.read() in (b"", b"\n") else b"\n"  # after a line that was cut short
        file.write(gap + f"{line}\n".encode())


def _shorten(folder, newest):
    """Drops the lines of a file but the newest, if there are many: of a history that is written after every epoch."""
    lines, (_, name) = _lines(folder), newest.split("  ", 1)
    old = {line for line in lines if line.endswith(f"  {name}")} - {newest}
    if len(old) < MOST_LINES:
        return
    temporary = folder / f"{LIST}.{os.getpid()}"
    temporary.write_text("".join(f"{line}\n" for line in lines if line not in old), encoding="utf-8")
    _flush(temporary)
    temporary.replace(folder / LIST)


def _flush(path):
    """Waits until a file is on the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _line(path, name):
    """The line of a file in a list, under a name."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return f"{digest.hexdigest()}  {name}"
