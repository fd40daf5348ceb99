#!/usr/bin/env bash
# A tf.data iterator that is dropped before its data end: gone at once, or after a wait that grows with its age.
#
# TensorFlow 2.21.0 on Linux. An endless dataset of one tensor is read for 0.8 s between matrix products, then its
# iterator is deleted, fifty times. Seen on two cores with AVX-512: about a third of the deletions take 0.45 s, the others
# a millisecond; with `options.autotune.enabled = False` none waits.
# Each iterator has a thread that tunes its dataset, even where nothing is left to tune. It sleeps 10 ms, then 20, then
# twice as long each time, up to a minute. Deleting the iterator wakes it, but where it looks before it is told to end,
# it sleeps on, and the deletion waits for it. So a Keras `fit` with `steps_per_epoch` on an endless dataset that is done
# after 6 s returns after 10.2, one of ten minutes up to a minute later, now and then. Fails if none waits any more, or
# if switching the tuning off does not help.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "tensorflow-cpu==2.21.0" 2>/dev/null ||
    "$folder/venv/bin/pip" install -q "tensorflow==2.21.0"

cat >"$folder/program.py" <<'PYTHON'
import sys
import time

import tensorflow as tf

options = tf.data.Options()
if sys.argv[1] == "untuned":
    options.autotune.enabled = False
dataset = tf.data.Dataset.from_tensors(tf.zeros([64, 28, 28, 1])).repeat().with_options(options)
matrix = tf.random.stateless_normal([1500, 1500], [0, 0])
product = tf.function(lambda: tf.reduce_sum(matrix @ matrix))


def seconds_to_drop():
    iterator, start = iter(dataset), time.perf_counter()
    while time.perf_counter() - start < 0.8:
        next(iterator)
        product()
    start = time.perf_counter()
    del iterator
    return time.perf_counter() - start


print(sum(seconds_to_drop() > 0.2 for _ in range(50)))
PYTHON

export TF_CPP_MIN_LOG_LEVEL=3
tuned=$("$folder/venv/bin/python" "$folder/program.py" tuned 2>/dev/null)
untuned=$("$folder/venv/bin/python" "$folder/program.py" untuned 2>/dev/null)
echo "of 50 dropped iterators, waited for: $tuned as they are, $untuned without tuning"
[[ $tuned -gt 0 && $untuned -eq 0 ]]
