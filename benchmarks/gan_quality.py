"""What WGAN-GP and DCGAN make of MNIST, beside the keras.io examples' networks and plain PyTorch.

    python -m benchmarks.gan_quality --torch TORCHS_PYTHON --out benchmarks/results/gan_quality.json

Three arms a system, three seeds an arm, the same number of steps and of rows a step:

  keras_dl   the networks of `keras_dl.networks` at the settings below, averaged weights
  keras_io   the networks and optimizers of the keras.io example, adapted to 28x28 where it has other images
  torch      the networks and settings of `keras_dl`, averaged weights included, as plain PyTorch (gan_quality_torch.py)

Each writes 10,000 samples, which one frozen LeNet judges. Runs whose figures are in `--out`, or whose samples are in
`--work`, are not run again, so that an interrupted comparison goes on where it stopped.
"""

import argparse
import itertools
import json
import os
import subprocess
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import layers

import keras_dl
from benchmarks.stamp import stamp

ROOT = Path(__file__).resolve().parent.parent
SHAPE, LATENTS, NUM_SAMPLES = (28, 28, 1), 128, 10_000
#: Steps, rows of an update, critic updates a step; then the settings of the arms `keras_dl` and `torch`.
SYSTEMS = {
    "wgan_gp": {
        "steps": 400, "rows": 64, "critic_steps": 3, "filters": 32, "penalty": 10.0,
        "rates": (5e-4, 5e-4), "betas": (0.5, 0.9), "ema_momentum": 0.99,
    },
    "dcgan": {
        "steps": 800, "rows": 128, "critic_steps": 1, "filters": 32, "penalty": None,
        "rates": (5e-4, 5e-4), "betas": (0.5, 0.999), "ema_momentum": 0.99,
    },
}  # fmt: skip
ARMS = ("keras_dl", "keras_io", "torch")


def keras_dl_networks(system):
    """The networks of this package: sigmoid outputs, no batch normalization in a critic under gradient penalty."""
    filters = SYSTEMS[system]["filters"]
    normalization = "batch" if system == "dcgan" else None
    return (
        keras_dl.networks.dcgan_generator(LATENTS, SHAPE, filters),
        keras_dl.networks.dcgan_critic(SHAPE, filters, normalization=normalization),
    )


def keras_io_networks(system):
    """Networks with the layers of the keras.io examples "WGAN-GP overriding Model.train_step" and "DCGAN to generate
    face images"; the latter at 28x28 loses one stage of three."""
    if system == "wgan_gp":
        return _keras_io_wgan_gp()
    up = {"kernel_size": 4, "strides": 2, "padding": "same"}
    generator = [keras.Input((LATENTS,)), layers.Dense(7 * 7 * 128), layers.Reshape((7, 7, 128))]
    for filters in (128, 256):
        generator += [layers.Conv2DTranspose(filters, **up), layers.LeakyReLU(0.2)]
    critic = [keras.Input(SHAPE)]
    for filters in (64, 128):
        critic += [layers.Conv2D(filters, **up), layers.LeakyReLU(0.2)]
    generator += [layers.Conv2D(1, 5, padding="same", activation="sigmoid")]
    critic += [layers.Flatten(), layers.Dropout(0.2), layers.Dense(1)]
    return keras.Sequential(generator), keras.Sequential(critic)


def _keras_io_wgan_gp():
    generator = [keras.Input((LATENTS,)), layers.Dense(4 * 4 * 256, use_bias=False), layers.BatchNormalization()]
    generator += [layers.LeakyReLU(0.2), layers.Reshape((4, 4, 256))]
    for filters, activation in ((128, layers.LeakyReLU(0.2)), (64, layers.LeakyReLU(0.2)), (1, "sigmoid")):
        generator += [layers.UpSampling2D(), layers.Conv2D(filters, 3, padding="same", use_bias=False)]
        generator += [layers.BatchNormalization(), layers.Activation(activation)]
    critic = [keras.Input(SHAPE), layers.ZeroPadding2D(2)]
    for filters, dropout in ((64, 0.0), (128, 0.3), (256, 0.3), (512, 0.0)):
        critic += [layers.Conv2D(filters, 5, strides=2, padding="same"), layers.LeakyReLU(0.2)]
        critic += [layers.Dropout(dropout)] if dropout else []
    critic += [layers.Flatten(), layers.Dropout(0.2), layers.Dense(1)]
    return keras.Sequential([*generator, layers.Cropping2D(2)]), keras.Sequential(critic)


def build(system, arm, seed):
    """Returns a compiled model."""
    keras.utils.set_random_seed(seed)
    settings = SYSTEMS[system]
    if arm == "keras_dl":
        networks, average = keras_dl_networks(system), settings["ema_momentum"]
        rates, betas = settings["rates"], settings["betas"]
    else:
        networks, average = keras_io_networks(system), None
        rates, betas = ((2e-4, 2e-4), (0.5, 0.9)) if system == "wgan_gp" else ((1e-4, 1e-4), (0.9, 0.999))
    if system == "wgan_gp":
        options = {"gradient_penalty": settings["penalty"], "critic_steps": settings["critic_steps"]}
        model = keras_dl.models.WGANGP(*networks, ema_momentum=average, seed=seed, **options)
    else:
        model = keras_dl.models.DCGAN(*networks, ema_momentum=average, seed=seed)
    generator, critic = (keras.optimizers.Adam(rate, *betas) for rate in rates)
    model.compile(generator_optimizer=generator, critic_optimizer=critic)
    return model


def train(system, arm, seed):
    """Trains a model for the system's number of steps and returns its samples and how long training took."""
    (x, _), _ = keras_dl.data.load("mnist")
    settings = SYSTEMS[system]
    model = build(system, arm, seed)
    rows = settings["rows"] * settings["critic_steps"]
    data = keras_dl.data.pipeline(x, batch_size=rows, seed=seed, drop_remainder=True)
    start = time.perf_counter()
    left, per_epoch = settings["steps"], int(data.cardinality())
    while left > 0:
        model.fit(data, steps_per_epoch=min(left, per_epoch), verbose=0)
        left -= per_epoch
    seconds = time.perf_counter() - start
    samples = [np.asarray(model.sample(1000, seed=i)) for i in range(NUM_SAMPLES // 1000)]
    return np.concatenate(samples), seconds


def ensure_samples(system, arm, seed, work, torch):
    """Returns the file with an arm's samples, training it if there is none."""
    path = work / f"{system}_{arm}_{seed}.npz"
    if path.exists():
        return path
    print(f"{system}, {arm}, seed {seed}", flush=True)
    temporary = path.with_suffix(".part.npz")
    if arm == "torch":
        settings = json.dumps({**SYSTEMS[system], "system": system, "latents": LATENTS, "num_samples": NUM_SAMPLES})
        (x, _), _ = keras_dl.data.load("mnist")
        np.save(work / "mnist.npy", x)
        script = ROOT / "benchmarks" / "gan_quality_torch.py"
        command = [torch, str(script), settings, str(seed), str(work / "mnist.npy"), str(temporary)]
        subprocess.run(command, check=True)
    else:
        samples, seconds = train(system, arm, seed)
        np.savez(temporary, samples=samples, seconds=seconds)
    temporary.rename(path)
    return path


def frozen_features(work):
    """The LeNet by whose features all samples are compared, trained once, and its test accuracy."""
    (x, y), (x_test, y_test) = keras_dl.data.load("mnist")
    keras.utils.set_random_seed(0)
    lenet = keras_dl.networks.lenet5(SHAPE, num_classes=10)
    features = keras_dl.metrics.train_features(lenet, x, y, "lenet-mnist", file=work / "lenet.keras")
    return features, features.accuracy(x_test, y_test)


def judge(path, x_real, features):
    """KID, FID and more of the samples in a file."""
    metrics = keras_dl.metrics
    found = np.load(path)
    wanted = [metrics.KID(features), metrics.FID(features), metrics.PrecisionRecall(features)]
    values = metrics.measure(wanted, x_real, found["samples"])
    return {key: float(value.value) for key, value in values.items()} | {"seconds": round(float(found["seconds"]), 1)}


def summary(runs):
    """Mean and standard error over seeds, for every arm, and by how many of them keras_dl is ahead of a peer."""
    arms = {}
    for arm in ARMS:
        found = [run["metrics"] for run in runs if run["arm"] == arm]
        values = {key: np.array([one[key] for one in found]) for key in (found[0] if len(found) > 1 else ())}
        arms[arm] = {
            key: {"mean": float(v.mean()), "standard_error": float(v.std(ddof=1) / len(v) ** 0.5)}
            for key, v in values.items()
        }
    for arm in set(ARMS) - {"keras_dl"}:
        for key in {"kid", "fid"} & set(arms[arm]) & set(arms["keras_dl"]):
            ours, theirs = arms["keras_dl"][key], arms[arm][key]
            error = float(np.hypot(ours["standard_error"], theirs["standard_error"]))
            arms[arm][key]["errors_behind_keras_dl"] = (theirs["mean"] - ours["mean"]) / error
    return arms


def draw(path, work, seed=0, rows=4, columns=8):
    """Draws samples of every system and arm, the first ones of a seed, side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, (system, arm) in zip(figure.subplots(2, 3).flat, itertools.product(SYSTEMS, ARMS), strict=True):
        samples = np.load(work / f"{system}_{arm}_{seed}.npz")["samples"][: rows * columns]
        axes.imshow(keras_dl.callbacks.image_grid(samples, columns).squeeze(), cmap="gray", vmin=0, vmax=1)
        axes.set_title(f"{system}, {arm}", fontsize=9)
        axes.set_axis_off()
    figure.savefig(path, dpi=110)


def main():
    """Trains what is missing and judges all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", default="python3", metavar="PATH", help="a Python that has PyTorch")
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", default="runs/gan_quality", metavar="FOLDER", help="where samples are kept")
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON file of the results; those in it stand")
    parser.add_argument("--picture", metavar="FILE", help="PNG of samples of every arm")
    options = parser.parse_args()
    work, out = Path(options.work), Path(options.out)
    work.mkdir(parents=True, exist_ok=True)
    features, accuracy = frozen_features(work)
    if accuracy < 0.985:
        raise SystemExit(f"The judge should reach 98.5% test accuracy. Received: {accuracy:.2%}")
    record = json.loads(out.read_text()) if out.exists() else {"runs": []}
    judges = f"lenet-mnist {features.fingerprint}"
    if record.get("features", judges) != judges:
        raise SystemExit(f"{out} was judged by {record['features']}. Received: {judges}")
    record |= {"command": "python -m benchmarks.gan_quality", "features": judges, "accuracy": accuracy}
    _, (x_test, _) = keras_dl.data.load("mnist")
    for system, seed, arm in itertools.product(options.systems.split(","), range(options.seeds), ARMS):
        about = {"system": system, "arm": arm, "seed": seed, "settings": json.loads(json.dumps(SYSTEMS[system]))}
        if any(all(run.get(k) == v for k, v in about.items()) for run in record["runs"]):
            continue
        path = ensure_samples(system, arm, seed, work, options.torch)
        run = about | stamp()
        record["runs"].append(run | {"metrics": judge(path, x_test, features)})
        print(record["runs"][-1], flush=True)
        found = {name: [run for run in record["runs"] if run["system"] == name] for name in SYSTEMS}
        record["summary"] = {name: summary(runs) for name, runs in found.items()}
        out.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record.get("summary", {}), indent=1))
    if options.picture:
        draw(options.picture, work)


if __name__ == "__main__":
    main()
