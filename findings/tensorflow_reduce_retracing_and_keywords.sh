#!/usr/bin/env bash
# TensorFlow 2.21: a `tf.function(reduce_retracing=True)` that was traced without one of its `**keywords` raises
# "IndexError: list index out of range" when it is then called with it, since generalising two signatures assumes as
# many parameters in both. Without `reduce_retracing` the same calls are two traces, and work. Seen: 1, IndexError, 2.
# A function per set of keywords is safe. Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow==2.21.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import tensorflow as tf


def count(x, **keywords):
    return x + len(keywords)


plain, reduced = tf.function(count, autograph=False), tf.function(count, autograph=False, reduce_retracing=True)
one = tf.constant(1)
print(f"tensorflow {tf.__version__}")
print("without a keyword:", int(reduced(one)))
try:
    reduced(one, scale=2)
    raise SystemExit("changed: another number of keywords is traced anew")
except IndexError as error:
    print("with one:", type(error).__name__, error)
plain(one)
print("with one, without reduce_retracing:", int(plain(one, scale=2)))
PROGRAM
