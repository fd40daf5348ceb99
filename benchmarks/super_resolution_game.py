"""SRGAN from a network trained by pixels: PSNR beside KID of patches, on the images held out.

    KERAS_DL_DATA=FOLDER python -m benchmarks.super_resolution --scale 4 --epochs 60 --model MODEL --out FILE
    KERAS_DL_DATA=FOLDER python -m benchmarks.super_resolution_game MODEL --out FILE

The game is one of pixels and of a critic of patches, without perceptual features. Patches of 32x32, side by side in the
enlarged and in the true images, are compared by the features of a ResNet-20 trained on cifar10_subset. Both sides are
of the same images, so that the figure of the truth itself would be below 0.
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
from benchmarks import super_resolution, translation, translation_sets
from benchmarks.stamp import stamp
from keras_dl import metrics, runtime
from keras_dl.data import images

SIDE = 32
SETTINGS = {"critic_filters": 32, "critic_layers": 2, "rate": 1e-4, "adversarial_weight": 1e-3, "ema_momentum": 0.995}


def train(generator, training, scale, options):
    """Plays the game for so many steps and returns the model and how long it took."""
    keras.utils.set_random_seed(options.seed)
    layers = {"filters": SETTINGS["critic_filters"], "num_layers": SETTINGS["critic_layers"]}
    critic = keras_dl.networks.patch_critic((None, None, 3), **layers, normalization=None)
    weights = {"adversarial_weight": options.weight, "ema_momentum": SETTINGS["ema_momentum"]}
    model = keras_dl.models.SRGAN(generator, critic, seed=options.seed, **weights)
    model.compile(**{name: keras.optimizers.Adam(SETTINGS["rate"]) for name in model.optimizer_names})
    size, rows = scale * super_resolution.SETTINGS["patch"], super_resolution.SETTINGS["batch_size"]
    patches = images.ImagePatches(training, size, images.Degradation(scale), rows, seed=options.seed)
    start = time.monotonic()
    for _ in range(options.steps // 100):
        history = model.fit(patches.dataset(100), verbose=0).history
        print({name: round(float(values[-1]), 4) for name, values in history.items()}, flush=True)
    return model, round(time.monotonic() - start)


def enlarged(models, held_out, scale):
    """The truth, and what bicubic enlargement and each model make of small versions: lists of images by name."""
    found = {name: [] for name in ("truth", "bicubic", *models)}
    for number in range(len(held_out)):
        large = images.cropped(held_out[number], scale)[None] / np.float32(255)
        small = np.round(255 * np.clip(images.reduced(large, scale), 0, 1)) / np.float32(255)
        found["truth"].append(large)
        found["bicubic"].append(np.clip(images.enlarged(small, scale), 0, 1))
        for name, model in models.items():
            found[name].append(np.clip(model.upscale(small, tile=128), 0, 1))
    return found


def patches_of(large):
    """Squares side by side, `(rows, SIDE, SIDE, 3)`."""
    cut = []
    for image in large:
        rows, columns = (side // SIDE for side in image.shape[1:3])
        squares = image[0, : rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE, 3)
        cut.append(squares.swapaxes(1, 2).reshape(-1, SIDE, SIDE, 3))
    return np.concatenate(cut)


def figures(found, judge, scale):
    """Mean PSNR and SSIM of the luma over images, and KID of patches, of all but the truth."""
    rows, truth = {}, found["truth"]
    for name in set(found) - {"truth"}:
        pairs = list(zip(found[name], truth, strict=True))
        distance = metrics.measure([metrics.KID(judge)], patches_of(truth), patches_of(found[name]))["kid"]
        rows[name] = {
            "psnr": float(np.mean([metrics.peak_signal_noise_ratio(*pair, scale)[0] for pair in pairs])),
            "ssim": float(np.mean([metrics.structural_similarity(*pair, scale)[0] for pair in pairs])),
            "kid": float(distance.value),
            "kid_error": float(distance.standard_error),
        }
    return rows


def draw(path, found, side=96):
    """A square from the middle of each image, by all."""
    from keras_dl.callbacks.sheets import Block, save_sheet

    side = min(side, *(size for image in found["truth"] for size in image.shape[1:3]))

    def middle(image):
        top, left = ((size - side) // 2 for size in image.shape[1:3])
        return np.clip(image[0, top : top + side, left : left + side], 0, 1)

    blocks = [Block(np.stack([middle(x) for x in large]), name, columns=len(large)) for name, large in found.items()]
    save_sheet(path, "Enlarged images, their middle", blocks)


def main():
    """Trains, compares and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="FILE", help="what `benchmarks.super_resolution --model FILE` kept")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--weight", type=float, default=SETTINGS["adversarial_weight"], help="of the game")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", default="runs/super_resolution", metavar="FOLDER", help="where judge and picture are")
    parser.add_argument("--out", required=True, metavar="FILE")
    options = parser.parse_args()
    work = Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    (_, target, labels), _ = translation_sets.colours()
    judge = translation.classifier("judge-colours", target, labels, work)
    training, held_out = images.named.load("t91").split(0.1, seed=options.seed)
    pixels = keras.models.load_model(options.model)
    scale = pixels.scale
    size = {name: super_resolution.SETTINGS[name] for name in ("filters", "num_blocks")}
    generator = keras_dl.networks.edsr(scale=scale, enlarged_input=True, **size)
    generator.set_weights(pixels.averaged("network").get_weights())
    game, seconds = train(generator, training, scale, options)
    command = f"python -m benchmarks.super_resolution_game MODEL --steps {options.steps} --weight {options.weight}"
    record = {"command": command, **stamp(), "seed": options.seed, "scale": scale, "settings": SETTINGS}
    record |= {"processor": runtime.describe(), "seconds": seconds, "results": {}}
    for name, part in {"t91, held out": held_out, "scikit-image": super_resolution.photographs()}.items():
        found = enlarged({"pixels": pixels, "game": game}, part, scale)
        record["results"][name] = figures(found, judge, scale)
        print(name, json.dumps(record["results"][name]), flush=True)
        Path(options.out).write_text(json.dumps(record, indent=1) + "\n")
        draw(work / f"{name.split(',')[0]}_x{scale}.png", found)


if __name__ == "__main__":
    main()
