"""What `apps.export` writes in each format."""

import importlib.util
import sys

import pytest

from apps import export
from keras_dl import models
from keras_dl.runtime import warmup

NEEDS = {"saved_model": "tensorflow", "onnx": "tf2onnx", "litert": "tensorflow"}


@pytest.mark.full
def test_litert_lies_beside_and_is_not_served(run, finished, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for version in ("1", "2"):
        assert run(export.main, finished, "--format", "litert") == 0
        assert (tmp_path / "saved_models" / "vae_digits_litert" / version / "model.tflite").is_file()
    assert "LiteRT, one file" in capsys.readouterr().out
    card = (tmp_path / "saved_models" / "vae_digits_litert" / "README.md").read_text()
    assert "- Format: LiteRT" in card and "`encode`" in card and "`sample`" not in card
    assert run(export.main, finished) == 0
    assert (tmp_path / "saved_models" / "vae_digits" / "1" / "saved_model.pb").is_file()
    config = (tmp_path / "saved_models" / "models.config").read_text()
    assert config.count("config {") == 1 and '"/models/vae_digits"' in config


def test_a_folder_holds_one_kind(run, finished, tmp_path, capsys):
    assert run(export.main, finished, "--to", tmp_path / "m") == 0
    assert run(export.main, finished, "--to", tmp_path / "m", "--format", "litert") == 2
    assert "versions of one kind" in capsys.readouterr().err


def test_a_missing_extra_is_a_message(run, finished, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    assert run(export.main, finished, "--to", tmp_path / "m", "--format", "onnx") == 2
    assert "keras_dl[onnx]" in capsys.readouterr().err
    assert run(export.main, finished, "--to", tmp_path / "m", "--format", "onx") == 2
    assert "unknown format 'onx'. Did you mean onnx?" in capsys.readouterr().err


def test_missing_warm_up_records_are_mentioned(run, finished, tmp_path, monkeypatch, capsys):
    def missing(*_):
        raise ImportError("No module named 'tensorflow_serving'")

    monkeypatch.setattr(warmup, "write_requests", missing)
    assert run(export.main, finished, "--to", tmp_path / "m") == 0
    printed = capsys.readouterr()
    assert "note: No warm-up records were written" in printed.out and printed.err == ""


@pytest.mark.parametrize("format", NEEDS)
def test_signatures_are_asked_for_once(run, finished, tmp_path, monkeypatch, format):
    """To write, to warm up, to compare and to describe them in the card: a model may take long to name them."""
    if importlib.util.find_spec(NEEDS[format]) is None:
        pytest.skip(f"{NEEDS[format]} is not installed")
    calls, signatures = [], models.VAE.signatures
    monkeypatch.setattr(models.VAE, "signatures", lambda model: calls.append(format) or signatures(model))
    assert run(export.main, finished, "--to", tmp_path / "m", "--format", format) == 0
    assert calls == [format]
