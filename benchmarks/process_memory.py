"""Memory of processes, as Linux keeps it."""

from pathlib import Path


def memory(name, process="self"):
    """A figure of a process' memory in bytes; 0 for a process that has ended.

    `getrusage` would also count what the process had that started this one.

    Args:
        name: `"VmRSS"`, `"RssAnon"` or, for the most since the beginning, `"VmHWM"`.
        process: Its number; that of this one by default.
    """
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
