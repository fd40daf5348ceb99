"""Scans that are not those of a run, or that its masks would overwrite: refused, or said."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from skimage.io import imread, imsave

from apps import evaluate, export, segment, train, tune
from keras_dl import tasks
from keras_dl.data import segmentation
from keras_dl.data.segmentation.pictures import PictureSource


@pytest.fixture
def copied(segmenter, tmp_path):
    """A copy of a run."""
    return shutil.copytree(segmenter, tmp_path / "run")


@pytest.fixture
def changed(copied):
    """Changes the config of the copied run by a function."""

    def change(edit):
        config = json.loads((copied / "config.json").read_text())
        edit(config)
        (copied / "config.json").write_text(json.dumps(config))

    return change


def pictures(folder, names=("a_0000", "a_0001"), largest=1, masks=True):
    """Images with a box of a class, in `images/` and, if wanted, `masks/`."""
    for name in names:
        labels = np.zeros((20, 24), int)
        labels[4:12, 6:16] = largest
        PictureSource().write(100 * labels + 20, folder / "images" / f"{name}.png")
        if masks:
            PictureSource().write(labels, folder / "masks" / f"{name}.png")
    return folder


def test_other_cases_than_those_of_a_run(run, copied, changed, capsys):
    """They would be divided into other folds: what the run was trained on would count as held out."""

    def edit(config):
        config["data"]["names"] = ["zero", *config["data"]["names"][:-1]]

    changed(edit)
    for command in ([evaluate.main, copied], [train.main, "unet", "--out", copied, "--resume", "--epochs", 3]):
        assert run(*command) == 2
        assert "other cases than blobs holds now, with blobs_29 and without zero" in capsys.readouterr().err


def test_scans_that_would_be_planned_otherwise(run, copied, changed, capsys):
    changed(lambda config: config["fit"]["plan"].update(median_shape=[64, 73]))
    assert run(train.main, "unet", "--out", copied, "--resume", "--epochs", 3) == 2
    assert "other scans or masks than blobs holds now: their plan differs" in capsys.readouterr().err


def test_cases_that_the_model_was_trained_on_are_counted(run, copied, capsys):
    assert run(evaluate.main, copied, "--dataset", "blobs", "--limit", 10) == 0
    names = segmentation.load("blobs").names
    count = len(set(names[:10]) & set(segmentation.fold(names, 0)[0]))
    assert 0 < count < 10
    assert f"10 cases of blobs ({count} of them the model was trained on), segmented" in capsys.readouterr().out


def test_masks_that_lack_a_class_of_the_run(run, copied, tmp_path, capsys):
    """They hold 0 and 2, or nothing: the values are those of the run."""
    scans = pictures(tmp_path / "scans", largest=2)
    own = {path: path.read_bytes() for path in (copied / "evaluation.json", copied / "cases.csv")}
    assert run(evaluate.main, copied, "--data", scans) == 0
    found = json.loads((copied / "evaluations" / "scans" / "evaluation.json").read_text())
    assert found["rows"] == 2 and found["dice_class_2"] is not None
    assert all(path.read_bytes() == content for path, content in own.items())  # the held-out figures stay
    names = {path.name for path in (copied / "evaluations" / "scans").glob("[!.]*")}
    assert names == {"evaluation.json", "cases.csv", "predictions", "pictures"}
    pictures(scans, largest=255)
    assert run(evaluate.main, copied, "--data", scans) == 2
    assert "channels in 3 classes; scans has 2, 1 and 2" in capsys.readouterr().err


def test_masks_do_not_overwrite_images(run, segmenter, tmp_path, capsys):
    scans = pictures(tmp_path / "scans")
    before = imread(scans / "images" / "a_0000.png")
    for data, out in ((scans, "images"), (scans, "masks"), (scans / "images", "masks"), (scans / "images", "images")):
        assert run(segment.main, segmenter, "--data", data, "--out", scans / out) == 2
        assert f"{scans / out} holds the images or masks of --data" in capsys.readouterr().err
    np.testing.assert_array_equal(imread(scans / "images" / "a_0000.png"), before)


def test_numbered_images_are_segmented_one_by_one(run, segmenter, tmp_path, capsys):
    scans = pictures(tmp_path / "film", masks=False)
    assert run(segment.main, segmenter, "--data", scans, "--out", tmp_path / "out", "--no-mirroring") == 0
    assert {path.name for path in (tmp_path / "out").glob("[!.]*")} == {"a_0000.png", "a_0001.png", "pictures"}
    colours = np.stack([imread(scans / "images" / "a_0000.png")] * 3, axis=-1)
    (tmp_path / "rgb").mkdir()
    imsave(tmp_path / "rgb" / "x.png", colours, check_contrast=False)
    assert run(segment.main, segmenter, "--data", tmp_path / "rgb", "--out", tmp_path / "out") == 2
    assert "take images of 2 axes and 1 channels; those of" in capsys.readouterr().err


def test_masks_of_other_values_make_no_ensemble(run, segmenter, copied, changed, tmp_path, capsys):
    changed(lambda config: config["data"].update(label_values=[0, 1, 255]))
    assert run(segment.main, segmenter, copied, "--data", tmp_path, "--out", tmp_path / "out") == 2
    assert "hold [0, 1, 255], and those of" in capsys.readouterr().err


def test_folds_are_not_put_into_a_run(run, segmenter, capsys):
    """Their scores would take the place of those of the run."""
    for options in ([], ["--resume"]):
        assert run(train.main, "unet", "--folds", "--out", segmenter, *options) == 2
        assert "holds a run of its own; give another --out" in capsys.readouterr().err
    assert not list(segmenter.glob("fold_*"))


def test_a_search_among_scans_says_how_to_train_longer():
    """With the folder, whose name is no data set's."""
    plan = SimpleNamespace(space=SimpleNamespace(space=[]))
    config = {"recipe": "unet", "dataset": "my scans", "folder": "/data/my scans", "seed": 3}
    command = tune.longer(plan, config, {"hyperparameters": {}})
    assert "apps.train unet --data '/data/my scans' --seed 3 --out" in command and "--dataset" not in command
    assert "--dataset my --seed" in tune.longer(
        plan, config | {"folder": None, "dataset": "my"}, {"hyperparameters": {}}
    )


def test_a_run_whose_scores_say_nothing_is_exported(run, copied, tmp_path):
    """As of empty masks, which the model leaves empty too."""
    found = {"dataset": "blobs", "rows": 1, "dice_class_1": None, "hausdorff_95_class_1": None}
    (copied / "evaluation.json").write_text(json.dumps(found))
    assert run(export.main, copied, "--to", tmp_path / "exported") == 0
    assert "| dice_class_1 |  |  |  |" in (tmp_path / "exported" / "README.md").read_text()


def test_too_few_cases_for_folds_are_all_trained_on(tmp_path):
    """Which a warning says, before anything is trained."""
    for number in range(4):
        for kind, values in (("images", 60), ("masks", number % 2)):
            PictureSource().write(np.full((16, 16), values), tmp_path / "few" / kind / f"{number}.png")
    scans = tasks.Scans.load("few", tmp_path / "few")
    assert scans.names(0) == (scans.cases.names,) * 2
    with pytest.warns(UserWarning, match="4 cases are too few for folds: all are trained on"):
        scans.warn_of_fold(0)
    with pytest.raises(ValueError, match="there should be at least 5 different names"):
        scans.names(1)


def test_groups_that_are_fewer_than_five_are_said(tmp_path):
    pictures(tmp_path, names=("p1_a", "p1_b", "p2_a", "p2_b", "p3_a"))
    scans = tasks.Scans.load("set", tmp_path, reading={"groups": "[^_]+"})
    assert [scans.names(number)[1] for number in range(3)] == [["p1_a", "p1_b"], ["p2_a", "p2_b"], ["p3_a"]]
    with pytest.warns(UserWarning, match="3 groups make 3 folds, 0 to 2, each of which leaves one group out"):
        scans.warn_of_fold(0)
    one = tasks.Scans.load("set", tmp_path, reading={"groups": "p"})
    assert one.names(0) == (scans.cases.names,) * 2
    with pytest.warns(UserWarning, match="5 cases are of one group: all are trained on"):
        one.warn_of_fold(0)


@pytest.mark.parametrize(
    ("names", "groups", "folds", "text"),
    [
        (("p1_a", "p1_b", "p2_a"), ["--groups=[^_]+"], 2, "each by the model of the fold that left it out"),
        (("a", "b"), [], 1, "all of which the model was trained on"),
    ],
)
def test_all_folds_are_those_that_there_are(run, tmp_path, capsys, names, groups, folds, text):
    """The second fold of too few cases was refused when the first had been trained."""
    pictures(tmp_path / "few", names=names)
    tiny = [f"--set={option}" for option in ("filters=4", "steps=1", "batch_size=2", "levels=2", "patch_size=16")]
    given = ["--data", tmp_path / "few", *groups, "--out", tmp_path / "all", "--epochs", 1, *tiny]
    with pytest.warns(UserWarning, match="2 groups make 2 folds|2 cases are too few"):
        assert run(train.main, "unet", "--folds", *given) == 0
    assert len(list((tmp_path / "all").glob("fold_*/config.json"))) == folds
    assert json.loads((tmp_path / "all" / "evaluation.json").read_text())["rows"] == len(names)
    assert text in capsys.readouterr().out


def test_classes_that_only_held_out_cases_have_are_warned_of(tmp_path):
    held_out = segmentation.fold("abcdefghij", 0)[1]
    for name in "abcdefghij":
        mask = np.zeros((16, 16), int)
        mask[0, 0], mask[1, 1] = 1, 2 * (name in held_out)
        PictureSource().write(np.full((16, 16), 60), tmp_path / "images" / f"{name}.png")
        PictureSource().write(mask, tmp_path / "masks" / f"{name}.png")
    with pytest.warns(UserWarning, match="no case of fold 0 that is trained on has label 2, held-out ones do"):
        tasks.Scans.load("set", tmp_path).warn_of_fold(0)
