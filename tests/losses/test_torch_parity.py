"""Every loss beside torch's frozen values (tests/frozen/generate_torch_values.py): values, means and gradients."""

import json
import math
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import losses

FROZEN = pathlib.Path(__file__).parents[1] / "frozen"
CASES = json.loads((FROZEN / "torch_losses.json").read_text())
NAMES = sorted({case["loss"] for case in CASES})
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture(scope="module")
def frozen():
    with np.load(FROZEN / "torch_losses.npz") as file:
        return dict(file)


def inputs_of(frozen, key, case):
    tensors = tuple(tf.constant(frozen[f"{key}/y_pred{i}"]) for i in range(max(case["tensors"], 1)))
    return frozen.get(f"{key}/y_true"), tensors if case["tensors"] else tensors[0]


def value_and_gradients(loss, y_true, y_pred):
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(y_true, y_pred)
    gradients = tape.gradient(value, y_pred)
    return value.numpy(), [g.numpy() for g in gradients] if isinstance(gradients, tuple) else [gradients.numpy()]


def taken(values, weights):
    """The values that count, in order: torch's list of mined triplets is as long as there are triplets."""
    return values.numpy()[weights.numpy() > 0]


def test_every_loss_has_frozen_values():
    classes = {name for name in losses.__all__ if isinstance(getattr(losses, name), type)} - {"Loss"}
    assert set(NAMES) == classes
    assert len(CASES) > 200


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_torchs(name, frozen):
    for key, case in enumerate(CASES):
        if case["loss"] != name:
            continue
        y_true, y_pred = inputs_of(frozen, key, case)
        make = getattr(losses, name)
        value, gradients = value_and_gradients(make(**case["options"]), y_true, y_pred)
        np.testing.assert_allclose(value, frozen[f"{key}/mean"], err_msg=str(case), **TOLERANCE)
        for i, gradient in enumerate(gradients):
            np.testing.assert_allclose(gradient, frozen[f"{key}/gradient{i}"], err_msg=str(case), **TOLERANCE)
        loss = make(**case["options"], reduction="none")
        values, expected = loss(y_true, y_pred), frozen[f"{key}/none"]
        if case["options"].get("mining"):
            values = taken(*loss.values_and_weights(y_true, y_pred))
        np.testing.assert_allclose(values, expected, err_msg=str(case), **TOLERANCE)
        total = make(**case["options"], reduction="sum")(y_true, y_pred)
        np.testing.assert_allclose(total, expected.sum(dtype="float64"), err_msg=str(case), **TOLERANCE)


def test_batchmean_is_torchs(frozen):
    keys = [key for key in range(len(CASES)) if f"{key}/batchmean" in frozen]
    assert keys
    for key in keys:
        loss = losses.KLDivergence(**CASES[key]["options"], reduction="batchmean")
        np.testing.assert_allclose(loss(*inputs_of(frozen, key, CASES[key])), frozen[f"{key}/batchmean"], **TOLERANCE)


@pytest.mark.parametrize("name", ["CrossEntropy", "BinaryCrossEntropy", "TripletMargin", "Dice", "Focal"])
@pytest.mark.grid("CrossEntropy", "TripletMargin", "Dice")
def test_xla_agrees(name, frozen):
    chosen = [key for key, case in enumerate(CASES) if case["loss"] == name]
    for key in chosen[:: max(1, len(chosen) // 4)]:
        y_true, y_pred = inputs_of(frozen, key, CASES[key])
        loss = getattr(losses, name)(**CASES[key]["options"])

        @tf.function(jit_compile=True)
        def compiled(y_true, y_pred, loss=loss):
            with tf.GradientTape() as tape:
                tape.watch(y_pred)
                value = loss(y_true, y_pred)
            return value, tape.gradient(value, y_pred)

        value, gradient = compiled(y_true, y_pred)
        np.testing.assert_allclose(value, frozen[f"{key}/mean"], err_msg=str(CASES[key]), **TOLERANCE)
        first = keras.tree.flatten(gradient)[0]
        np.testing.assert_allclose(first, frozen[f"{key}/gradient0"], err_msg=str(CASES[key]), **TOLERANCE)


def test_functions_give_the_values_of_their_classes(frozen):
    functions = {"BinaryCrossEntropy": "binary_cross_entropy", "KLDivergence": "kl_divergence"}
    for name in NAMES:
        key = next(key for key, case in enumerate(CASES) if case["loss"] == name)
        snake = functions.get(name) or "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")
        y_true, y_pred = inputs_of(frozen, key, CASES[key])
        arguments = y_pred if name == "TripletMargin" else (y_true, y_pred)
        values = getattr(losses, snake)(*arguments, **CASES[key]["options"])
        np.testing.assert_allclose(values, frozen[f"{key}/none"], err_msg=name, **TOLERANCE)


def test_infinite_order_is_frozen_too():
    assert any(case["options"].get("p") == math.inf for case in CASES)
