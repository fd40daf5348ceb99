"""What StyleGAN2 makes of Fashion-MNIST at 32x32, beside a DCGAN, a WGAN-GP and StyleGAN2 in plain PyTorch.

    KERAS_DL_DATA=FOLDER python -m benchmarks.stylegan_quality --torch PYTHON --out FILE

All arms see the same number of images, 32 an update. A thousand steps leave StyleGAN2 with blobs; six thousand take
some 45 minutes of a core for each of its arms and seeds.

  stylegan   W14's networks (`benchmarks.images`), images as three equal channels from -1 to 1
  torch      the same networks and rules in PyTorch (`stylegan_torch.py`)
  dcgan      `keras_dl.networks.dcgan_*` with batch normalization, one channel
  wgan_gp    the same without, three updates of the critic a step
  few        `stylegan` from the first 500 images
  few_ada    the same with adaptive augmentation

Each writes 10,000 samples by averaged weights, of which one frozen LeNet judges the mean of the channels. Runs whose
figures are in `--out`, or whose samples are in `--work`, are not run again.
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

import keras_dl
from benchmarks.gan_quality import judge
from benchmarks.images import stylegan
from benchmarks.stamp import stamp
from keras_dl import objectives, runtime

ROOT = Path(__file__).resolve().parent.parent
SIDE, LATENTS, ROWS, FEW, CRITIC_STEPS, RATE = 32, 128, 32, 500, 3, 5e-4
CHUNKS, CHUNK = 10, 1000
ARMS = ("stylegan", "torch", "dcgan", "wgan_gp", "few", "few_ada")


def fashion():
    """Fashion-MNIST with a margin of two black pixels: `((x, y), (x_test, y_test))`."""
    margin = ((0, 0), (2, 2), (2, 2), (0, 0))
    return [(np.pad(x.astype("float32"), margin), y) for x, y in keras_dl.data.load("fashion_mnist")]


def style_model(seed, augmented=False):
    """W14's StyleGAN2 from a seed, with adaptive augmentation or without."""
    keras.utils.set_random_seed(seed)
    augmentation = None
    if augmented:  # with a probability that can reach 1 within 500 steps
        augmentation = objectives.AdaptiveAugmentation(
            images=16_000.0, center=0.0, half_range=1.0, kinds=("blit", "geometric")
        )
    return stylegan(seed=seed, augmentation=augmentation)


def convolutional_model(arm, seed):
    """A DCGAN or a WGAN-GP with the settings of `benchmarks.gan_quality`, for images of one channel."""
    keras.utils.set_random_seed(seed)
    shape, game = (SIDE, SIDE, 1), keras_dl.models.DCGAN
    options, normalization, betas = {}, "batch", (0.5, 0.999)
    if arm == "wgan_gp":
        game, options = keras_dl.models.WGANGP, {"gradient_penalty": 10.0, "critic_steps": CRITIC_STEPS}
        normalization, betas = None, (0.5, 0.9)
    generator = keras_dl.networks.dcgan_generator(LATENTS, shape, 32)
    critic = keras_dl.networks.dcgan_critic(shape, 32, normalization=normalization)
    model = game(generator, critic, seed=seed, ema_momentum=0.99, **options)
    adams = (keras.optimizers.Adam(RATE, *betas) for _ in range(2))
    model.compile(**dict(zip(("generator_optimizer", "critic_optimizer"), adams, strict=True)))
    return model


def train(arm, steps, seed):
    """Trains a model on `steps` times 32 images; returns its samples in [0, 1] and how many seconds it took."""
    (x, _), _ = fashion()
    if arm in ("dcgan", "wgan_gp"):
        model, low = convolutional_model(arm, seed), 0.0
    else:
        model, low = style_model(seed, arm == "few_ada"), -1.0
        x = np.repeat(2.0 * (x[:FEW] if arm.startswith("few") else x) - 1.0, 3, -1)
    each = CRITIC_STEPS if arm == "wgan_gp" else 1
    data = keras_dl.data.pipeline(x, batch_size=ROWS * each, seed=seed, drop_remainder=True)
    start, left, per_epoch = time.perf_counter(), steps // each, int(data.cardinality())
    while left > 0:
        history = model.fit(data, steps_per_epoch=min(left, per_epoch), verbose=0).history
        left -= per_epoch
    print({name: round(float(values[-1]), 3) for name, values in history.items()}, flush=True)
    seconds = time.perf_counter() - start
    samples = [np.asarray(model.sample(CHUNK, seed=index)).mean(-1, keepdims=True) for index in range(CHUNKS)]
    return np.clip((np.concatenate(samples) - low) / (1.0 - low), 0.0, 1.0), seconds


def ensure_samples(about, work, torch):
    """The file with an arm's samples, which is trained if there is none."""
    arm, steps, seed = (about[name] for name in ("arm", "steps", "seed"))
    path = work / f"stylegan_{arm}_{steps}_{seed}.npz"
    if path.exists():
        return path
    temporary = path.with_suffix(".part.npz")
    if arm == "torch":
        settings = json.dumps({"steps": steps, "rows": ROWS, "seed": seed, "chunks": CHUNKS, "chunk": CHUNK})
        (x, _), _ = fashion()
        np.save(work / "fashion.npy", x[..., 0])
        module = ["-m", "benchmarks.stylegan_quality_torch"]
        subprocess.run([torch, *module, settings, work / "fashion.npy", temporary], check=True, cwd=ROOT)
    else:
        samples, seconds = train(arm, steps, seed)
        np.savez(temporary, samples=samples, seconds=seconds)
    temporary.rename(path)
    return path


def frozen_features(data, work):
    """The LeNet by whose features all samples are compared, trained once, and its test accuracy."""
    (x, y), (x_test, y_test) = data
    keras.utils.set_random_seed(0)
    lenet = keras_dl.networks.lenet5(x.shape[1:], num_classes=10)
    features = keras_dl.metrics.train_features(lenet, x, y, "lenet-fashion", file=work / "lenet-fashion.keras")
    return features, features.accuracy(x_test, y_test)


def summary(runs):
    """Mean and standard error over the seeds of every arm."""
    arms = {}
    for arm in ARMS:
        measured = [run["metrics"] for run in runs if run["arm"] == arm]
        values = {name: [one[name] for one in measured] for name in (measured[0] if measured else ())}
        arms[arm] = {
            name: {
                "mean": float(np.mean(v)),
                "standard_error": float(np.std(v, ddof=1) / len(v) ** 0.5) if v[1:] else None,
            }
            for name, v in values.items()
        }
    return arms


def draw(path, work, steps, columns=10, rows=3):
    """The first samples of every arm, of seed 0, with a title each."""
    from keras_dl.callbacks.sheets import Block, save_sheet

    files = {arm: work / f"stylegan_{arm}_{steps}_0.npz" for arm in ARMS}
    chosen = {arm: np.load(file)["samples"][: rows * columns] for arm, file in files.items() if file.exists()}
    blocks = [Block(samples, arm, columns=columns) for arm, samples in chosen.items()]
    save_sheet(path, f"Fashion-MNIST at 32x32, {steps} steps of {ROWS} images", blocks)


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch", default="python3", metavar="PATH", help="a Python that has PyTorch")
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--work", default="runs/stylegan_quality", metavar="FOLDER", help="where samples are kept")
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON file of the results; those in it stand")
    parser.add_argument("--picture", metavar="FILE", help="PNG of samples of every arm")
    return parser.parse_args()


def main():
    """Trains what is missing and judges all."""
    options = arguments()
    work, out = Path(options.work).resolve(), Path(options.out)
    work.mkdir(parents=True, exist_ok=True)
    data = fashion()
    features, accuracy = frozen_features(data, work)
    record = json.loads(out.read_text()) if out.exists() else {"runs": []}
    command = f"python -m benchmarks.stylegan_quality --steps {options.steps}"
    record |= {"command": command, "features": f"lenet-fashion {features.fingerprint}", "accuracy": accuracy}
    for seed, arm in itertools.product(range(options.seeds), options.arms.split(",")):
        about = {"arm": arm, "steps": options.steps, "seed": seed}
        if any(all(run.get(key) == value for key, value in about.items()) for run in record["runs"]):
            continue
        print(about, flush=True)
        path = ensure_samples(about, work, options.torch)
        run = about | stamp() | {"processor": runtime.describe(), "metrics": judge(path, data[1][0], features)}
        record["runs"].append(run)
        record["summary"] = summary(record["runs"])
        out.write_text(json.dumps(record, indent=1) + "\n")
        print(run["metrics"], flush=True)
    if options.picture:
        draw(options.picture, work, options.steps)


if __name__ == "__main__":
    main()
