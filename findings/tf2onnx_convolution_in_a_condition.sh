#!/usr/bin/env bash
# tf2onnx 1.17.0 with TensorFlow 2.21.0: a convolution in a branch of tf.cond is converted without a word, but keeps
# TensorFlow's layout: its node has dilations and strides of four numbers, [1, 1, 1, 1], where ONNX takes two, and no
# transpositions stand around it, so that ONNX Runtime 1.32.0 cannot load the file ("dilations has incorrect size").
# The same convolution outside of a condition has them and runs. A sampler that ends its loop by two loops in the place
# of a condition can be converted.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0
cd "$folder"
cat >program.py <<'PROGRAM'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx

KERNEL = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 1, 1)), tf.float32)
SPECS = [tf.TensorSpec([None, 8, 8, 1], name="x"), tf.TensorSpec([], tf.int32, name="n")]


def convolved(x):
    return tf.nn.conv2d(x, KERNEL, 1, "SAME")


def nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            yield from nodes(attribute.g)


def converted(function):
    """The file of a function, and the numbers of dilations of its convolution."""
    traced = tf.function(function, input_signature=SPECS, autograph=False)
    model, _ = tf2onnx.convert.from_function(traced, input_signature=SPECS, opset=18)
    (node,) = [node for node in nodes(model.graph) if node.op_type == "Conv"]
    dilations = [list(one.ints) for one in node.attribute if one.name == "dilations"]
    return model.SerializeToString(), dilations


plain, dilations_of_plain = converted(lambda x, n: convolved(x) * tf.cast(n, tf.float32))
branch, dilations_of_branch = converted(lambda x, n: tf.cond(n > 2, lambda: convolved(x), lambda: x))
print("outside:", dilations_of_plain, " in a branch:", dilations_of_branch)
onnxruntime.InferenceSession(plain)
assert all(len(one) == 2 for one in dilations_of_plain) and dilations_of_branch == [[1, 1, 1, 1]]
try:
    onnxruntime.InferenceSession(branch)
except Exception as error:
    print(type(error).__name__, "dilations has incorrect size" in str(error))
    assert "dilations has incorrect size" in str(error)
else:
    raise SystemExit("it loads now")
PROGRAM
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore program.py
