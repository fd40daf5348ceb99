"""Whether exported files give the model's numbers: SavedModel, ONNX Runtime and LiteRT, every recipe and signature.

    python -m benchmarks.formats --out benchmarks/results/formats.json

Every recipe as it stands (its own hyperparameters), trained for some steps. The figure is the largest difference
`|file - model| / max(1, |model|)` over all outputs of batches of 1, 3 and 64 rows, the same in all formats. Needs the
extras `onnx` and `litert`.
"""

import argparse
import functools
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

import keras_dl
from benchmarks import recipes
from benchmarks.stamp import stamp
from keras_dl.runs import space
from keras_dl.runtime import warmup

ROWS = (1, 3, 64)
TOLERANCE = 1e-5
#: The variances of small maps by which instances are normalised multiply what the order of sums changes; convolutions
#: of volumes have the longest sums: 1.2e-5 on an AMD processor with AVX-512.
TOLERANCES = {"nnunet": 1e-4, "unet3d": 3e-5}
#: What a format cannot hold, by the operation that it lacks.
LACKING = {("unet3d", "litert"): "MaxPool3D"}


def run_saved_model(folder):
    """The signatures of an exported version as functions of a dict of arrays."""
    loaded = tf.saved_model.load(str(folder))

    def call(name, inputs):
        given = {key: tf.constant(value) for key, value in inputs.items()}
        return {key: value.numpy() for key, value in loaded.signatures[name](**given).items()}

    names = [name for name in loaded.signatures if name != "serving_default"]
    return {name: functools.partial(call, name) for name in names}


def run_onnx(folder):
    """The same for a version of ONNX files, under the names that outputs have in the model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Its threads would wait in a loop for the next call, and slow down whatever runs in between.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")

    def function(path):
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [output.name.removesuffix("_out") for output in session.get_outputs()]
        return lambda inputs: dict(zip(names, session.run(None, inputs), strict=True))

    return {path.stem: function(path) for path in sorted(Path(folder).glob("*.onnx"))}


def run_litert(folder):
    """The same for a version of LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(Path(folder) / "model.tflite"))
    runners = {name: interpreter.get_signature_runner(name) for name in interpreter.get_signature_list()}
    return {name: lambda inputs, run=run: run(**inputs) for name, run in runners.items()}


RUNNERS = {"saved_model": run_saved_model, "onnx": run_onnx, "litert": run_litert}


def differences(model, format, folder, rows=ROWS):
    """Exports a model and returns the largest difference from its own numbers, by signature."""
    functions = RUNNERS[format](keras_dl.runtime.export(model, folder, format=format))
    signatures, classes = model.signatures(), model.condition_classes()
    return {name: max(_difference(signatures[name], run, n, classes) for n in rows) for name, run in functions.items()}


def _difference(signature, run, rows, classes):
    inputs = warmup.example_inputs(signature, rows, classes, seed=rows)
    expected = {name: value.numpy() for name, value in signature.function(*map(tf.constant, inputs.values())).items()}
    found = run(inputs)
    if found.keys() != expected.keys() or any(found[k].shape != expected[k].shape for k in found):
        return float("inf")
    return max(float(np.max(np.abs(found[k] - v) / np.maximum(1.0, np.abs(v)))) for k, v in expected.items())


def trained(recipe, steps):
    """A recipe's model after some steps of training."""
    module = recipes.recipe(recipe)
    data = module.TASK.load(module.DATASET)
    model, options, _ = space.build(module, data.spec, {}, seed=0)
    model.fit(data.pipelines(options, seed=0)[0].take(steps), verbose=0)
    return model


def main():
    """Checks every recipe in every format; ends with an error where a difference is above the tolerance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", default=",".join(recipes.names()))
    parser.add_argument("--steps", type=int, default=20, help="steps of training before the export")
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    found = {}
    for recipe in options.recipes.split(","):
        model = trained(recipe, options.steps)
        with tempfile.TemporaryDirectory() as folder:
            formats = [name for name in RUNNERS if (recipe, name) not in LACKING]
            found[recipe] = {name: differences(model, name, Path(folder) / name) for name in formats}
        print(recipe, json.dumps(found[recipe]), flush=True)
    largest = {r: max(value for names in formats.values() for value in names.values()) for r, formats in found.items()}
    wide = {recipe: value for recipe, value in largest.items() if not value <= TOLERANCES.get(recipe, TOLERANCE)}
    if options.out:
        record = stamp()
        record |= {"command": "python -m benchmarks.formats " + " ".join(sys.argv[1:]), "versions": versions()}
        record |= {"tolerance": TOLERANCE, "largest": largest, "differences": found}
        Path(options.out).write_text(json.dumps(record, indent=1) + "\n")
    if wide:
        raise SystemExit(f"differences above {TOLERANCES} or else {TOLERANCE}: {wide}")


def versions():
    """The versions of what wrote and ran the files."""
    from importlib.metadata import version

    return {name: version(name) for name in ("tensorflow", "keras", "tf2onnx", "onnxruntime", "ai-edge-litert")}


if __name__ == "__main__":
    main()
