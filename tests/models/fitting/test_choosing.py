"""The fused kernel is Keras' Adam, number by number."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl.models.fitting.choosing import choose_kernel

OPTIONS = [
    {},
    {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-4},
    {"weight_decay": 0.01, "clipnorm": 0.1},
    {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 2},
    {"amsgrad": True},
    {"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 5)},
]


def run(options, fused, dtype="float32", wrap=False, steps=6):
    """A matrix and a vector after some steps, and the optimizer's own numbers."""
    random = np.random.default_rng(0)
    variables = [keras.Variable(random.normal(size=shape), dtype=dtype) for shape in ((3, 4), (4,))]
    optimizer = keras.optimizers.Adam(**{"learning_rate": 0.05, **options})
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if wrap else optimizer
    optimizer.build(variables)
    if fused:
        choose_kernel(optimizer, fused=True)
    apply = tf.function(lambda *gradients: optimizer.apply(list(gradients), variables))
    for _ in range(steps):
        apply(*[tf.constant(random.normal(size=v.shape), dtype) for v in variables])
    return [v.numpy() for v in (*variables, *optimizer.variables)]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "default")
@pytest.mark.grid("default", "weight_decay-clipnorm", "learning_rate")
def test_equals_keras(options):
    for found, expected in zip(run(options, True), run(options, False), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_equals_keras_inside_a_loss_scale():
    for found, expected in zip(run({}, True, wrap=True), run({}, False, wrap=True), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_other_types_keep_keras_steps():
    for found, expected in zip(run({}, True, "float64"), run({}, False, "float64"), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_an_optimizer_that_is_compiled_again_computes_as_keras_does():
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build([keras.Variable([1.0])])
    for fused in (True, False, True):
        choose_kernel(optimizer, fused)
        assert ("update_step" in vars(optimizer)) is fused


def test_subclasses_keep_their_own_steps():
    for kind in (keras.optimizers.AdamW, keras.optimizers.Nadam, keras.optimizers.SGD):
        optimizer = kind(0.1)
        choose_kernel(optimizer, fused=True)
        assert "update_step" not in vars(optimizer)
