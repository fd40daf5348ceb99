import re
import shlex
from pathlib import Path

import numpy as np

from apps import catalogue, evaluate, export, launch, sample, segment, train, tune
from apps.clients import rest_client

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
    programs |= {"launch": launch, "clients.rest_client": rest_client, "segment": segment}
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


def test_the_python_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = next(block for language, block in BLOCKS if language == "python")
    names = {}
    exec(code.replace("epochs=20", "epochs=1, verbose=0"), names)
    assert (tmp_path / "vae.keras").is_file()
    assert np.isfinite(names["vae"].evaluate(names["x_test"], verbose=0, return_dict=True)["elbo"])


def test_the_recipes_are_named():
    for recipe in catalogue.recipes():
        assert f"`{recipe}`" in README
