"""Objectives of energy models in the plane: KL divergence, error of log Z and modes, all by 512 x 512 quadrature.

python -m benchmarks.energy2d --out benchmarks/results/energy2d.json
python -m benchmarks.energy2d --datasets eight_gaussians --seeds 1 --epochs 10 --out FILE
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from benchmarks.recipes import recipe
from benchmarks.stamp import stamp
from keras_dl.data import points
from keras_dl.objectives import quadrature
from keras_dl.runs import space
from keras_dl.tasks import Arrays

OBJECTIVES = list(recipe("ebm2d").OBJECTIVES)
DATASETS = ("eight_gaussians", "ring", "moons", "checkerboard")
BOX, CELLS = (-4.0, 4.0), 512


def measured(name, log_prob):
    """KL divergence from the true density, and for a mixture the least mass of a mode, times their number.

    Args:
        name: a set of `keras_dl.data.points`.
        log_prob: log-densities of a model at the nodes of the grid.
    """
    grid, cell = quadrature.nodes(BOX, CELLS, 2), np.exp(quadrature.log_cell(BOX, CELLS, 2))
    truth, own = points.log_density(name, grid), np.asarray(log_prob, "float64")
    mass = np.exp(truth)
    here = mass > 0
    total = mass.sum() * cell
    figures = {"kl": float((mass[here] * (truth[here] - own[here])).sum() * cell / total - np.log(total))}
    if name in ("eight_gaussians", "grid"):
        centres = points.centres(name)
        nearest = np.square(grid[:, None] - centres).sum(-1).argmin(-1)
        shares = np.bincount(nearest, np.exp(own), len(centres)) * cell
        figures["least_mode"] = float(shares.min() * len(centres))
    return figures


def run(data, objective, seed, epochs=None):
    """Trains by one objective and returns its figures."""
    values = {"objective": objective} | ({"epochs": epochs} if epochs else {})
    model, options, _ = space.build(recipe("ebm2d"), data.spec, values, seed)
    start = time.perf_counter()
    model.fit(data.pipelines(options, seed)[0], epochs=options["epochs"], verbose=0)
    seconds = time.perf_counter() - start
    exact = model.log_normalizer("grid", bounds=BOX, points=CELLS)
    annealed = model.log_normalizer("ais", steps=500)
    figures = measured(data.name, model.log_prob(quadrature.nodes(BOX, CELLS, 2), exact))
    figures |= {"ais_error": float(annealed.value - exact.value), "ais_standard_error": float(annealed.standard_error)}
    if model.objective.normalizes:
        figures["learned_error"] = float(model.log_normalizer("learned").value - exact.value)
    return figures | {"epochs": options["epochs"], "seconds": round(seconds, 1)}


def main():
    """Runs every objective on every set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=DATASETS, choices=points.NAMES)
    parser.add_argument("--objectives", nargs="+", default=OBJECTIVES, choices=OBJECTIVES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="the recipe's by default")
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    command, runs = " ".join(["python -m benchmarks.energy2d", *sys.argv[1:]]), []
    for name in options.datasets:
        data = Arrays.load(name)
        for objective in options.objectives:
            for seed in range(options.seeds):
                figures = run(data, objective, seed, options.epochs)
                runs.append({"dataset": name, "objective": objective, "seed": seed, **figures})
                print(runs[-1], flush=True)
                record = {"command": command, **stamp(), "runs": runs}
                Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
