"""Hierarchical autoencoders beside one of a single level on MNIST, each for the same time: log p(x), rates by group.

    python -m benchmarks.hierarchical --models ladder --minutes 180 --samples 5000 --rows 10000 --out FILE
    python -m benchmarks.hierarchical --models vae ladder nvae --minutes 8 --out benchmarks/results/hierarchical.json

`mnist` is drawn afresh as zeros and ones in every epoch, `binarized_mnist` is the static set; figures of one say
nothing of the other. A short run of each model finds how many epochs the time holds, for which schedules are made.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import keras_dl
from benchmarks.recipes import recipe
from benchmarks.stamp import stamp
from keras_dl.runs import space
from keras_dl.tasks import Arrays
from keras_dl.tasks.log_density import log_density

DRAWN = {"mnist": "stochastic", "binarized_mnist": None}
TIMED = 30  # steps by which a model's speed is found


def ladder(data, epochs, seed, options):
    """The dense ladder autoencoder of Sønderby et al. (2016): five layers of latents, and batch normalisation."""
    shape, steps = data.spec.shape, epochs * -(-len(data.x) // options["batch_size"])
    keras.utils.set_random_seed(seed)
    networks = [
        network(shape, batch_normalization=True)
        for network in (keras_dl.networks.ladder_encoder, keras_dl.networks.ladder_decoder)
    ]
    beta = keras_dl.objectives.Linear(max(1, steps // 10))  # 200 epochs of 2,000 in the paper
    model = keras_dl.models.HierarchicalVAE(*networks, posterior="precision_weighted", beta=beta, seed=seed)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps, alpha=0.01)))
    return model


def nvae(data, epochs, seed, options):
    """The recipe `nvae` as its preset for MNIST has it, of two scales."""
    module = recipe("nvae")
    values = {**module.PRESETS["mnist"], **options, "epochs": epochs}
    return space.build(module, data.spec, values, seed)[0]


def vae(data, epochs, seed, options):
    """The recipe `vae` as its preset for binarised MNIST has it: one level of 40 latents."""
    module = recipe("vae")
    values = {**module.PRESETS["binarized_mnist"], **options, "epochs": epochs, "warm_up_epochs": max(1, epochs // 6)}
    return space.build(module, data.spec, values, seed)[0]


MODELS = {"vae": (vae, 100), "ladder": (ladder, 256), "nvae": (nvae, 100)}


def epochs_within(minutes, build, data, seed, options, training):
    """How many epochs a model trains in so much time, by the speed of its steps once they are compiled."""
    model = build(data, 1, seed, options)
    model.fit(training.take(TIMED), verbose=0)
    start = time.perf_counter()
    model.fit(training.take(TIMED), verbose=0)
    seconds = (time.perf_counter() - start) / TIMED * -(-len(data.x) // options["batch_size"])
    return max(1, int(60 * minutes / seconds))


def run(name, data, arguments):
    """Trains one model and returns its figures."""
    build, batch_size = MODELS[name]
    options, seed = {"batch_size": batch_size, "binarize": DRAWN[data.name] or "none"}, arguments.seed
    training, held_out = data.pipelines({**options, "binarize": DRAWN[data.name]}, seed)
    epochs = arguments.epochs or epochs_within(arguments.minutes, build, data, seed, options, training)
    model = build(data, epochs, seed, options)
    start = time.perf_counter()
    model.fit(data.pipelines({**options, "binarize": DRAWN[data.name]}, seed)[0], epochs=epochs, verbose=2)
    seconds = time.perf_counter() - start
    x = np.concatenate([data.split(batch)[0] for batch in held_out])[: arguments.rows]
    figures = model.evaluate(x, batch_size=batch_size, verbose=0, return_dict=True)
    pipeline = keras_dl.data.pipeline(x, None, batch_size, shuffle=False)
    density = log_density(model, data, pipeline, arguments.samples)
    figures["log_prob"], figures["standard_error"] = density.values.mean(), density.measure().error
    figures = {key: round(float(value), 3) for key, value in figures.items()}
    if hasattr(model.decoder, "groups"):
        figures["active_units"] = model.active_units(x)
    made = {"model": name, "parameters": model.count_params(), "epochs": epochs, "seconds": round(seconds)}
    return {**made, **figures}


def main():
    """Runs every model for the same time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--dataset", default="mnist", choices=DRAWN)
    parser.add_argument("--minutes", type=float, default=60, help="of training of each model")
    parser.add_argument("--epochs", type=int, help="in place of minutes")
    parser.add_argument("--samples", type=int, default=100, help="importance samples of log p(x)")
    parser.add_argument("--rows", type=int, default=1000, help="held-out images that are measured")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--note", help="said in the file, such as what else ran")
    parser.add_argument("--out", required=True, metavar="FILE")
    arguments = parser.parse_args()
    data, runs = Arrays.load(arguments.dataset), []
    record = {"command": " ".join(["python -m benchmarks.hierarchical", *sys.argv[1:]]), **stamp()}
    record |= {"dataset": arguments.dataset, "drawn": DRAWN[arguments.dataset] or "static", "seed": arguments.seed}
    record |= {"rows": arguments.rows, "samples": arguments.samples, "note": arguments.note}
    for name in arguments.models:
        runs.append(run(name, data, arguments))
        print(runs[-1], flush=True)
        Path(arguments.out).write_text(json.dumps({**record, "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    main()
