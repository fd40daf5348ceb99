"""Recipes on data of one's own: folders of images and files, through all programs."""

import json
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

import keras_dl
from apps import catalogue, evaluate, export, sample, train, tune
from apps.recipes import cddpm, ddpm, ebm
from keras_dl.runs import space
from tests.apps.test_training import assert_same_state, history, send_after_an_epoch, start
from tests.apps.untrained import SMALL

(X, Y), _ = keras_dl.data.load("digits")
ROWS = 120


def save_pictures(folder, rows=ROWS, classes=True):
    """Writes digits as PNG files, in a folder per class or all in one."""
    for row in range(rows):
        path = folder / f"class {Y[row]}" / f"{row:04d}.png" if classes else folder / f"{row:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((X[row, ..., 0] * 255).astype("uint8")).save(path)
    return folder


@pytest.fixture(scope="session")
def classes(tmp_path_factory):
    return save_pictures(tmp_path_factory.mktemp("data") / "own digits")


def small_options(recipe):
    """Options that make a recipe small."""
    module = catalogue.module(recipe)
    asked = {name for name, *_ in space.table(module, module.TASK.load(module.DATASET).spec)}
    values = {**SMALL, "batch_size": 32, "sampling_steps": 1, "sampler": "euler"}
    return [f"--set={name}={value}" for name, value in values.items() if name in asked]


OF_POINTS = ("cnf", "gan2d", "flow2d", "score2d", "ebm2d")
#: Their task is that of another recipe, and so is how their models read: vae, gan, realnvp, ddpm
#: and jem.
LIKE_OTHERS = ("iwae", "nvae", "wgan", "wgan_gp", "maf", "edm", "flow_matching", "ebm")
OF_IMAGES = [name for name in catalogue.recipes() if catalogue.module(name).TASK.condition in (None, "labels")]


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    """Where the first evaluation of images writes its features, which the others read."""
    return tmp_path_factory.mktemp("features") / "lenet.keras"


@pytest.mark.full
@pytest.mark.parametrize("recipe", [name for name in OF_IMAGES if name not in (*OF_POINTS, *LIKE_OTHERS)])
def test_every_recipe_of_images_trains_on_a_folder(run, recipe, classes, features, tmp_path, monkeypatch):
    monkeypatch.setattr(ddpm, "STEPS", (1, 2))  # of the pictures, each of which traces a sampler of its own
    monkeypatch.setattr(ebm, "STEPS", (1, 2))
    monkeypatch.setattr(cddpm, "GUIDANCE", (0.0, 2.0))
    folder = tmp_path / "r"
    given = ["--data", classes, "--epochs", 1, "--out", folder, *small_options(recipe)]
    assert run(train.main, recipe, *given) == 0
    config = json.loads((folder / "config.json").read_text())
    assert config["dataset"] == "own digits" and config["folder"] == str(classes)
    assert config["data"]["num_classes"] == 10 and config["data"]["num_samples"] == 108
    assert config["data"]["classes"] == [f"class {digit}" for digit in range(10)]
    assert run(evaluate.main, folder, "--num-samples", 20, "--features", features) == 0


def test_a_classifier_of_a_folder_goes_through_all_programs(run, classes, tmp_path, capsys):
    folder = tmp_path / "r"
    assert run(train.main, "lenet", "--data", classes, "--epochs", 2, "--out", folder) == 0
    assert "lenet on own digits: 108 samples of 8x8x1" in capsys.readouterr().out
    assert run(evaluate.main, folder) == 0
    assert json.loads((folder / "evaluation.json").read_text())["rows"] == 12
    others = save_pictures(tmp_path / "others", 60)
    assert run(evaluate.main, folder, "--data", others) == 0
    assert json.loads((folder / "evaluation.json").read_text())["rows"] == 60
    assert run(export.main, folder, "--to", tmp_path / "m") == 0
    assert "own digits, 108 samples of 8x8x1" in (tmp_path / "m" / "README.md").read_text()
    assert run(train.main, "lenet", "--out", folder, "--resume", "--extend", "--epochs", 3) == 0
    assert len(history(folder)) == 3


@pytest.mark.slow
@pytest.mark.full
def test_a_vae_of_an_array_trains_samples_and_resumes_where_it_was_killed(run, small, tmp_path):
    np.save(tmp_path / "digits.npy", (X[:400] * 255).astype("uint8"))
    options = ["--data", tmp_path / "digits.npy", "--epochs", 12, *small, "--set=batch_size=32"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run(train.main, "vae", "--out", whole, *options) == 0
    every = ["--checkpoint-every", 3]
    assert send_after_an_epoch(start("--out", killed, *options, *every), signal.SIGKILL, killed)[0] == -signal.SIGKILL
    assert len(history(killed)) < 12
    assert run(train.main, "vae", "--out", killed, "--resume") == 0
    assert_same_state(killed, whole)
    assert history(killed) == history(whole)
    assert run(sample.main, killed, "--to", tmp_path / "samples.npy") == 0
    assert np.load(tmp_path / "samples.npy").shape == (64, 8, 8, 1)


def test_points_of_a_table_train_a_gan(run, tmp_path):
    points, _ = keras_dl.data.sample_points("ring", 300)
    np.savetxt(tmp_path / "ring.csv", points, delimiter=",", header="x,z", comments="")
    folder = tmp_path / "r"
    options = ["--data", tmp_path / "ring.csv", "--epochs", 1, "--set=hidden_units=16"]
    assert run(train.main, "gan2d", "--out", folder, *options) == 0
    assert json.loads((folder / "config.json").read_text())["data"]["shape"] == [2]


def test_a_search_runs_on_a_folder_and_says_how_to_train_longer(run, classes, tmp_path, capsys):
    given = ["--data", classes, "--trials", 1, "--epochs", 1, "--out", tmp_path / "s", "--set=batch_size=32"]
    assert run(tune.main, "lenet", *given) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert f"apps.train lenet --data '{classes}'" in output
    assert run(evaluate.main, tmp_path / "s" / "best") == 0


def test_changed_data_are_refused(run, tmp_path, capsys):
    data, folder = save_pictures(tmp_path / "own", 30), tmp_path / "r"
    assert run(train.main, "lenet", "--data", data, "--epochs", 1, "--out", folder) == 0
    before = next(data.glob("*/*.png"))
    shutil.copy(before, before.with_name("another.png"))
    for program, options in ((evaluate.main, [folder]), (train.main, ["lenet", "--out", folder, "--resume"])):
        assert run(program, *options) == 2
        assert "was begun with 30 samples of own. Received: 31" in capsys.readouterr().err
    before.with_name("another.png").unlink()
    (data / "class 0").rename(data / "class z")
    assert run(evaluate.main, folder) == 2
    assert "knows the classes class 0, class 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "make", "message"),
    [
        ("cvae", lambda path: save_pictures(path, 9, classes=False), "learns from labels, which own does not have"),
        ("vae", lambda path: path.mkdir(), "should hold pictures alone"),
        ("vae", lambda path: None, "should be a file or folder of data. Received: no such file"),
        ("unet", lambda path: save_pictures(path, 9), "should hold a folder imagesTr"),
        ("siren", lambda path: save_pictures(path, 9), "learns from values, which own does not have"),
        ("lenet", lambda path: save_pictures(path, 1), "two samples"),
    ],
)
def test_data_that_do_not_fit_are_a_message_and_leave_no_folder(run, recipe, make, message, tmp_path, capsys):
    make(tmp_path / "own")
    assert run(train.main, recipe, "--data", tmp_path / "own", "--out", tmp_path / "r") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_a_broken_picture_ends_a_run_with_its_name(run, tmp_path, capsys, monkeypatch):
    data = save_pictures(tmp_path / "own", 200, classes=False)
    monkeypatch.setattr(keras_dl.data.spec, "_ROWS_LOOKED_AT", 1)  # of what is looked at before training
    column = keras_dl.tasks.Arrays.open(data, "own").x
    rows = set(range(1, 180)) - set(np.linspace(0, 179, 64).astype(int))
    broken = column.where(min(rows))
    with open(broken, "r+b") as file:
        file.truncate(60)
    assert run(train.main, "dcgan", "--data", data, "--epochs", 1, "--out", tmp_path / "r", "--set=filters=4") == 2
    assert f"{broken} should be one picture" in capsys.readouterr().err
    assert (tmp_path / "r" / "config.json").is_file()
