"""Annealed importance sampling of energy models and Boltzmann machines: one graph for any number of steps."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models
from keras_dl.models.fitting import graphs
from tests.models.energy_builders import points, quadratic


def machine():
    model = models.RBM((6,), 4, seed=0)
    model.layer.w.assign(np.random.default_rng(0).standard_normal((6, 4)))
    return model


MODELS = {
    "EnergyModel": (lambda: quadratic(4.0, 0.3, size=3), points(10, 3)),
    "RBM": (machine, np.random.default_rng(1).integers(0, 2, (10, 6)).astype("float32")),
}


@pytest.mark.parametrize("method", ["ais", "reverse"])
@pytest.mark.parametrize("name", MODELS)
def test_one_graph_serves_any_number_of_steps(name, method):
    make, x = MODELS[name]
    model = make()
    found = {steps: model.log_normalizer(method, 20, steps, seed=5, x=x).value for steps in (3, 6, 11)}
    assert len(model.graphs["_anneal"].functions) == 1
    assert len(set(map(float, found.values()))) == 3
    if method == "ais":
        of_known_steps = graphs.compiled(model._anneal)
        for steps, value in found.items():
            known = of_known_steps(tf.constant(20), None, tf.constant(5, tf.int64), steps=steps)[0]
            assert float(value) == float(known)
