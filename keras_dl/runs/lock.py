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

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

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
    owner = _owner(file)
    if owner is not None and owner == _this_process():  # it holds the folder already
        yield
        return
    with _one_at_a_time(file.parent):
        me = _take(file)
    try:
        yield
    finally:
        if _owner(file) == me:
            file.unlink(missing_ok=True)


def _one_at_a_time(folder):
    """Lets one process of this machine after the other look at a lock: of two that find a stale one, one takes over.

    Returns what gives way to the next one as it closes.
    """
    stack = contextlib.ExitStack()
    if fcntl is not None:
        opened = os.open(folder, os.O_RDONLY)
        stack.callback(os.close, opened)
        with contextlib.suppress(OSError):  # a file system that locks nothing
            fcntl.flock(opened, fcntl.LOCK_EX)
    return stack


def _take(file):
    """Makes the lock, and returns what it says; the file appears with its content, and never over another's."""
    _remove_stale(file, _owner(file))
    me = _this_process()
    new = file.with_name(f"{FILE}.{me['host']}.{me['pid']}")
    new.write_text(json.dumps(me), encoding="utf-8")
    try:
        os.link(new, file)
    except FileExistsError:
        raise _held(file, _owner(file)) from None
    except OSError:  # a file system without links
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return me


def _this_process():
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": started(os.getpid())}


def _remove_stale(file, owner):
    """Removes the lock of a process that has ended on this machine; that of another one is an error."""
    if owner is None:
        return
    elsewhere = owner.get("host") != socket.gethostname()
    if elsewhere or started(owner.get("pid")) == owner.get("started") is not None:
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
