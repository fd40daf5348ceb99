"""What benchmarks compare is of one size, and their figures are computed as they say."""

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import (
    classifiers,
    compare,
    plain_networks,
    super_resolution_game,
    translation_keras_io,
    translation_sets,
    walk,
    worker,
)
from keras_dl import models, networks


def trainable(network):
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


@pytest.mark.parametrize(
    ("plain", "ours", "shape", "share"),
    [
        ("resnet18", networks.resnet18, (224, 224, 3), 0.0),
        ("densenet_bc_40", networks.densenet_bc_40, (32, 32, 3), 0.0),
        ("resnet20", networks.resnet20, (32, 32, 3), 0.02),  # its shortcuts and convolutions have weights and biases
        ("convolutional", networks.h_net, (28, 28, 1), 0.03),
    ],
)
def test_plain_networks_have_the_size_of_ours(plain, ours, shape, share):
    with keras.StatelessScope(initialize_variables=False):
        network, own = getattr(plain_networks, plain)(), ours(shape)
    assert network.input_shape == own.input_shape and network.output_shape == own.output_shape
    assert abs(trainable(network) - trainable(own)) <= share * trainable(own)


def test_resnet_18_of_plain_layers_is_ours():
    """The same weights give the same scores: strides and paddings are the same."""
    plain, own = plain_networks.resnet18((40, 36, 3), 5), networks.resnet18((40, 36, 3), 5)
    kinds = {}
    for weight in plain.weights:
        kinds.setdefault((weight.name, weight.shape), []).append(weight)
    for weight in own.weights:  # both name and order their weights by depth; shortcuts differ in shape from the rest
        kinds[weight.name, weight.shape].pop(0).assign(weight)
    x = np.random.default_rng(0).standard_normal((2, 40, 36, 3)).astype("float32")
    assert not any(kinds.values())
    np.testing.assert_allclose(plain(x), own(x), atol=1e-5 * float(keras.ops.max(keras.ops.abs(own(x)))))


def test_networks_of_the_keras_io_example_have_the_size_of_ours():
    size = {"filters": 8, "num_blocks": 2, "downsamplings": 1}
    theirs = translation_keras_io.generator((28, 28, 3), 3, **size)
    assert theirs.output_shape == (None, 28, 28, 3)
    normalizations = sum(isinstance(layer, keras.layers.GroupNormalization) for layer in theirs.layers)
    factors = trainable(theirs) - trainable(networks.resnet_translator((28, 28, 3), **size))
    assert normalizations == 7 and factors == 2 * (8 + 16 + 4 * 16 + 8)  # factors and shifts, which ours has not
    critic = translation_keras_io.critic((28, 28, 3), 8, 2)
    ours = networks.patch_critic((28, 28, 3), filters=8, num_layers=2, normalization="instance")
    assert trainable(critic) - trainable(ours) == 2 * (16 + 32)


def test_generators_of_the_keras_io_example_learn_from_one_cycle_each():
    """The loss of G is of its game, of the cycle of B and of what stays as it is; the cycle of A is F's alone."""
    options = {"filters": 2, "num_blocks": 1, "downsamplings": 1}
    translators = [translation_keras_io.generator((8, 8, 1), 1, **options) for _ in range(2)]
    critics = [translation_keras_io.critic((8, 8, 1), 2, 1) for _ in range(2)]
    model = translation_keras_io.Cycle(*translators, *critics)
    a, b = (tf.constant(np.random.default_rng(n).random((2, 8, 8, 1), "float32")) for n in range(2))
    loss = float(model._four_losses(a, b)[0])
    fake_a = translators[1](b)
    expected = tf.reduce_mean((critics[1](translators[0](a)) - 1) ** 2)
    expected += 10 * tf.reduce_mean(tf.abs(b - translators[0](fake_a)))
    expected += 5 * tf.reduce_mean(tf.abs(b - translators[0](b)))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_digits_on_photographs_are_differences():
    x, grounds = np.zeros((3, 4, 4, 1), "float32"), np.random.default_rng(0).random((5, 6, 6, 3), "float32")
    x[:, 1:3, 1:3] = 1.0
    mixed = translation_sets.blended(x, grounds, seed=0)
    found = 0
    for image in mixed:
        squares = [g[i : i + 4, j : j + 4] for g in grounds for i in range(3) for j in range(3)]
        found += any(np.allclose(image, np.abs(square - x[0])) for square in squares)
    assert found == 3 and mixed.shape == (3, 4, 4, 3)


def test_patches_lie_side_by_side():
    image = np.arange(70 * 100 * 3, dtype="float32").reshape(1, 70, 100, 3)
    patches = super_resolution_game.patches_of([image])
    assert patches.shape == (2 * 3, 32, 32, 3)
    np.testing.assert_array_equal(patches[4], image[0, 32:64, 32:64])


def test_accuracies_and_their_errors():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Activation("linear")])
    model, x = models.Supervised(network), np.eye(4, dtype="float32")
    assert classifiers.accuracy(model, x, np.array([0, 1, 2, 0])) == 0.75
    runs = [{"network": "a", "accuracy": value, "seconds": 1.0} for value in (0.5, 0.6, 0.7)]
    runs.append({"network": "b", "accuracy": 0.5, "turned_accuracy": 0.25})
    found = classifiers.summary(runs)
    assert found["a"]["seeds"] == 3 and found["b"]["turned_accuracy"] == {"mean": 0.25, "standard_error": None}
    np.testing.assert_allclose(list(found["a"]["accuracy"].values()), [0.6, 0.1 / 3**0.5])


def test_ratios_are_of_ours_to_the_fastest_of_a_kind():
    times = {"keras_dl:saved_model": [1.0, 2.0, 3.0], "tf:a": [2.0, 2.0, 2.0], "torch:b": [9.0, 9.0, 9.0]}
    found = compare.summary(times | {"tf:slow": [8.0, 8.0, 8.0], "keras_dl:function": [1.0, 1.0, 1.0]})
    assert found["to_plain_tensorflow"] == {"of": "tf:a", "ratio": 1.0}
    assert found["to_best_peer"]["of"] == "torch:b" and found["ms"]["tf:slow"] == 8000.0


def test_steps_are_timed_over_whole_periods():
    clock = worker.Clock(None, keras)
    clock.marks = [(0.0, 4), (1.0, 8), (4.0, 20), (9.0, 24)]
    assert clock.per_step() == 9 / 20
    assert clock.per_step(period=16) == 4 / 16


@pytest.mark.full
@pytest.mark.parametrize(("what", "most"), [("fit", 121), ("train", 160)])
def test_the_walk_of_a_batch_changes_file_no_more_often_than_is_said(what, most):
    program = [sys.executable, "-m", "benchmarks.walk", what]  # alone: files of the tests would count as well
    done = subprocess.run(program, cwd=walk.ROOT, capture_output=True, text=True, check=True, timeout=300)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["calls"] > 200 and most / 2 < found["changes_of_file"] <= most


@pytest.mark.parametrize("name", sorted(path.stem for path in Path(compare.__file__).parent.glob("[a-z]*.py")))
def test_every_benchmark_can_be_imported(name):
    if name.endswith("torch"):
        pytest.importorskip("torch")
    importlib.import_module(f"benchmarks.{name}")
