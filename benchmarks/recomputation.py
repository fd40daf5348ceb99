"""How much memory a step of an NVAE takes whose cells are computed a second time, beside one whose are not.

    python -m benchmarks.recomputation --out benchmarks/results/recomputation.json

Each variant and batch size is trained for three steps in a process of its own, which says by how much its largest
resident memory (`VmHWM`) rose beyond that before the first step. Of two batch sizes the difference is what samples
take, without what graphs and weights do.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks.process_memory import memory
from benchmarks.stamp import stamp

OPTIONS = {"groups": (2, 2), "filters": 16, "halvings": 0, "cells_per_group": 2}
SHAPE, BATCHES, STEPS = (16, 16, 1), (32, 128), 3


def peak():
    """The largest resident memory of this process so far, in MB."""
    return memory("VmHWM") / 1e6


def train(recompute, batch_size):
    """Trains three steps; returns the rise of the peak in MB, and the seconds of the last step."""
    import keras
    import numpy as np

    import keras_dl

    networks, options = keras_dl.networks, {**OPTIONS, "recompute": recompute}
    keras.utils.set_random_seed(0)
    encoder, decoder = networks.nvae_encoder(SHAPE, **options), networks.nvae_decoder(SHAPE, **options)
    model = keras_dl.models.NVAE(encoder, decoder, seed=0)
    model.compile(keras.optimizers.Adam(1e-3), steps_per_execution=1)
    x = (np.random.default_rng(0).random((STEPS * batch_size, *SHAPE)) < 0.5).astype("float32")
    before, seconds = peak(), []
    for step in range(STEPS):
        start = time.perf_counter()
        model.fit(x[step * batch_size : (step + 1) * batch_size], batch_size=batch_size, verbose=0)
        seconds.append(time.perf_counter() - start)
    return {"megabytes": round(peak() - before), "seconds": round(seconds[-1], 2)}


def main():
    """Runs every variant in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, metavar="FILE")
    parser.add_argument("--one", nargs=2, metavar=("RECOMPUTE", "BATCH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(train(arguments.one[0] == "True", int(arguments.one[1]))))
        return
    record = {"command": "python -m benchmarks.recomputation", **stamp(), "networks": OPTIONS, "shape": SHAPE}
    per_sample = {}
    for recompute in (False, True):
        runs = {}
        for batch in BATCHES:
            command = [
                sys.executable,
                "-m",
                "benchmarks.recomputation",
                "--out",
                "-",
                "--one",
                str(recompute),
                str(batch),
            ]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            runs[batch] = json.loads(output.splitlines()[-1])
            print(recompute, batch, runs[batch], flush=True)
        rise = runs[BATCHES[1]]["megabytes"] - runs[BATCHES[0]]["megabytes"]
        per_sample[recompute] = rise / (BATCHES[1] - BATCHES[0])
        runs["megabytes per sample"] = round(per_sample[recompute], 2)
        record["recomputed" if recompute else "kept"] = runs
    record["ratio per sample"] = round(per_sample[True] / per_sample[False], 3)
    Path(arguments.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
