"""Couplings and sources of flow matching: exact pairs, the batch that is paired, likelihoods and refusals."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import likelihoods, models, networks, processes
from keras_dl.models.base import noise
from keras_dl.processes.couplings import distances

CENTRES = [[-2.0, 0.0], [2.0, 0.0], [0.0, 3.0]]


def points(rows, seed=0, size=2):
    return np.random.default_rng(seed).normal(size=(rows, size)).astype("float32")


def small(**options):
    keras.utils.set_random_seed(0)
    conditional = {name: options.pop(name) for name in ("num_classes", "condition_shape") if name in options}
    network = networks.denoising_mlp((2,), 8, 16, 1, **conditional)
    return models.FlowMatching(network, seed=0, **options)


def draw(rows, offset=0, total=None, held=None):
    total = tf.constant(float(total or rows))
    zero = tf.constant(0, tf.int64)
    return noise.Draw(tf.constant(3, tf.int64), zero, 64, tf.constant(rows), offset, True, total, held)


def test_optimal_transport_is_the_best_of_all_permutations():
    x, source = points(6), points(6, 1) * 2.0
    pairs = processes.OptimalTransport().pairs(x, source)
    cost = distances(x, source)
    np.testing.assert_allclose(cost, np.square(x[:, None] - source).sum(-1), atol=1e-5)
    best = min(sum(cost[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(6)))
    assert sorted(pairs) == list(range(6))
    assert cost[np.arange(6), pairs].sum() == pytest.approx(best)


def test_conditional_transport_joins_within_classes():
    x, source, labels = points(40), points(40, 1), np.arange(40) % 3
    pairs = processes.ConditionalTransport().pairs(x, source, labels)
    assert sorted(pairs) == list(range(40))
    np.testing.assert_array_equal(labels[pairs], labels)
    penalised = distances(x, source) + 1e6 * (labels[:, None] != labels)
    np.testing.assert_array_equal(pairs, processes.couplings.assignment(penalised))
    attributes = np.stack([labels, labels], -1)
    np.testing.assert_array_equal(processes.ConditionalTransport().pairs(x, source, attributes), pairs)


def test_the_weight_of_a_condition_is_that_of_the_share():
    x, source, condition = points(60), points(60, 1), points(60, 2, 1)
    coupling = processes.ConditionalTransport(share=0.1)
    cost, gaps = distances(x, source), distances(condition, condition)
    total = cost + coupling.weight(cost, gaps) * gaps
    cheaper = (total < np.diagonal(total)[None]) & ~np.eye(60, dtype=bool)
    assert cheaper.sum() / (60 * 59) == pytest.approx(0.1, abs=0.002)
    pairs = coupling.pairs(x, source, condition)
    assert sorted(pairs) == list(range(60))
    far = np.abs(condition[pairs] - condition).mean()
    assert far < 0.5 * np.abs(condition[processes.OptimalTransport().pairs(x, source)] - condition).mean()
    assert coupling.weight(cost, np.zeros((60, 60))) == 0.0


def test_the_entropic_plan_has_its_marginals_and_its_form():
    x, source = points(8), points(8, 1)
    plan = processes.EntropicTransport(noise=1.0).plan(x, source)
    np.testing.assert_allclose(plan.sum(0), 1 / 8, atol=1e-6)
    np.testing.assert_allclose(plan.sum(1), 1 / 8, atol=1e-5)
    scaled = np.log(plan) + distances(x, source) / 2.0  # a sum of a term per row and one per column
    inner = scaled[:-1, :-1] - scaled[1:, :-1] - scaled[:-1, 1:] + scaled[1:, 1:]
    np.testing.assert_allclose(inner, 0.0, atol=1e-6)
    exact = processes.EntropicTransport(noise=0.02, iterations=3000).plan(x, source)
    np.testing.assert_array_equal(exact.argmax(1), processes.OptimalTransport().pairs(x, source))
    uniform = (np.arange(80_000) + 0.5) / 80_000
    counts = np.zeros(8)
    for level in uniform[::200]:
        counts[processes.EntropicTransport().pairs(x, source, uniform=np.full(8, level))[0]] += 1
    np.testing.assert_allclose(counts / counts.sum(), plan[0] * 8, atol=0.01)


def test_the_bridge_has_the_moments_and_the_slope_that_it_says():
    bridge, t = processes.Bridge(noise=0.5), tf.constant([0.1, 0.5, 0.8])
    with tf.GradientTape() as tape:
        tape.watch(t)
        jitter = bridge.jitter(t)
    np.testing.assert_allclose(bridge.d_jitter(t), tape.gradient(jitter, t), rtol=1e-5)
    model, rows = small(process=bridge), 4000
    x, end = tf.constant([[1.0, 2.0]] * rows), tf.constant([[3.0, -2.0]] * rows)
    x_t, target = model.on_path(x, end, tf.constant(0.25), draw(rows))
    np.testing.assert_allclose(np.mean(x_t, 0), [1.5, 1.0], atol=0.03)
    np.testing.assert_allclose(np.std(x_t, 0), 0.5 * np.sqrt(0.1875), rtol=0.05)
    expected = (end - x) + (1 - 0.5) / (2 * 0.1875) * (x_t - [1.5, 1.0])
    np.testing.assert_allclose(target, expected, atol=1e-4)


@pytest.mark.parametrize("source", [None, "mixture", "data"])
def test_the_pairs_are_those_of_the_global_batch(source):
    """Each replica joins the rows that it holds as one device would, whichever other rows they meet."""
    prior = likelihoods.FixedMixture(CENTRES, 0.3) if source == "mixture" else source
    model, x = small(coupling=processes.OptimalTransport(), source=prior), points(12)
    batch = np.concatenate([x, points(12, 1)], -1) if source == "data" else x
    ends = model.ends(tf.constant(batch), None, draw(12))[1].numpy()
    drawn = points(12, 1) if source == "data" else model.draw_source(draw(12)).numpy()
    pairs = processes.OptimalTransport().pairs(x, drawn)
    np.testing.assert_allclose(ends, drawn[pairs], atol=1e-6)


def test_a_mixture_is_a_source():
    """Its points, and the density that it gives to data: with no velocity, its own."""
    prior = likelihoods.FixedMixture(CENTRES, 0.3)
    model = small(source=prior)
    drawn = model.draw_source(draw(6000)).numpy()
    nearest = np.square(drawn[:, None] - np.array(CENTRES)).sum(-1).argmin(1)
    np.testing.assert_allclose(np.bincount(nearest) / 6000, 1 / 3, atol=0.02)
    np.testing.assert_allclose(np.std(drawn[nearest == 0], 0), [0.3, 0.3], rtol=0.06)
    for weight in model.network.weights:
        weight.assign(0.0 * weight)
    for network in model.ema_networks.values():
        network.set_weights(model.network.get_weights())
    x = points(5)
    squares = np.square(x[:, None] - np.array(CENTRES)).sum(-1) / (2 * 0.3**2)
    expected = np.log(np.exp(-squares).mean(-1)) - np.log(2 * np.pi * 0.3**2)
    np.testing.assert_allclose(model.log_prob(x), expected, rtol=1e-4)
    assert np.isin(np.round(model.sample(20, seed=0, steps=1), -1), [0.0]).all()


def test_trained_pairs_are_kept_and_files_remember(tmp_path):
    model = small(source="data", coupling=processes.OptimalTransport())
    model.compile("adam")
    batch = np.concatenate([points(32), points(32, 1)], -1)
    first = model.fit(batch, batch_size=16, verbose=0).history["loss"]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.coupling == processes.OptimalTransport() and again.source == "data"
    np.testing.assert_array_equal(*(m.fit(batch, batch_size=16, verbose=0).history["loss"] for m in (model, again)))
    assert np.isfinite(first).all() and set(model.signatures()) == {"denoise", "decode", "encode"}
    assert model.decode(points(3), sampler="euler", steps=2).shape == (3, 2)


def test_what_is_known_is_put_back_with_points_of_the_source():
    """Not of a standard normal distribution: what is known follows the path to the two centres."""
    model, seen = small(source=likelihoods.FixedMixture([[30.0, 30.0], [-30.0, -30.0]], 0.01)), []

    def sampler(field, process, x, times, noise, constrain):
        seen.append(constrain(x, tf.constant(0.5), 0))
        return x

    seed = tf.constant(0, tf.int64)
    model._inpaint(tf.fill([50, 2], 2.0), tf.ones([50, 2]), None, seed, seed, 1, sampler, 1.0)
    np.testing.assert_allclose(np.abs(seen[0] - 1.0), 15.0, atol=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: small(coupling=processes.OptimalTransport()).inpaint(points(2), np.ones((2, 2))),
            "`inpaint` should be asked of paths to independent points",
        ),
        (lambda: small(process=processes.Bridge()).inpaint(points(2), np.ones((2, 2))), "`inpaint` should be asked"),
        (lambda: small(coupling=processes.ConditionalTransport()), "`network` should be conditional"),
        (
            lambda: small(source=likelihoods.StandardNormal(3)),
            "`source` should be of 2 values. Received",
        ),
        (lambda: small(source="data").sample(2), "`decode` should be given points of the source"),
        (lambda: small(source="data").log_prob(points(2)), "`source` should have a density"),
        (lambda: small(process=processes.Bridge(), prediction="noise"), "`prediction` should be 'velocity'"),
        (lambda: small(source=likelihoods.StandardNormal(2), sampler="ddim"), "`sampler` should follow the velocity"),
        (lambda: small(process=processes.Bridge()).sample(2, sampler="ancestral"), "`sampler` should follow"),
        (lambda: small(coupling=processes.OptimalTransport()).compile("adam", jit_compile=True), "jit_compile should"),
        (lambda: small(source="data").check_data(points(4)), "x should have shape"),
        (lambda: processes.ConditionalTransport(share=1.0), "`share` should be"),
        (lambda: processes.ConditionalTransport().pairs(points(3), points(3)), "`condition` should be given"),
        (lambda: processes.EntropicTransport(noise=0.0), "`noise` should be"),
        (lambda: processes.Bridge(margin=0.5), "`margin` should be"),
        (lambda: likelihoods.FixedMixture([1.0, 2.0]), "`centres` should have shape"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_other_kinds_are_refused():
    with pytest.raises(TypeError, match="`coupling` should be a keras_dl.processes.Coupling"):
        small(coupling="optimal")
    with pytest.raises(TypeError, match="`source` should be None, 'data' or"):
        small(source="moons")
