"""Memory stays flat over half an hour of training, evaluating, sampling and saving."""

import os

import pytest

from tests.runtime import recipe_jobs

MINUTES = float(os.environ.get("KERAS_DL_SOAK_MINUTES", "30"))
MEBIBYTES = 64  # what a process may grow by after its first fifth; a leak of 1 KiB a step comes to more


@pytest.mark.soak
def test_memory_stays_flat(processes, tmp_path):
    found = processes.call(recipe_jobs.resident_memory, str(tmp_path), MINUTES, timeout=120 * MINUTES)
    warm, late = found[len(found) // 5 :][0], found[-1]
    assert len(found) >= 10, f"only {len(found)} rounds: give it more minutes"
    assert late - warm < MEBIBYTES * 2**20, [round(bytes_ / 2**20) for bytes_ in found]
