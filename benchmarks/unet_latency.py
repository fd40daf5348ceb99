"""What makes the exported U-Net of W7a faster at batch 1, each way beside a SavedModel with variables.

    TF_NUM_INTRAOP_THREADS=1 python -m benchmarks.unet_latency --out benchmarks/results/unet_latency_1.json

  variables   a SavedModel that reads its variables
  exported    that of `keras_dl.runtime.export`: constants, so that convolutions hold their batch normalization
  products    the same with transposed convolutions, whose kernels are their strides, as 1x1 ones and `depth_to_space`
  compiled    the function with variables compiled by XLA
  onnx        the exported file in ONNX Runtime

Called in turn, in random order. Processor time says more than time where a machine is busy: it leaves out waiting.
"""

import argparse
import collections
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import keras_dl
from benchmarks import formats
from benchmarks.stamp import stamp
from keras_dl.models.formats.saved_model import checked, for_no_rows, frozen, input_specs

CALLS = 5  # a round


def model(normalization):
    """W7a's U-Net, its vectors (biases, scales, statistics) as if it were trained."""
    network = keras_dl.networks.unet((64, 64, 1), 1, filters=(16, 32, 64, 128), normalization=normalization)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(weight if len(weight.shape) > 1 else rng.uniform(0.5, 1.5, weight.shape))
    return keras_dl.models.Supervised(network)


def saved(function, specs, variables=()):
    """A function as a SavedModel, read back."""
    module = tf.Module()
    module.function, module.held = tf.function(function, input_signature=specs), list(variables)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"predict": module.function})
        return formats.run_saved_model(folder)["predict"]


def with_products(network):
    """A copy of a network that multiplies and rearranges where it would convolve transposed."""

    def copy(layer):
        twin = layer.__class__.from_config(layer.get_config())
        if isinstance(layer, keras_dl.layers.TransitionUp):
            twin.call = lambda x: _product(twin.chain[0], x)
        return twin

    twin = keras.models.clone_model(network, clone_function=copy)
    twin.set_weights(network.get_weights())
    return twin


def _product(convolution, x):
    height, width, filters, channels = convolution.kernel.shape
    kernel = tf.transpose(convolution.kernel.value, (3, 0, 1, 2))
    y = tf.nn.conv2d(x, tf.reshape(kernel, (1, 1, channels, height * width * filters)), 1, "SAME")
    return tf.nn.bias_add(tf.nn.depth_to_space(y, height), convolution.bias.value)


def ways(made):
    """Functions of a dict of arrays, by name."""
    signature = made.signatures()["predict"]
    specs = input_specs(signature)
    plain = checked(for_no_rows(made, signature.function, specs), specs)
    other = keras_dl.models.Supervised(with_products(made.network)).signatures()["predict"]
    products = checked(for_no_rows(made, other.function, specs), specs)
    compiled = tf.function(signature.function, jit_compile=True)
    variables = [weight.value for weight in made.network.weights]
    with tempfile.TemporaryDirectory() as folder:
        export = lambda name: keras_dl.runtime.export(made, Path(folder) / name, format=name)  # noqa: E731
        return {
            "variables": saved(plain, specs, variables),
            "exported": formats.run_saved_model(export("saved_model"))["predict"],
            "products": saved(frozen(products, specs), specs),
            "compiled": saved(lambda *tensors: compiled(*tensors), specs, variables),
            "onnx": formats.run_onnx(export("onnx"))["predict"],
        }


def measure(calls, rounds):
    """Milliseconds and milliseconds of processor time a call: their medians, and the medians of ratios to the first."""
    inputs = {"x": np.random.default_rng(0).random((1, 64, 64, 1), dtype=np.float32)}
    expected = next(iter(calls.values()))(inputs)["predictions"]
    for name, call in calls.items():
        np.testing.assert_allclose(call(inputs)["predictions"], expected, rtol=1e-4, atol=1e-3, err_msg=name)
    found, names, order = collections.defaultdict(list), list(calls), random.Random(0)
    for _ in range(rounds):
        order.shuffle(names)
        for name in names:
            calls[name](inputs)
            start, used = time.perf_counter(), time.process_time()
            for _ in range(CALLS):
                calls[name](inputs)
            found[name].append((time.perf_counter() - start, time.process_time() - used))
    times = {name: 1e3 * np.array(values) / CALLS for name, values in found.items()}
    first = times[next(iter(calls))]
    return {
        name: {
            "ms": round(statistics.median(times[name][:, 0]), 3),
            "processor_ms": round(statistics.median(times[name][:, 1]), 3),
            "ratio": round(statistics.median(times[name][:, 0] / first[:, 0]), 3),
            "processor_ratio": round(statistics.median(times[name][:, 1] / first[:, 1]), 3),
        }
        for name in calls
    }


def main():
    """Measures the network without and with batch normalization."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--out", help="JSON file for the results")
    options = parser.parse_args()
    results = {}
    for normalization in (None, "batch"):
        results[normalization or "none"] = measure(ways(model(normalization)), options.rounds)
        print(normalization, json.dumps(results[normalization or "none"], indent=1), flush=True)
    if options.out:
        record = stamp() | {"command": "python -m benchmarks.unet_latency", "versions": formats.versions()}
        record |= {"threads_an_operation": os.environ.get("TF_NUM_INTRAOP_THREADS", "all"), "results": results}
        Path(options.out).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
