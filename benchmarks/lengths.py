"""First epochs of data of 40 lengths or sizes beside plain Keras, in processor seconds.

    python -m benchmarks.lengths --out benchmarks/results/lengths.json

Each case is fitted once before, by plain Keras, so that neither pays for what the process does once.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import keras_dl
from benchmarks.stamp import stamp

COUNT, ROWS = 40, 16
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def sequences():
    """Returns the shapes of sequences, and the network that classifies them."""
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(32, "relu"), keras.layers.GlobalAveragePooling1D()]
    return [(5 + i, 8) for i in range(COUNT)], [keras.Input((None, 8)), *layers, keras.layers.Dense(3)]


def images():
    """Returns the shapes of images, and the network that classifies them."""
    layers = [keras.layers.Conv2D(16, 3, activation="relu"), keras.layers.Conv2D(32, 3, strides=2, activation="relu")]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)]
    return [(16 + i, 20 + i, 3) for i in range(COUNT)], [keras.Input((None, None, 3)), *layers]


class Batches(keras.utils.PyDataset):
    """Batches in order."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def as_dataset(batches):
    shape = [None] * (batches[0][0].ndim - 1) + [batches[0][0].shape[-1]]
    specs = tf.TensorSpec(shape), tf.TensorSpec([None], tf.int64)
    dataset = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=specs)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))


CASES = {"sequences": sequences, "images": images}
KINDS = {"dataset": as_dataset, "PyDataset": Batches, "generator": lambda batches: (batch for batch in batches)}


def seconds(case, kind, ours):
    """Returns the processor seconds of a first epoch."""
    shapes, layers = CASES[case]()
    random = np.random.default_rng(0)
    order = random.permutation(COUNT)
    batches = [(random.normal(size=(ROWS, *shapes[i])).astype("float32"), np.arange(ROWS) % 3) for i in order]
    model = keras.Sequential(layers)
    model = keras_dl.models.Supervised(model) if ours else model
    model.compile(keras.optimizers.SGD(0.1), loss=LOSS)
    start = time.process_time()
    model.fit(KINDS[kind](batches), steps_per_epoch=COUNT if kind == "generator" else None, verbose=0)
    return time.process_time() - start


def main():
    """Measures every case with every kind of data, in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="rounds in turn, of which the medians count")
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    rows = []
    for case in CASES:
        for kind in KINDS:
            seconds(case, kind, ours=False)
            rounds = [(seconds(case, kind, False), seconds(case, kind, True)) for _ in range(options.repeats)]
            stock, ours = (round(statistics.median(column), 2) for column in zip(*rounds, strict=True))
            ratio = round(statistics.median(own / other for other, own in rounds), 2)
            rows.append({"case": case, "data": kind, "keras": stock, "keras_dl": ours, "ratio": ratio})
            print(rows[-1], flush=True)
    record = {"command": f"python -m benchmarks.lengths --repeats {options.repeats}", **stamp()}
    record |= {"runtime": keras_dl.runtime.describe(), "lengths": COUNT, "first_epochs": rows}
    Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
