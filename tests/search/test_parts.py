"""Parts of a search that need no training: oracles and their book, why trials fail, the picture's axes."""

import json
import math
import warnings

import keras
import keras_tuner as kt
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.runs import folder as run_folder
from keras_dl.runtime import objective
from keras_dl.search import TUNERS, SearchFolder, oracles, picture
from keras_dl.search.trial import KeepBest, Warnings, reason

GOAL = objective("elbo")


class Killed(BaseException):
    """Stands for a SIGKILL: no `except Exception` catches it."""


@pytest.fixture(autouse=True)
def no_disk(monkeypatch):
    """Nothing here dies with the machine: what is written need not reach the disk."""
    monkeypatch.setattr(run_folder.os, "fsync", lambda file: None)


def space(most=1024):
    hp = kt.HyperParameters()
    hp.Int("units", 16, most, sampling="log")
    hp.Float("rate", 1e-5, 1e-2, sampling="log")
    hp.Float("momentum", 0.0, 0.9999)
    hp.Choice("network", ["mlp", "conv"])
    hp.Fixed("epochs", 3)
    return hp


def oracle(kind, folder, trials=5, seed=0, searched=None):
    folder = SearchFolder(folder)
    made = oracles.create(kind, folder, trials, 3, seed, objective=GOAL, hyperparameters=searched or space())
    made._set_project_dir(str(folder.path), folder.trials.name)
    made.take_up()
    return made


def value(values):
    """What a trial would give: the better the larger `units` and `rate`."""
    return math.log(values["units"]) + math.log(values["rate"]) + values.get("tuner/epochs", 0)


def step(made):
    """Runs one trial; returns whether there was one."""
    trial = made.create_trial("tuner0")
    if trial.status == "STOPPED":
        return False
    found = value(trial.hyperparameters.values)
    made.update_trial(trial.trial_id, {GOAL.name: found})
    fails = trial.trial_id == "1" and "tuner/epochs" not in trial.hyperparameters.values
    trial.status = "FAILED" if fails else "COMPLETED"
    made.end_trial(trial)
    return True


def run(made):
    while step(made):
        pass
    return {name: (t.status, t.score, dict(t.hyperparameters.values)) for name, t in made.trials.items()}


@pytest.mark.parametrize("kind", ["random", "bayesian", "hyperband"])
def test_a_seed_reproduces_a_search(kind, tmp_path):
    found = [run(oracle(kind, tmp_path / str(index), seed=seed)) for index, seed in enumerate((0, 0, 1))]
    assert found[0] == found[1] != found[2]
    assert sorted(found[0], key=int) == [str(index) for index in range(5)]


@pytest.mark.parametrize(("kind", "every"), [("random", 1), ("hyperband", 1), ("bayesian", 6)])
@pytest.mark.grid("random-1")
def test_a_kill_at_any_write_loses_at_most_the_trial_under_way(kind, every, tmp_path, monkeypatch):
    expected = run(oracle(kind, tmp_path / "whole"))
    write, moment = SearchFolder.write_json, 0
    while True:
        folder, count = tmp_path / f"killed_{moment}", 0

        def dying(self, path, content, moment=moment):
            nonlocal count
            count += 1
            if count == moment + 1:
                raise Killed
            write(self, path, content)

        with monkeypatch.context() as patch:
            patch.setattr(SearchFolder, "write_json", dying)
            made = oracle(kind, folder)
            try:
                run(made)
                break
            except Killed:
                before = [t for t in made.trials.values() if t.status in ("COMPLETED", "FAILED")]
        resumed, runs = oracle(kind, folder), []
        end = resumed.end_trial
        resumed.end_trial = lambda trial, end=end, runs=runs: (runs.append(trial), end(trial))
        # The one whose end was being written is run again, and no other.
        again = len(expected) - oracles.count(resumed)[0]
        assert again <= len(expected) - len(before) + 1
        assert run(resumed) == expected, f"killed at write {moment}"
        assert len(runs) == again
        reported = [t.metrics.get_history(GOAL.name)[0].value for t in resumed.trials.values() if t.score]
        assert all(len(values) == 1 for values in reported)
        moment += every
    assert moment > 15


def test_trials_of_several_workers_are_run_again_in_their_order(tmp_path):
    made = oracle("random", tmp_path)
    names = [made.create_trial(f"tuner{index}").trial_id for index in range(3)]
    again = oracle("random", tmp_path)
    assert [again.create_trial(f"tuner{index}").trial_id for index in range(3)] == names == ["0", "1", "2"]


def test_a_search_may_be_given_more_trials(tmp_path):
    first = run(oracle("random", tmp_path, trials=2))
    assert run(oracle("random", tmp_path, trials=2)) == first
    more = run(oracle("random", tmp_path, trials=4))
    assert len(more) == 4 and [*more.values()][:2] == [*first.values()]


def test_a_damaged_book_is_a_message(tmp_path):
    run(oracle("random", tmp_path, trials=2))
    (tmp_path / "trials" / "oracle.json").write_text("{")
    with pytest.raises(ValueError, match="the book in .* cannot be read.*Received: "):
        oracle("random", tmp_path, trials=2)


def test_a_search_does_not_go_on_in_another_space(tmp_path):
    run(oracle("random", tmp_path, trials=2))
    with pytest.raises(ValueError, match="units had max_value 1024, now 64"):
        oracle("random", tmp_path, searched=space(most=64))
    more = space()
    more.Int("layers", 1, 3)
    with pytest.raises(ValueError, match="began with other hyperparameters .* Received: layers was not searched"):
        oracle("random", tmp_path, searched=more)
    assert len(run(oracle("random", tmp_path, trials=3))) == 3


def test_a_tuner_that_does_not_exist_is_refused(tmp_path):
    assert list(TUNERS) == ["random", "bayesian", "hyperband"]
    with pytest.raises(ValueError, match="should be one of random, bayesian, hyperband. Received: kind='grid'"):
        oracle("grid", tmp_path)


def test_a_warning_is_noted_once_a_search():
    notes = []
    told = Warnings(notes.append)
    for _ in range(2):
        with told.caught():
            warnings.warn("the batch is small", stacklevel=1)
    assert notes == ["the batch is small"]


def test_proposals_lie_in_their_ranges_where_the_best_do_not(tmp_path):
    made = oracle("bayesian", tmp_path, trials=10)
    found = [values for _, _, values in run(made).values()]
    assert all(16 <= v["units"] <= 1024 and type(v["units"]) is int for v in found)
    assert all(1e-5 <= v["rate"] <= 1e-2 and type(v["rate"]) is float for v in found)
    assert all(0.0 <= v["momentum"] <= 0.9999 for v in found)
    at_the_end = max(found[:3], key=value), max(found[3:], key=value)
    assert value(at_the_end[1]) > value(at_the_end[0])  # it finds better ones than its random beginning
    json.dumps(found)


@pytest.mark.parametrize(("trials", "first"), [(3, [3]), (4, [1, 1, 1, 3]), (5, [1, 1, 1, 3, 3])])
def test_hyperband_begins_with_a_bracket_that_the_trials_fill(trials, first, tmp_path):
    found = [v["tuner/epochs"] for _, _, v in run(oracle("hyperband", tmp_path, trials)).values()]
    assert found[: len(first)] == first[:trials] and len(found) == trials


def test_hyperband_promotes_the_best(tmp_path):
    made = oracle("hyperband", tmp_path, trials=4, seed=3)
    found = run(made)
    (promoted,) = [v for _, _, v in found.values() if "tuner/trial_id" in v]
    completed = {name: score for name, (status, score, v) in found.items() if v["tuner/round"] == 0 and score}
    assert promoted["tuner/trial_id"] == max(completed, key=completed.get)
    assert promoted["tuner/initial_epoch"] == 1 and promoted["tuner/epochs"] == 3


class Numbered:
    """Stands for a model: its file holds how many epochs it has behind it."""

    epochs = 0

    def save(self, path):
        path.write_text(str(self.epochs))


@pytest.mark.parametrize(("name", "values", "best"), [("elbo", [1, 3, None, 2], 2), ("kid", [3, 1, None, 2], 2)])
def test_the_model_of_the_best_epoch_is_kept_and_that_of_the_last(name, values, best, tmp_path):
    folder = SearchFolder(tmp_path)
    folder.write_record("0", {})
    keeper = KeepBest(folder, "0", objective(name), rows=[{"epoch": 1}], resumes=True)
    keeper.set_model(Numbered())
    for epoch, found in enumerate(values, start=1):
        keeper.model.epochs += 1
        keeper.on_epoch_end(epoch, {"loss": 0.5} | ({} if found is None else {f"val_{name}": found}))
    keeper.on_train_end()
    assert folder.best_model("0").read_text() == str(best) and folder.last_model("0").read_text() == "4"
    assert [row["epoch"] for row in keeper.rows] == [1, 2, 3, 4, 5] and keeper.best["epoch"] == best + 1
    with pytest.raises(kt.errors.FailedTrialError, match=f"val_{name} not finite in epoch 6"):
        keeper.on_epoch_end(5, {f"val_{name}": math.inf})


OOM = "OOM when allocating tensor with shape[9,9] and type float on /job:localhost/device:CPU:0 by allocator mklcpu"
EAGER = f"{{{{function_node __wrapped__Fill_device_/job:localhost/device:CPU:0}}}} {OOM} [Op:Fill] name: "
GRAPH = f"""Graph execution error:

Detected at node MatMul defined at (most recent call last):
  File "a.py", line 13, in <module>

{OOM}
\t [[{{{{node MatMul}}}}]]
Hint: If you want to see a list of allocated tensors when OOM happens, add report_tensor_allocations_upon_oom"""


def out_of_memory():  # as TensorFlow says it, which takes ten seconds to do so
    raise tf.errors.ResourceExhaustedError(None, None, EAGER)


def out_of_memory_in_a_graph():
    raise tf.errors.ResourceExhaustedError(None, None, GRAPH)


def bad_shape():
    return keras.Sequential([keras.Input((8,)), keras.layers.Reshape((3,))])


def bad_index():
    return tf.function(lambda i: tf.gather([1.0, 2.0], i))(tf.constant(7))


def diverged():
    raise kt.errors.FailedTrialError("loss not finite in epoch 2")


def empty():
    raise MemoryError


@pytest.mark.parametrize(
    ("fail", "expected"),
    [
        (out_of_memory, f"out of memory: {OOM}"),
        (out_of_memory_in_a_graph, f"out of memory: {OOM}"),
        (bad_shape, "ValueError: The total size of the tensor must be unchanged."),
        (bad_index, "InvalidArgumentError: indices = 7 is not in [0, 2)"),
        (diverged, "loss not finite in epoch 2"),
        (empty, "out of memory"),
    ],
)
def test_the_reason_of_a_failure_is_one_line_that_says_what(fail, expected):
    with pytest.raises(Exception) as caught:  # noqa: B017
        fail()
    found = reason(caught.value)
    assert found.startswith(expected) and "\n" not in found and len(found) <= 300


def places(parameter, *values):
    one = picture.axis(parameter)
    return [round(one.place(v), 6) for v in values], {text: round(height, 6) for height, text in one.ticks}


def test_axes_of_the_picture():
    hp = {p.name: p for p in space().space}
    found, ticks = places(hp["rate"], 1e-5, 10**-3.5, 1e-2)
    assert found == [0, 0.5, 1]
    assert ticks == {"1e-05": 0, "0.0001": round(1 / 3, 6), "0.001": round(2 / 3, 6), "0.01": 1}
    found, ticks = places(hp["network"], "mlp", "conv")
    assert found == [0.25, 0.75] and ticks == {"mlp": 0.25, "conv": 0.75}
    found, _ = places(hp["momentum"], 0.0, 0.9999 / 2)
    assert found == [0, 0.5]
    layers = kt.engine.hyperparameters.Int("layers", 1, 3)
    assert places(layers, 1, 2, 3) == ([0, 0.5, 1], {"1": 0, "2": 0.5, "3": 1})


@pytest.mark.parametrize(("name", "values"), [("elbo", [-90.0, -100.0, -95.0]), ("kid", [0.1, 1.1, 0.6])])
def test_better_results_lie_higher(name, values):
    one = picture.result_axis(objective(name), values)
    assert [round(one.place(v), 6) for v in values] == [1, 0, 0.5]


def test_a_result_far_worse_than_most_lies_at_the_foot():
    one = picture.result_axis(objective("elbo"), [-90.0, -100.0, -110.0, -1e6])
    assert one.place(-1e6) == 0 and one.place(-90.0) == 1 and 0.5 < one.place(-100.0) < 1
    assert one.ticks[0][1].endswith("or worse")
    same = picture.result_axis(objective("kid"), [2.0, 2.0])
    assert np.isfinite(same.place(2.0))
