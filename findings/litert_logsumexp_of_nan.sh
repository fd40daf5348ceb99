#!/usr/bin/env bash
# TensorFlow 2.21.0, its LiteRT converter and interpreter: tf.reduce_logsumexp of a row that holds NaN is NaN in
# TensorFlow, in eager mode, in graphs and by XLA. The same function as a .tflite file gives minus infinity for a row of
# NaN, and the logsumexp of the others where one value is NaN: its maximum passes over NaN, and so does the comparison
# beside it, so that a density or an energy of broken input looks like one of an impossible or of a sound sample.
# Adding 0 * reduce_sum(x) carries the NaN on.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import numpy as np
import tensorflow as tf

ROWS = np.float32([[np.nan, np.nan, np.nan], [0.0, np.nan, 0.0], [0.0, 0.0, 0.0]])


def in_file(function):
    """What a function gives for the rows as a .tflite file."""
    traced = tf.function(function, input_signature=[tf.TensorSpec([3, 3])]).get_concrete_function()
    content = tf.lite.TFLiteConverter.from_concrete_functions([traced]).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], ROWS)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def plain(x):
    return tf.reduce_logsumexp(x, -1)


def carrying(x):
    return tf.reduce_logsumexp(x, -1) + 0.0 * tf.reduce_sum(x, -1)


print("tensorflow", tf.__version__)
expected, file, carried = plain(ROWS).numpy(), in_file(plain), in_file(carrying)
print("TensorFlow:", expected, " .tflite:", file, " .tflite with the sum:", carried)
assert np.isnan(expected[:2]).all() and np.isclose(expected[2], np.log(3))
assert not np.isnan(file[:2]).any() and np.isclose(file[2], np.log(3)), "NaN comes through now"
assert np.isnan(carried[:2]).all() and np.isclose(carried[2], np.log(3))
PROGRAM
