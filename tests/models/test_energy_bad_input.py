"""What energy models, joint ones and restricted Boltzmann machines refuse, and what they make of no rows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import layers, models, networks, objectives, samplers
from tests.models.energy_builders import points, small_energy

BITS = (np.random.default_rng(0).random((40, 5)) < 0.5).astype("float32")
LABELS = np.arange(16) % 3


def machine(objective=None):
    return models.RBM((5,), 3, objective, seed=0)


def joint(capacity=30):
    network = networks.mlp_critic((2,), hidden=(4,), activation="swish", num_outputs=3)
    objective = objectives.PersistentContrastiveDivergence(capacity)
    return models.JEM(network, objective, samplers.Langevin(2, 0.05), seed=0)


def fit(model, *data, **options):
    model.compile("adam", jit_compile=False)
    model.fit(*data, verbose=0, **options)


def batches(x, rows):
    return tf.data.Dataset.from_tensor_slices(x).batch(rows)


@pytest.mark.parametrize("build", [small_energy, machine])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_chains": 0}, "`num_chains` should be a positive integer. Received: num_chains=0"),
        ({"num_chains": "a"}, "`num_chains` should be a positive integer. Received: num_chains='a'"),
        ({"steps": 0}, "`steps` should be a positive integer"),
        ({"seed": "a"}, "`seed` should be an integer"),
        ({"seed": -1}, "`seed` should be an integer"),
        ({"x": np.zeros((0, 2))}, "`x` should be data, from which chains lead"),
        ({"x": 3.0}, "`x` should be data, from which chains lead"),
    ],
)
def test_normalisers_refuse(build, options, message):
    given = {"x": np.ones((3, 2)), **options}
    with pytest.raises(ValueError, match=message):
        build().log_normalizer("reverse", **given)


@pytest.mark.parametrize(
    ("bounds", "error"),
    [((1, -1), ValueError), ((0.0, float("nan")), ValueError), (3, TypeError), ((0, 1, 2), TypeError)],
)
def test_bounds_of_a_grid_are_an_interval(bounds, error):
    with pytest.raises(error, match="`bounds` should be"):
        small_energy().log_normalizer("grid", bounds=bounds)


@pytest.mark.parametrize(("build", "x"), [(small_energy, points(3)), (machine, BITS)])
def test_densities_refuse(build, x):
    with pytest.raises(TypeError, match="`log_normalizer` should be what the model's `log_normalizer` returned"):
        build().log_prob(x, 1.0)
    with pytest.raises(ValueError, match="condition should be None"):
        build().log_density(x, condition=[1, 2])


@pytest.mark.parametrize(
    "call",
    [
        lambda: fit(small_energy(), batches(points(64), 64)),
        lambda: fit(small_energy(), points(64), batch_size=41),
        lambda: fit(machine(objectives.PersistentContrastiveDivergence(8)), batches(BITS, 16)),
        lambda: fit(joint(8), batches((points(16), LABELS), 16)),
        lambda: fit(joint(8), points(16), LABELS),
    ],
)
def test_a_buffer_smaller_than_a_batch_is_refused(call):
    with pytest.raises(ValueError, match="capacity should be at least the size of a batch. Received: capacity="):
        call()


def test_batches_as_large_as_the_buffer_are_taken():
    model = small_energy()
    fit(model, batches(points(40), 40))
    assert np.isfinite(model.carried["buffer"].samples.numpy()).all()
    with pytest.raises(ValueError, match="`batch_size` should be a positive integer"):
        fit(small_energy(), points(64), batch_size="a")


@pytest.mark.parametrize("condition", [[0, 1], [[0], [1]], [0.5, 1, 1, 1], 3])
def test_classes_to_sample_are_one_or_one_per_sample(condition):
    with pytest.raises(ValueError, match="labels should be integers from 0 to 2, one per sample"):
        joint().sample(4, condition=condition)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: small_energy(improved(), sampler=samplers.HMC(3)), "`sampler` should be Langevin's"),
        (lambda: small_energy(improved(last_steps=4)), "`last_steps` should be at most the 3 steps of the sampler"),
        (lambda: improved(neighbours=60), "`neighbours` should be at most the capacity"),
        (lambda: improved(kl_weight=-1.0), "`kl_weight` should be"),
        (lambda: improved(entropy_weight=-1.0), "`entropy_weight` should be"),
        (lambda: machine(improved()), "`objective` should be a ContrastiveDivergence"),
        (lambda: small_energy(penalty="r1"), "`penalty` should be a GradientPenalty, Dragan, R1 or R2"),
        (lambda: small_energy(penalty=objectives.WeightClipping()), "`penalty` should be a GradientPenalty"),
        (
            lambda: small_energy(objectives.NoiseContrastive(), penalty=objectives.R2()),
            "`penalty` should be Dragan or R1, at data alone",
        ),
        (
            lambda: small_energy(objectives.ScoreMatching(), penalty=objectives.GradientPenalty()),
            "`penalty` should be Dragan or R1, at data alone",
        ),
    ],
)
def test_chains_and_penalties_that_do_not_fit_are_refused(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        build()


def improved(**options):
    return objectives.ImprovedContrastiveDivergence(**{"capacity": 40, "neighbours": 20, **options})


def test_no_rows_give_no_rows():
    energy, none = small_energy(), points(0)
    assert energy.energy(none).shape == energy.log_prob(none).shape == energy.anomaly_score(none).shape == (0,)
    assert energy.score(none).shape == energy.refine(none).shape == (0, 2)
    assert machine().energy(BITS[:0]).shape == (0,) and machine().encode(BITS[:0]).shape == (0, 3)
    assert joint().classify(none).shape == (0, 3)


@pytest.mark.parametrize("outputs", [1, 3])
def test_batch_normalization_of_energies_is_warned_of(outputs):
    steps = [keras.Input((2,)), keras.layers.Dense(4), layers.BatchNormalization(), keras.layers.Dense(outputs)]
    with pytest.warns(UserWarning, match="batch normalization in the network mixes"):
        (models.EnergyModel if outputs == 1 else models.JEM)(keras.Sequential(steps))
