import json

import pytest

from keras_dl import files
from keras_dl.runs import RunFolder
from keras_dl.runs import folder as run_folder

DATA = {"shape": [8, 8, 1], "num_samples": 3}
CONFIG = {"recipe": "vae", "dataset": "digits", "data": DATA, "seed": 0, "hyperparameters": {}, "fit": {}}
DAMAGED = ["", "{", "[]", "{}", "\x00", json.dumps(CONFIG)[:-3]]
DAMAGED += [json.dumps({**CONFIG, **part}) for part in ({"fit": 1}, {"data": {}}, {"seed": "x"})]


def test_create_refuses_a_folder_with_other_files(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(OSError, match="holds files that are not a run"):
        RunFolder(tmp_path).create()
    RunFolder(tmp_path / "new" / "run").create()
    assert (tmp_path / "new" / "run" / "pictures").is_dir()


def test_create_says_why_it_cannot_write(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot write to .*file/run: .*file is no folder"):
        RunFolder(tmp_path / "file" / "run").create()


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_config_is_a_message(tmp_path, text):
    folder = RunFolder(tmp_path)
    folder.config_file.write_text(text)
    with pytest.raises(ValueError, match="config.json cannot be read"):
        folder.read_config()
    folder.write_config(CONFIG)
    assert folder.read_config() == CONFIG


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a model", b"PK\x05\x06" + bytes(18)])
def test_a_damaged_model_is_a_message(tmp_path, content):
    folder = RunFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match="no trained model yet"):
        folder.load_model()
    folder.model_file.write_bytes(content)
    with pytest.raises(ValueError, match="model.keras cannot be read"):
        folder.load_model()


@pytest.mark.parametrize("text", ["epoch,seconds\n1,x\n", "loss\n1.0\n", "epoch,seconds\n1,2,3\n"])
def test_a_damaged_history_is_a_message(tmp_path, text):
    folder = RunFolder(tmp_path)
    folder.history_file.write_text(text)
    with pytest.raises(ValueError, match="history.csv cannot be read"):
        folder.read_history()


def test_history_reads_back_and_stops_where_it_is_told(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.read_history() == []
    rows = [{"epoch": i, "seconds": 0.25, "loss": 1 / i, "val_loss": 1e-7 * i} for i in (1, 2, 3)]
    folder.write_history(rows)
    assert folder.read_history() == rows
    assert folder.read_history(epochs=2) == rows[:2]


def test_an_epoch_lacks_what_it_did_not_have(tmp_path):
    """Updates of another phase: no NaN, which would be a training that broke."""
    folder = RunFolder(tmp_path)
    rows = [{"epoch": 1, "phase": 1.0, "pixels_loss": 2.0}, {"epoch": 2, "phase": 2.0, "critic_loss": 1.0}]
    folder.write_history(rows)
    assert folder.read_history() == rows


def test_a_write_that_fails_leaves_the_last_whole_file(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    folder.write_config(CONFIG)
    folder.write_history([{"epoch": 1, "loss": 2.0}])
    monkeypatch.setattr(run_folder.os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("No space left")))
    with pytest.raises(OSError, match="No space"):
        folder.write_history([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}])
    with pytest.raises(OSError, match="No space"):
        folder.write_config(CONFIG | {"seed": 9})
    assert folder.read_history() == [{"epoch": 1, "loss": 2.0}]
    assert folder.read_config() == CONFIG


@pytest.mark.parametrize("links", [True, False])
def test_the_model_file_is_that_of_a_checkpoint_which_may_go(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(run_folder.os, "link", lambda *paths: (_ for _ in ()).throw(OSError("no links here")))
    folder = RunFolder(tmp_path)
    for content in (b"first", b"second"):
        (tmp_path / "of_checkpoint").write_bytes(content)
        folder.keep_model(tmp_path / "of_checkpoint")
        (tmp_path / "of_checkpoint").unlink()
        assert folder.model_file.read_bytes() == content
    assert {path.name for path in tmp_path.iterdir()} == {files.LIST, "model.keras"}
