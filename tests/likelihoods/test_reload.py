"""Likelihoods in saved models, loaded in a fresh process."""

import numpy as np

from keras_dl import likelihoods
from keras_dl.testing import LikelihoodHolder
from tests.contracts.fresh_process import outputs_after_reload


def test_reload_in_a_fresh_process(tmp_path):
    learned = likelihoods.Gaussian(scale="learned")
    learned.set_weights([np.float32(-1.3)])
    held = {
        "bernoulli": likelihoods.Bernoulli(),
        "categorical": likelihoods.Categorical(3),
        "discretized_logistic": likelihoods.DiscretizedLogistic(17),
        "gaussian": likelihoods.Gaussian(),
        "gaussian_fixed": likelihoods.Gaussian(scale=0.25),
        "gaussian_learned": learned,
    }
    rng = np.random.default_rng(0)
    models = {}
    for name, likelihood in held.items():
        x = rng.integers(0, 2, (4, 3)).astype("float32")
        parameters = rng.standard_normal((4, 3 * likelihood.parameters_per_value)).astype("float32")
        models[name] = (LikelihoodHolder(likelihood), {"x": x, "parameters": parameters})
    outputs = outputs_after_reload(models, tmp_path)
    for name, (model, inputs) in models.items():
        np.testing.assert_array_equal(outputs[name], model(inputs), err_msg=name)
