"""Super-resolution trained on t91: PSNR and SSIM beside bicubic, on held-out images and on scikit-image's photographs.

    KERAS_DL_DATA=FOLDER nice -n 19 python -m benchmarks.super_resolution --scale 2 --out FILE

A small EDSR (Lim et al. 2017) on the 48 of the 53 images at hand that it trains on. Figures are of the luma, the border
shaved by the scale, as the field reports them; small images are MATLAB's bicubic, rounded. Training stops after
`--seconds` at the end of an epoch, or after `--epochs`.
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
from benchmarks.stamp import stamp
from keras_dl import metrics, runtime
from keras_dl.data import images

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
SETTINGS = {"filters": 32, "num_blocks": 6, "patch": 24, "batch_size": 16, "rate": 1e-3, "steps": 200}


class StopAfter(keras.callbacks.Callback):
    """Ends training with the epoch in which a time is over."""

    def __init__(self, seconds):
        super().__init__()
        self.end = time.monotonic() + seconds

    def on_epoch_end(self, epoch, logs=None):
        print(epoch + 1, {name: round(float(value), 5) for name, value in logs.items()}, flush=True)
        if time.monotonic() > self.end:
            self.model.stop_training = True


def train(training, scale, seed, epochs, seconds):
    """Returns a trained model and how it was trained."""
    keras.utils.set_random_seed(seed)
    options = {name: SETTINGS[name] for name in ("filters", "num_blocks")}
    network = keras_dl.networks.edsr(scale=scale, enlarged_input=True, **options)
    model = keras_dl.models.SuperResolution(network, seed=seed, ema_momentum=0.999)
    rate = keras.optimizers.schedules.CosineDecay(SETTINGS["rate"], epochs * SETTINGS["steps"])
    model.compile(keras.optimizers.Adam(rate), metrics=[metrics.PSNR()])
    size = scale * SETTINGS["patch"]
    patches = images.ImagePatches(training, size, images.Degradation(scale), SETTINGS["batch_size"], seed=seed)
    began = time.monotonic()
    history = model.fit(patches.dataset(SETTINGS["steps"]), epochs=epochs, verbose=0, callbacks=[StopAfter(seconds)])
    about = {"parameters": network.count_params(), "epochs": len(history.epoch)}
    return model, about | {"seconds": round(time.monotonic() - began)}


def photographs():
    """scikit-image's photographs in colour that come with it."""
    from skimage import data

    return images.Images([getattr(data, name)()[..., :3] for name in PHOTOGRAPHS], PHOTOGRAPHS)


def pair(image, scale):
    """An image as `(small, large)`, of shape `(1, height, width, 3)` in [0, 1], the small one rounded to 256 levels."""
    large = images.cropped(image, scale)[None] / np.float32(255)
    return np.round(255 * np.clip(images.reduced(large, scale), 0, 1)) / np.float32(255), large


def compare(model, held_out):
    """PSNR and SSIM of every image, by the model, by its ensemble, and by bicubic enlargement."""
    rows = []
    for number, name in enumerate(held_out.names):
        small, large = pair(held_out[number], model.scale)
        outputs = {
            "bicubic": images.enlarged(small, model.scale),
            "model": model.upscale(small, tile=128),
            "ensemble": model.upscale(small, tile=128, ensemble=True),
        }
        row = {"image": name}
        for kind, output in outputs.items():
            row[f"psnr_{kind}"] = float(metrics.peak_signal_noise_ratio(output, large, model.scale)[0])
            row[f"ssim_{kind}"] = float(metrics.structural_similarity(output, large, model.scale)[0])
        rows.append(row)
        print(row, flush=True)
    return rows


def mean(rows):
    """The means of all figures."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0] if name != "image"}


def main():
    """Trains, compares and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=100, help="of 200 steps, over which the rate falls to zero")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--out", required=True, metavar="FILE")
    parser.add_argument("--model", metavar="FILE", help="where the model is kept")
    options = parser.parse_args()
    training, held_out = images.named.load("t91").split(0.1, seed=options.seed)
    model, about = train(training, options.scale, options.seed, options.epochs, options.seconds)
    if options.model:
        model.save(options.model)
    command = f"python -m benchmarks.super_resolution --scale {options.scale} --epochs {options.epochs}"
    command += f" --seconds {options.seconds:g}"
    sets = {"t91, held out": held_out, "scikit-image": photographs()}
    record = {"command": command, **stamp(), "seed": options.seed, "scale": options.scale, "settings": SETTINGS}
    record |= {"processor": runtime.describe(), "trained": about, "results": {}}
    for name, part in sets.items():
        rows = compare(model, part)
        record["results"][name] = {"mean": mean(rows), "images": rows}
    Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
