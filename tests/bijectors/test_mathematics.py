"""Mathematics of bijectors: slopes at knots and in tails, densities that integrate to one, refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import bijectors, models
from keras_dl.bijectors import splines

SPLINE = bijectors.SplineTransform(num_bins=4, bound=3.0)
EVEN_KNOTS = [-1.5, 0.0, 1.5]


def knots(count=8, seed=0):
    parameters = np.random.default_rng(seed).normal(size=(count, SPLINE.parameters_per_value))
    return tf.constant(parameters, tf.float64)


def slope(function, x, parameters):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, log_slope = function(x, parameters)
    return tape.gradient(y, x).numpy(), np.exp(log_slope.numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_spline_without_parameters_is_the_identity_with_slope_one_everywhere(dtype):
    """At even knots, zero among them, at both ends, beside them and in the tails; in both directions."""
    x = tf.constant([*EVEN_KNOTS, -3.0, 3.0, -50.0, 50.0, 0.3, -2.9999, 2.9999, 1e-30, -1e30, 1e30], dtype)
    parameters = tf.zeros([len(x), SPLINE.parameters_per_value], dtype)
    for function in (SPLINE.forward, SPLINE.inverse):
        np.testing.assert_allclose(function(x, parameters)[0], x, rtol=1e-6, atol=1e-6)
        by_tape, by_formula = slope(function, x, parameters)
        np.testing.assert_allclose(by_tape, 1.0, atol=1e-5)
        np.testing.assert_allclose(by_formula, 1.0, atol=1e-5)


def test_slopes_at_knots_are_one_over_another_and_those_of_the_parameters():
    parameters = knots(count=1)
    widths, heights, slopes = SPLINE._knots(parameters)
    x = tf.cumsum(widths, axis=-1)[0, :-1] - SPLINE.bound
    y = tf.cumsum(heights, axis=-1)[0, :-1] - SPLINE.bound
    parameters = tf.repeat(parameters, len(x), 0)
    np.testing.assert_allclose(SPLINE.forward(x, parameters)[0], y, atol=1e-12)
    np.testing.assert_allclose(SPLINE.inverse(y, parameters)[0], x, atol=1e-12)
    for function, values, expected in ((SPLINE.forward, x, slopes[0]), (SPLINE.inverse, y, 1.0 / slopes[0])):
        by_tape, by_formula = slope(function, values, parameters)
        np.testing.assert_allclose(by_tape, expected, rtol=1e-9)
        np.testing.assert_allclose(by_formula, expected, rtol=1e-9)


def test_gradients_of_a_spline_are_those_of_finite_differences():
    """Of value and log-slope, for the input and all parameters, in both directions."""
    x, parameters = tf.constant(np.linspace(-2.8, 2.7, 8), tf.float64), knots()
    for function in (SPLINE.forward, SPLINE.inverse):

        def total(x, parameters, function=function):
            y, log_slope = function(x, parameters)
            return tf.reduce_sum(tf.sin(y) + tf.cos(log_slope))

        for analytic, numeric in zip(*tf.test.compute_gradient(total, [x, parameters], delta=1e-6), strict=True):
            np.testing.assert_allclose(analytic, numeric, atol=1e-6)


def test_heavy_tails_leave_gradients_finite():
    x = tf.constant([1e30, -1e30, 1e-38, 0.0], tf.float32)
    parameters = tf.zeros([4, SPLINE.parameters_per_value]) + 100.0
    for function in (SPLINE.forward, SPLINE.inverse):
        with tf.GradientTape() as tape:
            tape.watch([x, parameters])
            y, log_slope = function(x, parameters)
            total = tf.reduce_sum(log_slope) + tf.reduce_sum(tf.tanh(y))
        assert all(np.isfinite(gradient).all() for gradient in tape.gradient(total, [x, parameters]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_steepest_splines_are_inverted_to_the_last_digits(dtype):
    """Parameters at their bounds, slopes from 1e-8 to 1e3: both directions err by a few roundings; knots are finite."""
    rng, spline = np.random.default_rng(0), bijectors.SplineTransform(8)
    parameters = tf.constant(1e4 * rng.standard_normal((4000, spline.parameters_per_value)), dtype)
    widths, heights, _ = spline._knots(parameters)
    directions = (spline.forward, spline.inverse, widths), (spline.inverse, spline.forward, heights)
    for function, other, sizes in directions:
        values = tf.constant(rng.uniform(-3, 3, 4000), dtype)
        mapped, log_slope = function(values, parameters)
        again, back_log_slope = other(tf.identity(mapped), parameters)
        error = np.abs(again - values) / (3.0 * (1.0 + np.exp(-log_slope)))
        assert error.max() < 20 * np.finfo(dtype).eps and np.isfinite(back_log_slope).all()
        mapped, log_slope = function(tf.cumsum(sizes, axis=-1)[:, 3] - spline.bound, parameters)
        assert np.isfinite(log_slope).all() and np.abs(mapped).max() <= 3.0001


def test_values_of_a_spline_are_those_of_tensorflow_probability():
    """Away from knots, where its inverse has no gradient."""
    import tensorflow_probability as tfp

    x, parameters = tf.constant(np.linspace(-2.8, 2.7, 8), tf.float64), knots()
    widths, heights, slopes = SPLINE._knots(parameters)
    peer = tfp.bijectors.RationalQuadraticSpline(widths, heights, slopes, range_min=-SPLINE.bound)
    y, log_slope = splines.forward(x, widths, heights, slopes, SPLINE.bound)
    np.testing.assert_allclose(y, peer.forward(x), atol=1e-12)
    np.testing.assert_allclose(log_slope, peer.forward_log_det_jacobian(x), atol=1e-10)
    x_again, log_slope = splines.inverse(y, widths, heights, slopes, SPLINE.bound)
    np.testing.assert_allclose(x_again, x, atol=1e-12)
    np.testing.assert_allclose(log_slope, -peer.forward_log_det_jacobian(x), atol=1e-10)


def moved(bijector, size, spread=0.5):
    """A built bijector whose weights are somewhere else than at their beginning."""
    keras.utils.set_random_seed(0)
    bijector.build((None, size))
    rng = np.random.default_rng(0)
    for weight in bijector.trainable_weights:
        weight.assign(weight + spread * rng.standard_normal(weight.shape))
    return bijector


FLOWS = {
    "spline MAF": lambda: bijectors.Autoregressive(SPLINE, hidden=(8,)),
    "coupling": lambda: bijectors.SplineCoupling(4, hidden=(8,)),
    "affine": lambda: bijectors.AffineCoupling(hidden=(8,)),
    "linear": bijectors.InvertibleLinear,
    "planar": bijectors.Planar,
    "radial": bijectors.Radial,
    "batch norm": bijectors.BatchNorm,
}


@pytest.mark.parametrize(("name", "size"), [*((name, 2) for name in FLOWS), ("spline MAF", 1), ("radial", 1)])
def test_densities_integrate_to_one(name, size):
    bijector = moved(FLOWS[name](), size)
    line = np.linspace(-25, 25, 1001 if size == 2 else 20_001, dtype="float32")
    grid = np.stack(np.meshgrid(*[line] * size), -1).reshape(-1, size)
    z, log_det = bijector.forward_and_log_det(tf.constant(grid))
    z = z.numpy().astype("float64")
    log_density = -0.5 * np.square(z).sum(-1) - 0.5 * size * np.log(2 * np.pi) + log_det.numpy()
    assert np.exp(log_density).sum() * (line[1] - line[0]) ** size == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 3e-4), ("float64", 1e-10)])
def test_the_inverse_of_many_channels_keeps_its_digits(dtype, tolerance):
    """Powers of the triangular factors of 192 channels have entries of 1e15, whose differences mean nothing."""
    linear = bijectors.InvertibleLinear(dtype=dtype)
    linear.build((None, 192))
    x = np.random.default_rng(0).standard_normal((50, 192))
    z, _ = linear.forward_and_log_det(tf.constant(x, dtype))
    np.testing.assert_allclose(linear.inverse_and_log_det(tf.identity(z))[0], x, atol=tolerance)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("kind", [bijectors.Planar, bijectors.Radial])
def test_steep_maps_of_one_way_have_digits_and_gradients(kind, size):
    """Near the edge of what is invertible, at the centre and far away: float32 beside float64."""
    rng = np.random.default_rng(0)
    weights = [rng.standard_normal(weight.shape) * 5.0 for weight in moved(kind(), size).weights]
    if kind is bijectors.Planar:
        weights[0] = -weights[1]  # the slope along the normal is all but -1
    else:
        weights[2] = np.float64(-18.0)
    centre = weights[0][None] if kind is bijectors.Radial else np.zeros((1, size))
    x = np.concatenate([centre, rng.standard_normal((20, size)), 1e3 * rng.standard_normal((5, size))])
    values = {}
    for dtype in ("float32", "float64"):
        bijector = kind(dtype=dtype)
        bijector.build((None, size))
        bijector.set_weights([weight.astype("float32") for weight in weights])
        points = tf.constant(x.astype("float32"), dtype)
        with tf.GradientTape() as tape:
            tape.watch(points)
            log_det = bijector.forward_and_log_det(points)[1]
        assert np.isfinite(tape.gradient(log_det, points)).all()
        values[dtype] = log_det
    np.testing.assert_allclose(values["float32"], values["float64"], rtol=1e-4, atol=1e-4)


def test_each_value_of_made_sees_those_before_it():
    made = bijectors.MADE(2, (7, 9), "tanh")
    made.build((None, 4))
    for weight in made.weights:
        weight.assign(np.random.default_rng(0).standard_normal(weight.shape))
    x = tf.constant(np.random.default_rng(1).standard_normal((3, 4)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        parameters = tf.reduce_sum(made(x) ** 2, -1)
    sees = np.abs(tape.batch_jacobian(parameters, x, experimental_use_pfor=False).numpy()).max(0) > 0
    np.testing.assert_array_equal(sees, np.tril(np.ones((4, 4)), -1).astype(bool))


def test_actnorm_begins_by_the_data():
    x = tf.constant(np.random.default_rng(0).normal(3.0, [0.1, 5.0], (50, 4, 4, 2)), tf.float32)
    norm = bijectors.ActNorm()
    norm.build((None, 4, 4, 2))
    z = norm.initialize(x, None, lambda x: (tf.reduce_mean(x, 0), tf.math.reduce_variance(x, 0))).numpy()
    np.testing.assert_allclose(z.mean((0, 1, 2)), 0.0, atol=1e-4)
    np.testing.assert_allclose(z.std((0, 1, 2)), 1.0, atol=1e-4)


def test_batch_norm_in_training_has_the_log_determinant_of_the_batchs_statistics():
    norm = moved(bijectors.BatchNorm(), 3)
    x = tf.constant(np.random.default_rng(0).normal(2.0, 3.0, (40, 3)), tf.float32)
    z, log_det = norm.forward_and_log_det(x, training=True)
    gamma = np.exp(norm.log_gamma.numpy())
    np.testing.assert_allclose(z.numpy().std(0), gamma, rtol=1e-4)
    np.testing.assert_allclose(log_det, np.log(gamma / x.numpy().std(0)).sum(), rtol=1e-4)


def test_squeeze_puts_a_block_of_pixels_into_channels():
    squeeze = bijectors.Squeeze()
    squeeze.build((None, 4, 4, 1))
    z, _ = squeeze.forward_and_log_det(tf.reshape(tf.range(16.0), [1, 4, 4, 1]))
    assert z[0, 0, 0].numpy().tolist() == [0.0, 1.0, 4.0, 5.0]
    assert squeeze.compute_input_shape((None, 2, 2, 4)) == (None, 4, 4, 1)


def refused(make, shape, *more):
    with pytest.raises((ValueError, TypeError, NotImplementedError)) as error:
        make().build((None, *shape), *more)
    return str(error.value)


def test_refusals():
    assert "multiples of 2" in refused(bijectors.Squeeze, (7, 8, 1))
    assert "two values at least" in refused(bijectors.AffineCoupling, (1,))
    assert "two channels" in refused(lambda: bijectors.Split(bijectors.ActNorm()), (4, 4, 1))
    assert '"half"' in refused(lambda: bijectors.AffineCoupling(mask="channel"), (4,))
    assert "`mask`" in refused(lambda: bijectors.AffineCoupling(mask="rows"), (4,))
    assert "each once" in refused(lambda: bijectors.Permute([0, 0]), (2,))
    assert "should map vectors" in refused(bijectors.Planar, (2, 2))
    assert "name of a class" in refused(lambda: bijectors.TFP("Nothing"), (2,))
    assert "twice" in refused(lambda: bijectors.Chain([bijectors.ActNorm()] * 2), (2,))
    assert "should be a bijector" in refused(lambda: bijectors.Chain([keras.layers.Dense(2)]), (2,))
    with pytest.raises(ValueError, match="should lie in .0, 1.*Received: values from -0.5 to 0.5"):
        bijectors.Logit(alpha=0.0).check(np.array([-0.5, 0.5]))
    with pytest.raises(NotImplementedError, match="no inverse"):
        moved(bijectors.Planar(), 2).inverse_and_log_det(tf.zeros([1, 2]))
    coupling = bijectors.AffineCoupling(hidden=(4,))
    coupling.build((None, 2), (None, 3))
    with pytest.raises(ValueError, match="a condition of 3 numbers"):
        coupling.forward_and_log_det(tf.zeros([1, 2]))


@pytest.mark.parametrize(
    "steps",
    [
        [bijectors.Flatten(), bijectors.Logit()],
        [bijectors.Chain([bijectors.Squeeze(), bijectors.Permute()]), bijectors.Chain([bijectors.Logit()])],
        [bijectors.Inverse(bijectors.Permute()), bijectors.Logit()],
    ],
)
def test_a_logit_refuses_data_behind_maps_that_only_move_them(steps):
    flow = models.NormalizingFlow(bijectors.Chain(steps), (2, 2, 1), seed=0)
    assert np.isfinite(flow.log_prob(np.full((1, 2, 2, 1), 0.5)))
    with pytest.raises(ValueError, match=r"x should lie in \[0, 1\].*Received: values from 2.0 to 2.0"):
        flow.log_prob(np.full((1, 2, 2, 1), 2.0))


def test_a_logit_does_not_judge_data_that_a_map_before_it_changes():
    flow = models.NormalizingFlow(bijectors.Chain([bijectors.TFP("Sigmoid"), bijectors.Logit()]), (2,), seed=0)
    assert np.isfinite(flow.log_prob([[-2.0, 3.0]]))


@pytest.mark.parametrize("conditions", [(), ((None, 3),)], ids=["other samples", "a condition"])
def test_bijectors_built_for_others_are_refused_wherever_they_go(conditions):
    coupling = bijectors.AffineCoupling(hidden=(4,))
    coupling.build((None, 2 if conditions else 5), *conditions)
    text = "built for conditions of shape None" if conditions else r"built for samples of shape \(2,\)"
    takers = [
        lambda: bijectors.Chain([coupling]).build((None, 2)),
        lambda: bijectors.Inverse(coupling).build((None, 2)),
        lambda: bijectors.Split(coupling).build((None, 4)),
        lambda: models.NormalizingFlow(coupling, (2,)),
        lambda: models.FlowPrior(2, coupling),
    ]
    for take in takers:
        with pytest.raises(ValueError, match=text):
            take()


def test_a_logits_own_samples_are_in_its_range():
    """With alpha 0.05 the map reaches from -1/18 to 19/18; what is beyond is refused."""
    flow = models.NormalizingFlow(bijectors.Logit(alpha=0.05), (2,), seed=0)
    x = flow.decode(np.array([[-6.0, 6.0], [0.0, 3.5]], "float32"))
    assert float(x[0, 0]) < 0.0 and float(x[0, 1]) > 1.0
    assert np.isfinite(flow.log_prob(x)).all()
    for value in (-0.056, 1.056):
        with pytest.raises(ValueError, match=r"should lie in \[0, 1\], the range of the logit. Received: values from"):
            flow.log_prob([[0.5, value]])
