"""Latency and throughput of exported models: SavedModel, ONNX Runtime, LiteRT, beside the model's own tf.function.

    python -m benchmarks.latency --out benchmarks/results/latency.json

Every way is called in turn, round by round, with the same batch; ratios are medians of the ratios of single rounds to
the tf.function. "checked" is that function with the checks that exported functions begin with. Needs the extras `onnx`
and `litert`; models are trained for one step, which their time does not know.
"""

import argparse
import functools
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import tensorflow as tf

import keras_dl
from benchmarks import formats
from benchmarks.stamp import stamp
from keras_dl.models.formats.saved_model import checked, input_specs
from keras_dl.runtime import warmup

CASES = (("vae", "reconstruct"), ("cvae", "decode"), ("gan", "generate"), ("dcgan", "generate"), ("siren", "predict"))
ROWS = (1, 64)
BASE = "tf.function"


def ways(model, signature, folder):
    """The functions to time, by name; each takes a dict of arrays."""
    found = model.signatures()[signature]
    specs = input_specs(found)
    inside = {
        BASE: tf.function(found.function, input_signature=specs),
        "checked": tf.function(checked(found.function, specs, model.condition_classes()), input_signature=specs),
    }
    calls = {name: functools.partial(_call, compiled) for name, compiled in inside.items()}
    for format, run in formats.RUNNERS.items():
        calls[format] = run(keras_dl.runtime.export(model, Path(folder) / format, format=format))[signature]
    return calls


def _call(function, inputs):
    return {name: value.numpy() for name, value in function(*map(tf.constant, inputs.values())).items()}


def measure(calls, inputs, rounds, seconds):
    """Times functions in turn; each round calls every one for about so many seconds.

    Returns:
        Dict from a name to the milliseconds of a call, one number a round.
    """
    counts = {}
    for name, call in calls.items():
        for _ in range(3):
            call(inputs)
        counts[name] = max(1, round(seconds / _seconds(call, inputs, 3)))
    found = {name: [] for name in calls}
    names, order = list(calls), random.Random(0)
    for _ in range(rounds):
        order.shuffle(names)  # what the one before left in caches and threads is everybody's
        for name in names:
            calls[name](inputs)
            found[name].append(1e3 * _seconds(calls[name], inputs, counts[name]))
    return found


def _seconds(call, inputs, count):
    began = time.perf_counter()
    for _ in range(count):
        call(inputs)
    return (time.perf_counter() - began) / count


def summary(times, rows):
    """Median latency, throughput, and the ratio to the tf.function, of every way."""
    found = {}
    for name, values in times.items():
        latency = statistics.median(values)
        ratio = statistics.median(value / base for value, base in zip(values, times[BASE], strict=True))
        found[name] = {"ms": round(latency, 3), "rows_a_second": round(1e3 * rows / latency), "ratio": round(ratio, 2)}
    return found


def main():
    """Times every case at every batch size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--seconds", type=float, default=0.05, help="how long a round calls each way")
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    results = {}
    for recipe, signature in CASES:
        model = formats.trained(recipe, steps=1)
        with tempfile.TemporaryDirectory() as folder:
            calls = ways(model, signature, folder)
            for rows in ROWS:
                given = warmup.example_inputs(model.signatures()[signature], rows, model.condition_classes())
                found = summary(measure(calls, given, options.rounds, options.seconds), rows)
                results[f"{recipe}.{signature}, batch {rows}"] = found
                print(f"{recipe}.{signature}, batch {rows}:", json.dumps(found), flush=True)
    if options.out:
        record = stamp()
        record |= {"command": "python -m benchmarks.latency " + " ".join(sys.argv[1:]), "versions": formats.versions()}
        record |= {"rounds": options.rounds, "results": results}
        Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
