"""Other backends of Keras are refused at import, installed or not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_other_backends_are_refused(backend):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", "import keras_dl"], cwd=ROOT, env=environment, capture_output=True,
                          text=True, timeout=600)  # fmt: skip
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: keras_dl computes with TensorFlow: set KERAS_BACKEND=tensorflow")
    assert last.endswith(f"Received: the backend {backend!r}")


def test_programs_say_so_in_a_sentence(tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "numpy"}
    command = [sys.executable, "-m", "apps.train", "vae", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 2
    assert done.stderr.startswith("error: keras_dl computes with TensorFlow") and "Traceback" not in done.stderr
