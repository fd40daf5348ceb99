"""Searches whose trials run in forked processes: what they find and say is what one process finds and says."""

import json

import keras
import numpy as np
import pytest

from keras_dl import search
from tests.processes import shared
from tests.search import jobs

ALWAYS, NEVER = -(10**9), 10**9  # growth that no process has, or every process


def files(folder):
    """The records of a search without the times in them, and the weights that it kept."""
    found = {}
    for path in sorted(folder.rglob("trials/**/*.json")):
        record = json.loads(path.read_text())
        record.pop("seconds", None)
        for row in record.get("history", []):
            row.pop("seconds")
        found[str(path.relative_to(folder))] = record
    for path in sorted(folder.rglob("*.keras")):
        found[str(path.relative_to(folder))] = keras.saving.load_model(path).get_weights()
    return found


def assert_same(one, other):
    assert list(one) == list(other)
    for name, found in one.items():
        if name.endswith(".keras"):
            np.testing.assert_equal(found, other[name], err_msg=name)
        else:
            assert found == other[name], name


def without_seconds(lines):
    return [line.rpartition(",")[0] if line.endswith(" s") else line for line in lines]


@pytest.mark.parametrize(("tuner", "trials"), [("random", 3), ("hyperband", 4), ("bayesian", 4)])
@pytest.mark.grid("hyperband-4")
def test_a_search_apart_is_that_of_one_process(tuner, trials, tmp_path):
    values = {"units": 3}
    one = shared().call(jobs.searched, tmp_path / "one", tuner, trials, values, True, NEVER)
    other = shared().call(jobs.searched, tmp_path / "other", tuner, trials, values, False, ALWAYS)
    assert (one.pop("untouched"), other.pop("untouched")) == (False, True)
    assert without_seconds(one.pop("lines")) == without_seconds(other.pop("lines"))
    assert one.pop("notes") == other["notes"] == ["the batch is small"]  # though every trial had its own process
    assert one["plan"] == other["plan"]
    assert len([told for told in one["bars"] if told == "closed"]) == trials
    assert one["bars"] == other["bars"]
    assert_same(files(tmp_path / "one"), files(tmp_path / "other"))


def test_a_trial_that_raises_or_whose_process_is_killed_has_failed(tmp_path):
    """Units of four are refused, units of five end the process, which is then the next trial's no more."""
    values = {"network": "flat", "epochs": 1, "batch_size": 8, "learning_rate": 0.01}
    lines = shared().call(jobs.searched, tmp_path / "s", "random", 3, values, False, NEVER)["lines"]
    folder = search.SearchFolder(tmp_path / "s")
    ends = {}
    for path in sorted(folder.trials.glob("trial_*/trial.json")):
        trial, record = json.loads(path.read_text()), folder.read_record(path.parent.name.split("_")[1])
        ends[trial["hyperparameters"]["values"]["units"]] = trial["status"], record.get("reason")
    assert ends.pop(4) == ("FAILED", "ValueError: Units should not be four. Received: 4")
    assert ends.pop(5) == ("FAILED", "its process was ended by SIGKILL: out of memory, perhaps")
    assert ends == {3: ("COMPLETED", None)}
    assert len([line for line in lines if ": failed: " in line]) == 2
