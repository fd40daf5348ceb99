"""Memory stays flat over half an hour of training, evaluating, sampling and saving."""

import json
import os
import pathlib
import statistics
import sys

import pytest

from benchmarks.stamp import stamp
from tests.runtime import recipe_jobs

MINUTES = float(os.environ.get("KERAS_DL_SOAK_MINUTES", "30"))
RECORD = os.environ.get("KERAS_DL_SOAK_RECORD")  # a file for the figures
MEBIBYTES = 64  # what a process may grow by after its first fifth; a leak of 1 KiB a step comes to more


@pytest.mark.soak
def test_memory_stays_flat(processes, tmp_path):
    found = processes.call(recipe_jobs.resident_memory, str(tmp_path), MINUTES, timeout=120 * MINUTES)
    warm, late = found[len(found) // 5 :][0], found[-1]
    if RECORD:
        pathlib.Path(RECORD).write_text(json.dumps(record(found), indent=1) + "\n")
    assert len(found) >= 10, f"only {len(found)} rounds: give it more minutes"
    assert late - warm < MEBIBYTES * 2**20, [round(bytes_ / 2**20) for bytes_ in found]


def record(found):
    """The figures of a run: bytes that the process held after its rounds."""
    return {
        **stamp(),
        "command": " ".join(["python -m pytest", *sys.argv[1:]]),
        "seed": recipe_jobs.SEED,
        "minutes": MINUTES,
        "rounds": len(found),
        "bytes": {
            "first": found[0],
            "after a fifth": found[len(found) // 5],
            "median": statistics.median_low(found),
            "largest": max(found),
            "last": found[-1],
        },
    }
