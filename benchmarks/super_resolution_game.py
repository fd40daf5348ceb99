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

SIDE, STEPS = 32, 100
SETTINGS = {"critic_filters": 32, "critic_layers": 2, "rate": 1e-4, "adversarial_weight": 1e-3, "ema_momentum": 0.995}


def train(generator, training, scale, options):
    """Plays the game for so many epochs and returns the model and how long it took."""
    keras.utils.set_random_seed(options.seed)
    layers = {"filters": SETTINGS["critic_filters"], "num_layers": SETTINGS["critic_layers"]}
    critic = keras_dl.networks.patch_critic((None, None, 3), **layers, normalization=None)
    weights = {"adversarial_weight": options.weight, "ema_momentum": SETTINGS["ema_momentum"]}
    model = keras_dl.models.SRGAN(generator, critic, seed=options.seed, **weights)
    model.compile(**{name: keras.optimizers.Adam(SETTINGS["rate"]) for name in model.optimizer_names})
    size, rows = scale * super_resolution.SETTINGS["patch"], super_resolution.SETTINGS["batch_size"]
    patches = images.ImagePatches(training, size, images.Degradation(scale), rows, seed=options.seed)
    start = time.monotonic()
    model.fit(patches.dataset(STEPS), epochs=options.epochs, verbose=2)
    return model, round(time.monotonic() - start)


def enlarged(models, held_out, scale):
    """The truth, and what bicubic enlargement and each model make of small versions: lists of images by name."""
    images_of = {name: [] for name in ("truth", "bicubic", *models)}
    for number in range(len(held_out)):
        small, large = super_resolution.pair(held_out[number], scale)
        images_of["truth"].append(large)
        images_of["bicubic"].append(np.clip(images.enlarged(small, scale), 0, 1))
        for name, model in models.items():
            images_of[name].append(np.clip(model.upscale(small, tile=128), 0, 1))
    return images_of


def patches_of(large):
    """Squares side by side, `(rows, SIDE, SIDE, 3)`."""
    patches = [keras.ops.image.extract_patches(image, SIDE, SIDE, padding="valid") for image in large]
    return np.concatenate([np.reshape(x, (-1, SIDE, SIDE, 3)) for x in patches])


def figures(images_of, judge, scale):
    """Mean PSNR and SSIM of the luma over images, and KID of patches, of all but the truth."""
    rows, truth = {}, images_of["truth"]
    for name in set(images_of) - {"truth"}:
        pairs = list(zip(images_of[name], truth, strict=True))
        distance = metrics.measure([metrics.KID(judge)], patches_of(truth), patches_of(images_of[name]))["kid"]
        rows[name] = {
            "psnr": float(np.mean([metrics.peak_signal_noise_ratio(*pair, scale)[0] for pair in pairs])),
            "ssim": float(np.mean([metrics.structural_similarity(*pair, scale)[0] for pair in pairs])),
            "kid": float(distance.value),
            "kid_error": float(distance.standard_error),
        }
    return rows


def draw(path, images_of, side=96):
    """A square from the middle of each image, by all."""
    from keras_dl.callbacks.sheets import Block, save_sheet

    side = min(side, *(size for image in images_of["truth"] for size in image.shape[1:3]))

    def middle(image):
        top, left = ((size - side) // 2 for size in image.shape[1:3])
        return image[0, top : top + side, left : left + side]

    squares = {name: np.stack([middle(image) for image in large]) for name, large in images_of.items()}
    blocks = [Block(x, name, columns=len(x)) for name, x in squares.items()]
    save_sheet(path, "Enlarged images, their middle", blocks)


def arguments():
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", metavar="MODEL", help="what `benchmarks.super_resolution --model MODEL` wrote")
    parser.add_argument("--epochs", type=int, default=15, help=f"of {STEPS} steps")
    parser.add_argument("--weight", type=float, default=SETTINGS["adversarial_weight"], help="of the game")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", default="runs/super_resolution", metavar="FOLDER", help="where judge and picture are")
    parser.add_argument("--out", required=True, metavar="FILE")
    return parser.parse_args()


def generator_of(model):
    """A network that trains, with the averaged weights of a model that `benchmarks.super_resolution` trained."""
    size = {name: super_resolution.SETTINGS[name] for name in ("filters", "num_blocks")}
    network = keras_dl.networks.edsr(scale=model.scale, enlarged_input=True, **size)
    network.set_weights(model.averaged("network").get_weights())
    return network


def main():
    """Trains, compares and writes."""
    options = arguments()
    work = Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    (_, target, labels), _ = translation_sets.colours()
    judge = translation.classifier("judge-colours", target, labels, work)
    training, held_out = images.named.load("t91").split(0.1, seed=options.seed)
    pixels = keras.models.load_model(options.model)
    game, seconds = train(generator_of(pixels), training, pixels.scale, options)
    command = f"python -m benchmarks.super_resolution_game MODEL --epochs {options.epochs} --weight {options.weight}"
    record = {"command": command, **stamp(), "seed": options.seed, "scale": pixels.scale, "settings": SETTINGS}
    record |= {"processor": runtime.describe(), "seconds": seconds, "results": {}}
    for name, part in {"t91, held out": held_out, "scikit-image": super_resolution.photographs()}.items():
        images_of = enlarged({"pixels": pixels, "game": game}, part, pixels.scale)
        record["results"][name] = figures(images_of, judge, pixels.scale)
        print(name, json.dumps(record["results"][name]), flush=True)
        Path(options.out).write_text(json.dumps(record, indent=1) + "\n")
        draw(work / f"{name.split(',')[0]}_x{pixels.scale}.png", images_of)


if __name__ == "__main__":
    main()
