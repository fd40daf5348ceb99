"""Processes that are forked to run TensorFlow: what they answer, how they end, and what is left of them."""

import json
import os
import time
from types import SimpleNamespace

import pytest
from tensorflow.config import PhysicalDevice

from keras_dl.search import forked
from tests.processes import exists, shared
from tests.search import jobs


def test_a_forked_process_answers_fails_and_is_replaced():
    found = shared().call(jobs.answered, timeout=120)
    assert found.pop("heard") == ["half"] * 5
    assert found == {
        "first": "a", "same": True, "next": True, "run": 3.0, "other": "other", "after": "d", "left": False,
        "error": ["FileNotFoundError", "[Errno 2] No such file: 'somewhere'", True],
        "ended": "its process was ended by SIGKILL: out of memory, perhaps",
    }  # fmt: skip


def test_an_interrupted_question_leaves_no_process():
    assert shared().call(jobs.interrupted, timeout=120)


def test_a_kill_leaves_no_process(tmp_path):
    shared().start(jobs.asks_and_dies, tmp_path / "processes").wait(120)
    numbers, end = json.loads((tmp_path / "processes").read_text()), time.monotonic() + 20
    while any(map(exists, numbers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert len(numbers) == 2 and os.getpid() not in numbers
    assert not any(map(exists, numbers))


def test_a_process_that_has_run_tensorflow_is_not_forked():
    before, after, message = shared().call(jobs.possible, timeout=120)
    assert (before, after) == (True, False)
    assert "before TensorFlow runs. Received: " in message


@pytest.mark.parametrize(("devices", "expected"), [(None, True), (["CPU"], True), (["CPU", "GPU"], False)])
def test_a_process_that_has_found_an_accelerator_is_not_forked(devices, expected, monkeypatch):
    listed = devices and [PhysicalDevice(f"{kind}:0", kind) for kind in devices]
    begun = SimpleNamespace(_initialized=False, _physical_devices=listed)
    monkeypatch.setattr(forked.context, "context_safe", lambda: begun)
    assert forked.is_possible() is expected
