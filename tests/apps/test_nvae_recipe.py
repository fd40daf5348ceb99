"""The recipe nvae: what its hyperparameters build."""

import pytest

import keras_dl
from apps import catalogue
from keras_dl.runs import space

SMALL = {"filters": "4", "groups": "1", "latent_channels": "2", "expansion": "1"}
COLOURS = keras_dl.data.DataSpec((16, 16, 3), 10, 100, 256)


@pytest.mark.parametrize(
    ("values", "attributes"),
    [
        ({"scales": "2", "halvings": "1", "components": "3"}, {"latent_shapes": ((4, 4, 2), (8, 8, 2))}),
        ({"scales": "1", "balancing": "none", "spectral": "0", "warm_up": "0", "optimizer": "adamax"}, {}),
    ],
)
def test_it_builds(values, attributes):
    model, options, _ = space.build(catalogue.module("nvae"), COLOURS, {**SMALL, **values}, seed=0)
    assert type(model) is keras_dl.models.NVAE and model.compiled and options["binarize"] is None
    assert isinstance(model.likelihood, keras_dl.likelihoods.DiscretizedLogisticMixture)
    for name, value in attributes.items():
        assert getattr(model.decoder, name) == value
    if "warm_up" in values:
        assert model.objective.beta == 1.0 and model.spectral is None and model.objective.balancing is None
    else:
        beta, steps = model.objective.beta, -(-100 // options["batch_size"]) * options["epochs"]
        assert beta.start == 1e-4 and beta.steps == pytest.approx(0.3 * steps)
