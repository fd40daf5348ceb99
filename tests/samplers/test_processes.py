"""Processes: derivatives, conversions there and back, sampling times, refusals."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import processes

PROCESSES = {
    "vp": processes.VariancePreserving(),
    "sub_vp": processes.SubVariancePreserving(),
    "cosine": processes.Cosine(),
    "pure_noise": processes.Cosine(min_signal=0.0),
    "ve": processes.VarianceExploding(),
    "edm": processes.EDM(),
    "straight": processes.RectifiedFlow(),
    "straight_noisy": processes.RectifiedFlow(sigma_min=0.01),
}


def inner_times(process):
    """Times from nearly one end to nearly the other."""
    low, high = max(process.t_min, 1e-5), process.t_max
    return low + (high - low) * np.array([0.0, 1e-3, 0.1, 0.4, 0.8, 0.99, 1 - 1e-5])


@pytest.mark.parametrize("name", PROCESSES)
def test_derivatives(name):
    process = PROCESSES[name]
    times = tf.constant(inner_times(process)[1:], tf.float32)
    for value, derivative in ((process.alpha, process.d_alpha), (process.sigma, process.d_sigma)):
        with tf.GradientTape() as tape:
            tape.watch(times)
            values = value(times)
        expected = tape.gradient(values, times)
        expected = tf.zeros_like(times) if expected is None else expected
        np.testing.assert_allclose(derivative(times), expected, rtol=2e-4, atol=2e-6)
    assert (process.wronskian(times).numpy() > 0).all()
    assert (np.diff(process.half_log_snr(times).numpy()) < 0).all()


def kinds_of(process, t):
    kinds = [kind for kind in processes.KINDS if kind != "edm" or process.sigma_data is not None]
    return [kind for kind in kinds if kind not in ("noise", "score") or float(process.alpha(t)) > 1e-3]


@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_conversions_invert_each_other(name, dtype):
    """At both ends; in float32 only where data and noise both are in the samples: their digits are lost elsewhere."""
    process, random = PROCESSES[name], np.random.default_rng(0)
    x, noise = (random.standard_normal((4, 3)).astype(dtype) for _ in range(2))
    for t in inner_times(process):
        t = tf.constant(t, dtype)
        if dtype == "float32" and not 0.05 < float(process.sigma(t) / process.alpha(t)) < 20:
            continue
        x_t = process.perturb(x, noise, t)
        kinds = kinds_of(process, t)
        targets = {kind: processes.target(process, x, noise, t, kind) for kind in kinds}
        for source, kind in itertools.permutations(kinds, 2):
            there = processes.convert(process, targets[source], x_t, t, source, kind)
            back = processes.convert(process, there, x_t, t, kind, source)
            scale = float(tf.reduce_max(tf.abs(targets[source])))
            np.testing.assert_allclose(back, targets[source], atol=1e-5 * scale, err_msg=f"{source} {kind} {t}")


@pytest.mark.parametrize("name", PROCESSES)
def test_conversions_of_half_precision_are_those_of_float32(name):
    """Rounded: their factors near an end, 1e5 and more, would be infinite in float16."""
    process, random = PROCESSES[name], np.random.default_rng(0)
    x, noise = (tf.constant(random.standard_normal((4, 3)), tf.float16) for _ in range(2))
    for t in (inner_times(process)[0], process.t_max):
        kinds = kinds_of(process, tf.constant(t, tf.float32))
        x_t = tf.cast(process.perturb(tf.cast(x, tf.float32), tf.cast(noise, tf.float32), t), tf.float16)
        for source, kind in itertools.permutations(kinds, 2):
            value = processes.target(process, x, noise, t, source)
            wide = (tf.cast(part, tf.float32) for part in (value, x_t))
            expected = tf.cast(processes.convert(process, *wide, t, source, kind), tf.float16)
            found = processes.convert(process, value, x_t, t, source, kind)
            assert found.dtype == tf.float16 and np.isfinite(found[np.isfinite(expected)]).all()
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", PROCESSES)
def test_conversions_are_the_targets(name):
    process, random = PROCESSES[name], np.random.default_rng(1)
    x, noise = (random.standard_normal((4, 3)).astype("float32") for _ in range(2))
    t = tf.fill([4], process.t_min + 0.3 * (process.t_max - process.t_min))
    x_t = process.perturb(x, noise, t)
    kinds = kinds_of(process, t[0])
    for source, kind in itertools.permutations(kinds, 2):
        value = processes.target(process, x, noise, t, source)
        expected = processes.target(process, x, noise, t, kind)
        scale = 1e-4 * float(tf.reduce_max(tf.abs(expected)))
        np.testing.assert_allclose(processes.convert(process, value, x_t, t, source, kind), expected, atol=scale)


def test_edm_is_the_papers_preconditioning():
    """Table 1 of Karras et al. 2022: D = c_skip x_t + c_out F, and the weight that makes F's error one."""
    process, sigma, data = processes.EDM(), 1.7, 0.5
    network, x_t = tf.constant([[0.3]]), tf.constant([[2.0]])
    skip, out = data**2 / (sigma**2 + data**2), sigma * data / (sigma**2 + data**2) ** 0.5
    denoised = processes.convert(process, network, x_t, tf.constant(sigma), "edm", "data")
    np.testing.assert_allclose(denoised, [[skip * 2.0 + out * 0.3]], rtol=1e-6)
    assert float(process.input_scale(tf.constant(sigma))) == pytest.approx(1 / (sigma**2 + data**2) ** 0.5)
    assert float(process.time_feature(tf.constant(sigma))) == pytest.approx(np.log(sigma) / 4)


def test_variance_preserving_is_ddpm():
    """DDPM's thousand steps with rates from 1e-4 to 0.02: the product of 1 - beta at some of them."""
    kept = np.cumprod(1.0 - np.linspace(1e-4, 0.02, 1000))
    process = processes.VariancePreserving(0.1, 20.0)
    for step in (0, 99, 499, 999):
        assert float(process.alpha((step + 1) / 1000)) ** 2 == pytest.approx(kept[step], rel=0.12)


def test_times_of_training_and_sampling():
    uniform = (tf.range(100_000, dtype=tf.float32) + 0.5) / 100_000
    logs = np.log(processes.EDM().training_times(uniform))
    assert logs.mean() == pytest.approx(-1.2, abs=1e-3) and logs.std() == pytest.approx(1.2, abs=1e-3)
    for process in PROCESSES.values():
        times = process.times(7).numpy()
        assert len(times) == 8 and times[0] == pytest.approx(process.t_max) and times[-1] == 0.0
        assert (np.diff(times) < 0).all()
        drawn = process.training_times(uniform).numpy()
        assert drawn.min() > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: processes.VariancePreserving(0.5, 0.1), "`beta_max` should be a finite number above 0.5"),
        (lambda: processes.Cosine(1.0), "`min_signal` should be a finite number of at least 0 and below 1"),
        (lambda: processes.EDM(sigma_min=0.0), "`sigma_min` should be a finite number above 0"),
        (lambda: processes.EDM(rho=-1.0), "`rho` should be"),
        (lambda: processes.RectifiedFlow(sigma_min=1.0), "`sigma_min` should be"),
        (lambda: processes.coefficients(processes.Cosine(), 0.5, "edm"), "sigma_data.*Received: Cosine"),
        (lambda: processes.coefficients(processes.Cosine(), 0.5, "epsilon"), "`kind` should be one of"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()
