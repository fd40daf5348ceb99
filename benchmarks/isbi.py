"""Finds membranes in electron micrographs with U-Net, UNet++ and the keras.io example's network, seed by seed.

    KERAS_DL_DATA=FOLDER python -m benchmarks.isbi --out benchmarks/results/isbi2012.json --picture FILE

The 24 training slices of fold 0 of the ISBI 2012 challenge's labelled stack; figures are of its 6 other slices, whole.
All networks see the same patches, flipped, turned and bent (Ronneberger et al., 2015), the same number of steps of the
same optimizer, and have about 2 million weights:

  unet             `keras_dl.networks.unet`
  unet_plus_plus   `keras_dl.networks.unet_plus_plus` with deep supervision, the mean of its outputs
  keras_io         the keras.io example's network, written with plain Keras layers (plain_networks.py)

Runs whose figures are in `--out` are not run again.
"""

import argparse
import itertools
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
from keras_dl import metrics
from keras_dl.data import augment, segmentation

SETTINGS = {"patch_size": 128, "rows": 2, "steps": 500, "peak_rate": 2e-3, "fold": 0}
#: Normalised as the keras.io example's network is, so that the same optimizer suits all.
OPTIONS = {
    "input_shape": (None, None, 1),
    "num_classes": 2,
    "filters": (16, 32, 64, 128, 256),
    "normalization": "batch",
}
NETWORKS = {
    "unet": lambda: keras_dl.networks.unet(**OPTIONS),
    "unet_plus_plus": lambda: keras_dl.networks.unet_plus_plus(**OPTIONS, deep_supervision=True),
    "keras_io": plain_networks.unet_like,
}
#: The eight symmetries of a square, bending by shifts of a grid of 3x3 points, other brightness and contrast.
TRANSFORMS = (
    augment.Flip(axes=(0, 1)),
    augment.Affine(rotation=(90, 90), probability=0.5),
    augment.Elastic(stddev=(0.0, 8.0), points=5),
    augment.Intensity(factor=0.2, shift=0.2),
)
FIGURES = ("pixel_error", "rand_score", "rand_score_at_half")


def slices():
    """Returns the prepared training slices, the prepared test slices and their plan; class 0 is membrane, 1 cell."""
    cases = segmentation.open_folder(Path(os.environ["KERAS_DL_DATA"]) / "isbi2012")
    training, test = (cases.select(names) for names in segmentation.fold(cases.names, SETTINGS["fold"]))
    plan = segmentation.plan(segmentation.fingerprint(training, cases.num_classes, cases.modalities))
    return *([segmentation.prepare(case, plan) for case in part] for part in (training, test)), plan


def batches(training, plan, seed):
    """The dataset of one epoch, which is the whole training."""
    size = (SETTINGS["patch_size"],) * 2
    patches = segmentation.Patches(training, plan, 0.0, patch_size=size, batch_size=SETTINGS["rows"], seed=seed)
    change = lambda images, labels, key: augment.augment(TRANSFORMS, images, labels, seed=key)  # noqa: E731
    return patches.dataset(SETTINGS["steps"], transform=change)


def train(name, data, seed):
    """Trains a network from a seed; returns its model and the seconds it took."""
    keras.utils.set_random_seed(seed)
    network, steps = NETWORKS[name](), SETTINGS["steps"]
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=SETTINGS["peak_rate"], warmup_steps=steps // 10
    )
    outputs = len(network.outputs)
    loss = [keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in range(outputs)]
    model = keras_dl.models.Supervised(network, seed=seed)
    weights = {"loss": loss, "loss_weights": [1 / outputs] * outputs} if outputs > 1 else {"loss": loss[0]}
    model.compile(keras.optimizers.Adam(rate), **weights)
    start = time.perf_counter()
    model.fit(data, epochs=1, verbose=2)
    return model, time.perf_counter() - start


def predict(model, test):
    """The probability that a pixel is a cell's, by every output of the model: `(outputs, slices, height, width)`."""
    found = []
    for case in test:
        outputs = model.predict_on_batch(case.image[None])
        outputs = outputs if isinstance(outputs, list) else [outputs]
        found.append([keras.ops.convert_to_numpy(keras.ops.softmax(y))[0, ..., 1] for y in outputs])
    return np.array(found).swapaxes(0, 1)


def judge(probabilities, test):
    """Figures of the mean of a model's outputs, as the challenge defines them, and the pixel error of each output."""
    truth = np.array([case.labels for case in test])
    mean = probabilities.mean(axis=0)
    score, threshold = metrics.maximal_rand_score(truth, mean)
    at_half = [metrics.foreground_rand_score(y, p) for y, p in zip(truth, mean, strict=True)]
    return {
        "pixel_error": metrics.pixel_error(truth, (mean > 0.5).astype("int32")),
        "rand_score": score,
        "threshold": threshold,
        "rand_score_at_half": float(np.mean([one.score for one in at_half])),
        "pixel_error_of_outputs": [metrics.pixel_error(truth, (p > 0.5).astype("int32")) for p in probabilities],
    }


def run(name, seed, work):
    """Trains one network from one seed, keeps its predictions and returns its figures."""
    training, test, plan = slices()
    model, seconds = train(name, batches(training, plan, seed), seed)
    probabilities = predict(model, test)
    np.savez_compressed(work / f"{name}_{seed}.npz", cells=probabilities.mean(axis=0).astype("float16"))
    weights = int(sum(np.prod(v.shape) for v in model.network.trainable_variables))
    return judge(probabilities, test) | {"weights": weights, "seconds": round(seconds, 1)}


def summary(runs):
    """Mean and standard error over seeds, a network."""
    found = {}
    for name in dict.fromkeys(run["network"] for run in runs):
        chosen = [run for run in runs if run["network"] == name]
        found[name] = {"weights": chosen[0]["weights"], "seeds": len(chosen)}
        for figure in FIGURES:
            values = np.array([run[figure] for run in chosen])
            error = float(values.std(ddof=1) / len(values) ** 0.5) if len(values) > 1 else None
            found[name][figure] = {"mean": float(values.mean()), "standard_error": error}
    return found


def draw(path, work, seed=0, chosen=(0, 3), part=slice(128, 384)):
    """Draws parts of two test slices, the truth and every network's cells, with what it got wrong in colours."""
    from matplotlib.figure import Figure

    _, test, _ = slices()
    figure = Figure(figsize=(10, 4.3), layout="constrained")
    for row, index in zip(figure.subplots(2, 2 + len(NETWORKS)), chosen, strict=True):
        image, truth = test[index].image[part, part, 0], test[index].labels[part, part] > 0
        pictures = {f"slice {test[index].name}": (image - image.min()) / np.ptp(image), "truth": truth.astype(float)}
        for name in NETWORKS:
            cells = np.load(work / f"{name}_{seed}.npz")["cells"][index, part, part] > 0.5
            pictures[name] = _coloured(truth, cells)
        for axes, (title, picture) in zip(row, pictures.items(), strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_title(title, fontsize=9)
            axes.set_axis_off()
    figure.savefig(path, dpi=100)


def _coloured(truth, cells):
    """Cells white and membranes black where they are right; missed membranes red, invented ones blue."""
    picture = np.repeat(cells[..., None].astype(float), 3, axis=-1)
    picture[cells & ~truth] = (0.85, 0.2, 0.15)
    picture[~cells & truth] = (0.25, 0.45, 0.85)
    return picture


def main():
    """Runs what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default=",".join(NETWORKS), help="a comma list")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", default="runs/isbi2012", metavar="FOLDER", help="where predictions are kept")
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON file of the results; those in it stand")
    parser.add_argument("--picture", metavar="FILE", help="PNG of two slices and what the networks make of them")
    options = parser.parse_args()
    out, work = Path(options.out), Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    record = json.loads(out.read_text()) if out.exists() else {"runs": []}
    if record.get("settings", SETTINGS) != SETTINGS:
        raise SystemExit(f"{out} should be of {SETTINGS}. Received: {record['settings']}")
    record |= {"command": "python -m benchmarks.isbi", "settings": SETTINGS}
    for seed, name in itertools.product(range(options.seeds), options.networks.split(",")):
        about = {"network": name, "seed": seed}
        if any(about.items() <= one.items() for one in record["runs"]):
            continue
        record["runs"].append(about | run(name, seed, work) | stamp())
        record["summary"] = summary(record["runs"])
        out.write_text(json.dumps(record, indent=1) + "\n")
        print(record["runs"][-1], flush=True)
    if options.picture:
        draw(options.picture, work)


if __name__ == "__main__":
    main()
