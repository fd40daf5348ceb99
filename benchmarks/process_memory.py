"""Memory of processes, as Linux keeps it."""

import contextlib
from pathlib import Path


def memory(name, process="self"):
    """A figure of a process' memory in bytes; 0 for a process that has ended.

    `getrusage` would also count what the process had that started this one.

    Args:
        name: `"VmRSS"`, `"RssAnon"` or, for the most since the beginning, `"VmHWM"`.
        process: Its number; that of this one by default.
    """
    return figure(Path(f"/proc/{process}/status").read_text(), name)


def together(processes):
    """What processes hold together, in bytes: what several share counts once.

    Pages of their own are divided among those that were forked with them. Of files, which other programs may share
    too, the largest number of pages that one has read counts.
    """
    own, files = 0, 0
    for process in processes:
        with contextlib.suppress(OSError):  # it has just ended
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            own += figure(text, "Pss_Anon")
            files = max(files, memory("RssFile", process))
    return own + files


def figure(text, name):
    """A figure of kilobytes in a text of lines, in bytes; 0 if it has none of that name."""
    return next((1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name}:")), 0)
