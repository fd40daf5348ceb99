"""Comparisons of values that keras_dl writes with those of PyTorch, which may be installed elsewhere."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def compare(module, description, in_keras, in_torch):
    """Runs keras_dl's side here, and PyTorch's in a process of its own.

    Args:
        module: Name of the program.
        description: What its help says.
        in_keras: Function of a folder that writes weights, inputs and outputs.
        in_torch: Function of the folder that prints how far PyTorch's outputs are from them.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--torch", default=sys.executable, help="Python with PyTorch")
    parser.add_argument("--folder", help="compare with what keras_dl has written there")
    options = parser.parse_args()
    if options.folder:
        in_torch(Path(options.folder))
        return
    with tempfile.TemporaryDirectory() as folder:
        in_keras(Path(folder))
        subprocess.run([options.torch, "-m", module, "--folder", folder], cwd=ROOT, check=True)
