#!/usr/bin/env bash
# TensorFlow Probability 0.25.0: math.log1mexp(x), log(1 - exp(-|x|)), is finite and right near zero, and its gradient
# is not a number from about 1e-8 on down, where 1 / x is right: the branch that is not taken, log1p(-exp(-x)), is
# differentiated, too. Logistic and other distribution functions differ by so little wherever a bin is much narrower
# than the scale, so that a wide scale ends training.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 tensorflow-probability==0.25.0 tf-keras==2.21.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import math

import tensorflow as tf
import tensorflow_probability as tfp

print(f"tensorflow_probability {tfp.__version__}, tensorflow {tf.__version__}")
for value in (1e-3, 1e-8):
    x = tf.constant(value)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tfp.math.log1mexp(x)
    slope = float(tape.gradient(y, x))
    print(f"x = {value}: log1mexp {float(y):.4f}, gradient {slope}; right {1 / math.expm1(value):.6g}")
    assert abs(float(y) - math.log(-math.expm1(-value))) < 1e-3
    assert math.isnan(slope) == (value == 1e-8), "the gradient has changed"
PROGRAM
