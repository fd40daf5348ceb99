"""Options that programs share: each declared once, and meaning the same everywhere."""

import ast
from pathlib import Path

import pytest

from apps import catalogue, cli, evaluate, options, train_options, tune, tune_options, tune_plan
from keras_dl.search import Plan

APPS = Path(options.__file__).parent
SHARED = ["--dataset", "--epochs", "--preset", "--set", "--features", "--label-values", "--ignore-label", "--groups"]


def declared():
    """The names of options in all programs, one for each place that declares it."""
    calls = [node for path in APPS.glob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    calls = [node for node in calls if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"]
    named = [node.args[0].value for node in calls if node.args and isinstance(node.args[0], ast.Constant)]
    return named + list(train_options.RUN)


@pytest.mark.parametrize("option", SHARED)
def test_a_shared_option_is_declared_once(option):
    assert declared().count(option) == 1


def test_shared_options_are_parsed_alike():
    line = ["--dataset", "digits", "--seed", "3", "--epochs", "2", "--set", "a=1", "--set", "b=2", "--preset", "p"]
    parsers = train_options.parser(["vae"]), tune_options.parser(["vae"])
    trained, tuned = (vars(parser.parse(["vae", *line])) for parser in parsers)
    for name in ("dataset", "data", "seed", "epochs", "set", "preset", "label_values", "groups", "ignore_label"):
        assert trained[name] == tuned[name]
    for one in (parsers[1], evaluate.parser()):
        assert one.parse(["vae", "--features", "f.keras"]).features == "f.keras"


def tuned(*line):
    return tune.search_config(tune_options.parser(["unet"]).parse(["unet", *line]), None)


def test_a_search_reads_scans_as_training_does(tmp_path, monkeypatch):
    config = tuned("--data", str(tmp_path), "--label-values", "0,128,255", "--groups", "[^_]+", "--ignore-label", "9")
    reading = {"label_values": [0, 128, 255], "ignore": 9, "groups": "[^_]+"}
    assert config["reading"] == reading
    task = catalogue.module("unet").TASK
    loads = []
    monkeypatch.setattr(type(task), "load", lambda self, *args, **options: loads.append(options["reading"]))
    monkeypatch.setattr(Plan, "make", lambda *_, **__: None)
    tune_plan.make_plan(config)
    assert loads == [reading]
    texts = cli.reading_arguments(config)
    assert texts == ["--label-values 0,128,255", "--ignore-label 9", "--groups '[^_]+'"]
    assert cli.reading_arguments({}) == []


def test_a_search_of_no_scans_refuses_how_they_are_read():
    arguments = tune_options.parser(["vae"]).parse(["vae", "--groups", "[^_]+"])
    with pytest.raises(cli.UserError, match="for recipes of scans with masks"):
        tune.search_config(arguments, None)
