"""Activations beside torch's frozen values, and as names and objects inside Keras layers that are saved."""

import inspect
import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import activations
from tests.contracts import fresh_process

FROZEN = np.load(pathlib.Path(__file__).parent / "frozen" / "torch_activations.npz")
CASES = json.loads(str(FROZEN["cases"]))
IDS = [f"{name}-{options}" for name, options, _ in CASES]
FUNCTIONS = [name for name in activations.__all__ if inspect.isfunction(getattr(activations, name)) and name != "get"]
IN_KERAS = sorted(set(FUNCTIONS) - {"prelu"})


def value_and_gradient(function, x, cotangent, jit_compile):
    @tf.function(jit_compile=jit_compile, autograph=False)
    def compute(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return y, tape.gradient(y, x, output_gradients=tf.cast(cotangent, y.dtype))

    return compute(x)


def inputs_of(kind):
    x = FROZEN[kind]
    return x, np.ones_like(x) if kind == "points" else FROZEN["rows_cotangent"]


def test_every_function_has_frozen_values():
    assert {name for name, _, _ in CASES} == set(FUNCTIONS) - {"sparsemax"}  # which torch has not


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("index", range(len(CASES)), ids=IDS)
def test_values_and_gradients_are_torchs(index, jit_compile):
    name, options, kind = CASES[index]
    x, cotangent = inputs_of(kind)
    function = getattr(activations, name)
    value, gradient = value_and_gradient(lambda x: function(x, **options), tf.constant(x), cotangent, jit_compile)
    np.testing.assert_allclose(value, FROZEN[f"{index}/value"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, FROZEN[f"{index}/gradient"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_finite_and_near(dtype):
    units = 2.0**-10 if dtype == "float16" else 2.0**-7
    for index, (name, options, kind) in enumerate(CASES):
        x, cotangent = inputs_of(kind)
        x = tf.cast(x, dtype)
        function = getattr(activations, name)
        value, gradient = value_and_gradient(lambda x, f=function, o=options: f(x, **o), x, cotangent, False)
        assert value.dtype == x.dtype, name
        assert np.isfinite(value.numpy().astype("f4")).all(), name
        assert np.isfinite(gradient.numpy().astype("f4")).all(), name
        if kind == "points" and name != "sine":
            expected, value = function(tf.cast(x, "float32"), **options), value.numpy().astype("f4")
            np.testing.assert_allclose(value, expected, rtol=8 * units, atol=8 * units, err_msg=str((index, name)))


def test_plain_numbers_are_accepted():
    for name in ("leaky_relu", "prelu", "softplus", "celu", "selu", "gelu", "sine", "softmin", "sparsemax"):
        function = getattr(activations, name)
        np.testing.assert_array_equal(function([[0.5, -1.0]]), function(tf.constant([[0.5, -1.0]])))


def on_simplex(row):
    """The nearest point of the simplex, by bisection for its threshold."""
    low, high = row.min() - 1, row.max()
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(row - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(row - low, 0)


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_sparsemax_is_the_projection_onto_the_simplex(jit_compile):
    rows = np.random.default_rng(0).normal(size=(20, 6)).astype("float32") * np.logspace(-2, 3, 20)[:, None]
    rows = np.float32([[100, 99.5, -100, 0, 0, 0], [2, 2, 2, 2, 2, 2], [1e4, 1e4 - 0.5, 0, -1e4, 1, 2], *rows])
    weights = np.arange(6, dtype="float32")
    function = activations.get("sparsemax")
    value, gradient = value_and_gradient(function, tf.constant(rows), tf.constant(rows * 0 + weights), jit_compile)
    expected = np.stack([on_simplex(row.astype("float64")) for row in rows])
    np.testing.assert_allclose(value, expected, atol=2e-6)
    support = expected > 1e-5  # the Jacobian is that of a mean over the support (Martins & Astudillo 2016, equation 9)
    mean = (support * weights).sum(-1, keepdims=True) / support.sum(-1, keepdims=True)
    np.testing.assert_allclose(gradient, support * (weights - mean), atol=1e-5)
    turned = function(tf.transpose(tf.constant(rows)), axis=0)
    np.testing.assert_allclose(tf.transpose(turned), expected, atol=2e-6)


def test_sine_in_half_precision_is_the_rounded_sine():
    x = tf.constant([1.5, -300.0, 1e4], "float16")
    expected = np.sin(30.0 * x.numpy().astype("float64"))
    np.testing.assert_allclose(activations.sine(x, omega=30.0), expected, atol=2e-3)


def test_get_finds_names_objects_and_settings():
    for name in IN_KERAS:
        assert activations.get(name) is getattr(activations, name)
        assert activations.get(f"keras_dl>{name}") is getattr(activations, name)
        assert activations.get(getattr(activations, name)) is getattr(activations, name)
    assert activations.get(None) is activations.linear
    assert activations.get("silu") is keras.activations.silu
    assert activations.get("sine", omega=30.0).options == {"omega": 30.0}
    config = json.loads(json.dumps(keras.activations.serialize(activations.get("celu", alpha=0.5))))
    assert activations.get(config).get_config() == {"name": "celu", "alpha": 0.5}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: activations.get("leeky_relu"),
        lambda: activations.get(3),
        lambda: activations.get(activations.sine, omega=2.0),
        lambda: activations.Activation("sinus"),
        lambda: activations.Activation("sine", frequency=2.0),
        lambda: activations.celu(1.0, alpha=0.0),
        lambda: activations.softplus(1.0, beta=0.0),
    ],
)
def test_bad_input_is_refused(wrong):
    with pytest.raises(ValueError, match="should be .*Received: "):
        wrong()
    with pytest.raises(ValueError, match="did you mean leaky_relu"):
        activations.get("leeky_relu")


def test_keras_names_keep_keras_meaning():
    """Importing this package changes no name that Keras has."""
    for name in ("leaky_relu", "celu", "selu", "gelu", "softplus"):
        assert keras.activations.get(name) is getattr(keras.activations, name)


def saved_kinds():
    settings = [("sine", {"omega": 30.0}), ("softplus", {"beta": 3.0, "threshold": 5.0}), ("celu", {"alpha": 0.5})]
    settings += [("leaky_relu", {"negative_slope": 0.3}), ("elu", {"alpha": 2.0}), ("gelu", {"approximate": True})]
    kinds = {f"name_{name}": f"keras_dl>{name}" for name in IN_KERAS}
    kinds |= {f"object_{name}": getattr(activations, name) for name in IN_KERAS}
    kinds |= {f"set_{name}": activations.Activation(name, **options) for name, options in settings}
    return kinds | {"bare_sine": "sine", "bare_softmin": "softmin"}


def test_layers_with_them_survive_a_fresh_process(tmp_path):
    kinds, x = saved_kinds(), 3 * np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    inputs = keras.Input((5,))
    denses = [keras.layers.Dense(6, activation=activation) for activation in kinds.values()]
    outputs = [
        keras.layers.Activation(activation)(dense(inputs))
        for dense, activation in zip(denses, kinds.values(), strict=True)
    ]
    model = keras.Model(inputs, keras.layers.Concatenate()(outputs))
    reloaded = fresh_process.outputs_after_reload({"model": (model, x)}, tmp_path)["model"]
    np.testing.assert_array_equal(reloaded, model(x))
    for key, dense, output in zip(kinds, denses, np.split(reloaded, len(kinds), axis=1), strict=True):
        kind, name = key.split("_", 1)
        ours = kinds[key] if kind == "set" else getattr(activations, name)
        expected = ours(ours(tf.matmul(x, dense.kernel) + dense.bias))
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6, err_msg=key)
