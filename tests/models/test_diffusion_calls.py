"""Calls of diffusion models and continuous flows: any number of steps in one graph, no rows, and what is refused."""

import keras
import numpy as np
import pytest

from keras_dl import models, networks

X = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")


def small(kind=models.Diffusion, num_classes=None, **options):
    keras.utils.set_random_seed(0)
    return kind(networks.denoising_mlp((2,), 8, 8, 1, num_classes=num_classes), seed=0, **options)


def test_one_graph_serves_any_number_of_steps():
    model = small()
    for name, call in (
        ("_sample", lambda steps: model.sample(4, seed=0, steps=steps)),
        ("_decode", lambda steps: model.decode(X, steps=steps)),
        ("_inpaint", lambda steps: model.inpaint(X, np.eye(4, 2), seed=0, steps=steps)),
    ):
        samples = [np.asarray(call(steps)) for steps in (2, 5, 9)]
        assert len(model.graphs[name].functions) == 1, name
        assert not any(np.allclose(one, samples[0]) for one in samples[1:]), name


@pytest.mark.parametrize("kind", [models.Diffusion, models.FlowMatching, models.ContinuousFlow])
def test_no_rows_give_no_rows(kind):
    model, none = small(kind), X[:0]
    assert model.log_prob(none).shape == (0,)
    assert model.log_density(none, num_samples=3).standard_errors.shape == (0,)
    for values in (model.encode(none), model.decode(none, steps=2)):
        assert values.shape == (0, 2)


def test_no_images_give_no_images():
    model = models.Diffusion(networks.denoising_unet((4, 4, 1), filters=(4,), num_classes=3), seed=0)
    none, labels = np.zeros((0, 4, 4, 1)), np.zeros(0, int)
    assert model.denoise(none, 0.5, labels).shape == (0, 4, 4, 1)
    assert model.inpaint(none, none, labels, steps=2).shape == (0, 4, 4, 1)


@pytest.mark.parametrize("kind", [models.Diffusion, models.FlowMatching, models.ContinuousFlow])
def test_predictions_are_refused_what_other_methods_are(kind):
    def predict(time, condition=None, num_classes=None, **options):
        given = {"x": X, "time": np.asarray(time, "float32")}
        given |= {} if condition is None else {"condition": np.asarray(condition)}
        return small(kind, num_classes, **options).predict(given, verbose=0)

    assert predict([0.5] * 4).shape == (4, 2)
    with pytest.raises(ValueError, match=r"`time` should lie in \[0, .* Received: values from 0.5 to 3"):
        predict([0.5, 0.5, 0.5, 3.0])
    with pytest.raises(ValueError, match="condition should be integer labels from 0 to 2"):
        predict([0.5] * 4, [0, 1, 2, 3], 3)
    hides = {} if kind is models.ContinuousFlow else {"condition_dropout": 0.0}
    with pytest.raises(ValueError, match="condition should be given"):
        predict([0.5] * 4, None, 3, **hides)
