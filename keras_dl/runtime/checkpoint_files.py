"""Folders of checkpoints on disk: written whole or not at all, checked before they are used.

A checkpoint is a folder, `epoch_00003_step_000000120`, with its files and their sums in the format of `sha256sum`:

    SHA256SUMS  model.keras  state.json  arrays.npz

It is written under a hidden name, flushed to the disk, and given its name in one step. Whatever moment a process or a
machine dies at, a name stands for a whole checkpoint; the sums find what a disk has damaged since.
"""

import errno
import functools
import hashlib
import logging
import os
import re
import shutil
import warnings
from pathlib import Path
from typing import NamedTuple

SUMS = "SHA256SUMS"
_NAME = re.compile(r"epoch_(\d+)_step_(\d+)")
_NEW, _OLD = ".new_", ".old_"
#: What file systems answer that do not flush folders: shares of other systems, FUSE, Windows.
_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM, errno.EISDIR}


class Position(NamedTuple):
    """Where in training a checkpoint was taken: whole epochs and steps done."""

    epoch: int
    step: int

    @property
    def name(self):
        return f"epoch_{self.epoch:05d}_step_{self.step:09d}"


def positions(folder):
    """The positions of all checkpoints in `folder`, whole or damaged, oldest first."""
    if not os.path.isdir(folder):
        return []
    matches = (_NAME.fullmatch(name) for name in os.listdir(folder))
    return sorted(Position(int(match[1]), int(match[2])) for match in matches if match)


def newest(folder):
    """The position of the newest whole checkpoint in `folder`, or `None`; damaged ones are skipped with a warning."""
    for position in reversed(positions(folder)):
        path = Path(folder) / position.name
        try:
            check(path)
        except (OSError, ValueError) as error:
            warnings.warn(f"The checkpoint {path} is damaged and is passed over: {error}", stacklevel=3)
        else:
            return position
    return None


def check(path):
    """Checks the files of a checkpoint by their sums.

    Raises:
        OSError: If a file is missing or cannot be read.
        ValueError: If one is not what was written.
    """
    lines = (path / SUMS).read_text().splitlines()
    sums = dict(reversed(line.split("  ", 1)) for line in lines if "  " in line)
    if not sums:
        raise ValueError(f"{SUMS} names no files")
    for name, expected in sums.items():
        if os.path.basename(name) != name or _sum(path / name) != expected:
            raise ValueError(f"{name} is not what was written")


def write(folder, position, write_files):
    """Writes a checkpoint in one step.

    Args:
        folder: Folder of checkpoints; it is made if it does not exist.
        position: `Position`, which names it.
        write_files: `write_files(path)` writes the checkpoint's files into the folder `path`.

    Raises:
        OSError: If it cannot be written; what was there before stays as it was.
    """
    folder = Path(folder)
    temporary, target = folder / f"{_NEW}{position.name}", folder / position.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
        temporary.mkdir()
        write_files(temporary)
        names = sorted(os.listdir(temporary))
        (temporary / SUMS).write_text("".join(f"{_sum(temporary / name)}  {name}\n" for name in names))
        for name in (*names, SUMS):
            _flush(temporary / name)
        _flush_folder(temporary)
        _remove(target)
        os.replace(temporary, target)
        _flush_folder(folder)
    except OSError as error:
        whole = positions(folder)
        last = f"the last one there is {folder / whole[-1].name}" if whole else "there is none yet"
        reason = error.strerror or error
        raise OSError(error.errno, f"The checkpoint {target} could not be written: {reason}; {last}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def tidy(folder, current, keep):
    """Removes what a killed process left, checkpoints after `current` (damaged ones), and all but the last `keep`."""
    folder = Path(folder)
    for name in os.listdir(folder) if folder.is_dir() else []:
        if name.startswith((_NEW, _OLD)):
            shutil.rmtree(folder / name, ignore_errors=True)
    present = positions(folder)
    whole = [position for position in present if position <= current]
    for position in set(present) - set(whole[-keep:]):
        _remove(folder / position.name)


def _remove(path):
    """Removes a folder, which loses its name first: a name never stands for half a checkpoint."""
    if path.is_dir():
        hidden = path.with_name(f"{_OLD}{path.name.removeprefix(_NEW)}")
        shutil.rmtree(hidden, ignore_errors=True)
        os.replace(path, hidden)
        shutil.rmtree(hidden, ignore_errors=True)


def _sum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_folder(path):
    """Waits until the names in a folder are on the disk, if the file system can: some network shares cannot."""
    try:
        _flush(path)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:
            raise
        _say_once(error.strerror)


@functools.cache
def _say_once(reason):
    logging.getLogger(__name__).warning(
        "The file system of the checkpoints cannot flush folders (%s): after a power cut the newest may be missing.",
        reason,
    )


def _flush(path):
    """Waits until a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
