import re
import shlex
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_dl
from apps import catalogue, compare, evaluate, explore, export, launch, report, sample, segment, train, translate, tune
from apps.clients import rest_client
from apps.notes import __main__ as notes

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def test_the_first_code_block_is_the_two_commands_that_set_everything_up():
    language, block = BLOCKS[0]
    assert language == "bash"
    run, check = block.strip().splitlines()
    assert run.startswith("python3 -m venv .venv && .venv/bin/pip install") and "apps.train" in run
    assert check.startswith("python3 -m venv .venv && .venv/bin/pip install") and check.endswith(" -m pytest")


def test_every_command_line_is_one_that_the_programs_accept():
    lines = [line.split("&&")[-1] for language, block in BLOCKS if language == "bash" for line in block.splitlines()]
    programs = {"train": train, "evaluate": evaluate, "sample": sample, "export": export, "tune": tune}
    programs |= {"launch": launch, "clients.rest_client": rest_client, "segment": segment, "report": report}
    programs |= {"translate": translate, "notes": notes, "compare": compare, "explore": explore}
    checked = set()
    for line in lines:
        words = shlex.split(line, comments=True)
        if len(words) > 2 and words[2].startswith("apps.") and "--help" not in words:
            program, arguments = words[2].removeprefix("apps."), words[3:]
            if program == "launch":
                split = arguments.index("--")
                arguments, launched = arguments[:split], arguments[split + 1 :]
                assert launched[:3] == ["python", "-m", "apps.tune"]
                tune.parser(launched[3:]).parse(launched[3:])
            parser = programs[program].parser
            (parser(arguments) if program in ("train", "tune") else parser()).parse(arguments)
            checked.add(program)
    assert checked == set(programs)


def test_the_python_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    vae, gan, classifier = [block for language, block in BLOCKS if language == "python"][:3]
    for code in (vae, gan, classifier):
        exec(re.sub(r"epochs=\d+", "epochs=1, verbose=0", code), names)
    assert np.isfinite(names["vae"].evaluate(names["x_test"], verbose=0, return_dict=True)["elbo"])
    assert (tmp_path / "gan.keras").is_file()


def test_the_example_of_data_on_disk_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = [block for language, block in BLOCKS if language == "python" and "keras_dl.data.open(" in block]
    (x, y), _ = keras_dl.data.load("digits")
    for row in range(60):
        path = tmp_path / "digits_png" / str(y[row]) / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.save_img(path, 255 * x[row], scale=False)
    classifier = keras_dl.models.Supervised(keras_dl.networks.lenet5((8, 8, 1), num_classes=10))
    classifier.compile("adam", loss=keras_dl.losses.CrossEntropy(), metrics=["accuracy"])
    names = {"keras_dl": keras_dl, "classifier": classifier}
    exec(code, names)
    assert len(names["held_out"]) == 6 and names["data"].classes == tuple("0123456789")


def test_the_hypermodel_is_searched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = [block for language, block in BLOCKS if language == "python" and "def build(hp, data_spec)" in block]
    code = code.replace("max_trials=20", "max_trials=1").replace("search(x,", "search(x, epochs=1, verbose=0,")
    (x, _), (x_test, _) = keras_dl.data.load("digits")
    names = {"keras": keras, "keras_dl": keras_dl, "x": x[:64], "x_test": x_test[:64]}
    exec(code, names)
    assert [trial.status for trial in names["tuner"].oracle.trials.values()] == ["COMPLETED"]


def names_of_concepts():
    """The names in the table from the notes to the code, each with the modules in which it may stand."""
    table = README.split("## From the notes to the code")[1].split("\n## ")[0]
    for row in table.splitlines():
        module = "keras_dl"
        for text in re.findall(r"`([^`]+)`", row.split("|")[2] if row.count("|") == 3 else ""):
            name = re.sub(r"\(.*", "", text)
            if re.fullmatch(r"[\w.]+", name):
                module = f"keras_dl.{name.rpartition('.')[0]}" if "." in name else module
                yield name.rpartition(".")[2], (module, "keras_dl.models", "keras_dl.networks", f"keras_dl.{name}")


@pytest.mark.parametrize("name, modules", list(names_of_concepts()))
def test_every_concept_has_its_name(name, modules):
    """A name of the table is one of its module, a class of it (`VAE.log_prob`), or a module."""
    places = [resolve(module) for module in modules]
    assert places[-1] is not None or any(hasattr(place, name) for place in places if place is not None)


def resolve(path):
    """The object that a dotted name of `keras_dl` means, or `None`."""
    place = keras_dl
    for part in path.split(".")[1:]:
        place = getattr(place, part, None) or getattr(keras_dl.models, part, None)
    return place


def test_the_recipes_are_named():
    for recipe in catalogue.recipes():
        assert f"`{recipe}`" in README
