#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0: a compiled step that applies an optimizer is never freed. Its gradients go through
# tf.distribute's all_reduce, on one device too, which is a custom gradient; TensorFlow registers the gradient of every
# such call under a name of its own for good, and with it the graph it stands in. A search that trains a model per trial
# holds the graphs of all of them. So does tf.nn.silu, the swish of many networks, which is a custom gradient, too. A step
# that has none is freed.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow==2.21.0 keras==3.15.1
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import gc
import weakref

import keras
import tensorflow as tf


def freed(make_step):
    """Whether the graph of a compiled step is gone once nobody has the step."""
    graphs = []

    def trace():
        step = make_step()

        @tf.function(autograph=False)
        def compiled():
            graphs.append(weakref.ref(tf.compat.v1.get_default_graph()))
            step()
            return tf.constant(0)

        compiled()

    trace()
    gc.collect()
    return graphs[0]() is None


def with_optimizer():
    variable = keras.Variable([1.0, 2.0])
    optimizer = keras.optimizers.SGD()
    optimizer.build([variable])
    return lambda: optimizer.apply([2.0 * variable], [variable])


def with_swish():
    variable = keras.Variable([1.0, 2.0])
    return lambda: variable.assign_sub(0.01 * tf.nn.silu(variable.value))


def by_assignment():
    variable = keras.Variable([1.0, 2.0])
    return lambda: variable.assign_sub(0.01 * 2.0 * variable)


print(f"keras {keras.__version__}, tensorflow {tf.__version__}")
results = {make.__name__: freed(make) for make in (with_optimizer, with_swish, by_assignment)}
for name, gone in results.items():
    print(f"{name}: the graph is {'freed' if gone else 'held'}")
expected = {"with_optimizer": False, "with_swish": False, "by_assignment": True}
assert results == expected, "graphs are held otherwise now"
PROGRAM
