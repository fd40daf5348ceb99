"""What a run does once, though several of its parts need it."""

from types import SimpleNamespace

import keras
import pytest

import keras_dl
from keras_dl import runs, runtime, tasks
from keras_dl.models import Siamese


def build(hp, data_spec):
    network = keras.Sequential([keras.Input(data_spec.shape), keras.layers.Flatten(), keras.layers.Dense(2)])
    model = Siamese(network)
    model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-4, 1e-1)), keras_dl.losses.TripletMargin(1.0, mining="all"))
    return model


RECIPE = SimpleNamespace(build=build, fit_options=lambda hp: {"batch_size": 64, "epochs": 1}, TASK=tasks.Embedding())
CONFIG = {"recipe": "mine", "dataset": "digits", "seed": 0, "hyperparameters": {}}


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A run of a few digits that was prepared, and the calls of `check_data`."""
    calls, original = [], Siamese.check_data
    monkeypatch.setattr(Siamese, "check_data", lambda self, data: (calls.append(data), original(self, data)))
    data = RECIPE.TASK.load("digits")
    data = tasks.Arrays("digits", data.x[:128], data.y[:128], data.x_test[:64], data.y_test[:64], True)
    folder, one = runs.RunFolder(tmp_path / "run"), runtime.strategy("none")
    model, config, pipelines = runs.prepare(folder, RECIPE, CONFIG, data, one)
    folder.create()
    folder.write_config(config)
    return runs.Run(folder, config, RECIPE.TASK, data, model), pipelines, calls


def test_a_run_in_a_few_lines_without_a_terminal(prepared):
    """Arrays are checked once before training; everything that a program would leave is there."""
    run, pipelines, calls = prepared
    run.fit(*pipelines)
    assert len([data for data in calls if data is pipelines[0].order.data]) == 1
    train, test, seconds, report = run.finish(pipelines[1])
    assert train["loss"] > 0 and test["loss"] > 0 and seconds > 0 and report.tables == []
    assert {path.name for path in report.files} == {"loss_curves.png", "embeddings.png"}
    assert runs.RunFolder(run.folder.path).read_history()[-1]["epoch"] == 1
    measures = run.task.measures(runs.RunFolder(run.folder.path).load_model(), run.data, run.context)
    assert 0 <= measures["knn_accuracy"].value <= 1 and measures["knn_accuracy"].direction == "max"
