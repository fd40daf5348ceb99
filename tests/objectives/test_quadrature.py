"""Integrals on grids: of narrow densities over shifted nodes, and in the likelihood that trains."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import objectives
from keras_dl.models.base import Draw
from keras_dl.objectives import quadrature

NARROW = 0.05  # a twentieth of a cell
BOUNDS, CELLS = (-4.0, 4.0), 8


def narrow_energy(x):
    """Of a normal density between the nodes of the grid, without its normaliser."""
    return 0.5 * tf.reduce_sum(tf.square(x / NARROW), -1)


def draw_at(step, training, rows=2):
    counts = tf.constant(rows), 0, training, tf.constant(2.0)
    return Draw(tf.constant(1, tf.int64), tf.constant(step, tf.int64), 0, *counts)


@pytest.mark.parametrize("size", [1, 2])
def test_the_sum_over_shifted_nodes_has_the_integral_as_its_mean(size):
    steps = (np.arange(200) + 0.5) / 200 - 0.5
    shifts = np.stack(np.meshgrid(*[steps[:: 1 if size == 1 else 5]] * size), -1).reshape(-1, size).astype("float32")
    integral = tf.function(lambda shift: tf.exp(quadrature.log_integral(narrow_energy, BOUNDS, CELLS, size, shift)))
    exact = (2 * np.pi * NARROW**2) ** (size / 2)
    assert np.mean([integral(shift) for shift in shifts]) == pytest.approx(exact, rel=1e-3)
    assert integral(np.zeros(size, "float32")) < 1e-10 * exact  # nodes that stay do not see it


def test_training_moves_the_nodes_alike_on_all_replicas_and_evaluation_leaves_them():
    likelihood, x = objectives.GridLikelihood(BOUNDS, CELLS), tf.zeros((2, 1))

    def log_z(step, training, rows=2):
        losses, parts = likelihood(narrow_energy, x[:rows], draw_at(step, training, rows))
        return float(losses[0] - parts["energy"][0])

    moved = [log_z(step, True) for step in range(20)]
    assert len(set(moved)) == 20
    assert [log_z(step, True, rows=1) for step in range(20)] == moved
    still = float(quadrature.log_integral(narrow_energy, BOUNDS, CELLS, 1))
    assert log_z(0, False) == log_z(1, False) == pytest.approx(still)
