"""Joint energy-based model beside the classifier of the same network: accuracy, calibration, strangers.

    python -m benchmarks.jem --dataset mnist --rows 10000 --epochs 6 --out benchmarks/results/jem_mnist.json

The recipe `jem` with its density, and with `energy_weight=0`, from the same start on the same batches. Tested on the
set's own test images: accuracy, the expected calibration error of 15 bins of equal width (Guo et al. 2017, section 2),
cross-entropy; and on images of Fashion-MNIST, of the same size: the ROC-AUC by which the largest probability of a
class, and log p(x) up to its constant, tell them from test images. Runs whose figures are in `--out` are not run again.
"""

import argparse
import dataclasses
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

import keras_dl
from benchmarks.linear import processor
from benchmarks.recipes import recipe
from benchmarks.stamp import stamp
from keras_dl.runs import space
from keras_dl.tasks import Arrays

ARMS = {"joint": 1.0, "classifier": 0.0}
BINS = 15


def calibration_error(probabilities, labels):
    """The mean of |accuracy - confidence| over bins of confidence, weighted by their rows."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, right - confidence, BINS)
    return float(np.abs(gaps).sum() / len(labels))


def strangers(shape, count):
    """Test images of Fashion-MNIST, from 0 to 1, by averages of blocks if they should be smaller."""
    x = keras_dl.data.load("fashion_mnist")[1][0][:count].astype("float32")
    if x.shape[1:] == tuple(shape):
        return x
    times = x.shape[1] // shape[0]
    edge = (x.shape[1] - times * shape[0]) // 2
    x = x[:, edge : edge + times * shape[0], edge : edge + times * shape[1]]
    return x.reshape(len(x), shape[0], times, shape[1], times, -1).mean((2, 4))


def run(data, arm, seed, epochs):
    """Trains one arm and returns its figures."""
    values = {"energy_weight": ARMS[arm]} | ({"epochs": epochs} if epochs else {})
    model, options, _ = space.build(recipe("jem"), data.spec, values, seed)
    start = time.perf_counter()
    model.fit(data.pipelines(options, seed)[0], epochs=options["epochs"], verbose=0)
    seconds = time.perf_counter() - start
    x, y = data.x_test, np.asarray(data.y_test)
    others = strangers(data.spec.shape, len(x))
    probabilities = model.predict(x, verbose=0)
    figures = {"accuracy": float(np.mean(probabilities.argmax(1) == y)), "ece": calibration_error(probabilities, y)}
    figures["cross_entropy"] = float(-np.mean(np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-30))))
    scores = {
        "probability": [-probabilities.max(1), -model.predict(others, verbose=0).max(1)],
        "log_prob": [-np.asarray(model.log_prob(images)) for images in (x, others)],
    }
    for name, (own, strange) in scores.items():
        area = keras_dl.metrics.roc_auc(own, strange)
        figures[f"auroc_{name}"] = {"value": float(area.value), "standard_error": float(area.standard_error)}
    return {"arm": arm, "seed": seed, "epochs": options["epochs"], "seconds": round(seconds, 1), **figures}


def main():
    """Runs both arms for every seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--rows", type=int, help="the first training images; all by default")
    parser.add_argument("--epochs", type=int, help="the recipe's by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    out = Path(options.out)
    record = json.loads(out.read_text()) if out.exists() else {"runs": []}
    command = f"python -m benchmarks.jem --dataset {options.dataset} --seeds {options.seeds}"
    command += f" --rows {options.rows}" * bool(options.rows) + f" --epochs {options.epochs}" * bool(options.epochs)
    record |= {"command": command, **stamp(), "processor": processor()}
    data = Arrays.load(options.dataset, "labels")
    if options.rows:
        data = dataclasses.replace(data, x=data.x[: options.rows], y=data.y[: options.rows])
    finished = {(each["arm"], each["seed"]) for each in record["runs"]}
    for seed in range(options.seeds):
        for arm in ARMS:
            if (arm, seed) not in finished:
                record["runs"].append(run(data, arm, seed, options.epochs))
                print(record["runs"][-1], flush=True)
                out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
