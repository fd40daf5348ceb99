#!/usr/bin/env bash
# TensorFlow Probability 0.25.0: distributions.PixelCNN masks its kernels by constraints, which only optimizers of
# tf_keras apply, after a step. Until then, and for ever under plain gradient steps or an optimizer of Keras 3, the
# parameters of a pixel depend on that pixel and on later ones: log_prob is not that of a distribution, and of the
# probabilities of the 256 levels of a single pixel the sum is anything (1.27 to 2.09 were seen). A Keras 3 layer that holds
# the distribution does not see its weights either: none is trained, none is saved, and nothing says so.
# Exits with an error if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet tensorflow-cpu==2.21.0 tensorflow-probability==0.25.0 tf-keras==2.21.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" -W ignore - <<'PROGRAM'
import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

SIDE = 4


def pixel_cnn(shape):
    tf.random.set_seed(0)
    options = {"num_resnet": 1, "num_hierarchies": 1, "num_filters": 4, "num_logistic_mix": 2, "dropout_p": 0.0}
    return tfp.distributions.PixelCNN(shape, **options)


def leak(distribution):
    """The largest change of parameters at a pixel or before it that a change of the pixel makes."""
    x = np.random.default_rng(0).uniform(-1, 1, (1, SIDE, SIDE, 1)).astype("float32")
    before, largest = [np.asarray(part) for part in distribution.network(x)], 0.0
    for place in range(SIDE * SIDE):
        changed = x.copy()
        changed[0, place // SIDE, place % SIDE] += 0.5
        for part, old in zip(distribution.network(changed), before, strict=True):
            moved = np.abs(np.asarray(part) - old).reshape(SIDE * SIDE, -1).max(-1)
            largest = max(largest, float(moved[: place + 1].max()))
    return largest


def trained(apply):
    distribution = pixel_cnn((SIDE, SIDE, 1))
    x = np.random.default_rng(1).integers(0, 256, (8, SIDE, SIDE, 1)).astype("float32")
    distribution.log_prob(x)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(distribution.log_prob(x, training=True))
        weights = distribution.network.trainable_weights
        apply(tape.gradient(loss, weights), weights)
    return distribution


def plain(gradients, weights):
    for gradient, weight in zip(gradients, weights, strict=True):
        weight.assign_sub(1e-3 * gradient)


class Likelihood(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.distribution = pixel_cnn((1, 1, 1))

    def call(self, x):
        return self.distribution.log_prob(x)


optimizer = tf_keras.optimizers.legacy.SGD(1e-3)
leaks = leak(pixel_cnn((SIDE, SIDE, 1))), leak(trained(plain))
masked = leak(trained(lambda gradients, weights: optimizer.apply_gradients(zip(gradients, weights, strict=True))))
layer = Likelihood()
log_prob = layer(np.arange(256, dtype="float32").reshape(-1, 1, 1, 1)).numpy()
total, own = float(np.exp(np.float64(log_prob)).sum()), len(layer.distribution.network.weights)
print(f"tensorflow_probability {tfp.__version__}, keras {keras.__version__}, tensorflow {tf.__version__}")
print(f"leak at first {leaks[0]:.3f}, after plain steps {leaks[1]:.3f}, after steps of tf_keras {masked:.3f}")
print(f"sum over 256 levels {total:.4f}; weights {own}, that a Keras 3 layer sees {len(layer.weights)}")
assert min(leaks) > 0.01 and masked == 0.0, "kernels are masked otherwise"
assert not np.isclose(total, 1.0, atol=1e-3), "the levels sum to one"
assert own > 0 and len(layer.weights) == 0, "Keras sees weights"
PROGRAM
