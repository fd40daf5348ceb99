"""The recipe that finds anomalies, through the programs."""

import json

import numpy as np
import pytest

from apps import evaluate, train
from keras_dl.likelihoods import LogDensity
from keras_dl.tasks import Arrays
from keras_dl.tasks.density import areas


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
    """A model whose scores are known: an image's likelihood is its first pixel, its reconstruction zero."""

    log_prob_kind = "estimate"

    def log_density(self, x, num_samples):
        return LogDensity(x[:, 0], 0 * x[:, 0], "estimate")

    def reconstruct(self, x):
        return 0 * x


def test_scores_are_minus_the_likelihood_and_the_squared_error():
    x = np.array([[3.0, 0.0], [2.0, 0.0], [1.0, 9.0], [2.5, 0.1]])
    found = areas(Known(), x, np.array([False, False, True, True]), num_samples=1)
    assert found["likelihood"].value == 3 / 4 and found["reconstruction"].value == 3 / 4


@pytest.mark.full
def test_a_run_on_digits(run, tmp_path):
    folder = tmp_path / "anomaly"
    small = ["--set=network=mlp", "--set=hidden_units=16", "--set=batch_size=256", "--set=anomaly_class=0"]
    assert run(train.main, "anomaly", "--out", folder, "--epochs", 1, *small) == 0
    assert run(evaluate.main, folder, "--num-samples", 3) == 0
    found = json.loads((folder / "evaluation.json").read_text())
    for name in ("likelihood", "reconstruction"):
        assert 0 <= found[f"roc_auc_{name}"] <= 1 and found[f"roc_auc_{name}_standard_error"] > 0
