"""The program of reports: what it writes and replaces, how long it takes and how much memory, without TensorFlow."""

import json
import subprocess
import sys
from pathlib import Path

import html5lib
import numpy as np
import pytest
from PIL import Image

from apps import cli, early
from apps import report as program
from keras_dl import report

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run" / "pictures").mkdir(parents=True)
    config = {"recipe": "vae", "dataset": "digits", "seed": 0, "data": {"shape": [8, 8, 1], "num_samples": 9}}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config | {"hyperparameters": {}, "fit": {"epochs": 1}}))
    (tmp_path / "run" / "history.csv").write_text("epoch,seconds,loss\n1,2.0,3.0\n")
    return tmp_path / "run"


def test_the_program_writes_beside_the_run_and_replaces_only_its_own(run, tmp_path, capsys):
    program.main([str(run)])
    program.main([str(run)])
    assert (run / "report.html").is_file() and "written:" in capsys.readouterr().out
    (run / "report.html").write_text("mine")
    with pytest.raises(cli.UserError, match="not written by keras_dl"):
        program.main([str(run)])
    program.main([str(run), "--to", str(tmp_path / "elsewhere.html")])
    assert html5lib.HTMLParser(strict=True).parse((tmp_path / "elsewhere.html").read_text()) is not None
    with pytest.raises(cli.UserError, match="holds no run"):
        program.main([str(tmp_path / "nowhere")])


MEASURE = """
import re, sys, time
from pathlib import Path
sys.modules["tensorflow"] = sys.modules["keras"] = None
began = time.process_time()
from apps import report
report.main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]  # getrusage remembers the parent's
print(time.process_time() - began, int(peak) / 1024)
"""


def test_a_run_of_a_hundred_pictures_in_3_seconds_and_300_mb_without_tensorflow(run):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (100, 100, 3)).astype("uint8")  # 30 KB, like a grid of samples
    for epoch in range(1, 101):
        Image.fromarray(noise).save(run / "pictures" / f"samples_epoch_{epoch:04d}.png")
    command = [sys.executable, "-c", MEASURE, str(run)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(float, done.stdout.split()[-2:])
    assert seconds <= 3 and megabytes <= 300, done.stdout
    assert (run / "report.html").stat().st_size < 5e6


def test_the_package_is_loaded_by_itself_once():
    assert early.package("report") is early.package("report") is not report
