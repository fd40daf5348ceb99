"""A search without a program: a recipe of one's own, few builds, and a report that nobody prints."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

import keras_dl
from keras_dl import runs, search, tasks

X = np.random.default_rng(0).random((40, 4)).astype("float32")
Y = X @ np.float32([[1.0], [-2.0], [0.5], [3.0]])
DATA = tasks.Arrays("points", X, Y, X[:12] * 0.5, Y[:12] * 0.5, conditional=True)


def recipe(builds):
    def build(hp, data_spec):
        builds.append(dict(hp.values))
        layers = [keras.Input(data_spec.shape)]
        if hp.Choice("network", ["flat", "deep"]) == "deep":
            layers.append(keras.layers.Dense(hp.Int("units", 2, 8)))
        model = keras_dl.models.Supervised(keras.Sequential([*layers, keras.layers.Dense(1)]))
        rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
        model.compile(keras.optimizers.SGD(rate), loss="mean_squared_error", jit_compile=False)
        return model

    def fit_options(hp):
        return {"batch_size": hp.Int("batch_size", 4, 8, default=8), "epochs": hp.Fixed("epochs", 20)}

    return SimpleNamespace(build=build, fit_options=fit_options, TASK=tasks.Task("values"))


@pytest.mark.parametrize(
    ("values", "searched", "count"),
    [
        ({}, ["network", "learning_rate", "batch_size", "units"], 2),  # the defaults and the other network
        ({"batch_size": "4"}, ["network", "learning_rate", "units"], 2),
        ({"network": "deep", "epochs": 3}, ["units", "learning_rate", "batch_size"], 1),
        ({"units": "5"}, ["network", "learning_rate", "batch_size"], 3),  # only a search finds what takes them
    ],
)
def test_a_plan_builds_no_model_twice(values, searched, count):
    builds = []
    plan = search.Plan.make(recipe(builds), DATA, values)
    assert [parameter.name for parameter in plan.searched] == searched and len(builds) == count
    assert plan.values == {"epochs": 2} | {name: int(text) if text != "deep" else text for name, text in values.items()}
    assert plan.options == {"batch_size": plan.values.get("batch_size", 8), "epochs": plan.values["epochs"]}
    assert (plan.goal.name, plan.goal.objective.direction) == ("loss", "min")


@pytest.mark.parametrize(
    ("values", "objective", "message"),
    [
        ({"unitz": 3}, None, "unknown hyperparameter 'unitz'. Did you mean units.*Received: unitz=3"),
        ({"units": "9"}, None, "units takes a whole number from 2 to 8. Received: '9'"),
        ({"batch_size": "many"}, None, "batch_size takes a whole number from 4 to 8. Received: 'many'"),
        ({}, "kid", "there are: loss. Received: 'kid'"),
    ],
)
def test_mistakes_are_refused(values, objective, message):
    with pytest.raises(ValueError, match=message):
        search.Plan.make(recipe([]), DATA, values, objective)


def test_a_search_needs_no_program_and_no_terminal(tmp_path, capsys):
    lines, builds = [], []
    plan = search.Plan.make(recipe(builds), DATA, {"network": "flat", "batch_size": 8, "epochs": 2})
    config = {"recipe": "mine", "dataset": "points", "seed": 0, "versions": runs.versions(), "command": []}
    config |= {"tuner": "random", "trials": 2, "condition": "values", "features": None, **plan.described()}
    folder = search.SearchFolder(tmp_path / "search")
    folder.create()
    folder.write_config(config)
    begun = search.Search(plan, folder, config, search.Listener(say=lines.append))
    begun.search()
    assert len(builds) == 3 and (begun.ended, begun.failed) == (2, 0)
    assert [line.split(":")[0] for line in lines] == ["trial 0", "trial 0", "trial 1", "trial 1"]
    report = search.Report(begun, config)
    best, test = report.finish()
    assert test["loss"] == pytest.approx(best["val_loss"]) == min(row["val_loss"] for row in report.rows)
    assert folder.best.load_model().state.epoch == best["epoch"]
    texts = [path.read_text() for path in folder.best.path.rglob("*") if path.suffix in (".html", ".md", ".json")]
    assert len(texts) > 2 and not any(".new_best" in text for text in texts)
    (number, result, *_), completed = report.table(1)[0]
    assert completed and (int(number), float(result)) == (best["trial"], pytest.approx(best["val_loss"], rel=1e-4))
    again = search.Search(plan, folder, config | {"trials": 3})
    again.search()
    assert again.ended == 3 and capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="has 3 trials behind it. Received"):
        search.Search(plan, folder, config)


@pytest.mark.full
def test_a_trial_of_anomalies_does_not_see_the_anomalous_class(tmp_path, monkeypatch):
    """The data of a trial are those of a run, which lack the class that is told apart."""
    from apps.recipes import anomaly

    data = anomaly.TASK.load("digits")
    values = {"network": "mlp", "hidden_units": 16, "hidden_layers": 1, "epochs": 1, "batch_size": 512}
    plan = search.Plan.make(anomaly, data, values)
    label = plan.options["anomaly_class"]
    config = {"tuner": "random", "trials": 1, "seed": 0}
    steps, fit = [], plan.hypermodel.fit

    def watch(hp, model, x, **options):
        steps.append(sum(len(batch) for batch in x))
        return fit(hp, model, x, **options)

    monkeypatch.setattr(plan.hypermodel, "fit", watch)
    folder = search.SearchFolder(tmp_path / "search")
    folder.create()
    search.Search(plan, folder, config).search()
    assert steps == [int((data.y != label).sum())]
