"""What energy models add to contrastive divergence: the divergence of chains, and penalties of slopes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import objectives, samplers
from tests.models.energy_builders import draw_of, points, quadratic, small_energy
from tests.models.test_energy_bad_input import improved


def trained(x, **options):
    model = small_energy(**options)
    model.compile(keras.optimizers.SGD(0.05), jit_compile=False)
    return model, model.fit(x, batch_size=16, epochs=2, verbose=0).history


def test_the_divergence_of_chains_is_added_to_persistent_chains():
    """Chains and buffer are those of the plain objective; the loss has the two terms beside it."""
    x, plain = points(16), objectives.PersistentContrastiveDivergence(40)
    results = []
    for objective in (plain, improved(kl_weight=0.7, entropy_weight=0.2)):
        model = small_energy(objective, sampler=samplers.Langevin(4, 0.02))
        model.initialize(tf.constant(x), draw_of(16))
        results.append(model.losses(tf.constant(x), draw_of(16)))
    (values, terms, state), (more, others, later) = results
    np.testing.assert_allclose(state["buffer"].samples, later["buffer"].samples, rtol=1e-5)
    np.testing.assert_array_equal(state["buffer"].slots, later["buffer"].slots)
    added = 0.7 * terms["sample_energy"] - 0.2 * others["log_distance"]
    np.testing.assert_allclose(more - values, added, atol=1e-5)


def test_no_chain_is_its_own_neighbour():
    model = small_energy(improved(neighbours=40, capacity=40))
    draw = draw_of(8)
    slots = draw.slots(40)
    _, own = model._others(draw, slots)
    np.testing.assert_array_equal(tf.reduce_sum(tf.cast(own, tf.int32), -1), np.ones(8))


def test_training_saves_and_tracks_it(tmp_path):
    options = {"objective": improved(), "penalty": objectives.GradientPenalty(1.0, 2.0, one_sided=True)}
    model, history = trained(points(32), **options)
    assert set(history) == {"energy", "sample_energy", "log_distance", "penalty", "loss"}
    assert np.isfinite([values[-1] for values in history.values()]).all()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.objective == model.objective and again.penalty == model.penalty
    for one in (model, again):
        one.fit(points(32), batch_size=16, verbose=0)
    for ours, others in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, others)


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (objectives.R1(2.0), lambda k, x, ends: np.square(k * x)),
        (objectives.R2(2.0), lambda k, x, ends: np.square(k * ends)),
    ],
)
def test_a_penalty_charges_the_slopes_of_the_energy(penalty, expected):
    """Of the energy k x^2 / 2 the slope is k x, at data or at the ends of chains without noise, (1 - a k) x."""
    options = {"objective": objectives.ContrastiveDivergence(), "sampler": samplers.Langevin(1, 0.1, 0.0)}
    model, x = quadratic(3.0, penalty=penalty, **options), points(10, 1)
    values, terms, _ = model.losses(tf.constant(x), draw_of(10))
    charge = expected(3.0, x[:, 0], 0.7 * x[:, 0])
    np.testing.assert_allclose(terms["penalty"], charge, rtol=1e-4)
    np.testing.assert_allclose(values, terms["energy"] - terms["sample_energy"] + charge, rtol=1e-4, atol=1e-5)


def test_a_one_sided_penalty_makes_the_energy_lipschitz():
    """Data far from the reference steepen an energy, which the penalty holds at its target."""
    x, slopes = 4.0 + points(64), []
    for penalty in (None, objectives.GradientPenalty(10.0, 0.1, one_sided=True)):
        model, _ = trained(x, objective=objectives.ContrastiveDivergence(), penalty=penalty)
        model.optimizer.learning_rate = 0.02
        model.fit(x, batch_size=16, epochs=15, verbose=0)
        slopes.append(np.linalg.norm(model.score(x), axis=-1).max())
    assert slopes[1] < 0.2 < 0.3 < slopes[0]
