"""Every layer keeps the contract, passes Keras' own layer checks, and comes back from a file in a fresh process."""

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

from keras_dl import layers
from keras_dl.testing import check_layer, random_inputs, randomize
from tests.contracts.fresh_process import outputs_after_reload
from tests.layers.cases import CASES, ONE_A_CLASS


@pytest.mark.parametrize("name", CASES)
@pytest.mark.grid(*ONE_A_CLASS)
def test_contract(name):
    case = CASES[name]
    check_layer(case.make, case.input_shape, **case.options)


@pytest.mark.full
@pytest.mark.parametrize("name", ONE_A_CLASS)  # of the others the contract checks the same, and more
def test_keras_own_checks(name):
    case = CASES[name]
    # Several inputs come as a tuple, not a list, for the sake of `tf.data`.
    input_shape = tuple(case.input_shape)
    output_shape = case.make().compute_output_shape(input_shape)
    TestCase().run_layer_test(case.layer, case.arguments, input_shape, expected_output_shape=output_shape)


def test_every_layer_is_a_case():
    public = {getattr(layers, name) for name in layers.__all__}
    public = {item for item in public if isinstance(item, type) and issubclass(item, keras.layers.Layer)}
    public = {item for item in public if item.__module__.startswith("keras_dl.")}  # not Keras' own
    assert public == {case.layer for case in CASES.values()}


def test_reload_in_a_fresh_process(tmp_path):
    models = {}
    for name, case in CASES.items():
        inputs = random_inputs(case.input_shape)
        if isinstance(inputs, list):
            inputs = {f"x{number}": x for number, x in enumerate(inputs)}
            symbolic = {key: keras.Input(x.shape[1:], name=key) for key, x in inputs.items()}
            model = keras.Model(symbolic, case.make()(list(symbolic.values())))
        else:
            symbolic = keras.Input(inputs.shape[1:])
            model = keras.Model(symbolic, case.make()(symbolic))
        randomize(model)
        models[name] = (model, inputs)
    outputs = outputs_after_reload(models, tmp_path)
    for name, (model, inputs) in models.items():
        np.testing.assert_array_equal(outputs[name], model(inputs), err_msg=name)
