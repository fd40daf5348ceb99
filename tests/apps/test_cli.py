import contextlib
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import keras_dl
from apps import cli, evaluate, export, sample, train
from tests.processes import processor_seconds_of_children

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ["train", "evaluate", "sample", "export"]


def python(*arguments):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_answers_within_a_second_and_teaches(program):
    seconds = []
    for _ in range(3):
        began = processor_seconds_of_children()
        done = python("-m", f"apps.{program}", "--help")
        seconds.append(processor_seconds_of_children() - began)
        if seconds[-1] < 1:
            break
    assert min(seconds) < 1
    assert done.returncode == 0 and done.stderr == ""
    assert "examples:" in done.stdout and f"python -m apps.{program}" in done.stdout


def test_parsing_imports_nothing_heavy():
    check = "import sys, apps.train as t; t.parser(['vae']).format_help(); print('numpy' in sys.modules)"
    assert python("-c", check).stdout == "False\n"


def test_help_of_a_recipe_is_its_docstring(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.run(train.main, ["vae", "--help"])
    assert stop.value.code == 0
    assert "Kingma & Welling" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("main", "arguments", "message"),
    [
        (train.main, ["vea"], "unknown recipe 'vea'. Did you mean vae"),
        (train.main, ["vae", "--dataset", "mnits"], "unknown dataset 'mnits'. Did you mean mnist"),
        (train.main, ["vae", "--epoch", "3"], "unknown option '--epoch'. Did you mean --epochs?"),
        (train.main, ["vae", "--epochs=3", "--sed=1"], "unknown option '--sed'. Did you mean --seed"),
        (train.main, ["vae", "--epochs", "0"], "expected a whole number from 1, received '0'"),
        (train.main, ["vae", "--epochs", "many"], "received 'many'"),
        (train.main, ["vae", "--seed", "-1"], "expected a whole number from 0 to 4294967295, received '-1'"),
        (train.main, ["vae", "--preset", "fast"], "unknown preset 'fast'"),
        (train.main, ["vae", "twice"], "unexpected argument 'twice'"),
        (train.main, [], "recipe"),
        (evaluate.main, ["x", "--num-samples", "-1"], "expected a whole number from 0"),
        (sample.main, ["x", "--to", "samples.txt"], "received 'samples.txt'"),
        (sample.main, ["x", "--condition", "a"], "--condition"),
        (export.main, ["x", "--version", "0"], "expected a whole number from 1"),
    ],
)
def test_bad_arguments_are_a_message_and_exit_code_2(capsys, main, arguments, message):
    with pytest.raises(SystemExit) as stop:
        cli.run(main, arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("main", [evaluate.main, sample.main, export.main])
def test_a_folder_without_a_run_is_a_message(capsys, tmp_path, main):
    with pytest.raises(SystemExit) as stop:
        cli.run(main, [str(tmp_path)])
    assert stop.value.code == 2
    assert "holds no run" in capsys.readouterr().err


def test_hidden_stderr_shows_what_it_hid_only_when_the_block_fails(capfd):
    with cli._hidden_stderr():
        os.write(2, b"noise")
    assert capfd.readouterr().err == ""
    with pytest.raises(KeyError), cli._hidden_stderr():
        os.write(2, b"reason")
        raise KeyError
    assert capfd.readouterr().err == "reason"


def test_an_interruption_is_remembered_where_python_drops_it(monkeypatch):
    monkeypatch.setattr(cli, "_interrupted", False)
    cli.check_interrupted()
    with contextlib.suppress(KeyboardInterrupt):
        cli.interrupt()
    with pytest.raises(KeyboardInterrupt):
        cli.check_interrupted()


def test_interruption_is_exit_code_130(capsys):
    def interrupted(argv):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as stop:
        cli.run(interrupted)
    assert stop.value.code == 130


@pytest.mark.parametrize(
    ("kind", "program", "answer"),
    [
        ("Segmentation", "sample", "makes masks: python -m apps.segment runs/x --data FOLDER"),
        ("Segmentation", "translate", "makes masks: python -m apps.segment runs/x --data FOLDER"),
        ("SuperResolution", "sample", "makes images of images: python -m apps.translate runs/x --data FOLDER"),
        ("Translation", "sample", "makes images of images: python -m apps.translate runs/x --data FOLDER"),
        ("Density", "translate", "generates: python -m apps.sample runs/x"),
        ("Density", "segment", "generates: python -m apps.sample runs/x"),
        ("Segmentation", "segment", None),
        ("Generation", "sample", None),
        ("Embedding", "sample", None),
    ],
)
def test_a_run_for_another_program(kind, program, answer):
    task = keras_dl.tasks.Segmentation(None) if kind == "Segmentation" else getattr(keras_dl.tasks, kind)()
    recipe, folder = types.SimpleNamespace(TASK=task), types.SimpleNamespace(path="runs/x")
    with pytest.raises(cli.UserError, match=answer) if answer else contextlib.nullcontext():
        cli.check_use(folder, recipe, program)
