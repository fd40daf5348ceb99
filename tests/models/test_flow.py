"""Normalizing flows: densities, both directions, conditions, temperature, integers, files and refusals."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import bijectors, likelihoods, models, runtime
from tests.models import flow_builders
from tests.runtime.saved_models import run_in_tensorflow

POINTS = np.random.default_rng(1).normal([1.0, -2.0], [0.5, 2.0], (256, 2)).astype("float32")


def trained(build, data, epochs=3, batch_size=32):
    keras.utils.set_random_seed(0)
    model = build()
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    model.fit(*data, batch_size=batch_size, epochs=epochs, verbose=0)
    return model


def test_steps_of_decoding_end_in_data_and_each_is_a_bijector():
    flow = models.RealNVP(num_layers=2, hidden=(8,), dequantized=flow_builders.pixels(), seed=0)
    z = np.random.default_rng(0).normal(size=(3, *flow.latent_shape)).astype("float32")
    steps = flow._decode_steps(tf.constant(z)).numpy()
    assert flow.has_even_steps and steps.shape == (3, 2 + 4, flow.latent_size)  # two normalisations, two couplings
    np.testing.assert_allclose(steps[:, 0], z.reshape(3, -1))
    np.testing.assert_allclose(steps[:, -1], np.reshape(flow.decode(z), (3, -1)), atol=1e-6)
    x = flow.bijector.bijectors[-1].inverse_and_log_det(tf.constant(z))[0]
    np.testing.assert_allclose(steps[:, 1], x, atol=1e-6)
    assert not flow_builders.glow().has_even_steps


def plane(half=14.0, steps=281):
    line = np.linspace(-half, half, steps, dtype="float32")
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2), (line[1] - line[0]) ** 2


@pytest.fixture(scope="module")
def spline_flow():
    """A conditional flow with a mixture as its base, of weights somewhere."""
    base = likelihoods.NormalMixture(2, components=3)
    labels = np.arange(len(POINTS)) % 2
    points = POINTS + 3.0 * labels[:, None].astype("float32")
    return trained(
        lambda: models.NeuralSplineFlow((2,), 2, (8,), 4, base=base, condition=2, seed=0), (points, labels), 15
    )


@pytest.mark.parametrize("label", [0, 1])
def test_a_conditional_density_integrates_to_one_and_its_samples_follow_it(spline_flow, label):
    grid, cell = plane()
    density = np.exp(np.asarray(spline_flow.log_prob(grid, np.full(len(grid), label)), "float64")) * cell
    assert density.sum() == pytest.approx(1.0, abs=1e-3)
    samples = np.asarray(spline_flow.sample(4000, condition=label, seed=0))
    np.testing.assert_allclose(samples.mean(0), (density[:, None] * grid).sum(0), atol=0.2)
    assert np.abs(samples.mean(0) - POINTS.mean(0) - 3.0 * label).max() < 0.7


def test_a_gaussian_is_learned_to_its_closed_form():
    """One affine map of each value: the optimum is the maximum-likelihood Gaussian."""
    chain = bijectors.Chain([bijectors.ActNorm()])
    model = trained(lambda: models.NormalizingFlow(chain, (2,), seed=0), (POINTS,), epochs=1, batch_size=256)
    mean, deviation = POINTS.mean(0), POINTS.std(0)
    expected = -0.5 * np.square((POINTS - mean) / deviation) - np.log(deviation) - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(model.log_prob(POINTS), expected.sum(-1), atol=0.05)


def test_both_directions_and_the_parts_of_a_density(spline_flow):
    labels = np.arange(8) % 2
    z = spline_flow.encode(POINTS[:8], labels)
    np.testing.assert_allclose(spline_flow.decode(tf.identity(z), labels), POINTS[:8], atol=1e-4)
    np.testing.assert_array_equal(spline_flow.from_latents(z, labels), spline_flow.decode(z, labels))
    vectors = tf.one_hot(labels, 2)
    _, log_det = spline_flow.bijector.forward_and_log_det(POINTS[:8], vectors)
    log_prob = spline_flow.base().log_prob(z) + log_det
    np.testing.assert_allclose(spline_flow.log_prob(POINTS[:8], labels), log_prob, atol=1e-4)
    assert spline_flow.log_density(POINTS[:8], labels).kind == "exact"
    np.testing.assert_allclose(spline_flow.anomaly_score(POINTS[:8], labels), -log_prob, atol=1e-4)


def test_temperature_narrows_samples():
    model = models.RealNVP((2,), 2, (4,), seed=0)  # begins as the identity
    cold, warm = (np.asarray(model.sample(500, seed=1, temperature=t)) for t in (0.5, 1.0))
    np.testing.assert_allclose(cold, 0.5 * warm, atol=1e-5)
    np.testing.assert_allclose(model.sample(3, temperature=0.0), 0.0, atol=1e-6)
    assert np.asarray(model.sample(5)).tolist() != np.asarray(model.sample(5)).tolist()


def test_integers_are_counted_in_bits():
    """Under a density of 1 on the unit interval all of 17 levels are equally likely: log2(17) bits."""
    dequantized = likelihoods.Dequantized((2,), num_levels=17, alpha=0.05)
    chain = bijectors.Chain([bijectors.Inverse(bijectors.Logit(alpha=0.05)), bijectors.Logit(alpha=0.05)])
    uniform = models.NormalizingFlow(chain, base=None, dequantized=dequantized, seed=0)
    x = np.array([[0.0, 1.0], [0.5, 0.25]], "float32")
    bound, estimate = (uniform.log_density(x, num_samples=200, kind=kind) for kind in ("bound", "estimate"))
    assert (bound.kind, estimate.kind) == ("bound", "estimate")
    assert (estimate.values.numpy() >= bound.values.numpy() - 1e-5).all()
    np.testing.assert_allclose(uniform.bits_per_dim(x), -uniform.log_prob(x) / (2 * np.log(2)), rtol=1e-6)
    np.testing.assert_allclose(uniform.decode(uniform.encode(x)), x, atol=1e-6)


def test_variational_noise_is_trained_and_integers_come_back():
    pixels = flow_builders.variational_pixels()
    data = (flow_builders.LEVELS,)
    model = trained(lambda: models.Glow(num_steps=1, hidden=(4,), dequantized=pixels, seed=0), data, batch_size=5)
    assert np.abs(model.noise.get_weights()[1]).max() > 0
    np.testing.assert_allclose(model.decode(model.encode(data[0])), data[0], atol=1e-6)
    assert set(model.evaluate(data[0], verbose=0, return_dict=True)) == {"loss", "bits_per_dimension"}
    levels = np.asarray(model.sample(4, temperature=0.7)) * 16
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-5)


def test_actnorm_keeps_the_scale_of_what_does_not_vary_in_the_first_batch():
    """Of one row, or of equal values but for rounding: divided by that, z was thousands and the loss 1e9."""
    for x in (np.array([[3.0, -1.0]], "float32"), np.full((7, 2), 0.1, "float32")):
        flow = models.RealNVP((2,), 1, (4,), seed=0)
        flow.compile("adam", jit_compile=False)
        loss = flow.fit(tf.data.Dataset.from_tensors(x), verbose=0).history["loss"][0]
        assert loss < 10
        np.testing.assert_allclose(flow.encode(x), 0.0, atol=0.1)


def test_gradients_go_through_what_users_call():
    flow = models.RealNVP((2,), 1, (4,), seed=0)
    x = tf.constant(POINTS[:3])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.encode(x)
        log_prob, back = flow.log_prob(x), flow.decode(z)
    log_det = tf.linalg.slogdet(tape.batch_jacobian(z, x))[1]
    gaussian = -0.5 * tf.reduce_sum(tf.square(z), -1) - np.log(2 * np.pi)
    np.testing.assert_allclose(log_prob, gaussian + log_det, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(tape.batch_jacobian(back, x), np.broadcast_to(np.eye(2), (3, 2, 2)), atol=1e-4)
    assert tape.gradient(log_prob, x) is not None


def test_actnorm_begins_by_the_first_batch_once(tmp_path):
    build = lambda: models.RealNVP((2,), 1, (4,), seed=0, ema_momentum=0.5)  # noqa: E731
    model = build()
    model.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    model.fit(POINTS, batch_size=256, epochs=1, verbose=0)
    z = np.asarray(model.encode(POINTS))  # of averaged weights, which begin there too
    np.testing.assert_allclose([z.mean(0), z.std(0)], [[0, 0], [1, 1]], atol=1e-3)
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    loaded.fit(POINTS + 100.0, batch_size=256, verbose=0)
    np.testing.assert_array_equal(loaded.encode(POINTS), model.encode(POINTS))


def test_a_trained_embedding_of_the_condition():
    inputs = keras.Input((3,), name="condition")
    embedding = keras.Model({"condition": inputs}, keras.layers.Dense(2)(inputs))
    conditions = np.random.default_rng(0).normal(size=(256, 3)).astype("float32")
    first = embedding.get_weights()[0]
    flow = trained(lambda: models.RealNVP((2,), 2, (4,), condition=embedding, seed=0), (POINTS, conditions))
    assert np.abs(flow.embedding.get_weights()[0] - first).max() > 1e-4


@pytest.mark.full
def test_a_server_gives_the_models_numbers(spline_flow, tmp_path):
    runtime.export(spline_flow, tmp_path / "flow", version=1)
    x, labels = POINTS[:5], np.arange(5, dtype="int32") % 2
    numbers = {"num_samples": np.int32(5), "condition": labels, "temperature": np.float32(0.5), "seed": np.int64(3)}
    calls = {
        "density": ("log_prob", {"x": x, "condition": labels}),
        "there": ("encode", {"x": x, "condition": labels}),
        "back": ("decode", {"latents": x, "condition": labels}),
        "sample": ("sample", numbers),
    }
    served = run_in_tensorflow(tmp_path / "flow" / "1", calls, tmp_path)
    np.testing.assert_allclose(served["density/log_prob"], spline_flow.log_prob(x, labels), atol=1e-4)
    np.testing.assert_allclose(served["there/latents"], spline_flow.encode(x, labels), atol=1e-4)
    np.testing.assert_allclose(served["back/x"], spline_flow.decode(x, labels), atol=1e-4)
    expected = spline_flow.sample(5, condition=labels, seed=3, temperature=0.5)
    np.testing.assert_allclose(served["sample/x"], expected, atol=1e-4)


FORMS = {
    "RealNVP": lambda: models.RealNVP((4,), 2, (4,), seed=0),
    "MAF": lambda: models.MAF((4,), 2, (4,), seed=0),
    "NeuralSplineFlow": lambda: models.NeuralSplineFlow((4,), 2, (4,), 4, seed=0),
    "Glow": flow_builders.glow,
}


@pytest.mark.full
@pytest.mark.parametrize("format", ["onnx", "litert"])
@pytest.mark.parametrize("name", FORMS)
def test_files_of_other_formats_compute_both_directions(name, format, tmp_path):
    """`runtime.export` compares every file with the model before it becomes visible."""
    if format == "onnx":
        pytest.importorskip("tf2onnx", reason="needs the extra onnx")
    folder = runtime.export(FORMS[name](), tmp_path / "flow", format=format)
    if format == "onnx":
        exact = {"log_prob"} if name != "Glow" else set()  # of integers it draws noise
        assert {path.stem for path in Path(folder).rglob("*.onnx")} == {"encode", "decode"} | exact


def test_refusals():
    step = bijectors.AffineCoupling(hidden=(4,))
    flow = models.RealNVP((2,), 1, (4,))
    with pytest.raises(ValueError, match="should have shape .rows, 2.. Received: .3, 4."):
        flow.log_prob(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="latents should have shape"):
        flow.decode(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="finite|NaN"):
        flow.log_prob(np.full((3, 2), np.nan))
    flow.compile("adam")
    with pytest.raises(ValueError, match="density is unbounded.*constant columns .1."):
        flow.fit(np.stack([np.arange(9.0), np.ones(9)], -1))
    for x in (np.ones((1, 2)), tf.ones([3, 2])):
        with pytest.raises(ValueError, match="constant columns .0, 1."):
            flow.fit(x)
    with pytest.raises(ValueError, match="condition should be given"):
        models.RealNVP((2,), 1, (4,), condition=3).log_prob(POINTS)
    with pytest.raises(ValueError, match="condition should be None"):
        flow.sample(3, condition=1)
    with pytest.raises(ValueError, match="`base` should be over 2 latents"):
        models.NormalizingFlow(step, (2,), likelihoods.StandardNormal(3))
    with pytest.raises(ValueError, match="`shape` should be the shape"):
        models.NormalizingFlow(step)
    with pytest.raises(TypeError, match="`bijector` should be"):
        models.NormalizingFlow(keras.layers.Dense(2), (2,))
    with pytest.raises(ValueError, match="should lie in .0, 1"):
        models.NormalizingFlow(bijectors.Logit(), (2,)).log_prob([[0.5, 1.5]])
    with pytest.raises(ValueError, match="Bits are of integers"):
        flow.bits_per_dim(POINTS)
    with pytest.raises(ValueError, match="temperature"):
        flow.sample(2, temperature=-1.0)


def test_images_of_few_levels_without_noise_are_warned_of():
    """As scikit-learn's digits from 0 to 1: 17 values, of which a density is unbounded."""
    x = np.random.default_rng(0).integers(0, 17, (40, 4, 4, 1)) / 16
    flow = models.NormalizingFlow(bijectors.Chain([bijectors.ActNorm()]), shape=(4, 4, 1))
    flow.compile("adam", jit_compile=False)
    with pytest.warns(UserWarning, match=r"Dequantized\(\(4, 4, 1\).* Received: 17 values"):
        flow.fit(x, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        flow.fit(x + np.random.default_rng(1).random(x.shape) / 16, verbose=0)
