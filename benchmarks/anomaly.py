"""Anomaly detection by a VAE, each class left out in turn: ROC-AUC by likelihood and by reconstruction.

    python -m benchmarks.anomaly --out benchmarks/results/anomaly.json
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from apps import anomalies, settings
from apps.data import Data
from apps.recipes import anomaly
from benchmarks.stamp import stamp


def run(data, label, seed, epochs=None):
    """Trains without a class and returns the areas of both scores, with their standard errors."""
    values = {"anomaly_class": label} | ({"epochs": epochs} if epochs else {})
    model, options, _ = settings.build(anomaly, data.spec, values, seed)
    model.fit(data.pipelines(options, seed)[0], epochs=options["epochs"], verbose=0)
    found = anomalies.areas(model, data.x_test, data.y_test == label, num_samples=100)
    return {name: {"value": float(v), "standard_error": float(e)} for name, (v, e) in found.items()}


def main():
    """Runs every class."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default=anomaly.DATASET)
    parser.add_argument("--epochs", type=int, help="the recipe's by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    data, found = Data.load(options.dataset), {}
    for label in range(data.spec.num_classes):
        found[label] = run(data, label, options.seed, options.epochs)
        print(label, found[label], flush=True)
    record = {"command": "python -m benchmarks.anomaly", **stamp()}
    record |= {"dataset": options.dataset, "seed": options.seed, "roc_auc": found}
    Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
