"""How often a small network gives a shifted digit the same class, with max pooling and with blurred max pooling.

    KERAS_DL_DATA=FOLDER python -m benchmarks.shift_consistency --out benchmarks/results/shift_consistency.json

Two 3x3 convolutions of 16 and 32 channels, each before a pooling that halves, and a dense layer of 64; `--head mean`
puts a third convolution and the mean over positions in the dense layer's place. Both arms have the same weights at the
start, data order and number of steps; only the poolings differ: `MaxPooling2D(2)` or `MaxBlurPool2D(2)`. Consistency is
the share of test images, over pairs of shifts of up to four pixels, whose two predictions agree (Zhang, 2019). Neither
arm sees shifted images in training.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import keras
import numpy as np

import keras_dl
from benchmarks.stamp import stamp

POOLINGS = {"max": keras.layers.MaxPooling2D, "max_blur": keras_dl.layers.MaxBlurPool2D}
IMAGES = 2000  # of the test images, for the consistency: ten predictions an image


def build(pooling, head, seed):
    """Returns a compiled classifier of 28x28 images."""
    keras.utils.set_random_seed(seed)
    conv = {"kernel_size": 3, "padding": "same", "activation": "relu"}
    network = keras.Sequential([keras.Input((28, 28, 1))])
    for filters in (16, 32):
        network.add(keras.layers.Conv2D(filters, **conv))
        network.add(POOLINGS[pooling](2))
    if head == "mean":
        network.add(keras.layers.Conv2D(32, **conv))
        network.add(keras.layers.GlobalAveragePooling2D())
    else:
        network.add(keras.layers.Flatten())
        network.add(keras.layers.Dense(64, "relu"))
    network.add(keras.layers.Dense(10))
    model = keras_dl.models.Supervised(network, seed=seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss=loss, metrics=["accuracy"])
    return model


def run(pooling, head, seed, epochs, data):
    """Trains one classifier and returns its accuracy and consistency on held-out images."""
    (x, y), (x_test, y_test) = data
    start = time.perf_counter()
    model = build(pooling, head, seed)
    model.fit(x, y, batch_size=128, epochs=epochs, verbose=0)
    accuracy = model.evaluate(x_test, y_test, batch_size=500, verbose=0, return_dict=True)["accuracy"]
    consistent = keras_dl.metrics.shift_consistency(
        lambda images: model.predict_on_batch(images), x_test[:IMAGES], max_shift=4, batch_size=500
    )
    found = {"pooling": pooling, "head": head, "seed": seed, "accuracy": round(float(accuracy), 4)}
    found["shift_consistency"] = round(float(np.mean(consistent)), 4)
    return found | {"seconds": round(time.perf_counter() - start, 1)}


def summary(runs):
    """Mean accuracy and consistency of each pooling, and the gain in consistency of every seed."""
    by_pooling = {name: [run for run in runs if run["pooling"] == name] for name in POOLINGS}
    means = {
        name: {key: round(statistics.mean(run[key] for run in arm), 4) for key in ("accuracy", "shift_consistency")}
        for name, arm in by_pooling.items()
    }
    pairs = zip(by_pooling["max"], by_pooling["max_blur"], strict=True)
    return means | {"gains": [round(b["shift_consistency"] - a["shift_consistency"], 4) for a, b in pairs]}


def main():
    """Trains both arms for the seeds that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--head", choices=("dense", "mean"), default="dense", help="what follows the convolutions")
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    data, runs = keras_dl.data.load("mnist"), []
    for seed in map(int, options.seeds.split(",")):
        for pooling in POOLINGS:
            runs.append(run(pooling, options.head, seed, options.epochs, data))
            print(json.dumps(runs[-1]), flush=True)
    found = summary(runs)
    print(json.dumps(found))
    if options.out:
        record = stamp()
        record |= {"command": "python -m benchmarks.shift_consistency " + " ".join(sys.argv[1:])}
        new = Path(options.out).with_suffix(".new")
        new.write_text(json.dumps(record | {"summary": found, "runs": runs}, indent=1) + "\n")
        new.replace(options.out)


if __name__ == "__main__":
    main()
