"""apps.evaluate on models without a density: images by a LeNet's features, points by their modes and transport."""

import json

import pytest

from apps import evaluate, export, train

SMALL = ["--set=hidden_units=16", "--set=latent_size=2", "--set=batch_size=256"]
FEATURED = ["FID", "KID", "precision", "recall", "density", "coverage", "inception score"]


@pytest.fixture(scope="module")
def digits(run, tmp_path_factory):
    """The folder of a small GAN trained for an epoch, and the output of its first evaluation."""
    folder = tmp_path_factory.mktemp("runs") / "gan"
    assert run(train.main, "gan", "--out", folder, "--epochs", 1, *SMALL) == 0
    return folder


def found(folder):
    return json.loads((folder / "evaluation.json").read_text())


@pytest.mark.slow
@pytest.mark.full
def test_images(run, digits, tmp_path, capsys):
    capsys.readouterr()
    file = tmp_path / "shared" / "features.keras"
    assert run(evaluate.main, digits, "--num-samples", 300, "--features", file) == 0
    first, text = found(digits), capsys.readouterr().out
    assert file.is_file() and "training lenet-digits" in text and "critic_loss" in text
    assert all(f"{name}[lenet-digits]" in text for name in FEATURED) and "sliced Wasserstein " in text
    assert "biased upwards" in text and "300 samples beside the held-out ones" in text
    assert first["features"] == "lenet-digits" and first["features_accuracy"] > 0.85
    assert first["kid"] > 4 * first["kid_standard_error"] > 0  # one epoch makes no digits
    assert 1 <= first["inception_score"] <= 10 and 0 <= first["coverage"] < 0.5
    assert run(evaluate.main, digits, "--num-samples", 300, "--features", file) == 0
    assert "training" not in capsys.readouterr().out
    assert found(digits) == first
    assert run(export.main, digits, "--to", tmp_path / "gan_digits") == 0
    card = (tmp_path / "gan_digits" / "README.md").read_text()
    assert "| features |  |  | lenet-digits |" in card
    assert f"| kid (lower is better) |  |  | {first['kid']:.4g} |" in card
    assert run(evaluate.main, digits, "--num-samples", 0) == 0
    assert "kid" not in found(digits) and found(digits)["critic_loss"] == first["critic_loss"]
    file.write_bytes(b"no archive")
    assert run(evaluate.main, digits, "--features", file) == 2
    assert "feature network" in capsys.readouterr().err
    assert run(evaluate.main, digits, "--num-samples", 1, "--features", tmp_path / "x.h5") == 2


@pytest.mark.slow
@pytest.mark.full
def test_points(run, tmp_path, capsys):
    pytest.importorskip("ot")
    folder = tmp_path / "gan2d"
    assert (
        run(train.main, "gan2d", "--out", folder, "--epochs", 1, "--set=hidden_units=16", "--set=batch_size=512") == 0
    )
    assert run(evaluate.main, folder, "--num-samples", 500, "--limit", 400) == 0
    text, results = capsys.readouterr().out, found(folder)
    assert "modes covered" in text and "samples within 3 deviations" in text and "W2" in text
    assert 0 <= results["modes"] <= 1 and 0 <= results["good_samples"] < 0.9
    assert results["w2"] > results["sliced_wasserstein"] > 0 and results["num_samples"] == 500
    assert run(evaluate.main, folder, "--dataset", "ring", "--num-samples", 500, "--limit", 400) == 0
    assert "w2" in found(folder) and "modes" not in found(folder)
