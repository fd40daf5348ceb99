"""Diffusion models: the loss beside plain code, the optimum on Gaussian data, samples, likelihoods, conditions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives, processes, runtime
from keras_dl.models import diffusion_checks
from keras_dl.models.base import noise
from tests.models.builders import images


def small(kind=models.Diffusion, shape=(2,), **options):
    keras.utils.set_random_seed(0)
    conditional = {name: options.pop(name) for name in ("num_classes", "condition_shape") if name in options}
    return kind(networks.denoising_mlp(shape, 8, 16, 1, **conditional), seed=0, **options)


class Exact(keras.layers.Layer):
    """The optimal prediction for data of one normal distribution, told the time of a straight path."""

    def __init__(self, mean=0.5, scale=0.7, **kwargs):
        super().__init__(**kwargs)
        self.mean, self.scale = mean, scale

    def call(self, inputs):
        x, t = inputs["x"], inputs["time"][:, None]
        alpha, sigma = 1.0 - t, t
        residual = (x - alpha * self.mean) / (keras.ops.square(alpha * self.scale) + keras.ops.square(sigma))
        return sigma * residual - (self.mean + alpha * self.scale**2 * residual)


def exact_flow(size=2):
    inputs = {"x": keras.Input((size,), name="x"), "time": keras.Input((), name="time")}
    return models.FlowMatching(keras.Model(inputs, Exact()(inputs)), seed=0, ema_momentum=None)


def points(rows=64, size=2, seed=0):
    return np.random.default_rng(seed).normal(0.5, 0.7, size=(rows, size)).astype("float32")


@pytest.mark.parametrize("prediction", ["noise", "data", "v", "velocity", "score"])
def test_the_loss_is_the_formula(prediction):
    model = small(prediction=prediction, process=processes.VariancePreserving())
    x = points(6)
    draw = noise.Draw(tf.constant(3, tf.int64), tf.constant(0, tf.int64), 64, tf.constant(6), 0, True, tf.constant(6.0))
    again = noise.Draw(tf.constant(3, tf.int64), tf.constant(0, tf.int64), 64, tf.constant(6))
    losses = model.loss_terms(x, draw).numpy()
    t = 1e-5 + (1 - 1e-5) * (np.arange(6) + again.uniform().numpy()) / 6
    epsilon = again.normal((2,)).numpy()
    log_alpha = -0.25 * t**2 * 19.9 - 0.05 * t
    alpha, sigma, beta = (
        np.exp(log_alpha)[:, None],
        np.sqrt(1 - np.exp(2 * log_alpha))[:, None],
        0.1 + 19.9 * t[:, None],
    )
    x_t = alpha * x + sigma * epsilon
    target = {
        "noise": epsilon,
        "data": x,
        "v": alpha * epsilon - sigma * x,
        "velocity": -0.5 * beta * alpha * x + 0.5 * beta * alpha**2 / sigma * epsilon,
        "score": -epsilon / sigma,
    }[prediction]
    predicted = model.network({"x": x_t.astype("float32"), "time": t.astype("float32")}).numpy()
    np.testing.assert_allclose(losses, np.square(predicted - target).mean(-1), rtol=2e-3)


def test_the_likelihood_weight_is_the_slope_of_the_signal():
    """Kingma et al. 2021, equation 17: minus half the derivative of the signal-to-noise ratio, of the data's error."""
    for process in (processes.Cosine(), processes.VariancePreserving(), processes.RectifiedFlow()):
        t = tf.constant([0.2, 0.5, 0.8])
        with tf.GradientTape() as tape:
            tape.watch(t)
            ratio = tf.square(process.alpha(t) / process.sigma(t))
        expected = -0.5 * tape.gradient(ratio, t)
        np.testing.assert_allclose(diffusion_checks.weight(process, t, "data", "likelihood"), expected, rtol=1e-3)
        of_noise = diffusion_checks.weight(process, t, "noise", "likelihood") / diffusion_checks.weight(
            process, t, "data", "likelihood"
        )
        np.testing.assert_allclose(of_noise, tf.square(process.sigma(t) / process.alpha(t)), rtol=1e-4)
    np.testing.assert_allclose(
        diffusion_checks.weight(process, t, "data", "min_snr"), np.minimum(ratio, 5.0), rtol=1e-5
    )


def test_the_optimum_on_gaussian_data():
    """A trained network predicts the data that are to be expected, and its samples have the data's moments."""
    keras.utils.set_random_seed(1)
    network = networks.denoising_mlp((1,), 32, 64, 2)
    model = models.FlowMatching(network, seed=1, ema_momentum=0.99)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, 900)), jit_compile=False)
    model.fit(points(8000, 1), batch_size=256, epochs=28, verbose=0)
    exact = exact_flow(1)
    x_t = np.linspace(-1.0, 2.0, 7, dtype="float32")[:, None]
    for t in (0.2, 0.5, 0.9):
        np.testing.assert_allclose(model.denoise(x_t, t), exact.denoise(x_t, t), atol=0.12)
    samples = model.sample(4000, seed=0).numpy()
    assert samples.mean() == pytest.approx(0.5, abs=0.06) and samples.std() == pytest.approx(0.7, abs=0.06)


def test_samples_and_latents_of_an_exact_flow():
    model = exact_flow()
    samples = model.sample(4000, seed=1, steps=30)
    np.testing.assert_allclose(np.mean(samples, 0), [0.5, 0.5], atol=0.04)
    np.testing.assert_allclose(np.std(samples, 0), [0.7, 0.7], atol=0.03)
    x = points(20)
    latents = model.encode(x)
    np.testing.assert_allclose(latents, (x - 0.5) / 0.7, atol=2e-3)
    np.testing.assert_allclose(model.decode(latents, steps=60), x, atol=4e-3)
    np.testing.assert_array_equal(model.sample(5, seed=3), model.sample(5, seed=3))
    assert np.abs(model.sample(5) - model.sample(5)).max() > 0


def test_likelihoods_of_an_exact_flow():
    model, x = exact_flow(), points(6)
    truth = -0.5 * np.square((x - 0.5) / 0.7).sum(-1) - 2 * np.log(0.7 * np.sqrt(2 * np.pi))
    density = model.log_density(x)
    assert density.kind == model.log_prob_kind == "exact"
    np.testing.assert_allclose(density.values, truth, atol=1e-3)
    estimate = model.log_density(x, num_samples=8)
    assert estimate.kind == "estimate"
    np.testing.assert_allclose(estimate.values, truth, atol=1e-3)  # the field is linear: each direction is exact
    assert exact_flow(9).log_prob_kind == "estimate"
    assert np.isnan(exact_flow(9).log_density(points(2, 9)).standard_errors).all()


def test_a_range_of_values_counts_its_jacobian():
    model = exact_flow()
    scaled = exact_flow()
    scaled.value_range = (0.0, 4.0)
    x = points(6) * 0.2 + 1.0
    expected = model.log_prob(x * 0.5 - 1.0) + 2 * np.log(0.5)
    np.testing.assert_allclose(scaled.log_prob(x), expected, atol=1e-3)
    samples = scaled.sample(50, seed=0).numpy()
    assert samples.min() >= 0.0 and samples.max() <= 4.0


@pytest.mark.parametrize("sampler", ["ancestral", "ddim", "predictor_corrector", "euler", "heun", "dpm_solver"])
def test_every_sampler_runs_and_inpaints(sampler):
    model = small(shape=(4, 4, 1), value_range=(0.0, 1.0))
    samples = model.sample(3, seed=0, steps=3, sampler=sampler)
    assert samples.shape == (3, 4, 4, 1) and np.isfinite(samples).all()
    x = np.random.default_rng(0).random((3, 4, 4, 1)).astype("float32")
    mask = np.zeros((3, 4, 4, 1))
    mask[:, :2] = 1
    filled = model.inpaint(x, mask, seed=0, steps=3, sampler=sampler).numpy()
    np.testing.assert_array_equal(filled[:, :2], x[:, :2])
    assert np.abs(filled[:, 2:] - x[:, 2:]).max() > 0


@pytest.mark.parametrize("unknown", [np.nan, -1e30, 255.0])
def test_what_is_not_known_does_not_matter_to_inpainting(unknown):
    model, x = small(shape=(2, 2, 1), value_range=(0.0, 1.0)), np.full((2, 2, 2, 1), 0.25, "float32")
    mask = np.zeros((2, 2, 2, 1), bool)
    mask[:, 0] = True
    filled = model.inpaint(np.where(mask, x, unknown), mask, seed=0, steps=2)
    np.testing.assert_array_equal(filled, model.inpaint(x, mask, seed=0, steps=2))


def test_inpainting_knows_the_rest():
    """Two coordinates that are nearly equal: the one that is missing follows the one that is known."""
    keras.utils.set_random_seed(2)
    x = np.repeat(points(4000, 1), 2, axis=1) + 0.05 * points(4000, 2, seed=1)
    model = models.FlowMatching(networks.denoising_mlp((2,), 64, 128, 2), seed=2, ema_momentum=0.99)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, 600)), jit_compile=False)
    model.fit(x, batch_size=128, epochs=20, verbose=0)
    known = np.linspace(-0.5, 1.5, 200, dtype="float32")[:, None] * np.ones((1, 2), "float32")
    filled = model.inpaint(known, np.array([[1, 0]] * 200), seed=0, steps=40, sampler="ancestral").numpy()
    assert np.corrcoef(filled[:, 0], filled[:, 1])[0, 1] > 0.85


def test_conditions_are_hidden_and_guide():
    model = small(num_classes=3, condition_dropout=0.5)
    draw = noise.Draw(tf.constant(0, tf.int64), tf.constant(0, tf.int64), 0, tf.constant(400), training=True)
    hidden = model.hidden_at_random(tf.constant([0, 1, 2, 1] * 100), draw).numpy()
    assert 0.4 < (hidden == -1).mean() < 0.6
    np.testing.assert_array_equal(hidden[hidden >= 0], np.array([0, 1, 2, 1] * 100)[hidden >= 0])
    plain, none = (model.sample(4, condition=c, seed=0, steps=2, sampler="euler") for c in ([0, 1, 2, 1], None))
    guided = model.sample(4, condition=[0, 1, 2, 1], seed=0, steps=1, sampler="euler", guidance=3.0)
    one, without = (model.sample(4, condition=c, seed=0, steps=1, sampler="euler") for c in ([0, 1, 2, 1], None))
    np.testing.assert_allclose(guided, without + 3.0 * (one - without), atol=1e-4)
    assert np.abs(plain - none).max() > 0


def test_conditional_training_and_vectors():
    model = small(condition_shape=(3,))
    model.compile("adam", jit_compile=False)
    x, condition = points(8), np.random.default_rng(0).random((8, 3), dtype="float32")
    history = model.fit(x, condition, batch_size=4, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.log_prob(x, condition).shape == (8,)


@pytest.mark.full
def test_exported_functions_are_the_models(tmp_path):
    model = small(shape=(2, 2, 1), num_classes=3)
    runtime.export(model, tmp_path / "model")
    loaded = tf.saved_model.load(str(next((tmp_path / "model").glob("[0-9]*"))))
    served = loaded.signatures
    x, labels = images(4)[:, :2, :2], np.arange(4, dtype="int32") % 3
    time = np.full(4, 0.5, "float32")
    made = served["denoise"](x=tf.constant(x), time=tf.constant(time), condition=tf.constant(labels))["x"]
    np.testing.assert_allclose(made, model.denoise(x, 0.5, labels), atol=1e-5)
    options = {"num_samples": tf.constant(4), "steps": tf.constant(5), "seed": tf.constant(7, tf.int64)}
    made = served["sample"](condition=tf.constant(labels), **options)["x"]
    np.testing.assert_allclose(made, model.sample(4, labels, seed=7, steps=5), atol=1e-4)
    for steps in (2, 5):
        given = {"latents": tf.constant(x), "condition": tf.constant(labels), "steps": tf.constant(steps)}
        expected = model.decode(x, labels, steps=steps, sampler="dpm_solver")
        np.testing.assert_allclose(served["decode"](**given)["x"], expected, atol=1e-4)
    log_prob = served["log_prob"](x=tf.constant(x), condition=tf.constant(labels))["log_prob"]
    np.testing.assert_allclose(log_prob, model.log_prob(x, labels), atol=1e-3)  # of 4 values: exact


@pytest.mark.full
@pytest.mark.parametrize("format", ["onnx", "litert"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (models.Diffusion, {"num_classes": 3}),
        (models.Diffusion, {"process": processes.EDM(), "prediction": "edm", "sampler": "heun"}),
        (models.Diffusion, {"process": processes.VariancePreserving(), "sampler": "ancestral"}),
        (models.FlowMatching, {"sampler": "euler"}),
        (models.ContinuousFlow, {}),
    ],
)
def test_a_whole_sampler_is_a_file(kind, options, format, tmp_path):
    """`runtime.export` compares each with the model; loops that choose their steps stay with SavedModels."""
    if format == "onnx":
        pytest.importorskip("tf2onnx", reason="needs the extra onnx")
    runtime.export(small(kind, **options), tmp_path / "model", format=format)
    names = {"decode"} if kind is models.ContinuousFlow else {"decode", "denoise"}
    if format == "onnx":
        assert {path.stem for path in tmp_path.rglob("*.onnx")} == names
    else:
        file = tf.lite.Interpreter(str(next(tmp_path.rglob("*.tflite"))))
        assert set(file.get_signature_list()) == names


@pytest.mark.full
def test_the_denoiser_is_a_file_for_litert(tmp_path):
    model = small(shape=(2, 2, 1))
    model.export(tmp_path / "model.tflite", format="litert")
    run = tf.lite.Interpreter(str(tmp_path / "model.tflite")).get_signature_runner("denoise")
    x, time = images(4)[:, :2, :2], np.full(4, 0.5, "float32")
    np.testing.assert_allclose(run(x=x, time=time)["x"], model.denoise(x, 0.5), atol=1e-5)


@pytest.mark.parametrize(
    ("process", "prediction"),
    [
        (processes.VariancePreserving(), "score"),  # the score of no noise is infinite
        (processes.VariancePreserving(), "velocity"),  # its noise begins infinitely fast
        (processes.VarianceExploding(), "noise"),  # its network is told the logarithm of the noise
        (processes.EDM(), "edm"),
    ],
)
def test_samples_without_noise_are_the_data(process, prediction):
    model, x = small(process=process, prediction=prediction), points(3)
    noisy = model.denoise(x, [0.0, 0.3, 0.0]).numpy()
    np.testing.assert_array_equal(noisy[::2], x[::2])
    np.testing.assert_array_equal(noisy[1], model.denoise(x, 0.3)[1])


def test_several_samples_see_several_times_whatever_the_replica():
    """Times are spread over the global batch, of which each replica sees its rows."""
    model = small(process=processes.RectifiedFlow(), prediction="velocity")
    x = points(8)
    whole = noise.Draw(tf.constant(0, tf.int64), tf.constant(0, tf.int64), 0, tf.constant(8), 0, True, tf.constant(8.0))
    part = noise.Draw(tf.constant(0, tf.int64), tf.constant(0, tf.int64), 0, tf.constant(3), 5, True, tf.constant(8.0))
    np.testing.assert_allclose(model.loss_terms(x[5:], part), model.loss_terms(x, whole)[5:], rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.Diffusion(networks.mlp_encoder((2,), 2)), "`network` should take a dict of 'x' and 'time'"),
        (lambda: small(prediction="epsilon"), "`prediction` should be one of .* Received: prediction='epsilon'"),
        (lambda: small(process=processes.Cosine(min_signal=0.0)), "`prediction` should be 'data', 'v' or 'velocity'"),
        (lambda: small(weighting="snr"), "`weighting` should be one of"),
        (lambda: small(value_range=(1.0, 0.0)), "`value_range` should be"),
        (lambda: small(condition_dropout=1.0), "`condition_dropout` should be"),
        (lambda: small().sample(0), "`num_samples` should be a positive integer"),
        (lambda: small().sample(2, steps=0), "`steps` should be a positive integer"),
        (lambda: small().sample(2, sampler="plms"), "`sampler` should be one of"),
        (lambda: small().sample(2, guidance=2.0), "`guidance` should be 1 unless"),
        (lambda: small().sample(2, condition=[1, 2]), "condition should be None"),
        (lambda: small(num_classes=3).sample(2, condition=[1, 3]), "condition should be integer labels from 0 to 2"),
        (lambda: small().denoise(points(3), 1.5), r"`time` should lie in .0, 0.98"),
        (lambda: small().denoise(points(3), np.nan), "`time` should lie in"),
        (lambda: small().denoise(points(3), np.zeros(2)), "`time` should be one number, or one of each of 3 rows"),
        (lambda: small().log_prob(np.zeros((3, 3))), r"x should have shape \(rows, 2\)"),
        (lambda: small().log_prob(points(2), tolerance=0.0), "`tolerance` should be"),
        (
            lambda: small(value_range=(0.0, 1.0)).log_prob(points(40)),
            r"x should lie in \[0, 1\].*Received: values from",
        ),
        (lambda: small().inpaint(points(3), np.ones((3, 3))), r"`mask` should have shape \(3, 2\)"),
        (lambda: small().inpaint(points(3), np.full((3, 2), 0.5)), "`mask` should hold 0 and 1. Received: 0.5"),
        (lambda: small().inpaint(points(3), np.ones((3, 2)), sampler="adaptive"), "`sampler` should not be 'adaptive'"),
        (lambda: small().inpaint(points(3) * np.nan, np.eye(3, 2)), "x should be finite. Received: 2 values"),
        (lambda: small(shape=(2, 1, 1)).inpaint(*[np.full((3, 2, 1, 1), n) for n in (2, 1)]), "x should lie in"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    with pytest.raises(TypeError, match=r"`process` should be a keras_dl.processes.Process"):
        small(process=objectives.Linear(10))


def test_data_of_another_scale_are_named():
    model = small()
    model.compile("adam", jit_compile=False)
    with pytest.warns(UserWarning, match="divide it by its standard deviation. Received: standard deviation"):
        model.fit(100.0 * points(), batch_size=32, verbose=0)
    imagelike = small(shape=(2, 2, 1))
    imagelike.compile("adam", jit_compile=False)
    with pytest.raises(ValueError, match="x should lie in .* Received: values from 0 to 255"):
        imagelike.fit(np.linspace(0, 255, 8).reshape(2, 2, 2, 1), verbose=0)
