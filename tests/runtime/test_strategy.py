"""Which strategy a name means, and what happens where it cannot be had."""

import json

import pytest
import tensorflow as tf

from keras_dl.runtime import is_chief, strategy
from tests.runtime import jobs


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)


def config(kind="worker", index=0, **cluster):
    cluster = cluster or {"worker": ["localhost:1", "localhost:2"]}
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def test_one_device_needs_no_strategy():
    for name, devices in (("none", None), ("none", 1), ("auto", None), ("auto", 1)):
        assert strategy(name, devices) is tf.distribute.get_strategy()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("both",), "one of auto, none, mirrored, multi_worker. Received: name='both'"),
        (("mirrored", 0), "positive integer.* Received: devices=0"),
        (("mirrored", -1), "positive integer.* Received: -1"),
        (("mirrored", True), "positive integer.* Received: devices=True"),
        (("mirrored", []), r"Received: devices=\[\]"),
        (("none", 2), "'none' is one device.* Received: devices=2"),
        (("multi_worker",), "TF_CONFIG.* apps.launch .*Received: no TF_CONFIG"),
    ],
)
def test_mistakes(arguments, message):
    with pytest.raises(ValueError, match=message):
        strategy(*arguments)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '"worker"', config(index=2), config("cook"), '{"cluster": {"worker": ["a:1"]}}', config(worker=3)],
)
def test_a_cluster_that_makes_no_sense(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="TF_CONFIG should be JSON such as .* Received: "):
        strategy("auto")


def test_workers_choose_no_devices(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config())
    with pytest.raises(ValueError, match="Received: devices=2"):
        strategy("multi_worker", devices=2)


@pytest.mark.parametrize("name", ["mirrored", "multi_worker"])
def test_a_call_after_tensorflow_has_started(monkeypatch, name):
    tf.constant(0)
    monkeypatch.setenv("TF_CONFIG", config())
    with pytest.raises(
        RuntimeError, match=r"before TensorFlow is first used: call strategy\(\) ahead of .* Received: "
    ):
        strategy(name, 7 if name == "mirrored" else None)


def test_logical_devices_are_made_where_there_are_no_gpus(processes):
    assert processes.call(jobs.replicas_of, "mirrored", None) == 2
    assert processes.call(jobs.replicas_of, "auto", 3) == 3


def test_replicas_refuse_batches_of_unknown_rank(processes):
    """TensorFlow cannot split them; shaped as the sentence says, they train."""
    texts = processes.call(jobs.refusals_of_unknown_ranks)
    assert texts.pop("steps with shapes") == 1
    assert set(texts) == {"fit", "validation", "evaluate", "predict"}
    for text in texts.values():
        assert "known number of axes" in text and "tf.ensure_shape" in text and "Received: element_spec=" in text


def test_the_same_devices_have_one_strategy():
    assert strategy("mirrored", devices=["CPU:0"]) is strategy("mirrored", devices=["CPU:0"])


@pytest.mark.parametrize(
    ("text", "chief"),
    [
        (None, True),
        ("{}", True),
        (config(), True),
        (config(index=1), False),
        (config("chief", chief=["a:1"], worker=["b:1"]), True),
        (config("worker", chief=["a:1"], worker=["b:1"]), False),
    ],
)
def test_who_writes(monkeypatch, text, chief):
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    assert is_chief() is chief
