"""Changes of file on the walk of a batch to the loss, counted by a tracer over this checkout's frames.

    python -m benchmarks.walk          # of one `fit`: imports and building the model do not count
    python -m benchmarks.walk train    # of `python -m apps.train vae`, from its beginning to the loss of its first step
    python -m benchmarks.walk train --list

A newcomer who follows the data with a debugger changes file that often.
"""

import argparse
import collections
import inspect
import itertools
import json
import runpy
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

import keras_dl

ROOT = Path(__file__).resolve().parents[1]
HERE = str(Path(__file__).resolve())


class Arrived(BaseException):
    """Ends a program whose walk has come to the loss."""


class Walk:
    """The calls of this project's functions, in order, as `(file, name)`.

    Args:
        end: Name of the function whose call ends the walk; `None` walks to the program's end.
    """

    def __init__(self, end=None):
        self.end, self.calls = end, []

    def __call__(self, frame, event, argument):
        code = frame.f_code
        ours = code.co_filename.startswith(str(ROOT)) and code.co_filename != HERE
        ours = ours and "site-packages" not in code.co_filename  # an environment may lie inside the checkout
        # Comprehensions and lambdas stay in place; modules and bodies of classes are what an import runs.
        steps_in = not code.co_name.startswith("<") and code.co_flags & inspect.CO_OPTIMIZED
        if event != "call" or not ours or not steps_in:
            return
        self.calls.append((code.co_filename.removeprefix(f"{ROOT}/"), code.co_name))
        if code.co_name == self.end:
            sys.setprofile(None)
            raise Arrived

    def of(self, function):
        """Runs `function()` and returns this walk."""
        sys.setprofile(self)
        try:
            function()
        except Arrived:
            pass
        finally:
            sys.setprofile(None)
        return self

    @property
    def changes(self):
        """The calls whose file is not that of the call before."""
        return [call for before, call in itertools.pairwise(self.calls) if before[0] != call[0]]

    def summary(self):
        """The numbers of calls and of changes of file, and the files that are gone to most often."""
        files = collections.Counter(file for file, _ in self.changes)
        return {"calls": len(self.calls), "changes_of_file": len(self.changes), "most": dict(files.most_common(12))}


def fit():
    """The walk of one `fit`."""
    x = np.random.default_rng(0).random((64, 8, 8, 1), dtype=np.float32)
    encoder = keras_dl.networks.mlp_encoder(x.shape[1:], 2, hidden=(8,))
    vae = keras_dl.models.VAE(encoder, keras_dl.networks.mlp_decoder(2, x.shape[1:], hidden=(8,)), seed=0)
    vae.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    return Walk().of(lambda: vae.fit(x, batch_size=32, epochs=1, verbose=0))


def train():
    """The walk of the first command of the README."""
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["apps.train", "vae", "--out", f"{folder}/vae"]
        program = runpy.run_module("apps.train", run_name="program", alter_sys=True)
        return Walk("loss_terms").of(lambda: program["main"](sys.argv[1:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("fit", "train"), nargs="?", default="fit", help="whose walk")
    parser.add_argument("--list", action="store_true", help="print every call, too")
    arguments = parser.parse_args()
    walk = train() if arguments.what == "train" else fit()
    for file, name in walk.calls if arguments.list else ():
        print(f"{file}: {name}")
    print(json.dumps(walk.summary()))


if __name__ == "__main__":
    main()
