"""Times every block of `keras_dl.layers` beside the same block written with plain Keras layers.

    python -m benchmarks.layers --out benchmarks/results/layers.json

Forward and backward in one compiled function without XLA, as `fit` runs convolutions on a CPU. The two are timed in
turn, A B A B ..., and a ratio is the median of the ratios of single rounds: below 1 the block is faster.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.plain_layers import BLOCKS
from benchmarks.stamp import stamp


def compiled(block, x):
    """Returns a function that runs a block forward and backward once, with all gradients."""
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, block(inputs))

    @tf.function(autograph=False, jit_compile=False)
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(model(x, training=True)))
        return tape.gradient(loss, [x, *(v.value for v in model.trainable_variables)])

    return lambda: step(x)[0].numpy(), sum(math.prod(v.shape) for v in model.trainable_variables)


def seconds(function, count):
    """Seconds a call over `count` calls."""
    start = time.perf_counter()
    for _ in range(count):
        function()
    return (time.perf_counter() - start) / count


def compare(name, rounds, budget):
    """Times a block and its plain composition in turn; returns milliseconds and the ratio."""
    ours, plain, shape = BLOCKS[name]
    keras.utils.set_random_seed(0)
    x = tf.constant(np.random.default_rng(0).standard_normal(shape).astype("float32"))
    functions, sizes = zip(*(compiled(block, x) for block in (ours(), plain)), strict=True)
    assert sizes[0] == sizes[1], f"{name}: {sizes[0]} parameters beside {sizes[1]}"
    once = [min(seconds(function, 1) for _ in range(4)) for function in functions]
    count = max(1, round(budget / max(once)))
    times = [[seconds(function, count) for function in functions] for _ in range(rounds)]
    milliseconds = [round(1e3 * statistics.median(column), 3) for column in zip(*times, strict=True)]
    ratio = round(statistics.median(a / b for a, b in times), 3)
    return {"input": list(shape), "ours_ms": milliseconds[0], "plain_ms": milliseconds[1], "ratio": ratio}


def main():
    """Times the blocks that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", default=",".join(BLOCKS), help="comma list (default: all)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.1, help="time for a block in a round")
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    names, found = options.blocks.split(","), {}
    if not set(names) <= set(BLOCKS):
        parser.error(f"expected blocks of {', '.join(BLOCKS)}. Received: {', '.join(set(names) - set(BLOCKS))}")
    for name in names:
        found[name] = compare(name, options.rounds, options.seconds)
        print(f"| {name} | {found[name]['ours_ms']} | {found[name]['plain_ms']} | {found[name]['ratio']} |", flush=True)
        keras.backend.clear_session()
    if options.out:
        record = stamp()
        record |= {"command": "python -m benchmarks.layers " + " ".join(sys.argv[1:]), "results": found}
        new = Path(options.out).with_suffix(".new")
        new.write_text(json.dumps(record, indent=1) + "\n")
        new.replace(options.out)


if __name__ == "__main__":
    main()
