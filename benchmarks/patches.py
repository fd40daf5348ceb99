"""Whether the pipeline of 3-D patches keeps the training step fed.

    KERAS_DL_DATA=FOLDER python -m benchmarks.patches --out benchmarks/results/patches.json

Trains the recipe `nnunet` on `msd_hippocampus` (preset `laptop`: patches of 40x56x40, batch 2) for some steps an epoch,
in turn on patches as they are drawn and changed at random, and on as many batches kept in memory. What the first takes
longer is the pipeline: time that the step waits, or cores that it shares with it. Beside it, the share of the time that
a loop over the patches waits for the next batch while the step runs, and the CPU time that a batch takes.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from benchmarks.recipes import recipe
from benchmarks.stamp import stamp
from keras_dl.runs import space


def seconds_of_fit(model, data):
    """Seconds of one epoch."""
    start = time.perf_counter()
    epoch = model.state.epoch
    model.fit(data, initial_epoch=epoch, epochs=epoch + 1, verbose=0)
    return time.perf_counter() - start


def waiting(model, data):
    """The share of an epoch's time in which the step waits for its batch."""
    waited, start, batches = 0.0, time.perf_counter(), iter(data)
    while True:
        asked = time.perf_counter()
        batch = next(batches, None)
        waited += time.perf_counter() - asked
        if batch is None:
            return waited / (time.perf_counter() - start)
        model.train_on_batch(*batch)


def cpu_of_a_batch(data, steps):
    """Seconds of CPU time that a batch takes, all threads together."""
    before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    for _ in data:
        pass
    return (sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - before) / steps


def main():
    """Measures, and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50, help="steps an epoch")
    parser.add_argument("--out", help="JSON file for the figures")
    options = parser.parse_args()
    nnunet = recipe("nnunet")
    data = nnunet.TASK.load("msd_hippocampus")
    values = nnunet.PRESETS["laptop"] | {"steps": options.steps}
    model, fit_options, _ = space.build(nnunet, data.spec, values, seed=0)
    patches = data.pipelines(fit_options, seed=0)[0]
    kept = tf.data.Dataset.from_tensor_slices(
        tf.nest.map_structure(lambda *parts: tf.stack(parts), *list(patches))
    ).prefetch(4)
    rounds = [[seconds_of_fit(model, one) for one in (patches, kept)] for _ in range(options.rounds + 1)][1:]
    found = {
        "command": f"python -m benchmarks.patches --rounds {options.rounds} --steps {options.steps}",
        "seconds_a_step": {
            name: float(np.median(column)) / options.steps
            for name, column in zip(("patches", "kept"), zip(*rounds, strict=True), strict=True)
        },
        "ratio": float(np.median([drawn / kept for drawn, kept in rounds])),
        "share_of_waiting": waiting(model, patches),
        "cpu_seconds_a_batch": cpu_of_a_batch(patches, options.steps),
    }
    print(json.dumps(found, indent=1))
    if options.out:
        Path(options.out).write_text(json.dumps(stamp() | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
