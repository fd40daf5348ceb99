"""Trains classic networks on real images and counts how often they are right, seed by seed.

    KERAS_DL_DATA=FOLDER python -m benchmarks.classifiers --experiment lenet --out benchmarks/results/lenet.json
    KERAS_DL_DATA=FOLDER python -m benchmarks.classifiers --experiment cifar --out benchmarks/results/cifar.json

  lenet   LeNet-5 on MNIST, in its modern form and as published, 10 epochs without augmentation
  cifar   ResNet-20 and DenseNet-BC-40 on 3,000 images of CIFAR-10, tested on 1,000, beside the same networks written
          with plain Keras layers as keras.applications writes them, the same steps, flips and shifts

Runs whose figures are in `--out` are not run again.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import keras_dl
from benchmarks import plain_networks
from benchmarks.stamp import stamp

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
#: Experiment: data set, epochs, rows a step, peak learning rate, and the networks by name.
EXPERIMENTS = {
    "lenet": (
        "mnist", 10, 64, 2e-3,
        {
            "modern": lambda: keras_dl.networks.lenet5((28, 28, 1)),
            "published": lambda: keras_dl.networks.lenet5((28, 28, 1), modern=False),
        },
    ),
    "cifar": (
        "cifar10_subset", 40, 64, 3e-3,
        {
            "resnet20": lambda: keras_dl.networks.resnet20((32, 32, 3), num_classes=10),
            "resnet20_plain": plain_networks.resnet20,
            "densenet_bc_40": lambda: keras_dl.networks.densenet_bc_40((32, 32, 3), num_classes=10),
            "densenet_bc_40_plain": plain_networks.densenet_bc_40,
        },
    ),
}  # fmt: skip


def augmented(batches, seed):
    """The batches with images flipped at random and shifted by up to four pixels."""
    import tensorflow as tf

    def change(index, batch):
        x, y = batch
        seeds = tf.random.split(tf.stack([tf.cast(seed, tf.int64), index]), 2)
        x = tf.image.stateless_random_flip_left_right(x, seeds[0])
        x = tf.pad(x, [[0, 0], [4, 4], [4, 4], [0, 0]])
        return tf.image.stateless_random_crop(x, [tf.shape(x)[0], 32, 32, 3], seeds[1]), y

    return batches.enumerate().map(change)


def run(experiment, name, seed):
    """Trains one network from one seed; returns its test accuracy, its count of weights and the seconds it took."""
    dataset, epochs, rows, rate, networks = EXPERIMENTS[experiment]
    (x, y), (x_test, y_test) = keras_dl.data.load(dataset)
    keras.utils.set_random_seed(seed)
    network = networks[name]()
    steps = epochs * -(-len(x) // rows)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=rate, warmup_steps=steps // 10)
    optimizer = keras.optimizers.Adam(rate)
    model = keras_dl.models.Supervised(network, seed=seed)
    model.compile(optimizer, loss=LOSS, metrics=["accuracy"])
    data = keras_dl.data.pipeline(x, y, batch_size=rows, seed=seed)
    start = time.perf_counter()
    if experiment == "cifar":
        for epoch in range(epochs):
            data.order.place(epoch)
            model.fit(augmented(data, 1000 * seed + epoch), epochs=epoch + 1, initial_epoch=epoch, verbose=0)
    else:
        model.fit(data, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - start
    accuracy = model.evaluate(x_test, y_test, batch_size=500, verbose=0, return_dict=True)["accuracy"]
    weights = int(sum(np.prod(v.shape) for v in network.trainable_variables))
    return {"accuracy": float(accuracy), "weights": weights, "seconds": round(seconds, 1)}


def summary(runs):
    """Mean and standard error of the accuracy, a network."""
    found = {}
    for name in dict.fromkeys(run["network"] for run in runs):
        values = np.array([run["accuracy"] for run in runs if run["network"] == name])
        error = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None
        found[name] = {"mean": float(values.mean()), "standard_error": error, "seeds": len(values)}
    return found


def main():
    """Runs what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiment", choices=EXPERIMENTS, required=True)
    parser.add_argument("--networks", help="a comma list; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON file of the results; those in it stand")
    options = parser.parse_args()
    out = Path(options.out)
    record = json.loads(out.read_text()) if out.exists() else {"runs": []}
    record["command"] = f"python -m benchmarks.classifiers --experiment {options.experiment}"
    names = options.networks.split(",") if options.networks else EXPERIMENTS[options.experiment][-1]
    for seed in range(options.seeds):
        for name in names:
            about = {"network": name, "seed": seed}
            if any(about.items() <= one.items() for one in record["runs"]):
                continue
            found = about | run(options.experiment, name, seed)
            record["runs"].append(found | stamp())
            record["summary"] = summary(record["runs"])
            out.write_text(json.dumps(record, indent=1) + "\n")
            print(record["runs"][-1], flush=True)


if __name__ == "__main__":
    main()
