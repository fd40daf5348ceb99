"""TensorFlow Probability's bijectors as bijectors of our own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_dl import bijectors, models

CASES = {
    "Cumsum": ({"axis": -1}, (), (3,)),
    "Permute": ({"permutation": [2, 0, 1]}, (), (3,)),
    "Transpose": ({"perm": [1, 0]}, (), (2, 2)),
    "Reshape": ({"event_shape_out": [4], "event_shape_in": [4]}, (), (4,)),
    "ScaleMatvecLU": ({"lower_upper": [[2.0, 0.1], [0.3, 1.0]], "permutation": [1, 0]}, ("lower_upper",), (2,)),
    "Scale": ({"scale": [2, 3]}, ("scale",), (2,)),
    "Exp": ({}, (), (2,)),
    "Softplus": ({}, (), (2,)),
    "Ascending": ({}, (), (3,)),
}


def built(name, dtype="float64"):
    parameters, trainable, shape = CASES[name]
    bijector = bijectors.TFP(name, parameters, trainable, dtype=dtype)
    bijector.build((None, *shape))
    return bijector, tf.constant(np.random.default_rng(0).normal(size=(4, *shape)), dtype)


@pytest.mark.parametrize("name", CASES)
def test_log_determinants_of_samples_seen_before_are_those_of_the_jacobian(name):
    bijector, x = built(name)
    z, log_det = bijector.forward_and_log_det(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        flat = tf.reshape(bijector.forward_and_log_det(x)[0], [4, -1])
    jacobian = np.reshape(tape.batch_jacobian(flat, x), (4, flat.shape[1], -1))
    np.testing.assert_allclose(log_det, np.linalg.slogdet(jacobian)[1], atol=1e-8)
    with tf.GradientTape() as tape:
        tape.watch(z)
        again, minus_log_det = bijector.inverse_and_log_det(z)
    np.testing.assert_allclose(again, x, atol=1e-8)
    np.testing.assert_allclose(minus_log_det, -log_det, atol=1e-8)
    assert tape.gradient(again, z) is not None


@pytest.mark.parametrize("values", [np.array([1.0, 2.0]), tf.constant([1.0, 2.0])], ids=["numpy", "tensor"])
def test_arrays_as_parameters_come_back_from_a_file(values, tmp_path):
    shift = bijectors.TFP("Shift", {"shift": values}, ("shift",))
    flow = models.NormalizingFlow(shift, (2,), seed=0)
    flow.save(tmp_path / "flow.keras")
    again = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_array_equal(again.encode(np.zeros((1, 2))), [[1.0, 2.0]])


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        (("Shift", {"shft": 1.0}), (2,), r"samples of shape \(2,\): .*unexpected.*'shft'"),
        (("Shift", {}), (2,), "missing 1 required"),
        (("Shift", {"shift": [1.0, 2.0]}), (3,), r"should make Shift a bijector of samples of shape \(3,\)"),
        (("Shift", {"shift": [1.0, 2.0]}), (1,), r"keep the shape of samples, \(1,\). Received: \(2,\)"),
        (("AbsoluteValue", {}), (2,), "non-injective"),
        (("FillTriangular", {}), (3,), r"keep the shape of samples, \(3,\). Received: \(2, 2\)"),
        (("AutoregressiveNetwork", {}), (2,), "name of a class"),
        (("Shift", None, ("shift",)), (2,), "the first values of .'shift'"),
        (("Cumsum", {"axis": -1}, ("axis",)), (2,), "`trainable_parameters` should name real numbers"),
        (("Sigmoid", {"validate_args": True}, ("validate_args",)), (2,), "should name real numbers"),
    ],
)
def test_what_is_no_bijector_is_refused_before_data_come(arguments, shape, message):
    with pytest.raises(ValueError, match=message):
        bijectors.TFP(*arguments).build((None, *shape))
