"""What pix2pix and CycleGAN make of images whose classes are known, beside an L1 U-Net and keras.io's CycleGAN.

    KERAS_DL_DATA=FOLDER python -m benchmarks.translation --tasks edges --out benchmarks/results/translation_edges.json

| task | what is translated | arms |
|---|---|---|
| `edges` | Fashion-MNIST from its edges, by pairs | `pix2pix`, `l1` |
| `colours` | cifar10_subset from its grey version, by pairs | `pix2pix`, `l1` |
| `mnist_m` | MNIST and MNIST-M, without pairs | `keras_dl`, `keras_io` |
| `digits` | digits of 8x8 and MNIST, without pairs | `keras_dl`, `keras_io` |

Arms of a task have networks of one size, equal steps and equal rows a step. Judges are classifiers of a domain, trained
on its true images, or on variants of them where they are few: `agreement` is how often one says of a translation what
it says of the truth, `accuracy` how often it finds the true class of an image that was translated into its domain,
`accuracy_without` of the image as it was. Runs whose figures are in `--out` are not run again.
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
from benchmarks import translation_keras_io, translation_sets
from benchmarks.stamp import stamp
from keras_dl import metrics, runtime
from keras_dl.data import images

#: Of pairs: `rate` of Adam and the U-Net's size; without: the translators' size; `average` is of their weights.
SETTINGS = {
    "edges": {"steps": 1000, "rows": 32, "filters": 32, "levels": 3, "critic_layers": 2, "rate": 5e-4},
    "colours": {"steps": 1000, "rows": 16, "filters": 32, "levels": 4, "critic_layers": 2, "rate": 5e-4},
    "mnist_m": {"steps": 6000, "rows": 8, "filters": 24, "blocks": 3, "critic_layers": 2, "rate": 5e-4},
    "digits": {"steps": 2000, "rows": 8, "filters": 24, "blocks": 3, "critic_layers": 2, "rate": 5e-4},
}
ARMS = {"edges": ("pix2pix", "l1"), "colours": ("pix2pix", "l1")}
ARMS |= dict.fromkeys(translation_sets.UNPAIRED, ("keras_dl", "keras_io"))
AVERAGE = 0.995
JUDGED = 5000


def paired_model(shape, channels, settings, arm, seed):
    """A U-Net in a game of pairs, or by absolute differences alone."""
    filters, layers = settings["filters"], settings["critic_layers"]
    generator = keras_dl.networks.pix2pix_generator(
        shape, channels, filters, settings["levels"], "instance", 0.0, "sigmoid"
    )
    target = (*shape[:2], channels)
    critic = keras_dl.networks.patch_critic(target, shape[-1], filters, layers, "instance")
    weight = settings.get("adversarial", 1.0) if arm == "pix2pix" else 0.0
    model = keras_dl.models.Pix2Pix(generator, critic, adversarial_weight=weight, seed=seed, ema_momentum=AVERAGE)
    model.compile(**_adams(model, settings["rate"]))
    return model


def unpaired_model(shape, settings, arm, seed):
    """Two translators and two critics: ours, or those of keras.io with its training rule."""
    size = {"filters": settings["filters"], "num_blocks": settings["blocks"], "downsamplings": 1}
    layers = settings["critic_layers"]
    if arm == "keras_io":
        translators = [translation_keras_io.generator(shape, shape[-1], **size) for _ in range(2)]
        critics = [translation_keras_io.critic(shape, settings["filters"], layers) for _ in range(2)]
        model = translation_keras_io.Cycle(*translators, *critics)
        model.compile(jit_compile=False)
        return model
    translators = [keras_dl.networks.resnet_translator(shape, output_activation="sigmoid", **size) for _ in range(2)]
    options = {"filters": settings["filters"], "num_layers": layers, "normalization": "instance"}
    critics = [keras_dl.networks.patch_critic(shape, **options) for _ in range(2)]
    weights = {"cycle_weight": settings.get("cycle", 10.0), "identity_weight": settings.get("identity", 0.5)}
    model = keras_dl.models.CycleGAN(*translators, *critics, **weights, seed=seed, ema_momentum=AVERAGE)
    model.compile(**_adams(model, settings["rate"]))
    return model


def _adams(model, rate):
    return {name: keras.optimizers.Adam(rate, beta_1=0.5) for name in model.optimizer_names}


def train(model, data, steps):
    """Trains for so many steps and returns how many seconds it took."""
    start, left, size = time.perf_counter(), steps, int(data.cardinality())
    while left > 0:
        history = model.fit(data, steps_per_epoch=min(left, size), verbose=0).history
        left -= size
        print(max(left, 0), {name: round(float(values[-1]), 4) for name, values in history.items()}, flush=True)
    return round(time.perf_counter() - start)


def classifier(name, x, y, work):
    """The judge of one domain, trained once on its true images, varied where they are few.

    A ResNet-20 of photographs, a LeNet of digits and clothes.
    """
    keras.utils.set_random_seed(0)
    network = keras_dl.networks.resnet20 if "colours" in name else keras_dl.networks.lenet5
    x, y = translation_sets.varied(x, y)
    return metrics.train_features(network(x.shape[1:], num_classes=10), x, y, name, file=work / f"{name}.keras")


def of_pairs(task, arm, settings, seed, work):
    """Trains an arm on pairs; returns its figures and some translations."""
    (source, target, labels), (source_test, target_test, labels_test) = translation_sets.PAIRED[task]()
    judge = classifier(f"judge-{task}", target, labels, work)
    keras.utils.set_random_seed(seed)
    model = paired_model(source.shape[1:], target.shape[-1], settings, arm, seed)
    data = keras_dl.data.pipeline(source, target, batch_size=settings["rows"], seed=seed, drop_remainder=True)
    seconds = train(model, data, settings["steps"])
    source_test, target_test, labels_test = source_test[:JUDGED], target_test[:JUDGED], labels_test[:JUDGED]
    translated = np.asarray(model.translate(source_test))
    figures = figures_of_pairs(judge, translated, target_test, labels_test)
    return figures, seconds, [("source", source_test), ("translation", translated), ("truth", target_test)]


def figures_of_pairs(judge, translated, truth, labels):
    """How near translations are to the truth, by pixels and by a judge."""
    verdicts = [judge.extract(x).probabilities.argmax(-1) for x in (truth, translated)]
    distances = metrics.measure([metrics.KID(judge), metrics.FID(judge)], truth, translated)
    return {
        "l1": float(np.abs(translated - truth).mean()),
        "psnr": float(np.mean(metrics.peak_signal_noise_ratio(translated, truth, channels="all"))),
        "ssim": float(np.mean(metrics.structural_similarity(translated, truth, channels="all"))),
        **{name: float(value.value) for name, value in distances.items()},
        "kid_error": float(distances["kid"].standard_error),
        "agreement": float(np.mean(verdicts[0] == verdicts[1])),
        "accuracy": float(np.mean(verdicts[1] == labels)),
        "accuracy_of_truth": float(np.mean(verdicts[0] == labels)),
    }


def of_domains(task, arm, settings, seed, work):
    """Trains an arm without pairs; returns its figures and some translations."""
    (a, labels_a, b, labels_b), test = translation_sets.UNPAIRED[task]()
    judges = [classifier(f"{side}-{task}", x, y, work) for side, x, y in (("a", a, labels_a), ("b", b, labels_b))]
    keras.utils.set_random_seed(seed)
    model = unpaired_model(a.shape[1:], settings, arm, seed)
    seconds = train(model, images.unpaired(a, b, settings["rows"], seed=seed), settings["steps"])
    a, labels_a, b, labels_b = (part[:JUDGED] for part in test)
    figures, pictures = {}, []
    ways = (("forward", "b", a, b, labels_a, judges[1]), ("backward", "a", b, a, labels_b, judges[0]))
    for way, domain, x, truth, labels, judge in ways:
        translated, cycled = (np.asarray(method(x, way)) for method in (model.translate, model.cycle))
        translated = np.clip(translated, 0, 1)
        distance = metrics.measure([metrics.KID(judge)], truth, translated)["kid"]
        figures[f"to_{domain}"] = {
            "accuracy": judge.accuracy(translated, labels),
            "accuracy_without": judge.accuracy(x, labels),
            "kid": float(distance.value),
            "kid_error": float(distance.standard_error),
            "cycle_l1": float(np.abs(cycled - x).mean()),
        }
        pictures += [(f"images, {way}", x), (f"in domain {domain}", translated), ("and back", cycled)]
    figures["judges"] = [judges[0].accuracy(a, labels_a), judges[1].accuracy(b, labels_b)]
    return figures, seconds, pictures


def draw(path, title, pictures, columns=12):
    """The first images of each kind, below one another."""
    from keras_dl.callbacks.sheets import Block, save_sheet

    blocks = [Block(np.clip(np.asarray(x[:columns]), 0, 1), heading, columns=columns) for heading, x in pictures]
    save_sheet(path, title, blocks)


def arguments():
    """What the command line says, its settings read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", default=",".join(SETTINGS))
    parser.add_argument("--arms", help="a comma list; all of a task by default")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="other settings than the table's")
    parser.add_argument("--work", default="runs/translation", metavar="FOLDER", help="where judges and pictures are")
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON file of the results; those in it stand")
    options = parser.parse_args()
    if unknown := set(options.tasks.split(",")) - set(SETTINGS):
        parser.error(f"--tasks should be of {', '.join(SETTINGS)}. Received: {', '.join(sorted(unknown))}")
    options.settings = {name: json.loads(value) for name, value in (text.split("=") for text in options.set)}
    return options


def run(about, options):
    """Trains an arm and judges it; returns the record of it, and draws its translations."""
    task, arm, seed, settings = (about[name] for name in ("task", "arm", "seed", "settings"))
    work = Path(options.work)
    work.mkdir(parents=True, exist_ok=True)
    judged = of_pairs if task in translation_sets.PAIRED else of_domains
    figures, seconds, pictures = judged(task, arm, settings, seed, work)
    draw(work / f"{task}_{arm}_{seed}.png", f"{task}, {arm}, {settings['steps']} steps", pictures)
    command = f"python -m benchmarks.translation --tasks {task} --arms {arm}"
    command += f" --set {' '.join(options.set)}" if options.set else ""
    record = {"command": command, **about, **stamp(), "processor": runtime.describe(), "average": AVERAGE}
    return record | {"seconds": seconds, "figures": figures}


def main():
    """Trains what is missing, judges it, and writes."""
    options = arguments()
    out = Path(options.out)
    record = json.loads(out.read_text()) if out.exists() else {"runs": []}
    for task, seed in itertools.product(options.tasks.split(","), range(options.seeds)):
        for arm in options.arms.split(",") if options.arms else ARMS[task]:
            about = {"task": task, "arm": arm, "seed": seed, "settings": SETTINGS[task] | options.settings}
            if any(all(done.get(key) == value for key, value in about.items()) for done in record["runs"]):
                continue
            print(about, flush=True)
            record["runs"].append(run(about, options))
            print(record["runs"][-1]["figures"], flush=True)
            out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
