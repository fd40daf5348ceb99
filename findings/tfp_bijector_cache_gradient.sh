#!/usr/bin/env bash
# TensorFlow Probability 0.25.0: a bijector's forward, computed once for a tensor, comes from a cache the second time, as
# long as the first result lives, and a gradient tape that is opened in between finds no way from it to the tensor: the
# gradient is None, without a word. The cache is shared by all bijectors of equal parameters, so that a new object does
# not help; a copy of the tensor does, and so does letting go of the first result.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 tensorflow-probability==0.25.0 tf-keras==2.21.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import tensorflow as tf
import tensorflow_probability as tfp


def gradient(bijector, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = bijector.forward(x)
    return tape.gradient(y, x)


print(f"tensorflow_probability {tfp.__version__}, tensorflow {tf.__version__}")
for kind in (tfp.bijectors.Exp, tfp.bijectors.Softplus, tfp.bijectors.Tanh):
    x = tf.constant([0.5, 1.0])
    first = kind()
    result = first.forward(x)
    gradients = {"the same": gradient(first, x), "a new one": gradient(kind(), x), "a copy": gradient(first, x + 0.0)}
    print(kind.__name__, {name: None if value is None else value.numpy().tolist() for name, value in gradients.items()})
    assert gradients["the same"] is None and gradients["a new one"] is None, "the gradient is there now"
    assert gradients["a copy"] is not None
    del result
    assert gradient(first, x) is not None
PROGRAM
