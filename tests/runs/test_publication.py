"""Publication: what can fail is done before a version is visible."""

import contextlib

import pytest

from keras_dl import files
from keras_dl.runs import RunFolder, publication
from keras_dl.tasks import Density

DATA = {"shape": [8, 8, 1], "num_samples": 3}
CONFIG = {"recipe": "vae", "dataset": "digits", "data": DATA, "seed": 0, "hyperparameters": {}, "fit": {}}


class Model:
    def signatures(self):
        return {}


@pytest.fixture
def publish(tmp_path, monkeypatch):
    """Publishes a run whose model is never written; its version is a folder that appears where nothing fails."""
    folder = RunFolder(tmp_path / "run")
    folder.create()
    folder.write_config(CONFIG)
    folder.write_results({"train": {"loss": 1.0}, "test": {"loss": 2.0}})
    (folder.pictures / "samples.png").write_text("a picture")
    monkeypatch.setattr(RunFolder, "load_model", lambda self: Model())

    @contextlib.contextmanager
    def staged(model, target, version, *_):
        target.mkdir(parents=True, exist_ok=True)
        yield str(target / str(version))
        (target / str(version)).mkdir()
        (target / str(version) / "saved_model.pb").touch()

    monkeypatch.setattr(publication, "staged", staged)
    return lambda: publication.publish(folder, tmp_path / "served" / "m", Density(latents=True), "A model.")


def visible(tmp_path):
    return (tmp_path / "served" / "m" / "1").exists()


def test_a_version_comes_with_its_card_and_its_place_in_the_list(publish, tmp_path):
    paths = publish()
    assert visible(tmp_path) and tmp_path / "served" / "m" / "1" in paths
    assert "| loss" in (tmp_path / "served" / "m" / "README.md").read_text()
    assert '"/models/m"' in (tmp_path / "served" / "models.config").read_text()


@pytest.mark.parametrize("name", ["results.json", "evaluation.json"])
def test_damaged_results_are_named_before_anything_is_written(publish, tmp_path, name):
    folder = RunFolder(tmp_path / "run")
    folder.write_evaluation({"dataset": "digits", "elbo": 1.0})
    (folder.path / name).write_text('{"train"')
    with pytest.raises(ValueError, match=f"{name} cannot be read"):
        publish()
    assert not (tmp_path / "served").exists()


@pytest.mark.parametrize("function", ["put", "replace"])
def test_a_card_or_picture_that_cannot_be_written_leaves_no_version(publish, tmp_path, monkeypatch, function):
    monkeypatch.setattr(files, function, lambda *_, **__: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space"):
        publish()
    assert not visible(tmp_path)


@pytest.mark.parametrize("kind", ["binary", "folder", "text"])
def test_what_is_no_list_of_models_stays(publish, tmp_path, kind):
    models = tmp_path / "served" / "models.config"
    models.parent.mkdir()
    if kind == "folder":
        models.mkdir()
    else:
        models.write_bytes(b"\xff\xfe" if kind == "binary" else b"mine")
    publish()
    assert visible(tmp_path) and (models.is_dir() or models.read_bytes() in (b"\xff\xfe", b"mine"))


def test_a_linked_list_of_models_stays_a_link(publish, tmp_path):
    real = tmp_path / "etc" / "models.config"
    real.parent.mkdir()
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "models.config").symlink_to(real)
    publish()
    assert (tmp_path / "served" / "models.config").is_symlink() and '"/models/m"' in real.read_text()
    assert '"/models/m"' in publication.models_config(tmp_path / "served")
