"""The recipe that embeds images, through the programs."""

import json

import pytest

from apps import evaluate, export, train


@pytest.mark.full
def test_a_run_on_digits(run, tmp_path, capsys):
    folder = tmp_path / "siamese"
    assert run(train.main, "siamese", "--out", folder, "--epochs", 2, "--set=embedding_size=4") == 0
    assert (folder / "pictures" / "embeddings.png").is_file()
    assert run(evaluate.main, folder) == 0
    found = json.loads((folder / "evaluation.json").read_text())
    assert 0.3 < found["knn_accuracy"] <= 1 and 0 < found["knn_accuracy_standard_error"] < 0.05
    assert run(export.main, folder, "--to", tmp_path / "siamese_digits") == 0
    card = (tmp_path / "siamese_digits" / "README.md").read_text()
    assert "`embed` | `x`: float32 ?x8x8x1" in card and "`distance`" in card
