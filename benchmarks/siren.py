"""How well the recipe `siren` fits the camera image after 100, 200, 300 and 400 steps.

    python -m benchmarks.siren --out benchmarks/results/siren.json

PSNR in decibels over the 128x128 pixels it was fitted to, and over the points between them; correlations of the
network's gradient (its length) and Laplacian, by autodiff, with the image's by central differences.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import keras_dl
from benchmarks.recipes import recipe
from benchmarks.stamp import stamp
from keras_dl.runs import space
from keras_dl.tasks import field

STEPS = (100, 200, 300, 400)


def run(seed):
    """Fits the image and returns what is reached after each number of steps."""
    (x, y), (x_test, y_test) = keras_dl.data.load("camera")
    model, options, _ = space.build(recipe("siren"), keras_dl.data.DataSpec.of(x, y), {}, seed)
    image, rows = y.reshape(128, 128), options["batch_size"]
    done = 0
    found = {"seed": seed, "psnr": {}, "psnr_between": {}, "gradient_correlation": {}, "laplacian_correlation": {}}
    for steps in STEPS:
        model.fit(x, y, batch_size=rows, epochs=steps, initial_epoch=done, verbose=0)
        done = steps
        for name, data in (("psnr", (x, y)), ("psnr_between", (x_test, y_test))):
            value = model.evaluate(*data, batch_size=rows, verbose=0, return_dict=True)["psnr"]
            found[name][steps] = round(float(value), 2)
        fields = field.fields(model, x, image)
        for name in ("gradient_correlation", "laplacian_correlation"):
            found[name][steps] = round(fields[name], 3)
    return found


def main():
    """Fits the image once a seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    runs = []
    for seed in options.seeds.split(","):
        runs.append(run(int(seed)))
        print(json.dumps(runs[-1]), flush=True)
    mean = {steps: round(statistics.mean(run["psnr"][steps] for run in runs), 2) for steps in STEPS}
    print(json.dumps({"mean_psnr": mean}))
    if options.out:
        record = stamp()
        record |= {"command": "python -m benchmarks.siren " + " ".join(sys.argv[1:]), "mean_psnr": mean, "runs": runs}
        new = Path(options.out).with_suffix(".new")
        new.write_text(json.dumps(record, indent=1) + "\n")
        new.replace(options.out)


if __name__ == "__main__":
    main()
