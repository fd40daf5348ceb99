"""The recipes of segmentation through the programs: trained, resumed, evaluated, searched, exported, used on others."""

import csv
import json
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

from apps import evaluate, export, segment, train, tune
from keras_dl.data import segmentation
from keras_dl.data.segmentation.pictures import PictureSource
from keras_dl.runs import RunFolder, ensemble
from keras_dl.tasks import Scans, dice_table
from keras_dl.tasks.measure import flat
from keras_dl.tasks.scan_configs import plan_of
from tests.apps.scan_files import nifti_folder

ROOT = pathlib.Path(__file__).resolve().parents[2]


def history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def test_a_run_leaves_scores_masks_and_pictures(run, segmenter):
    names = segmentation.fold(segmentation.load("blobs").names, 0)[1]
    with (segmenter / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["case"], row["class"]) for row in rows] == [(name, label) for name in names for label in "12"]
    assert sorted(path.stem for path in (segmenter / "predictions").glob("[!.]*")) == names
    assert {path.name for path in (segmenter / "pictures").glob("[!.]*")} == {"loss_curves.png", "overlays.png"}
    assert np.ptp(keras.utils.img_to_array(keras.utils.load_img(segmenter / "pictures" / "overlays.png"))) > 50
    found = json.loads((segmenter / "evaluation.json").read_text())
    assert found["dice_mean"] == pytest.approx(np.mean([float(row["dice"]) for row in rows]))
    assert run(evaluate.main, segmenter) == 0
    assert json.loads((segmenter / "evaluation.json").read_text()) == found
    assert run(evaluate.main, segmenter, "--limit", 2) == 0
    assert json.loads((segmenter / "evaluation.json").read_text())["rows"] == 2


def test_written_masks_are_those_of_the_model(segmenter):
    config = json.loads((segmenter / "config.json").read_text())
    plan, model = plan_of(config), keras.saving.load_model(segmenter / "model.keras")
    case = segmentation.load("blobs").select(["blobs_03"])[0]

    def predict(patches):
        return keras.ops.convert_to_numpy(keras.ops.softmax(model(patches, training=False)))

    labels = segmentation.segment(predict, case, plan)
    written = keras.utils.img_to_array(keras.utils.load_img(segmenter / "predictions" / "blobs_03.png"))[..., 0]
    assert (written == labels).mean() > 0.999
    with (segmenter / "cases.csv").open(newline="") as file:
        scores = {row["class"]: float(row["dice"]) for row in csv.DictReader(file) if row["case"] == "blobs_03"}
    for label in (1, 2):
        expected = 2 * np.sum((labels == label) & (case.labels == label))
        expected /= np.sum(labels == label) + np.sum(case.labels == label)
        assert scores[str(label)] == pytest.approx(expected, abs=1e-3)


@pytest.mark.full
def test_a_resumed_run_is_an_uninterrupted_one(run, segmenter, tmp_path):
    """The state after the first epoch goes on to the same second one, with the same patches, changed alike."""
    shutil.copytree(segmenter, tmp_path / "resumed")
    newest = sorted((tmp_path / "resumed" / "checkpoints").glob("epoch_*"))[-1]
    shutil.rmtree(newest)
    (tmp_path / "resumed" / "model.keras").unlink()
    (tmp_path / "resumed" / "history.csv").write_text("".join((segmenter / "history.csv").open().readlines()[:2]))
    assert run(train.main, "unet", "--out", tmp_path / "resumed", "--resume") == 0
    assert history(tmp_path / "resumed") == history(segmenter)
    models = [keras.saving.load_model(folder / "model.keras") for folder in (segmenter, tmp_path / "resumed")]
    for found, expected in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.full
def test_two_replicas_take_the_steps_of_one(segmenter, small_2d, tmp_path):
    given = ["unet", "--out", str(tmp_path / "two"), "--epochs=2", "--seed=1", "--replicas=2", *small_2d]
    subprocess.run([sys.executable, "-m", "apps.train", *given], cwd=ROOT, check=True, capture_output=True)
    for found, expected in zip(history(tmp_path / "two"), history(segmenter), strict=True):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert float(found[name]) == pytest.approx(float(value), rel=1e-3), name


@pytest.mark.slow
@pytest.mark.full
def test_volumes_of_a_folder_and_an_ensemble(run, tmp_path, capsys):
    """Masks are written with the affine, shape and axes of their images; three quarters of the box are found."""
    nibabel = pytest.importorskip("nibabel", reason="needs the extra medical: nibabel")
    tilt = nifti_folder(nibabel, tmp_path / "scans")
    given = ["nnunet", "--data", tmp_path / "scans", "--epochs", 4, "--set=steps=25", "--set=filters=8"]
    for fold in (0, 1):
        out = ("--out", tmp_path / f"fold{fold}", "--export", tmp_path / "served")
        assert run(train.main, *given, f"--set=fold={fold}", *out) == 0
    written = {path.name for path in (tmp_path / "served").glob("[!.]*")}
    assert written == {"1", "2", "README.md", "samples.png"}
    found = [json.loads((tmp_path / f"fold{fold}" / "evaluation.json").read_text()) for fold in (0, 1)]
    assert all(one["rows"] == 1 and one["dice_class_1"] > 0.75 for one in found), found
    held_out = [path.name for fold in (0, 1) for path in (tmp_path / f"fold{fold}" / "predictions").glob("[!.]*")]
    assert len(set(held_out)) == 2
    runs = [tmp_path / "fold0", tmp_path / "fold1"]
    assert run(segment.main, *runs, "--data", tmp_path / "scans", "--out", tmp_path / "masks", "--no-mirroring") == 0
    for number in range(5):
        mask = nibabel.load(tmp_path / "masks" / f"scan_{number}.nii.gz")
        truth = nibabel.load(tmp_path / "scans" / "labelsTr" / f"scan_{number}.nii.gz")
        assert mask.shape == truth.shape and mask.get_data_dtype() == np.uint8
        np.testing.assert_allclose(mask.affine, tilt, atol=1e-5)
        both = [np.asarray(image.dataobj) > 0 for image in (mask, truth)]
        assert 2 * np.sum(both[0] & both[1]) / np.sum(both) > 0.75
    assert run(evaluate.main, tmp_path / "fold0", "--data", tmp_path / "scans") == 0
    assert json.loads((tmp_path / "fold0" / "evaluations" / "scans" / "evaluation.json").read_text())["rows"] == 5
    assert run(evaluate.main, tmp_path / "fold0", "--dataset", "blobs3d") == 2
    assert "3 axes and 1 channels in 2 classes; blobs3d has 3, 1 and 3" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.full
def test_all_folds_see_every_case_and_make_an_ensemble(run, tmp_path, capsys):
    tiny = ("filters=4", "steps=1", "batch_size=2", "levels=2", "patch_size=16")
    folder, given = tmp_path / "five", ["--epochs", 1, *(f"--set={text}" for text in tiny)]
    assert run(train.main, "unet", "--folds", "--out", folder, "--export", tmp_path / "m", *given) == 0
    assert all((tmp_path / f"m_fold_{number}" / "1" / "saved_model.pb").is_file() for number in range(5))
    with (folder / "cases.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted({row["case"] for row in rows}) == segmentation.load("blobs").names and len(rows) == 60
    found = json.loads((folder / "evaluation.json").read_text())
    assert found["rows"] == 30
    dice = [float(row["dice"]) for row in rows if row["class"] == "2"]
    assert found["dice_class_2"] == pytest.approx(np.mean(dice))
    for number in range(5):
        labels = np.zeros((40, 36), int)
        PictureSource().write(labels + 10 * number, tmp_path / "others" / f"{number}.png")
    assert run(segment.main, folder, "--data", tmp_path / "others", "--out", tmp_path / "m", "--no-mirroring") == 0
    assert len(list((tmp_path / "m").glob("?.png"))) == 5
    capsys.readouterr()
    assert run(train.main, "unet", "--folds", "--out", folder, *given) == 2
    assert "already holds folds" in capsys.readouterr().err
    assert run(train.main, "vae", "--folds", "--out", tmp_path / "x") == 2
    assert run(train.main, "unet", "--folds", "--set=fold=1", "--out", tmp_path / "x") == 2
    assert "give one of the two" in capsys.readouterr().err


def test_pictures_of_a_folder_keep_their_label_values(run, small_2d, tmp_path):
    for number in range(5):
        labels = np.zeros((40, 36 + number), int)
        labels[8:24, 6:20] = 255
        PictureSource().write(labels // 2 + 60, tmp_path / "cells" / "images" / f"{number}.png")
        PictureSource().write(labels, tmp_path / "cells" / "masks" / f"{number}.png")
    folder = tmp_path / "run"
    given = [*small_2d, "--set=normalization=batch", "--set=augmentation=none"]
    assert run(train.main, "unet", "--data", tmp_path / "cells", "--out", folder, "--epochs", 4, *given) == 0
    assert json.loads((folder / "config.json").read_text())["dataset"] == "cells"
    assert run(segment.main, folder, "--data", tmp_path / "cells", "--out", tmp_path / "masks") == 0
    mask = keras.utils.img_to_array(keras.utils.load_img(tmp_path / "masks" / "2.png"))[..., 0]
    assert mask.shape == (40, 38) and set(np.unique(mask)) <= {0, 255}


@pytest.mark.slow
@pytest.mark.full
def test_a_search_by_dice_leaves_a_run(run, small_2d, tmp_path):
    folder = tmp_path / "search"
    given = ["--trials", 2, "--epochs", 1, "--objective", "dice", *small_2d, "--set=augmentation=none"]
    assert run(tune.main, "unet", "--out", folder, *given) == 0
    assert (folder / "best" / "pictures" / "overlays.png").is_file()
    assert run(evaluate.main, folder / "best", "--limit", 2) == 0


def test_an_exported_segmenter_says_what_it_takes(run, segmenter, tmp_path):
    assert run(export.main, segmenter, "--to", tmp_path / "unet_blobs") == 0
    card = (tmp_path / "unet_blobs" / "README.md").read_text()
    assert "`predict` | `x`: float32 ?x32x32x1" in card and "![samples](samples.png)" in card
    assert "are the values 0, 1, 2 of the masks" in card and '"normalizations": [' in card


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["unet", "--dataset", "digits"], "learns from masks, which digits does not have; there are: blobs"),
        (["vae", "--dataset", "blobs"], "blobs holds scans with masks, from which only recipes of segmentation learn"),
        (["unet", "--data", "missing"], "there should be a folder of images"),
        (["unet", "--data", ".", "--dataset", "blobs"], "give one of them"),
        (["unet3d", "--dataset", "blobs"], "unet3d expects volumes"),
        (["unet", "--set", "fold=5"], "a fold from 0 to 4"),
        (["unet", "--set", "fold=-1"], "fold takes a whole number from 0"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(run, arguments, message, tmp_path, capsys):
    assert run(train.main, *arguments, "--out", tmp_path / "r") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "r").exists()


def test_runs_of_other_systems_make_no_masks(run, finished, segmenter, tmp_path, capsys):
    assert run(segment.main, finished, "--data", tmp_path) == 2
    assert f"the model of {finished} generates: python -m apps.sample {finished}" in capsys.readouterr().err
    with pytest.raises(ValueError, match="holds no run of a segmenter: vae makes no masks"):
        ensemble.of_runs([RunFolder(finished)])
    for name in ("images", "masks"):
        (tmp_path / "scans" / name).mkdir(parents=True)
    for program, first in ((train.main, "vae"), (evaluate.main, finished)):
        assert run(program, first, "--data", tmp_path / "scans") == 2
        assert "holds scans with masks" in capsys.readouterr().err
    shutil.copytree(segmenter, tmp_path / "other")
    config = json.loads((tmp_path / "other" / "config.json").read_text())
    config["fit"]["plan"]["spacing"] = [2.0, 2.0]
    (tmp_path / "other" / "config.json").write_text(json.dumps(config))
    assert run(segment.main, segmenter, tmp_path / "other", "--data", tmp_path) == 2
    assert "they make no ensemble" in capsys.readouterr().err


def test_summary_of_scores():
    """A class that is in neither mask says nothing; one that was missed counts as 0, and has no distance."""
    nan, inf = float("nan"), float("inf")
    rows = [("a", 1, 0.5, 2.0), ("a", 2, nan, nan), ("b", 1, 1.0, 0.0), ("b", 2, 0.0, inf), ("c", 2, 1.0, 1.0)]
    rows = [dict(zip(("case", "class", "dice", "hausdorff_95"), row, strict=True)) for row in rows]
    found, shown = flat(dice_table.measures(rows)), dice_table.columns(rows)
    assert found["dice_class_1"] == 0.75 and found["dice_class_2"] == 0.5 and found["dice_mean"] == 0.625
    assert found["hausdorff_95_class_1"] == 1.0 and found["hausdorff_95_class_2"] == 1.0
    assert shown["cases"] == {"class 1": "2", "class 2": "2"}
    assert shown["missed or made up"] == {"class 1": "0", "class 2": "1"}


def test_every_fold_leaves_other_cases_out():
    data = Scans.load("blobs")
    folds = [data.names(number) for number in range(5)]
    assert sorted(name for _, held_out in folds for name in held_out) == data.cases.names
    for training, held_out in folds:
        assert not set(training) & set(held_out) and len(training) == 24
