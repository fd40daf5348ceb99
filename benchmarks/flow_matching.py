"""Eight gaussians to two moons by flow matching: couplings by the squared Wasserstein distance of their samples.

    nice -n 19 python -m benchmarks.flow_matching --out benchmarks/results/flow_matching.json

The protocol of Cheng & Schwing 2025 (arXiv 2503.10636): 20,000 steps of 256 pairs by Adam at 3e-4, no averages; pairs
are made in batches of 1,024, which are cut into four steps; a residual network of three blocks 128-512-128; W2 squared
between 10,000 samples and as many points. The moons of a batch stand at evenly spaced angles; here they are shuffled,
so that the pairs of independent flow matching are not those of one arc. The network is told the time by sines and
cosines, the authors' by a linear map.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np

import keras_dl
from benchmarks.stamp import stamp

RADIUS, DEVIATION = 5.0, 0.1**0.25  # the authors' covariance is sqrt(0.1) times the identity
BATCH, COUPLED, CHUNK = 256, 1024, 1000
SAMPLERS = {"euler_1": {"steps": 1, "sampler": "euler"}, "adaptive": {"sampler": "adaptive"}}
COUPLINGS = {
    "independent": None,
    "optimal_transport": keras_dl.processes.OptimalTransport(),
    "conditional_transport": keras_dl.processes.ConditionalTransport(),
}
CONDITIONS = {"none": {}, "label": {"num_classes": 2}, "coordinate": {"condition_shape": (1,)}}


def moons(count, rng):
    """Points of two moons, shuffled, and which moon each is of: evenly spaced angles, one noise for both axes."""
    angles = np.linspace(0.0, np.pi, count // 2)
    upper = np.stack([np.cos(angles), np.sin(angles)], -1)
    lower = np.stack([1.0 - np.cos(angles), 0.5 - np.sin(angles)], -1)
    points = np.concatenate([upper, lower]) + rng.uniform(0.0, 0.2, (2 * len(angles), 1))
    order = rng.permutation(len(points))
    return (3.0 * points - 1.0)[order].astype("float32"), (order >= len(angles)).astype("int32")


def eight_gaussians(count, rng):
    """Points of the source."""
    angles = 0.25 * np.pi * rng.integers(0, 8, count)
    middles = RADIUS * np.stack([np.cos(angles), np.sin(angles)], -1)
    return (middles + DEVIATION * rng.standard_normal((count, 2))).astype("float32")


def condition_of(kind, x, labels):
    """The condition of points of the moons: `None`, their moon, or their first coordinate."""
    return {"none": None, "label": labels, "coordinate": x[:, :1]}[kind]


def pairs(coupling, kind, batches, rng):
    """Data for `4 * batches` steps: pairs of data and source side by side, and conditions or `None`."""
    rows, conditions = [], []
    for _ in range(batches):
        x, labels = moons(COUPLED, rng)
        source, condition = eight_gaussians(COUPLED, rng), condition_of(kind, x, labels)
        order = np.arange(COUPLED) if coupling is None else coupling.pairs(x, source, condition)
        rows.append(np.concatenate([x, source[order]], -1))
        conditions.append(condition)
    return np.concatenate(rows), None if kind == "none" else np.concatenate(conditions)


def squared_distance(x, y):
    """W2 squared of two sets of equally many points, exactly."""
    cost = keras_dl.processes.couplings.distances(x, y)
    order = keras_dl.processes.couplings.assignment(cost)
    return float(cost[np.arange(len(x)), order].mean())


def run(kind, coupling, seed, steps, count):
    """Trains one model; returns the distances of its samples."""
    keras.utils.set_random_seed(seed)
    rng, start = np.random.default_rng(seed), time.process_time()
    network = keras_dl.networks.denoising_mlp((2,), 128, 512, 3, **CONDITIONS[kind])
    options = {"condition_dropout": 0.0, "ema_momentum": None, "seed": seed}
    model = keras_dl.models.FlowMatching(network, source="data", **options)
    model.compile(keras.optimizers.Adam(3e-4), jit_compile=True, steps_per_execution=20)
    for done in range(0, steps, CHUNK):
        data = pairs(COUPLINGS[coupling], kind, min(CHUNK, steps - done) // (COUPLED // BATCH), rng)
        model.fit(*data, batch_size=BATCH, shuffle=False, verbose=0)
    test_rng = np.random.default_rng(1_000_000 + seed)
    x, labels = moons(count, test_rng)
    source, condition = eight_gaussians(count, test_rng), condition_of(kind, x, labels)
    record = {"condition": kind, "coupling": coupling, "seed": seed, "steps": steps, "points": count}
    for name, options in SAMPLERS.items():
        record[name] = round(squared_distance(x, model.decode(source, condition, **options).numpy()), 4)
    return record | {"processor_seconds": round(time.process_time() - start, 1)}


def main():
    """Runs what the command line asks for, and writes each result as it comes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conditions", default="none,label,coordinate")
    parser.add_argument("--couplings", default=",".join(COUPLINGS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    record = stamp() | {"command": "python -m benchmarks.flow_matching " + " ".join(sys.argv[1:]), "results": []}
    for seed in range(options.seeds):
        for kind in options.conditions.split(","):
            for coupling in options.couplings.split(","):
                if kind == "none" and coupling == "conditional_transport":
                    continue
                record["results"].append(run(kind, coupling, seed, options.steps, options.points))
                print(json.dumps(record["results"][-1]), flush=True)
                if options.out:
                    Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
