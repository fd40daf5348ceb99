"""Records of runs: what their folders hold, read so that a damaged or unfinished one can be reported, too."""

import contextlib
import csv
import dataclasses
import json
import math
import os
import socket
from pathlib import Path

from .processes import started


@dataclasses.dataclass
class Record:
    """What lies in a run folder.

    Attributes:
        path: the folder.
        config: what was asked for; a dict.
        history: rows of metrics after every epoch, dicts of numbers.
        results, evaluation: figures at the end of training and of `apps.evaluate`; empty if there are none.
        end: how training ended, if otherwise than after its last epoch: `{"state": ..., "reason": ...}`.
        captions: sentences about pictures, by file name.
        card: the model card, Markdown; empty if there is none.
        problems: sentences about files that cannot be read.
    """

    path: Path
    config: dict = dataclasses.field(default_factory=dict)
    history: list = dataclasses.field(default_factory=list)
    results: dict = dataclasses.field(default_factory=dict)
    evaluation: dict = dataclasses.field(default_factory=dict)
    end: dict = dataclasses.field(default_factory=dict)
    captions: dict = dataclasses.field(default_factory=dict)
    card: str = ""
    problems: list = dataclasses.field(default_factory=list)

    @property
    def title(self) -> str:
        return f"{self.config.get('recipe', 'run')} on {self.config.get('dataset', 'unknown data')}"

    @property
    def epochs(self) -> int | None:
        """How many epochs were asked for; None if that is not known."""
        fit = self.config.get("fit")
        return fit.get("epochs") if isinstance(fit, dict) else None

    @property
    def done(self) -> int:
        """How many epochs are behind it."""
        return int(self.history[-1]["epoch"]) if self.history else 0

    @property
    def state(self) -> str:
        """`"finished"`, `"diverged"`, `"stopped"` on purpose, `"running"` or `"interrupted"`."""
        if self.end.get("state"):
            return str(self.end["state"])
        if self.results and self.done == (self.epochs or self.done):
            return "finished"
        return "running" if _running(self.path) else "interrupted"

    def part(self, *names) -> dict:
        """A dict within the config; empty if it is not there."""
        value = self.config
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}


def read(path: str | os.PathLike) -> "Record":
    """Returns the `Record` of a run folder; what cannot be read is named in its problems."""
    path = Path(path)
    record = Record(path)
    for name in ("config", "results", "evaluation", "end", "captions"):
        value = _attempt(record, path / f"{name}.json", lambda file: json.loads(file.read_text(encoding="utf-8")))
        if isinstance(value, dict):
            setattr(record, name, value)
        elif value is not None:
            record.problems.append(f"{name}.json should hold names with values.")
    record.history = _attempt(record, path / "history.csv", _history) or []
    record.card = _attempt(record, path / "card.md", lambda file: file.read_text(encoding="utf-8")) or ""
    return record


def _attempt(record, file, reader):
    """What a reader makes of a file, or None if it is not there or cannot be read, which is a problem."""
    if not file.is_file():
        return None
    try:
        return reader(file)
    except (OSError, ValueError, TypeError, KeyError) as error:
        record.problems.append(f"{file.name} cannot be read: {error}")
        return None


def _history(file):
    with file.open(newline="", encoding="utf-8") as lines:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]
    rows = [{name: value for name, value in row.items() if not math.isnan(value)} for row in rows]  # lacking
    return [row | {"epoch": int(row["epoch"])} for row in rows]


def _running(path):
    """Whether a process that is alive on this machine, or one of another machine, holds the folder."""
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError, KeyError):
        owner = json.loads((path / ".lock").read_text(encoding="utf-8"))
        if owner.get("host") != socket.gethostname():
            return True
        return started(owner["pid"]) == owner["started"] is not None
    return False
