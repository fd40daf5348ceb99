"""Restricted Boltzmann machines beside sums over all states: densities, gradients, chains, normalisers."""

import itertools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, objectives, runtime
from tests.models.energy_builders import draw_of

ALL = np.array(list(itertools.product((0.0, 1.0), repeat=5)), "float32")


def machine(visible=5, hidden=3, scale=0.8, seed=0, **options):
    model = models.RBM((visible,), hidden, seed=0, **options)
    rng = np.random.default_rng(seed)
    for weight in (model.layer.w, model.layer.b, model.layer.c):
        weight.assign(scale * rng.standard_normal(weight.shape))
    return model


def truth(model):
    """Log p of all states of five visible units, by a sum over those and over all states of the hidden ones."""
    w, b, c = (weight.numpy().astype("float64") for weight in (model.layer.w, model.layer.b, model.layer.c))
    hidden = np.array(list(itertools.product((0.0, 1.0), repeat=len(c))))
    joint = (ALL @ b)[:, None] + hidden @ c + ALL @ w @ hidden.T
    of_visible = np.logaddexp.reduce(joint, 1)
    return of_visible, np.logaddexp.reduce(of_visible)


@pytest.mark.parametrize("hidden", [3, 7])
def test_densities_are_sums_over_all_states(hidden):
    model = machine(hidden=hidden)
    unnormalised, log_z = truth(model)
    np.testing.assert_allclose(-model.energy(ALL), unnormalised, rtol=1e-5)
    assert float(model.log_normalizer().value) == pytest.approx(log_z, abs=1e-4)
    density = model.log_density(ALL)
    assert density.kind == "exact" and np.exp(density.values).sum() == pytest.approx(1.0, abs=1e-4)


def test_the_exact_sum_over_many_states():
    model = machine(14, 30, scale=0.0)
    assert float(model.log_normalizer().value) == pytest.approx(44 * np.log(2), abs=1e-3)  # several blocks


def test_gibbs_keeps_the_density():
    model = machine()
    unnormalised, log_z = truth(model)
    seed, call = tf.constant(3, tf.int64), tf.constant(0, tf.int64)
    v = model.layer.gibbs(tf.zeros([6000, 5]), 60, seed, call, 64, 6000)[0].numpy()
    shares = (v[:, None] == ALL).all(-1).mean(0)
    np.testing.assert_allclose(shares, np.exp(unnormalised - log_z), atol=0.025)
    rates = model.sample(2000, seed=1, steps=40).numpy()
    np.testing.assert_allclose(rates.mean(0), np.exp(unnormalised - log_z) @ ALL, atol=0.04)


def test_the_gradient_is_that_of_the_likelihood():
    """Chains that have reached the density give the gradient of -log p, whose sums are exact."""
    model = machine(steps=40)
    v = (np.random.default_rng(1).random((8000, 5)) < [0.9, 0.5, 0.2, 0.7, 0.5]).astype("float32")
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model.losses(tf.constant(v), draw_of(8000))[0])
    slope = tape.gradient(loss, model.layer.w.value).numpy()
    unnormalised, log_z = truth(model)

    def hidden(v):
        return 1 / (1 + np.exp(-(v @ model.layer.w.numpy() + model.layer.c.numpy())))

    expected = (np.exp(unnormalised - log_z)[:, None] * ALL).T @ hidden(ALL) - v.T @ hidden(v) / 8000
    np.testing.assert_allclose(slope, expected, atol=0.02)


def test_annealing_is_within_a_fiftieth_of_a_nat_of_the_exact_sum():
    model = machine(20, 10, scale=0.7)
    exact = float(model.log_normalizer("exact").value)
    below = model.log_normalizer("ais", num_chains=500, steps=200)
    x = (np.random.default_rng(0).random((100, 20)) < 0.5).astype("float32")
    above = model.log_normalizer("reverse", num_chains=500, steps=200, x=x)
    for estimate in (below, above):
        assert 0.0 < float(estimate.standard_error) < 0.02
        assert float(estimate.value) == pytest.approx(exact, abs=0.02 + 2 * float(estimate.standard_error))
    assert abs(0.5 * float(below.value + above.value) - exact) < 0.02


@pytest.mark.parametrize("objective", [None, objectives.PersistentContrastiveDivergence(64)])
def test_training_learns_two_patterns(objective):
    x = np.repeat([[1, 1, 0, 0, 1], [0, 0, 1, 1, 0]], 200, axis=0).astype("float32")
    model = models.RBM((5,), 4, objective, steps=2, seed=0)
    model.compile(keras.optimizers.Adam(0.02), jit_compile=False)
    history = model.fit(x, batch_size=50, epochs=12, verbose=0).history
    assert history["reconstruction_error"][-1] < 0.15
    assert float(tf.reduce_mean(model.log_prob(x))) > -2.8  # independent values have -5 log 2
    assert np.abs(model.reconstruct(x[:1]) - x[:1]).max() < 0.5 and model.encode(x[:3]).shape == (3, 4)
    assert model.anomaly_score([[1, 0, 1, 0, 1]]) > model.anomaly_score(x[:1])


@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_files_of_other_runtimes_are_the_machines(format, tmp_path):
    """Energies, hidden units and reconstructions, of weights whose logits overflow an exponential, too."""
    if format == "onnx":
        pytest.importorskip("onnxruntime")
    model, x = machine(6, 4, scale=40.0), ALL[:, [0, 1, 2, 3, 4, 0]]
    folder = runtime.export(model, tmp_path / "model", format=format)
    for name in ("energy", "encode", "reconstruct"):
        np.testing.assert_allclose(run(folder, name, x), getattr(model, name)(x), rtol=1e-5, atol=1e-5)


def run(folder, name, x):
    """What a signature of an exported file says of `x`."""
    if (path := pathlib.Path(folder) / "model.tflite").exists():
        return next(iter(tf.lite.Interpreter(str(path)).get_signature_runner(name)(x=x).values()))
    import onnxruntime

    path = str(pathlib.Path(folder) / f"{name}.onnx")
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def test_anomalies_have_more_energy_or_are_reconstructed_worse():
    model = machine()
    np.testing.assert_allclose(model.anomaly_score(ALL), model.energy(ALL))
    errors = np.square(ALL - model.reconstruct(ALL).numpy()).sum(-1)
    np.testing.assert_allclose(model.anomaly_score(ALL, score="reconstruction"), errors, rtol=1e-5)
    with pytest.raises(ValueError, match="`score` should be one of"):
        model.anomaly_score(ALL, score="likelihood")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.RBM((5,), 0), "`num_hidden` should be a positive integer"),
        (lambda: machine().energy(2 * ALL), "x should hold zeros and ones, or rates between"),
        (lambda: machine().sample(2, condition=[0]), "condition should be None"),
        (lambda: machine().log_normalizer("grid"), "`method` should be one of"),
        (lambda: machine(20, 20).log_normalizer("exact"), "of at most 16 units alone"),
        (lambda: machine().log_normalizer("exact", steps=0), "`steps` should be a positive integer"),
        (lambda: machine().log_normalizer("reverse"), "`x` should be data"),
        (
            lambda: models.RBM((5,), 2, objectives.PersistentContrastiveDivergence(4)).fit(ALL, batch_size=8),
            "capacity should be at least",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    with pytest.raises(TypeError, match="`objective` should be a ContrastiveDivergence"):
        models.RBM((5,), 2, objectives.ScoreMatching())
