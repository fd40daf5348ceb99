"""Locks of run folders: two processes that train into one would delete each other's checkpoints."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from keras_dl.checks import refusal
from keras_dl.report.processes import started
from keras_dl.types import PathLike

FILE = ".lock"


@contextlib.contextmanager
def locked(path: PathLike) -> Iterator[None]:
    """Holds a folder for this process; a lock of a process that has ended on this machine is taken over.

    Args:
        path: the folder, which exists.

    Raises:
        BlockingIOError: if another process holds it.
        OSError: if the folder cannot be written to.
    """
    file = Path(path) / FILE
    me = {"host": socket.gethostname(), "pid": os.getpid(), "started": started(os.getpid())}
    if _owner(file) == me:  # this process holds it already
        yield
        return
    _take(file, me)
    try:
        yield
    finally:
        if _owner(file) == me:
            file.unlink(missing_ok=True)


def _take(file, me):
    """Makes the lock; the file appears with its content, and never over another's."""
    new = file.with_name(f"{FILE}.{me['host']}.{me['pid']}")
    new.write_text(json.dumps(me), encoding="utf-8")
    try:
        _remove_stale(file, me)
        os.link(new, file)
    except FileExistsError:
        raise _held(file, _owner(file)) from None
    except BlockingIOError:
        raise
    except OSError:  # a file system without links
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _remove_stale(file, me):
    owner = _owner(file)
    if owner is None:
        return
    if owner.get("host") != me["host"] or started(owner.get("pid")) == owner.get("started") is not None:
        raise _held(file, owner)
    file.unlink(missing_ok=True)


def _owner(file):
    """What a lock says of its process, or None if there is none; a damaged lock tells of nobody."""
    try:
        owner = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        owner = {}
    return owner if isinstance(owner, dict) else {}


def _held(file, owner):
    process = f"process {owner.get('pid')} on {owner.get('host')}" if owner else "another process"
    text = f"{file.parent} should be written to by one process, and {process} is at it"
    return refusal(f"{text}; if that has ended, remove {file}", f"{file.parent}", error=BlockingIOError)
