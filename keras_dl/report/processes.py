"""Processes of this machine, which reports and locks know by number and start."""

import os
from pathlib import Path


def started(pid: int | None) -> int | None:
    """Returns when a process of this machine started, which tells it from a later one of the same number.

    Args:
        pid: its number.

    Returns:
        Ticks since the machine's start, 0 where the system does not say; None if the process has ended.

    Example:

    >>> started(os.getpid()) is not None
    True
    """
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass
    except (OSError, TypeError, OverflowError):
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:  # no /proc
        return 0
    return None if fields[0] == "Z" else int(fields[19])
