#!/usr/bin/env bash
# TensorFlow 2.21.0 on a CPU: a sum of three values in a tf.function, a + b + c, has one of two roundings, and
# which, changes from call to call of the same function with the same arguments. AddN starts with the first operand
# whose memory nobody else needs any more, to add in place; whether another consumer has ended by then is a race between
# threads. Grappler writes chains of + as AddN, and gradients of a value that is used three times are one. So training
# with a fixed seed is repeatable within rounding only, and `enable_op_determinism`, which promises the same outputs
# for the same inputs, changes nothing. One thread between operations does (TF_NUM_INTEROP_THREADS=1).
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0
cd "$folder"
cat >program.py <<'PROGRAM'
import sys

import numpy as np
import tensorflow as tf

if sys.argv[1] == "determinism":
    tf.config.experimental.enable_op_determinism()
x = tf.constant(np.random.default_rng(0).normal(size=(200, 200)).astype("float32"))


@tf.function
def add(x):
    a, b, c = tf.tanh(x), tf.exp(-3 * x), 30 * tf.sin(100 * x)
    return a + b + c, a @ b  # the product holds a and b for a while


@tf.function
def differentiate(x):
    """The gradient by a value that is used three times."""
    y = tf.sin(x)
    return tf.gradients(tf.reduce_sum(tf.exp(y)) + tf.reduce_sum(tf.tanh(y)) + tf.reduce_sum(y @ x), y)


count = len({add(x)[0].numpy().tobytes() for _ in range(3000)})
types = {operation.type for operation in differentiate.get_concrete_function(x).graph.get_operations()}
print(f"tensorflow {tf.__version__}, {sys.argv[1]}: different results of 3,000 calls: {count}")
assert (count == 1) == (sys.argv[1] == "one_thread"), "the sum has changed"
assert "AddN" in types, "the gradient is no longer added by AddN"
PROGRAM
export TF_CPP_MIN_LOG_LEVEL=3
"$folder/venv/bin/python" -W ignore program.py default
"$folder/venv/bin/python" -W ignore program.py determinism
TF_NUM_INTEROP_THREADS=1 "$folder/venv/bin/python" -W ignore program.py one_thread
