"""What the programs do where files of the user's are: these stay."""

import numpy as np
import pytest

from apps import early, export, sample, train
from apps.clients import arguments, rest_client
from keras_dl import files
from keras_dl.runs import RunFolder
from keras_dl.tasks.segmentation import Ensemble
from tests.apps import untrained


@pytest.fixture
def folder(tmp_path):
    """A run folder of an untrained model."""
    config = {"recipe": "vae", "dataset": "digits", "data": {"shape": [8, 8, 1], "num_samples": 10}, "seed": 0}
    config |= {"hyperparameters": {}, "fit": {"epochs": 1}, "command": [], "versions": {}}
    folder = RunFolder(tmp_path / "run")
    folder.create()
    folder.write_config(config)
    untrained.untrained("vae").save(folder.model_file)
    (folder.pictures / "reconstructions.png").write_text("a picture")
    return folder


@pytest.mark.filterwarnings("ignore:.*stays; written instead")
def test_export_leaves_cards_pictures_and_lists(run, folder, tmp_path, capsys):
    target = tmp_path / "served" / "m"
    target.mkdir(parents=True)
    own = {target / "README.md": "mine", target / "samples.png": "my picture"}
    own[target.parent / "models.config"] = 'model_config_list { config { name: "mine" base_path: "/mine" } }\n'
    for path, text in own.items():
        path.write_text(text)
    assert run(export.main, folder.path, "--to", target) == 0
    assert "README_2.md" in capsys.readouterr().out
    assert (target / "README.md").read_text() == "mine" and (target / "samples.png").read_text() == "my picture"
    config = (target.parent / "models.config").read_text()
    assert 'name: "mine" base_path: "/mine"' in config and '"/models/m"' in config
    assert "# m" in (target / "README_2.md").read_text() and "- Version: 1" in (target / "README_2.md").read_text()
    (target / "README.md").unlink()
    assert run(export.main, folder.path, "--to", target) == 0
    assert "- Version: 2" in (target / "README.md").read_text() and (target / "2").is_dir()


def test_samples_are_refused_or_lie_beside(run, folder, tmp_path, capsys):
    (tmp_path / "x.npy").write_text("mine")
    assert run(sample.main, folder.path, "--to", tmp_path / "x.npy") == 2
    assert "x.npy was not written by keras_dl" in capsys.readouterr().err
    assert (tmp_path / "x.npy").read_text() == "mine"
    for seed in "12":
        assert run(sample.main, folder.path, "--to", tmp_path / "y.npy", "--seed", seed, "--num-samples", 2) == 0
    assert np.load(tmp_path / "y.npy").shape == (2, 8, 8, 1)
    (folder.pictures / "samples.png").write_text("mine")
    assert run(sample.main, folder.path) == 0
    assert "samples_2.png" in capsys.readouterr().out
    assert (folder.pictures / "samples.png").read_text() == "mine"


def test_clients_refuse_before_they_ask(run, tmp_path, capsys):
    (tmp_path / "out.json").write_text("mine")
    call = ["m", "sample", "--server", "http://127.0.0.1:9", "--out", tmp_path / "out.json"]
    assert run(rest_client.main, *call) == 2
    assert "was not written by keras_dl" in capsys.readouterr().err
    with pytest.raises(FileExistsError):
        early.module("files").replace(tmp_path / "out.json", lambda path: path.write_text("{}"))
    for value in (1.0, 2.0):
        arguments.show_outputs({"x": value}, tmp_path / "new.json")
    assert (tmp_path / "new.json").read_text() == '{"x": 2.0}\n'
    assert files.is_free(tmp_path / "new.json")


def test_folds_need_a_folder_of_their_own(run, tmp_path, capsys):
    (tmp_path / "cases.csv").write_text("mine")
    assert run(train.main, "unet", "--folds", "--out", tmp_path) == 2
    assert "holds files that are not a run" in capsys.readouterr().err
    assert (tmp_path / "cases.csv").read_text() == "mine"


def test_masks_are_refused_before_the_first_is_predicted(tmp_path, monkeypatch):
    class Source:
        suffix = ".png"

    class Cases(list):
        names = ["a", "b"]

    case = type("Case", (), {"source": Source})
    monkeypatch.setattr(Ensemble, "open", lambda *_: Cases([case, case]))
    monkeypatch.setattr(Ensemble, "segmented", lambda *_: pytest.fail("predicted"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").write_text("mine")
    with pytest.raises(FileExistsError, match="b.png was not written by keras_dl"):
        Ensemble([None], None).segment_folder(tmp_path / "data", tmp_path / "out")
    assert (tmp_path / "out" / "b.png").read_text() == "mine"
