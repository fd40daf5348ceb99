"""Recipes of flows through the programs: pictures, measures and tables of one's own."""

import json

import numpy as np
import pytest

from apps import catalogue, evaluate, sample, train
from keras_dl import tasks
from keras_dl.data import DataSpec, points, tables
from keras_dl.runs import space

TINY = ["--set=hidden_units=8", "--set=num_layers=1", "--set=batch_size=4096", "--epochs", 1]


def test_points_have_a_density_map_a_grid_and_a_divergence(run, tmp_path):
    folder = tmp_path / "flow2d"
    assert run(train.main, "flow2d", "--dataset", "moons", "--out", folder, "--set=num_bins=3", *TINY) == 0
    assert {"density.png", "warped_grid.png"} <= {path.name for path in (folder / "pictures").iterdir()}
    assert run(evaluate.main, folder, "--limit", 100) == 0
    figures = json.loads((folder / "evaluation.json").read_text())
    x = points.load("moons")[1][0][:100]
    expected = points.log_density("moons", x).mean() - figures["log_prob"]
    assert figures["log_prob_kind"] == "exact" and figures["kl_divergence"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.full
def test_images_are_drawn_by_temperature_and_counted_in_bits(run, tmp_path):
    small = ["--set=filters=4", "--set=num_steps=1", "--set=batch_size=512", "--epochs", 1]
    folder = tmp_path / "glow"
    assert run(train.main, "glow", "--out", folder, *small) == 0
    assert {"temperatures.png", "interpolations.png"} <= {path.name for path in (folder / "pictures").iterdir()}
    assert run(evaluate.main, folder, "--limit", 20, "--num-samples", 2) == 0
    figures = json.loads((folder / "evaluation.json").read_text())
    assert figures["log_prob_kind"] == "bound"
    bits = -figures["log_prob"] / (64 * np.log(2))
    assert figures["bits_per_dimension"] == pytest.approx(bits, rel=1e-4)
    assert run(sample.main, folder, "--num-samples", 4, "--to", tmp_path / "x.npy") == 0


@pytest.mark.parametrize("name", ["realnvp", "maf"])
def test_strokes_at_the_rim_do_not_blow_up_the_loss(name):
    """Pixels that are blank in all images of the first batch are not in the next ones, as in MNIST."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (2048, 6, 6, 1)) * (rng.random((2048, 6, 6, 1)) < 0.005)
    x[:, 2:4, 2:4] = rng.integers(0, 256, (2048, 2, 2, 1))
    model = space.build(catalogue.module(name), DataSpec((6, 6, 1), None, 2048, 256), {"hidden_units": 32}, seed=0)[0]
    history = model.fit((x / 255).astype("float32"), batch_size=64, epochs=3, verbose=0).history
    assert max(history["bits_per_dimension"]) < 8.0, "more than eight bits, which a flat density has"


def table(rows=200):
    rng = np.random.default_rng(0)
    x = rng.normal([5.0, -100.0, 3.0], [0.1, 20.0, 0.0], (rows, 3))
    x[7:12, 1] = 1e4
    return x


def test_a_table_of_ones_own_is_standardised_and_reported(run, tmp_path, capsys):
    np.save(tmp_path / "mine.npy", table())
    folder = tmp_path / "maf"
    with pytest.warns(UserWarning) as warned:
        assert run(train.main, "maf", "--data", tmp_path / "mine.npy", "--out", folder, *TINY) == 0
    texts = " ".join(str(warning.message) for warning in warned)
    assert (
        "1 constant columns, 2" in texts
        and "beyond 8 deviations of the middle half" in texts
        and "in column 1" in texts
    )
    described = json.loads((folder / "config.json").read_text())["data"]["standardised"]
    assert described["columns"] == [0, 1] and described["mean"][0] == pytest.approx(5.0, abs=0.05)
    card = "\n".join(tasks.Flow().card({"data": {"standardised": described}}))
    assert f"| 0 | {described['mean'][0]:.6g}" in card
    with pytest.warns(UserWarning):
        assert run(evaluate.main, folder) == 0
    capsys.readouterr()
    assert run(sample.main, folder, "--to", tmp_path / "samples.npy") == 0
    assert "values are standardised" in "".join(capsys.readouterr())


def test_a_table_of_many_columns_is_trained_on_and_sampled_without_pictures_of_samples(run, tmp_path, capsys):
    folder = tmp_path / "maf"
    assert run(train.main, "maf", "--dataset", "breast_cancer", "--out", folder, *TINY) == 0
    assert [path.name for path in (folder / "pictures").glob("*.png")] == ["loss_curves.png"]
    assert run(sample.main, folder, "--num-samples", 5) == 0
    assert np.load(folder / "samples.npy").shape == (5, 26)
    assert run(sample.main, folder, "--to", tmp_path / "samples.png") == 2
    assert "ends in .npy: samples of shape (26,)" in capsys.readouterr().err


def test_named_tables_are_standardised_and_lose_repeated_columns(monkeypatch):
    (x, y), (x_test, y_test) = tables.load("breast_cancer")
    assert (len(x), len(x_test)) == (512, 57) and set(y) == set(y_test) == {0, 1}
    np.testing.assert_allclose([x.mean(0), x.std(0)], [np.zeros(26), np.ones(26)], atol=1e-4)
    assert tables.uncorrelated(np.stack([np.arange(9.0), 2 * np.arange(9.0), np.arange(9.0) % 3], -1)) == [0, 2]
    folds = [tables.load("breast_cancer", fold)[1][0] for fold in range(10)]
    assert sum(map(len, folds)) == 569
    monkeypatch.delenv("KERAS_DL_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="wine_quality/.*KERAS_DL_DATA is not set"):
        tables.load("wine_quality_red")
