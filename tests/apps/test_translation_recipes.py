"""The recipes of translation through the programs, and folders of images translated file by file."""

import json

import keras
import keras_tuner
import numpy as np
import pytest
from scipy import ndimage

import keras_dl
from apps import catalogue, evaluate, train, translate
from apps.recipes import pix2pix
from keras_dl.data.images import open_folder, sources
from keras_dl.tasks import Translation
from tests.data.images.test_folders import array, write

SMALL = [f"--set={text}" for text in ("filters=4", "critic_filters=4", "batch_size=200")]


def folder_of_pairs(folder, count=6):
    for number in range(count):
        for side in ("source", "target"):
            write(folder / side / f"{number}.png", array(8, 8, seed=number + 100 * (side == "target")))
    return folder


def test_edges_are_sobels_slopes():
    """A step from black to white has the slope of four, the filter's weights; a plain image has none."""
    x = np.zeros((1, 6, 6, 1), "float32")
    x[:, :, 3:] = 1
    edges = sources.source_of(x)[0, :, :, 0]
    np.testing.assert_allclose(edges, np.repeat([[0, 0, 1, 1, 0, 0]], 6, 0), atol=1e-6)
    others = np.random.default_rng(0).random((3, 6, 6, 1))
    edges = sources.source_of(others)
    for image, edge in zip(others[..., 0], edges[..., 0], strict=True):  # whatever other images stand beside it
        slopes = [ndimage.sobel(image, axis, mode="nearest") for axis in (0, 1)]
        np.testing.assert_allclose(edge, np.minimum(np.hypot(*slopes) / 4, 1), atol=1e-6)
    np.testing.assert_allclose(sources.source_of(np.full((1, 2, 2, 3), 0.3), "grey"), 0.3, atol=1e-6)
    with pytest.raises(ValueError, match="Received: kind='sketch'"):
        sources.source_of(x, "sketch")


@pytest.mark.parametrize("side", [6, 11, 12, 28, 32, 47, 48, 100])
def test_critics_that_a_search_may_try_have_a_patch_to_judge(side):
    hp = keras_tuner.HyperParameters()
    pix2pix.patch_critic(hp, (side, side + 5, 1))
    (layers,) = [parameter for parameter in hp.space if parameter.name == "critic_layers"]
    hp.values |= {"critic_layers": layers.max_value, "critic_filters": 4}
    assert pix2pix.patch_critic(hp, (side, side + 5, 1)).output_shape[1] >= 1
    assert layers.max_value == 5 or side < 3 * 2 ** (layers.max_value + 1)


@pytest.mark.parametrize(("channels", "kind"), [(1, "edges"), (3, "grey")])
def test_colours_are_learned_where_there_are_some(channels, kind, monkeypatch):
    x = np.random.default_rng(0).random((4, 8, 8, channels), dtype="float32")
    monkeypatch.setattr(keras_dl.data, "load", lambda name: ((x, None), (x[:2], None)))
    data = Translation().load("any")
    np.testing.assert_array_equal(data.x, sources.source_of(x, kind))
    assert data.spec.shape == (8, 8, 1) and data.spec.target_shape == (8, 8, channels)
    np.testing.assert_array_equal(Translation(source="edges").load("any").x, sources.source_of(x, "edges"))


@pytest.mark.parametrize(
    ("recipe", "goal", "unsearched"),
    [
        ("pix2pix", "generator_l1", "adversarial_weight"),
        ("cyclegan", "generators_loss", "cycle_weight"),
        ("srgan", "pixels_loss", None),
    ],
)
def test_searches_are_not_after_weak_critics(recipe, goal, unsearched):
    """A critic's loss is small where translations are bad."""
    found = catalogue.search_of(recipe)
    assert found["objective"] == f"val_{goal}" and not any(name.startswith("critic") for name in found["offers"])
    searched = {row[0]: not row[1].endswith("(not searched)") for row in found["rows"]}
    assert unsearched is None or not searched[unsearched]


def test_day_and_night_share_no_image():
    x = np.random.default_rng(0).random((7, 4, 4, 1))
    day, night = sources.day_and_night(x)
    assert (day.shape, night.shape) == ((4, 4, 4, 3), (3, 4, 4, 3))
    assert np.corrcoef(day[1].mean(-1).ravel(), x[2].ravel())[0, 1] < -0.99
    assert np.corrcoef(night[1].mean(-1).ravel(), x[3].ravel())[0, 1] > 0.99
    assert min(day.min(), night.min()) >= 0 and max(day.max(), night.max()) <= 1


def test_pairs_through_the_programs(run, tmp_path, capsys):
    out = tmp_path / "r"
    assert run(train.main, "pix2pix", "--out", out, "--epochs", 1, *SMALL) == 0
    assert (out / "pictures" / "translations.png").stat().st_size > 1000
    assert run(evaluate.main, out) == 0
    evaluation = json.loads((out / "evaluation.json").read_text())
    data, model = Translation().load("digits"), keras.saving.load_model(out / "model.keras")
    expected = np.abs(np.asarray(model.translate(data.x_test)) - data.y_test).mean()
    assert evaluation["l1"] == pytest.approx(expected, abs=1e-5)
    for number in range(2):
        write(tmp_path / "in" / f"{number}.png", array(8, 8, 1, seed=number))
    assert run(translate.main, out, "--data", tmp_path / "in", "--out", tmp_path / "made") == 0
    written = open_folder(tmp_path / "made", channels=1)
    assert written.names == ["0.png", "1.png"]
    source = open_folder(tmp_path / "in", channels=1)[1][None] / np.float32(255)
    np.testing.assert_allclose(written[1], np.round(255 * np.asarray(model.translate(source)))[0], atol=1)
    assert run(translate.main, out, "--data", tmp_path / "in", "--out", tmp_path / "in") == 2
    for option, message in ((("--backward",), "for models of two domains"), (("--seed", 1), "has none")):
        assert run(translate.main, out, "--data", tmp_path / "in", "--out", tmp_path / "none", *option) == 2
        assert message in capsys.readouterr().err
    write(tmp_path / "in" / "2.png", array(9, 8, 1))
    assert run(translate.main, out, "--data", tmp_path / "in", "--out", tmp_path / "none") == 2
    assert "8x8 pixels. Received: 2.png of 9x8" in capsys.readouterr().err
    assert not list(tmp_path.glob("none/*.png"))


@pytest.mark.full
def test_domains_through_the_programs(run, tmp_path):
    out = tmp_path / "r"
    assert run(train.main, "cyclegan", "--out", out, "--epochs", 1, *SMALL, "--set=blocks=1") == 0
    assert (out / "pictures" / "translations.png").stat().st_size > 1000
    evaluation = json.loads((out / "evaluation.json").read_text()) if run(evaluate.main, out) == 0 else {}
    assert {"cycle_l1_a", "cycle_l1_b"} <= set(evaluation)
    write(tmp_path / "in" / "0.png", array(8, 8))
    for options in ([], ["--backward"]):
        folder = tmp_path / f"made{len(options)}"
        assert run(translate.main, out, "--data", tmp_path / "in", "--out", folder, *options) == 0
        assert open_folder(folder)[0].shape == (8, 8, 3)


@pytest.mark.full
def test_a_folder_of_pairs_is_trained_on_and_resumed_as_it_was(run, tmp_path):
    folder, out = folder_of_pairs(tmp_path / "data"), tmp_path / "r"
    options = ["--data", folder, "--out", out, *SMALL, "--set=batch_size=2"]
    assert run(train.main, "pix2pix", *options, "--epochs", 1) == 0
    assert json.loads((out / "config.json").read_text())["data"]["num_rows"] == [5, 5]
    (folder / "source" / "0.png").unlink()
    assert run(train.main, "pix2pix", "--resume", "--out", out, "--epochs", 2) == 2


@pytest.mark.full
def test_a_folder_of_two_domains_is_opened(tmp_path):
    folder = folder_of_pairs(tmp_path / "data")
    (folder / "source" / "0.png").unlink()
    data = Translation(paired=False).load("mine", folder)
    assert data.spec == ((8, 8, 3), (8, 8, 3), None, 5)
    assert [len(part) for part in (data.x, data.y, data.x_test, data.y_test)] == [4, 5, 1, 1]
    batches = list(data.pipelines({"batch_size": 2}, seed=0)[0])
    assert [[len(part) for part in batch] for batch in batches] == [[2, 2], [2, 2], [1, 1]]


def test_bad_folders_are_refused_before_training(run, tmp_path, capsys):
    folder = folder_of_pairs(tmp_path / "data", 2)
    (folder / "target" / "1.png").unlink()
    assert run(train.main, "pix2pix", "--data", folder, "--out", tmp_path / "r", *SMALL) == 2
    assert "Received: source/1.png" in capsys.readouterr().err
    assert run(train.main, "cyclegan", "--data", folder / "source", "--out", tmp_path / "r", *SMALL) == 2
    assert "two folders of images" in capsys.readouterr().err
