"""The recipe that finds anomalies, through the programs."""

import json

import numpy as np
import pytest

from apps import evaluate, train
from keras_dl.tasks import Arrays, anomaly_drawing
from keras_dl.tasks.density import areas, scores


def test_the_class_is_left_out_of_training_and_of_held_out_figures():
    data = Arrays.load("digits")
    seen = data.without(3)
    assert 3 not in seen.y and 3 not in seen.y_test and len(seen.x) == (data.y != 3).sum()
    train_data, held_out = data.pipelines({"batch_size": 100, "epochs": 1, "anomaly_class": 3}, seed=0)
    assert sum(len(batch) for batch in train_data) == len(seen.x)
    np.testing.assert_array_equal(np.concatenate([b.numpy() for b in held_out]), seen.x_test)
    with pytest.raises(ValueError, match="digits has no class 11; its labels are 0 to 9"):
        data.without(11)


class Known:
    """A model whose scores are known: minus an image's first pixel, and its squares."""

    log_prob_kind = "estimate"
    anomaly_scores = ("likelihood", "reconstruction")

    def anomaly_score(self, x, score, num_samples=None):
        assert num_samples == (1 if score == "likelihood" else None)
        return -x[:, 0] if score == "likelihood" else (x**2).sum(-1)


def test_areas_are_of_every_score_of_the_model():
    x = np.array([[3.0, 0.0], [2.0, 0.0], [1.0, 9.0], [2.5, 0.1]])
    found = areas(Known(), x, np.array([False, False, True, True]), num_samples=1)
    assert found["likelihood"].value == 3 / 4 and found["reconstruction"].value == 3 / 4


def test_scores_are_drawn_as_shares_of_their_own_kind(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(anomaly_drawing, "finish_figure", lambda path, figure, title: drawn.extend(figure.axes))
    x = np.array([[3.0, 0.0], [2.0, 0.0], [1.0, 9.0], [2.5, 0.1], [2.6, 0.1]])
    found = scores(Known(), x, num_samples=1)
    np.testing.assert_allclose(found["likelihood"], [-3, -2, -1, -2.5, -2.6])
    anomaly_drawing.draw_scores(tmp_path / "scores.png", found, np.array([0, 0, 1, 1, 1], bool), ("others", "class 1"))
    for panel, name in zip(drawn, found, strict=True):
        heights = np.array([bar.get_height() for bar in panel.patches]).reshape(2, -1)  # others, then the class
        np.testing.assert_allclose(heights.sum(1), 1)
        assert set(np.round(heights[1][heights[1] > 0], 3)) <= {0.333, 0.667} and name in panel.get_xlabel()


def test_an_energy_model_finds_them_by_energy_and_slope(run, tmp_path):
    folder = tmp_path / "energy"
    sizes = ["filters=4", "capacity=512", "batch_size=512", "chain_steps=1", "epochs=1"]
    settings = [f"--set={value}" for value in ("model=energy", *sizes)]
    assert run(train.main, "anomaly", "--out", folder, *settings) == 0
    assert (folder / "pictures" / "scores.png").is_file()
    assert "leaves out class 1" in (folder / "card.md").read_text() and "leaves out class 1" in (
        folder / "report.html"
    ).read_text(encoding="utf-8")
    assert run(evaluate.main, folder) == 0
    found = json.loads((folder / "evaluation.json").read_text())
    assert {"roc_auc_energy", "roc_auc_gradient"} <= set(found) and "log_prob" not in found


@pytest.mark.full
def test_a_run_on_digits(run, tmp_path):
    folder = tmp_path / "anomaly"
    small = ["--set=network=mlp", "--set=hidden_units=16", "--set=batch_size=256", "--set=anomaly_class=0"]
    assert run(train.main, "anomaly", "--out", folder, "--epochs", 1, *small) == 0
    assert run(evaluate.main, folder, "--num-samples", 3) == 0
    found = json.loads((folder / "evaluation.json").read_text())
    for name in ("likelihood", "reconstruction"):
        assert 0 <= found[f"roc_auc_{name}"] <= 1 and found[f"roc_auc_{name}_standard_error"] > 0
