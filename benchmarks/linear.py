"""Principal components and mixtures beside scikit-learn: seconds and peak memory, in turn on the same machine.

    python -m benchmarks.linear --out benchmarks/results/linear.json

PCA of 60,000 x 784 to 50 components, and six iterations of a mixture of 20 full Gaussians on 60,000 x 50, its start and
all compilation included. Each measurement is a process of its own, which reads float32 data from a file, fits a small
model to warm up, and then fits one to all rows: `fit_mb` is what the peak of the memory lies above that before the fit,
`peak_mb` that of the process, to which importing TensorFlow adds about 700. Rounds are in turn; the ratio is the median
of the rounds' ratios. `--rows` makes everything smaller.
"""

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.process_memory import memory
from benchmarks.stamp import stamp

ROWS, SEED = 60_000, 0
COMPONENTS, CLUSTERS, WIDTH, PIXELS = 50, 20, 50, 784
ITERATIONS = 6
MIB = 2**20
BATCH = 2000
WARM_UP = 2000  # rows: imports and first calls are nobody's speed


def images(rows):
    """Rows of 784 values of falling variances in a random basis, with an offset, as pixels have them."""
    random = np.random.default_rng(SEED)
    scales = np.arange(1, PIXELS + 1, dtype="float32") ** -0.7
    basis = np.linalg.qr(random.standard_normal((PIXELS, PIXELS)))[0].astype("float32")
    return (random.standard_normal((rows, PIXELS), dtype="float32") * scales) @ basis + np.float32(0.3)


def points(rows):
    """Rows of 50 values around 20 centres."""
    random = np.random.default_rng(SEED)
    centres = 1.5 * random.standard_normal((CLUSTERS, WIDTH), dtype="float32")
    labels = random.integers(CLUSTERS, size=rows)
    return centres[labels] + random.standard_normal((rows, WIDTH), dtype="float32")


def our_pca(x):
    from keras_dl import models

    model = models.PCA((PIXELS,), COMPONENTS, seed=0)
    model.fit(x[:WARM_UP], verbose=0)
    cost = cost_of(lambda: model.fit(x, verbose=0))
    return cost, float(model.explained_variance_ratio.sum())


def their_pca(x):
    from sklearn.decomposition import PCA

    PCA(COMPONENTS).fit(x[:WARM_UP])
    model = PCA(COMPONENTS)
    return cost_of(lambda: model.fit(x)), float(model.explained_variance_ratio_.sum())


def our_mixture(x):
    from keras_dl import models

    models.GaussianMixture((WIDTH,), 2, seed=0).fit(x[:WARM_UP], batch_size=BATCH, verbose=0)
    model = models.GaussianMixture((WIDTH,), CLUSTERS, seed=0)
    cost = cost_of(lambda: model.fit(x, batch_size=BATCH, epochs=ITERATIONS, verbose=0))
    return cost, float(np.mean(model.log_prob(x)))


def their_mixture(x):
    from sklearn.mixture import GaussianMixture

    options = {"init_params": "random_from_data", "tol": 0.0, "random_state": 0, "max_iter": ITERATIONS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        GaussianMixture(2, **options).fit(x[:WARM_UP])
        model = GaussianMixture(CLUSTERS, **options)
        cost = cost_of(lambda: model.fit(x))
    return cost, float(model.score(x))


def cost_of(function):
    """Seconds of one call, and what it adds to the memory that is held, in MB."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, start = memory("VmRSS") / MIB, time.perf_counter()
    function()
    seconds = time.perf_counter() - start
    peak = memory("VmHWM") / MIB
    return {"seconds": round(seconds, 3), "fit_mb": round(peak - before, 1), "peak_mb": round(peak)}


WORK = {"pca": (images, our_pca, their_pca), "mixture": (points, our_mixture, their_mixture)}
SIDES = ("keras_dl", "scikit_learn")


def measure(name, side, path):
    """Prints cost and result of one side, measured in this process."""
    cost, result = WORK[name][1 + side](np.load(path))
    print(json.dumps({**cost, "result": result}))


def in_turn(name, rows, repeats):
    """The medians of several rounds of both sides, taken in turn."""
    runs = ([], [])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        np.save(path, WORK[name][0](rows))
        for _ in range(repeats):
            for side in (0, 1):
                command = [sys.executable, "-m", "benchmarks.linear", "--measure", name, str(side), str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                runs[side].append(json.loads(done.stdout.splitlines()[-1]))
                print(name, SIDES[side], runs[side][-1], file=sys.stderr, flush=True)
    ratios = [ours["seconds"] / theirs["seconds"] for ours, theirs in zip(*runs, strict=True)]
    medians = [{key: float(np.median([run[key] for run in side])) for key in side[0]} for side in runs]
    every = {name: [run["seconds"] for run in side] for name, side in zip(SIDES, runs, strict=True)}
    record = {**dict(zip(SIDES, medians, strict=True)), "ratio": round(float(np.median(ratios)), 3)}
    memories = [side["fit_mb"] for side in medians]
    return {**record, "memory_ratio": round(memories[0] / memories[1], 3), "all_seconds": every}


def processor():
    """The processor's name, and how many of it there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", choices=list(WORK), help="one of the two (default: both)")
    parser.add_argument("--out", help="JSON file to write")
    parser.add_argument("--measure", nargs=3, metavar=("WORK", "SIDE", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure[0], int(options.measure[1]), options.measure[2])
        return
    names = [options.only] if options.only else list(WORK)
    load = os.getloadavg()[0]
    results = {name: in_turn(name, options.rows, options.repeats) for name in names}
    command = f"python -m benchmarks.linear --rows {options.rows} --repeats {options.repeats}"
    about = {"command": command, **stamp(), "processor": processor(), "seed": SEED, "load_at_start": round(load, 1)}
    record = json.dumps({**about, **results}, indent=1)
    print(record)
    if options.out:
        Path(options.out).write_text(record + "\n")


if __name__ == "__main__":
    main()
