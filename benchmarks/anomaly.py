"""Anomaly detection by a VAE, each class left out in turn: ROC-AUC by likelihood and by reconstruction.

    python -m benchmarks.anomaly --out benchmarks/results/anomaly.json
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks.recipes import recipe
from benchmarks.stamp import stamp
from keras_dl.runs import space
from keras_dl.tasks import Arrays
from keras_dl.tasks.density import areas


def run(data, label, seed, epochs=None):
    """Trains without a class and returns the areas of both scores, with their standard errors."""
    values = {"anomaly_class": label} | ({"epochs": epochs} if epochs else {})
    model, options, _ = space.build(recipe("anomaly"), data.spec, values, seed)
    model.fit(data.pipelines(options, seed)[0], epochs=options["epochs"], verbose=0)
    found = areas(model, data.x_test, data.y_test == label, num_samples=100)
    return {name: {"value": float(v), "standard_error": float(e)} for name, (v, e) in found.items()}


def main():
    """Runs every class."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--epochs", type=int, help="the recipe's by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    data, found = Arrays.load(options.dataset), {}
    for label in range(data.spec.num_classes):
        found[label] = run(data, label, options.seed, options.epochs)
        print(label, found[label], flush=True)
    record = {"command": "python -m benchmarks.anomaly", **stamp()}
    record |= {"dataset": options.dataset, "seed": options.seed, "roc_auc": found}
    Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
