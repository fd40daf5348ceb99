"""Trains classic networks on real images and counts how often they are right, seed by seed.

    KERAS_DL_DATA=FOLDER python -m benchmarks.classifiers --experiment lenet --out benchmarks/results/lenet.json

  lenet      LeNet-5 on MNIST, in its modern form and as published, 10 epochs without augmentation; weight decay and
             label smoothing as chosen on the last 10,000 training images, then trained on all 60,000
  cifar      ResNet-20 on 3,000 images of CIFAR-10, tested on 1,000, beside the same network written with plain Keras
             layers as the keras.io example writes it, and beside its form with squeeze-and-excitation; the same steps,
             flips and shifts
  densenet   DenseNet-BC-40 likewise, beside plain Keras layers as keras.applications has them
  googlenet  GoogLeNet with and without its auxiliary heads, likewise
  h_net      an H-Net and a convolutional network of its size, trained on upright digits of MNIST, tested on upright
             and on turned ones; the rate of each as chosen by h_net_rates
  h_net_rates  both at each of five rates, tested on the last 10,000 training images

Runs whose figures are in `--out` are not run again.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import keras_dl
from benchmarks import plain_networks
from benchmarks.stamp import stamp
from keras_dl import networks
from keras_dl.data import augment

SHIFTS_AND_FLIPS = (augment.Flip(), augment.CropAndPad(pad=4))
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
#: What the losses of GoogLeNet's heads count (Szegedy et al. 2015, section 5).
HEADS = {"classes": 1.0, "auxiliary_1": 0.3, "auxiliary_2": 0.3}


class Experiment(NamedTuple):
    """What is trained on what: networks by name; `rate` is the peak, but for `rates`; the first `train_images`.

    The test images are the data set's, or the last `held_out` training images.
    """

    dataset: str
    epochs: int
    rate: float
    networks: dict
    rows: int = 64
    transforms: tuple = ()
    weight_decay: float | None = None
    label_smoothing: float = 0.0
    train_images: int | None = None
    turned: bool = False
    rates: dict = {}
    held_out: int = 0


EXPERIMENTS = {
    "lenet": Experiment(
        "mnist", 10, 2e-3,
        {
            "modern": lambda: networks.lenet5((28, 28, 1)),
            "published": lambda: networks.lenet5((28, 28, 1), modern=False),
        },
        weight_decay=0.1, label_smoothing=0.1,
    ),
    "cifar": Experiment(
        "cifar10_subset", 5, 3e-3,
        {
            "resnet20": lambda: networks.resnet20((32, 32, 3), num_classes=10),
            "resnet20_plain": plain_networks.resnet20,
            "se_resnet20": lambda: networks.resnet20((32, 32, 3), num_classes=10, squeeze_excite=4),
        },
        rows=32, transforms=SHIFTS_AND_FLIPS,
    ),
    "densenet": Experiment(
        "cifar10_subset", 2, 3e-3,
        {
            "densenet_bc_40": lambda: networks.densenet_bc_40((32, 32, 3), num_classes=10),
            "densenet_bc_40_plain": plain_networks.densenet_bc_40,
        },
        rows=32, transforms=SHIFTS_AND_FLIPS,
    ),
    "googlenet": Experiment(
        "cifar10_subset", 5, 1e-3,
        {
            "googlenet": lambda: networks.googlenet((32, 32, 3), 10),
            "googlenet_auxiliary": lambda: networks.googlenet((32, 32, 3), 10, auxiliary_heads=True),
        },
        rows=32, transforms=SHIFTS_AND_FLIPS,
    ),
    "h_net": Experiment(
        "mnist", 5, 1e-2,
        {"h_net": lambda: networks.h_net((28, 28, 1)), "convolutional": plain_networks.convolutional},
        rows=32, train_images=3000, turned=True, rates={"convolutional": 3e-3},
    ),
}  # fmt: skip


def at_each_rate(experiment):
    """The experiment with every network at every rate, by names such as `h_net_0.01`, tested on held-out images."""
    pairs = {f"{name}_{rate:g}": (make, rate) for name, make in experiment.networks.items() for rate in RATES}
    makes, rates = ({name: pair[i] for name, pair in pairs.items()} for i in range(2))
    return experiment._replace(networks=makes, rates=rates, held_out=10_000, turned=False)


EXPERIMENTS["h_net_rates"] = at_each_rate(EXPERIMENTS["h_net"])


def compiled(experiment, network, rate, steps, seed):
    """A model of the network with Adam, the rate warmed up over a tenth of the steps and let down by a cosine."""
    warmup = {"warmup_target": rate, "warmup_steps": steps // 10}
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - steps // 10, **warmup)
    model = keras_dl.models.Supervised(network, seed=seed)
    loss = keras_dl.losses.CrossEntropy(label_smoothing=experiment.label_smoothing)
    heads = isinstance(network.output, dict)
    model.compile(
        keras.optimizers.Adam(rate, weight_decay=experiment.weight_decay),
        loss=dict.fromkeys(HEADS, loss) if heads else loss,
        loss_weights=HEADS if heads else None,
    )
    return model


def run(experiment, name, seed):
    """Trains one network from one seed; returns its test accuracy, its count of weights and the seconds it took."""
    (x, y), (x_test, y_test) = keras_dl.data.load(experiment.dataset)
    if experiment.held_out:
        (x, x_test), (y, y_test) = (np.split(one, [-experiment.held_out]) for one in (x, y))
    x, y = x[: experiment.train_images], y[: experiment.train_images]
    keras.utils.set_random_seed(seed)
    network = experiment.networks[name]()
    rate = experiment.rates.get(name, experiment.rate)
    model = compiled(experiment, network, rate, experiment.epochs * -(-len(x) // experiment.rows), seed)
    targets = dict.fromkeys(HEADS, y) if isinstance(network.output, dict) else y
    data = keras_dl.data.pipeline(x, targets, batch_size=experiment.rows, seed=seed)
    if experiment.transforms:
        data = augment.augmented(data, experiment.transforms, seed=seed)
    start = time.perf_counter()
    model.fit(data, epochs=experiment.epochs, verbose=0)
    seconds = round(time.perf_counter() - start, 1)
    found = {"accuracy": accuracy(model, x_test, y_test)}
    if experiment.turned:
        turn = augment.Affine(rotation=180.0)  # by any angle
        x_turned = np.concatenate([augment.augment([turn], part, step=i) for i, part in enumerate(parts(x_test))])
        found["turned_accuracy"] = accuracy(model, x_turned, y_test)
    return found | {"weights": sum(int(np.prod(v.shape)) for v in network.trainable_variables), "seconds": seconds}


def parts(x):
    """The rows of an array, 500 at a time."""
    return np.split(x, range(500, len(x), 500))


def accuracy(model, x, y):
    """Share of the images whose highest score is that of their class."""
    scores = model.predict(x, batch_size=500, verbose=0)
    scores = scores["classes"] if isinstance(scores, dict) else scores
    return float((scores.argmax(-1) == y).mean())


def summary(runs):
    """Mean and standard error of every share of right answers, a network."""
    found = {}
    for name in dict.fromkeys(run["network"] for run in runs):
        own = [run for run in runs if run["network"] == name]
        found[name] = {"seeds": len(own)}
        for key in (key for key in own[0] if key.endswith("accuracy")):
            values = np.array([run[key] for run in own])
            error = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None
            found[name][key] = {"mean": float(values.mean()), "standard_error": error}
    return found


def main():
    """Runs what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiment", choices=EXPERIMENTS, required=True)
    parser.add_argument("--networks", help="a comma list; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON file of the results; those in it stand")
    options = parser.parse_args()
    out, experiment = Path(options.out), EXPERIMENTS[options.experiment]
    record = json.loads(out.read_text()) if out.exists() else {"runs": []}
    record["command"] = f"python -m benchmarks.classifiers --experiment {options.experiment}"
    names = options.networks.split(",") if options.networks else experiment.networks
    for seed in range(options.seeds):
        for name in names:
            about = {"network": name, "seed": seed}
            if any(about.items() <= one.items() for one in record["runs"]):
                continue
            found = about | run(experiment, name, seed)
            record["runs"].append(found | stamp())
            record["summary"] = summary(record["runs"])
            out.write_text(json.dumps(record, indent=1) + "\n")
            print(record["runs"][-1], flush=True)


if __name__ == "__main__":
    main()
