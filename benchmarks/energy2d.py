"""Objectives of energy models in the plane: KL divergence, error of log Z and modes, all by 512 x 512 quadrature.

python -m benchmarks.energy2d --out benchmarks/results/energy2d.json
python -m benchmarks.energy2d --datasets eight_gaussians --seeds 1 --epochs 10 --out FILE
python -m benchmarks.energy2d --datasets checkerboard --points 1000000 --epochs 4 --set num_layers=3 --out FILE

With the 50,000 points of a named set a network learns their gaps before it has learned the edges of a checkerboard:
`--points` draws more, with another seed than those of the set.
"""

import argparse
import dataclasses
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
SEED = 2  # 0 and 1 are those of the named sets


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


def loaded(name, count=None):
    """A named set, or as many points of it as are asked for."""
    data = Arrays.load(name)
    return data if count is None else dataclasses.replace(data, x=points.sample_points(name, count, SEED)[0])


def run(data, objective, seed, values):
    """Trains by one objective and returns its figures."""
    values = {**values, "objective": objective}
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
    parser.add_argument("--points", type=int, help="training points (default: the 50,000 of the named set)")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="hyperparameters of the recipe")
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    values = {name: json.loads(value) for name, value in (pair.split("=", 1) for pair in options.set)}
    values |= {"epochs": options.epochs} if options.epochs else {}
    command, runs = " ".join(["python -m benchmarks.energy2d", *sys.argv[1:]]), []
    for name in options.datasets:
        data = loaded(name, options.points)
        for objective in options.objectives:
            for seed in range(options.seeds):
                figures = run(data, objective, seed, values)
                runs.append({"dataset": name, "objective": objective, "seed": seed, **figures})
                print(runs[-1], flush=True)
                record = {"command": command, **stamp(), "runs": runs}
                Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
