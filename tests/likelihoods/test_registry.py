"""Likelihoods by name."""

import pytest

from keras_dl import likelihoods


@pytest.mark.parametrize(
    ("name", "kind", "parameters_per_value"),
    [
        ("bernoulli", likelihoods.Bernoulli, 1),
        ("gaussian", likelihoods.Gaussian, 2),
        ("discretized_logistic", likelihoods.DiscretizedLogistic, 2),
    ],
)
def test_names(name, kind, parameters_per_value):
    likelihood = likelihoods.get(name)
    assert type(likelihood) is kind
    assert likelihood.parameters_per_value == parameters_per_value


def test_unknown_names_bring_the_nearest():
    with pytest.raises(ValueError, match="did you mean gaussian.*Received: 'gausian'"):
        likelihoods.get("gausian")
    with pytest.raises(ValueError, match="did you mean bernoulli.*Received: 'Bernouli'"):
        likelihoods.get("Bernouli")
    with pytest.raises(ValueError, match="bernoulli or categorical or .*Received: 'mse'"):
        likelihoods.get("mse")


def test_categorical_needs_its_classes():
    with pytest.raises(ValueError, match=r"pass `Categorical\(num_classes\)`"):
        likelihoods.get("categorical")


@pytest.mark.parametrize("identifier", [None, 3, likelihoods.Bernoulli, lambda parameters: parameters])
def test_refuses_other_objects(identifier):
    with pytest.raises(TypeError, match="Received: "):
        likelihoods.get(identifier)


def test_a_likelihood_must_say_what_its_values_are():
    with pytest.raises(NotImplementedError, match="Likelihood should write"):
        likelihoods.Likelihood()([[0.0]])
