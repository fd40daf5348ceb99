"""Principal components and mixtures beside scikit-learn: seconds and peak memory, in turn on the same machine.

    python -m benchmarks.linear --out benchmarks/results/linear.json

Each measurement is a process of its own, so that peak memory is its own too: PCA of 60,000 x 784 to 50 components, and
iterations of a mixture of 20 full Gaussians on 60,000 x 50, each from a start of its own. Data are float32;
`--rows` makes everything smaller.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.stamp import stamp

ROWS, SEED = 60_000, 0
COMPONENTS, CLUSTERS, WIDTH, PIXELS = 50, 20, 50, 784
ITERATIONS = 5
BATCH = 10_000


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


def our_pca(rows):
    from keras_dl import models

    x, model = images(rows), models.PCA((PIXELS,), COMPONENTS, seed=0)
    model.fit(x[:2000], verbose=0)  # imports and first calls are nobody's speed
    seconds = timed(lambda: model.fit(x, verbose=0))
    return seconds, float(model.explained_variance_ratio.sum())


def their_pca(rows):
    from sklearn.decomposition import PCA

    x = images(rows)
    PCA(COMPONENTS).fit(x[:2000])
    model = PCA(COMPONENTS)
    return timed(lambda: model.fit(x)), float(model.explained_variance_ratio_.sum())


def our_mixture(rows):
    from keras_dl import models

    x = points(rows)
    model = models.GaussianMixture((WIDTH,), CLUSTERS, seed=0)
    model.fit(x, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
    seconds = timed(lambda: model.fit(x, batch_size=BATCH, epochs=1 + ITERATIONS, initial_epoch=1, verbose=0))
    return seconds, float(np.mean(model.log_prob(x)))


def their_mixture(rows):
    from sklearn.mixture import GaussianMixture

    x = points(rows)
    options = {"init_params": "random_from_data", "tol": 0.0, "random_state": 0, "warm_start": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = GaussianMixture(CLUSTERS, max_iter=1, **options).fit(x)
        model.set_params(max_iter=ITERATIONS)
        seconds = timed(lambda: model.fit(x))
    return seconds, float(model.score(x))


def timed(function):
    """Seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


WORK = {"pca": (our_pca, their_pca), "mixture": (our_mixture, their_mixture)}


def measure(name, side, rows):
    """Prints seconds, result and peak memory of one side, measured in this process."""
    seconds, result = WORK[name][side](rows)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": round(seconds, 3), "result": result, "peak_mb": round(peak)}))


def in_turn(name, rows, repeats):
    """The best of several runs of both sides, taken in turn."""
    runs = ([], [])
    for _ in range(repeats):
        for side in (0, 1):
            command = [sys.executable, "-m", "benchmarks.linear", "--measure", name, str(side), "--rows", str(rows)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs[side].append(json.loads(done.stdout.splitlines()[-1]))
    ours, theirs = (min(side, key=lambda run: run["seconds"]) for side in runs)
    ratio = ours["seconds"] / theirs["seconds"]
    every = {"keras_dl": [run["seconds"] for run in runs[0]], "scikit_learn": [run["seconds"] for run in runs[1]]}
    return {"keras_dl": ours, "scikit_learn": theirs, "ratio": round(ratio, 3), "all_seconds": every}


def processor():
    """The processor's name, and how many of it there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=list(WORK), help="one of the two (default: both)")
    parser.add_argument("--out", help="JSON file to write")
    parser.add_argument("--measure", nargs=2, metavar=("WORK", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure[0], int(options.measure[1]), options.rows)
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
