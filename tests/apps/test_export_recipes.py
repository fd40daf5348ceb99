"""Every recipe, exported: the model's numbers, an open batch, no Python, requests to warm up."""

import os

import numpy as np
import pytest
import tensorflow as tf

import keras_dl
from apps import catalogue
from keras_dl.runtime import warmup
from tests.apps.untrained import untrained
from tests.runtime.saved_models import has_serving_api, python_operations, run_warmup_requests

pytestmark = pytest.mark.filterwarnings("ignore:No warm-up records")
KINDS = ["vae", "cgan", "unet", "siren"]
#: Their latents and densities, by an adaptive solver, differ by its tolerance: test_diffusion_exports.py.
OWN_TESTS = ("cddpm", "cnf", "ddpm", "edm", "flow_matching", "score2d")
#: Models of the class or of the signatures and networks of another recipe: vae, gan and unet.
LIKE_OTHERS = ("anomaly", "iwae", "wgan", "wgan_gp", "nnunet")
RECIPES = [name for name in catalogue.recipes() if name not in (*OWN_TESTS, *LIKE_OTHERS)]


@pytest.fixture(scope="module", params=RECIPES)
def exported(request, tmp_path_factory):
    """A recipe's model and the folder of its SavedModel."""
    model = untrained(request.param)
    return model, keras_dl.runtime.export(model, tmp_path_factory.mktemp("exported") / request.param)


@pytest.mark.grid(*KINDS)
def test_exported_signatures_give_the_models_numbers(exported):
    model, folder = exported
    loaded = tf.saved_model.load(folder)
    signatures, classes = model.signatures(), model.condition_classes()
    assert set(loaded.signatures) == {"serving_default", *signatures}
    for name, signature in signatures.items():
        for rows in (1, 5):
            inputs = warmup.example_inputs(signature, rows, classes, seed=rows).items()
            inputs = {given: tf.constant(value) for given, value in inputs}
            expected = signature.function(*inputs.values())
            found = loaded.signatures[name](**inputs)
            assert set(found) == set(expected)
            for output, value in found.items():
                message = f"{name}: {output} of {rows} rows"
                assert len(value) == rows, message
                np.testing.assert_allclose(value, expected[output], atol=1e-5, rtol=1e-5, err_msg=message)


@pytest.mark.grid(*KINDS)
def test_batches_are_open(exported):
    model, folder = exported
    for name, function in tf.saved_model.load(folder).signatures.items():
        specs = [*function.structured_input_signature[1].values(), *function.structured_outputs.values()]
        assert specs and all(spec.shape.rank == 0 or spec.shape[0] is None for spec in specs), name


@pytest.mark.grid(*KINDS)
def test_no_python_is_needed(exported):
    assert python_operations(exported[1]) == []


@pytest.mark.skipif(not has_serving_api(), reason="needs the extra serve: tensorflow-serving-api")
@pytest.mark.grid(*KINDS)
def test_requests_to_warm_up_run(exported):
    model, folder = exported
    found = run_warmup_requests(folder)
    assert len(found) == len(warmup.ROWS) * (1 + len(model.signatures()))
    for request, outputs in found:
        assert outputs and all(np.isfinite(output).all() for output in outputs.values()), request.model_spec


def test_what_calls_python_is_found(tmp_path):
    module = tf.Module()
    module.call = tf.function(lambda x: tf.py_function(abs, [x], tf.float32), input_signature=[tf.TensorSpec([])])
    tf.saved_model.save(module, str(tmp_path))
    assert os.path.isfile(tmp_path / "saved_model.pb") and python_operations(tmp_path) == ["EagerPyFunc"]
