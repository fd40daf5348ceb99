"""Flows beside zuko and torchcfm: frozen values of tests/frozen/generate_flows.py, with equal weights and pairs."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import bijectors, likelihoods, processes
from keras_dl.bijectors import splines

FROZEN = dict(np.load(pathlib.Path(__file__).parents[1] / "frozen" / "torch_flows.npz"))


def part(name):
    """Arrays whose names begin by `name`, by the rest of their names."""
    return {key.removeprefix(f"{name}_"): value for key, value in FROZEN.items() if key.startswith(f"{name}_")}


def autoregressive(values):
    """Two autoregressive maps in alternating orders, with the peer's weights and masks."""
    steps = []
    for number in (0, 1):
        step = bijectors.Autoregressive(hidden=(9, 8), reverse=number, dtype="float64")
        step.build((None, 4), (None, 2))
        made, of_layer = step.made, lambda name, place, n=number: values[f"{name}_{n}_{place}"]
        for place in range(3):
            kernel, mask = of_layer("kernel", place), of_layer("mask", place)
            made.kernels[place].assign(kernel[: made.kernels[place].shape[0]])
            made.masks[place] = mask[: made.kernels[place].shape[0]].astype("float64")
            made.biases[place].assign(of_layer("bias", place))
        made.condition_kernel.assign(of_layer("kernel", 0)[4:])
        steps.append(step)
    return bijectors.Chain(steps, dtype="float64")


def test_an_autoregressive_flow_gives_zukos_densities():
    values = part("maf")
    chain = autoregressive(values)
    chain.built = True
    x, context = tf.constant(values["x"]), tf.constant(values["context"])
    z, log_det = chain.forward_and_log_det(x, context)
    np.testing.assert_allclose(z, values["z"], rtol=1e-9, atol=1e-9)
    log_prob = tf.cast(likelihoods.StandardNormal(4)().log_prob(tf.cast(z, tf.float32)), tf.float64) + log_det
    np.testing.assert_allclose(log_prob, values["log_prob"], rtol=1e-5)
    again, minus_log_det = chain.inverse_and_log_det(tf.constant(values["z"]), context)
    np.testing.assert_allclose(again, values["x"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(minus_log_det, -log_det, rtol=1e-8)


def test_a_spline_with_zukos_knots_gives_its_values():
    """Within its interval, at a knot and in both tails."""
    values = part("spline")
    knots = [tf.constant(np.diff(values[name], axis=-1)) for name in ("horizontal", "vertical")]
    parameters = (*knots, tf.constant(values["slopes"]), 3.0)
    y, log_slope = splines.forward(tf.constant(values["x"]), *parameters)
    np.testing.assert_allclose(y, values["y"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(log_slope, values["log_slope"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(splines.inverse(tf.constant(values["y"]), *parameters)[0], values["x"], atol=1e-8)


def test_pairs_are_those_of_torchcfm():
    values = part("path")
    np.testing.assert_array_equal(processes.OptimalTransport().pairs(values["data"], values["source"]), values["pairs"])


PATHS = {
    "straight": processes.RectifiedFlow(),
    "preserving": processes.Cosine(min_signal=0.0),
    "bridge": processes.Bridge(noise=0.5),
}


@pytest.mark.parametrize("name", PATHS)
def test_paths_and_velocities_are_those_of_torchcfm(name):
    """There time runs from the source to the data, here the other way: velocities have the opposite sign."""
    values, process = part("path"), PATHS[name]
    t = tf.constant(1.0 - values["t"])
    x, source, noise = (tf.constant(values[key]) for key in ("data", "source", f"{name}_noise"))
    there = process.perturb(x, source, t) + process.jitter(t)[:, None] * noise
    flow = processes.target(process, x, source, t, "velocity") + process.d_jitter(t)[:, None] * noise
    np.testing.assert_allclose(there, values[f"{name}_x"], rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(-flow, values[f"{name}_flow"], rtol=1e-5, atol=1e-6)


def test_the_path_to_blurred_data_is_torchcfms_target_path():
    """Of Lipman et al. 2023: their `x0` is the noise that is drawn, and some of it stays."""
    values, process = part("path"), processes.RectifiedFlow(sigma_min=0.05)
    t = tf.constant(1.0 - values["t"])
    x, noise = tf.constant(values["data"]), tf.constant(values["target_noise"])
    np.testing.assert_allclose(process.perturb(x, noise, t), values["target_x"], rtol=1e-7, atol=1e-7)
    flow = processes.target(process, x, noise, t, "velocity")
    np.testing.assert_allclose(-flow, values["target_flow"], rtol=1e-6, atol=1e-6)
