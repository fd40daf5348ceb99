"""The network of sines: contract, counts, formula, initialisation, the way that torch's learns, bad arguments."""

import pathlib

import keras
import numpy as np
import pytest

from keras_dl import models, networks
from keras_dl.testing import check_network
from tests.contracts.fresh_process import outputs_after_reload


def points(count, size):
    return np.random.default_rng(0).uniform(-1, 1, (count, size)).astype("float32")


@pytest.mark.parametrize(
    ("arguments", "num_parameters"),
    [
        ({"hidden": (5, 7)}, 2 * 5 + 5 + 5 * 7 + 7 + 7 + 1),
        ({"num_inputs": 3, "num_outputs": 4, "hidden": [6]}, 3 * 6 + 6 + 6 * 4 + 4),
    ],
)
def test_contract(arguments, num_parameters):
    # Half precision keeps the sine only where its argument is small.
    build = {"omega_0": 2.0, "hidden_omega_0": 1.0, **arguments}
    inputs, outputs = build.get("num_inputs", 2), build.get("num_outputs", 1)
    check_network(lambda: networks.siren(**build), points(4, inputs), (outputs,), num_parameters)


def test_the_papers_image_network_has_198401_weights():
    assert networks.siren().count_params() == 2 * 256 + 256 + 3 * (256 * 256 + 256) + 256 + 1 == 198_401


def test_formula():
    network, x = networks.siren(hidden=(5, 7), omega_0=20.0, hidden_omega_0=10.0), points(6, 2)
    w1, b1, w2, b2, w3, b3 = (weight.astype("float64") for weight in network.get_weights())
    expected = np.sin(10.0 * (np.sin(20.0 * (x @ w1 + b1)) @ w2 + b2)) @ w3 + b3
    np.testing.assert_allclose(network(x), expected, atol=1e-5)


def test_initial_bounds():
    """U(-1/n, 1/n) first, U(-sqrt(6/n)/w, sqrt(6/n)/w) then, the linear layer too; biases within 1/sqrt(n)."""
    keras.utils.set_random_seed(0)
    network = networks.siren(hidden=(512, 512), hidden_omega_0=15.0)
    w1, b1, w2, b2, w3, b3 = network.get_weights()
    for weight, bound in ((w1, 1 / 2), (w2, (6 / 512) ** 0.5 / 15), (w3, (6 / 512) ** 0.5 / 15)):
        assert 0.97 * bound < np.abs(weight).max() <= bound
    for bias, bound in ((b1, 2**-0.5), (b2, 512**-0.5)):
        assert 0.97 * bound < np.abs(bias).max() <= bound
    assert 0 < np.abs(b3).max() <= 512**-0.5


@pytest.mark.full
def test_learns_as_torchs_does():
    """From torch's initial weights the loss falls as in torch, step by step: the spread of runs is the seed's alone."""
    frozen = np.load(pathlib.Path(__file__).parents[1] / "frozen" / "torch_siren.npz")
    network = networks.siren(hidden=(24, 24))
    network.set_weights([frozen[f"{name}_{i}"] for i in range(3) for name in ("kernel", "bias")])
    model = models.Supervised(network, seed=0)
    model.compile(keras.optimizers.Adam(1e-3, epsilon=1e-8), loss="mse")  # torch's epsilon
    data, expected = (frozen["x"], frozen["y"]), frozen["losses"]
    history = model.fit(*data, batch_size=len(frozen["x"]), epochs=len(expected), verbose=0)
    np.testing.assert_allclose(history.history["loss"], expected, rtol=1e-3)
    assert expected[-1] < 0.1 * expected[0]


def test_reload_in_a_fresh_process(tmp_path):
    network, x = networks.create("siren", hidden=(6, 5)), points(4, 2)
    outputs = outputs_after_reload({"siren": (network, x)}, tmp_path)
    np.testing.assert_array_equal(outputs["siren"], network(x))


@pytest.mark.parametrize(
    "arguments",
    [{"num_inputs": 0}, {"num_outputs": 1.5}, {"hidden": ()}, {"hidden": 256}, {"omega_0": 0}, {"hidden_omega_0": -1}],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="Received: "):
        networks.siren(**arguments)
