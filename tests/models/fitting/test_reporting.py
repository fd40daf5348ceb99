"""What logs and progress bars say of phases, and of updates that did not run in an epoch."""

import csv

import keras
import numpy as np
import pytest

from tests.models.base.test_memory import SaveAt, X, fit, linear
from tests.models.remembering import remembering

LAZY = {"lazy": {"every": 3}}
ROWS = np.ones((8, 1), "float32")  # two batches of 4


def history(model, **options):
    return fit(model, epochs=4, **options).history.history


def lazy():
    """A model of which an epoch of two steps may have none of the second update: it runs in steps 0, 3, 6, ..."""
    model = linear(("main", "lazy"), **LAZY)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=False)
    return model


@pytest.fixture(scope="module")
def logged():
    """Phases of 50 and 60 samples and the rest, in epochs of 37."""
    return history(remembering(fade_from=50))


def test_logs_hold_the_number_of_the_phase_and_what_ran_in_it(logged):
    assert logged["phase"] == [1, 2, 2, 3]
    assert len(logged["main_loss"]) == 4 and len(logged["lazy_loss"]) == 3
    assert min(logged["lazy_loss"]) > 0


@pytest.mark.parametrize("options", [{"steps_per_execution": 3}, {"steps_per_batch": 2}])
def test_stacked_steps_log_the_same(options, logged):
    found = history(remembering(fade_from=50, **options))
    assert {name: len(values) for name, values in found.items()} == {k: len(v) for k, v in logged.items()}
    assert found["phase"] == logged["phase"]


def test_an_update_that_is_due_in_no_step_of_an_epoch_logs_nothing():
    model = lazy()
    logs = [model.fit(ROWS, batch_size=4, initial_epoch=i, epochs=i + 1, verbose=0).history for i in range(4)]
    assert ["lazy_loss" in one for one in logs] == [True, True, False, True]  # in steps 0, 3 and 6
    assert all("main_loss" in one for one in logs)
    assert "phase" not in logs[0]


def test_an_epoch_that_is_resumed_logs_what_ran_before(tmp_path):
    """Of the steps 3 to 5 of the second epoch, the lazy update runs in the first: before the model was saved."""
    whole = remembering(fade_from=24).fit(X[:24], batch_size=8, epochs=2, verbose=0).history
    model = remembering(fade_from=24)
    model.fit(X[:24], batch_size=8, epochs=2, verbose=0, callbacks=[SaveAt(tmp_path / "model.keras", 4)])
    again = keras.saving.load_model(tmp_path / "model.keras")
    found = again.fit(X[:24], batch_size=8, initial_epoch=1, epochs=2, verbose=0).history
    assert {name: values[-1] for name, values in whole.items()} == {name: value for name, (value,) in found.items()}


def test_a_table_has_columns_for_all_updates(tmp_path):
    path = tmp_path / "log.csv"
    history(remembering(fade_from=50), callbacks=[keras.callbacks.CSVLogger(path)])
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["phase"] for row in rows] == ["1", "2", "2", "3"]
    assert rows[0]["lazy_loss"] == "NA" and float(rows[1]["lazy_loss"]) > 0


@pytest.mark.filterwarnings("ignore:.*lazy_loss.*which is not available")
def test_epochs_without_what_is_monitored_do_not_stop_a_training():
    stop = keras.callbacks.EarlyStopping("lazy_loss", mode="min", patience=1, min_delta=-9.0)
    assert len(history(remembering(fade_from=1000), callbacks=[stop])["main_loss"]) == 4


def test_bars_name_the_phase(capsys):
    remembering(fade_from=50).fit(X, batch_size=8, epochs=4, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    named = [line for line in lines if line.startswith(("Epoch", "phase"))]
    expected = ["phase 1/3: warm-up", "phase 1/3: warm-up", "phase 2/3: fade", "phase 2/3: fade", "phase 3/3: rest"]
    assert [line for line in named if line.startswith("phase")] == expected
    assert named[:2] == ["Epoch 1/4", "phase 1/3: warm-up"]
    assert all("phase" not in line for line in lines if line.startswith("5/5"))


def test_bars_of_a_training_without_phases_are_those_of_keras(capsys):
    lazy().fit(ROWS, batch_size=4, verbose=2)
    assert "phase" not in capsys.readouterr().out


def test_a_batch_lists_every_metric_in_its_place():
    model = lazy()
    names = model.metrics_names
    assert [name for name in names if name.endswith("loss")] == ["main_loss", "lazy_loss"]
    assert np.isfinite(model.train_on_batch(ROWS)).all()
    model.reset_metrics()
    values = dict(zip(names, model.train_on_batch(ROWS), strict=True))
    assert np.isfinite(values["main_loss"]) and np.isnan(values["lazy_loss"])
    assert "lazy_loss" not in model.train_on_batch(ROWS, return_dict=True)


def test_a_bar_of_phases_stands_behind_all_other_callbacks():
    class Last(keras.callbacks.Callback):
        runs_last = True

        def set_callbacks(self, callbacks):
            self.names = [type(callback).__name__ for callback in callbacks]

    last = Last()
    remembering(fade_from=50).fit(X, batch_size=8, epochs=1, verbose=2, callbacks=[last])
    assert last.names == ["Progress", "History", "Last", "PhaseBar"]
