"""The recipe of super-resolution through the programs: trained, resumed, evaluated, on folders, refused."""

import csv
import json
import math
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from apps import evaluate, train, translate
from keras_dl import metrics
from keras_dl.data import images
from keras_dl.data.images import named
from keras_dl.tasks import ImageSets, enlargement_drawing
from tests.data.images.test_folders import array, write

SMALL = [f"--set={text}" for text in ("filters=4", "blocks=1", "steps=3", "batch_size=2", "patch_size=8")]


@pytest.fixture(scope="module")
def enlarger(run, tmp_path_factory):
    """The folder of a small run of two epochs on drawings."""
    folder = tmp_path_factory.mktemp("runs") / "sr"
    assert run(train.main, "super_resolution", "--out", folder, "--epochs", 2, "--seed", 1, *SMALL) == 0
    return folder


def rows_of(folder):
    with (folder / "images.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_figures_and_pictures(run, enlarger):
    assert {path.name for path in (enlarger / "pictures").glob("[!.]*")} == {"comparison.png", "loss_curves.png"}
    rows = rows_of(enlarger)
    held_out = ImageSets.load("drawings").held_out({})
    assert [row["image"] for row in rows] == held_out.names
    evaluation = json.loads((enlarger / "evaluation.json").read_text())
    assert evaluation["psnr_bicubic"] == pytest.approx(np.mean([float(row["psnr_bicubic"]) for row in rows]))
    assert run(evaluate.main, enlarger) == 0
    assert json.loads((enlarger / "evaluation.json").read_text()) == evaluation


def test_figures_are_those_of_the_model(enlarger):
    row, held_out = rows_of(enlarger)[0], ImageSets.load("drawings").held_out({})
    model = keras.saving.load_model(enlarger / "model.keras")
    truth = held_out[0][None] / np.float32(255)
    small = np.round(255 * np.clip(images.reduced(truth, 2), 0, 1)) / np.float32(255)
    output = np.clip(model.network(small), 0, 1)
    assert float(row["psnr"]) == pytest.approx(float(metrics.peak_signal_noise_ratio(output, truth, 2)[0]), abs=1e-3)
    bicubic = images.enlarged(small, 2)
    assert float(row["psnr_bicubic"]) == pytest.approx(
        float(metrics.peak_signal_noise_ratio(bicubic, truth, 2)[0]), abs=1e-3
    )


def test_a_resumed_run_is_an_uninterrupted_one(run, enlarger, tmp_path):
    shutil.copytree(enlarger, tmp_path / "resumed")
    shutil.rmtree(sorted((tmp_path / "resumed" / "checkpoints").glob("epoch_*"))[-1])
    (tmp_path / "resumed" / "model.keras").unlink()
    (tmp_path / "resumed" / "history.csv").write_text("".join((enlarger / "history.csv").open().readlines()[:2]))
    assert run(train.main, "super_resolution", "--out", tmp_path / "resumed", "--resume") == 0
    models = [keras.saving.load_model(folder / "model.keras") for folder in (enlarger, tmp_path / "resumed")]
    for ours, expected in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        write(tmp_path / "pictures" / f"{number}.png", named.drawing(number, 40 + number))
    return tmp_path / "pictures"


@pytest.mark.full
def test_a_folder_with_blur_noise_and_compression(run, folder, tmp_path):
    options = ["--set=scale=3", "--set=blur=1.0", "--set=noise=0.02", "--set=jpeg=50"]
    out = tmp_path / "r"
    assert run(train.main, "super_resolution", "--data", folder, "--out", out, "--epochs", 1, *SMALL, *options) == 0
    config = json.loads((out / "config.json").read_text())
    assert config["data"]["names"] == [f"{number}.png" for number in range(4)]
    assert len(rows_of(out)) == 1
    assert run(evaluate.main, out) == 0
    (folder / "3.png").unlink()
    assert run(train.main, "super_resolution", "--resume", "--out", out, "--epochs", 2) == 2


def test_bad_folders_are_refused_before_training(run, folder, tmp_path, capsys):
    write(folder / "grey.png", array(channels=1))
    assert run(train.main, "super_resolution", "--data", folder, "--out", tmp_path / "r", *SMALL) == 2
    assert "Received: grey.png is grey" in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_other_sets_are_refused(run, tmp_path, capsys):
    assert run(train.main, "super_resolution", "--dataset", "digits", "--out", tmp_path / "r") == 2
    assert "there are: drawings, t91" in capsys.readouterr().err


def test_the_most_detailed_part():
    image = np.zeros((40, 60, 1))
    image[22:28:2, 40:50] = 1
    top, bottom, left, right = enlargement_drawing.most_detailed(image)
    assert (bottom - top, right - left) == (10, 15)
    assert top <= 22 and bottom >= 27 and left <= 40 and right >= 50


GAME = [*SMALL, "--set=critic_filters=4", "--set=critic_layers=1", "--set=pretraining=0.5", "--epochs=2"]


@pytest.mark.full
@pytest.mark.parametrize("relativistic", [False, True])
def test_a_game_begins_after_the_pixels(run, folder, tmp_path, relativistic):
    out = tmp_path / "r"
    assert run(train.main, "srgan", "--out", out, *GAME, f"--set=relativistic={relativistic}") == 0
    with (out / "history.csv").open(newline="") as file:
        pixels, game = csv.DictReader(file)
    assert float(pixels["pixels_loss"]) > 0 and math.isnan(float(pixels["critic_loss"]))
    assert math.isnan(float(game["pixels_loss"])) and float(game["critic_loss"]) > 0
    assert len(rows_of(out)) == 2
    assert run(translate.main, out, "--data", folder, "--out", tmp_path / "large") == 0
    with Image.open(folder / "1.png") as small, Image.open(tmp_path / "large" / "1.png") as large:
        assert large.size == (2 * small.width, 2 * small.height)
