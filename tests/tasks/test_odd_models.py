"""Measures, pictures, goals and callbacks of models that have no more than their task asks for."""

import math

import keras
import numpy as np
import pytest

from keras_dl import callbacks, metrics, tasks
from keras_dl.models import GAN
from keras_dl.networks import mlp_critic, mlp_generator
from tests.tasks.odd_models import DiagonalGaussian, Silent, TwoLatents, gaussian

OPTIONS = {"batch_size": 512}


@pytest.fixture(scope="module")
def digits():
    return tasks.Task().load("digits").limited(40)


def gan():
    model = GAN(mlp_generator(2, (8, 8, 1), (4,)), mlp_critic((8, 8, 1), (4,)))
    model.compile(generator_optimizer="adam", critic_optimizer="adam")
    return model


@pytest.mark.parametrize("kind", [DiagonalGaussian, Silent, TwoLatents])
def test_an_exact_density_is_measured_and_drawn(digits, kind, tmp_path):
    model, task = gaussian(kind), tasks.Density(generates=kind is not Silent)
    context = tasks.Context(options=OPTIONS)
    measures = task.measures(model, digits, context)
    assert measures["log_prob"].value == pytest.approx(-measures["loss"].value, rel=1e-5)
    assert measures["log_prob"].direction == "max" and measures["loss"].direction == "min"
    x = digits.x_test.reshape(40, 64)
    expected = -0.5 * ((x - np.ravel(model.network.get_weights())) ** 2).sum(1) - 32 * math.log(2 * math.pi)
    assert measures["log_prob"].value == pytest.approx(expected.mean(), rel=1e-5)
    assert measures["log_prob"].error == pytest.approx(expected.std(ddof=1) / math.sqrt(40), rel=1e-3)
    assert task.pictures(model, digits, tmp_path, context) == {}
    report = task.evaluate(model, digits, context)
    assert report.rows == 40 and report.results["log_prob"] == measures["log_prob"].value
    assert "log p(x)" in report.tables[0][1]["held out"] and report.notes == [tasks.density.NOTE]


def test_an_exact_density_is_searched_by_its_likelihood(digits):
    model, task = gaussian(), tasks.Density()
    goals = task.goals(model, digits, OPTIONS)
    assert goals[:2] == ["log_prob", "loss"] and "kid" in goals
    assert tasks.Density(generates=False).goals(gaussian(Silent), digits, OPTIONS) == ["log_prob", "loss"]
    watches = task.watches("log_prob", digits, epochs=2, context=tasks.Context(options=OPTIONS))
    history = model.fit(digits.x[:64], epochs=2, batch_size=32, callbacks=watches, verbose=0).history
    assert history["val_log_prob"][-1] == pytest.approx(task.measures(model, digits)["log_prob"].value, rel=1e-5)
    assert task.watches("loss", digits, 2) == []


def test_samples_without_bounds_are_compared_as_they_are_shown(digits, monkeypatch):
    """A normal's samples lie outside of [0, 1], which features of pixels refuse; both in the end and in training."""
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    features = metrics.Features(network, "pixels", value_range=(0.0, 1.0))
    monkeypatch.setattr(tasks.features, "features_for", lambda data, context: features)
    model, said = gaussian(), []
    drawn = callbacks.draw_samples(model, 40)
    expected = metrics.KID(features)(digits.x_test, np.clip(drawn, 0.0, 1.0))["kid"].value
    context = tasks.Context(options=OPTIONS, num_samples=40, say=said.append)
    measures = tasks.features.sample_measures(model, digits, context)
    assert measures["kid"].value == pytest.approx(expected, rel=1e-5)
    share = np.mean((drawn < 0) | (drawn > 1))
    assert f"{share:.1%} of the samples' values lie beyond [0, 1] and count as its ends" in said
    (watch,) = tasks.Density().watches("kid", digits, 1, context)
    watch.set_model(model)
    assert watch.measure()["kid"].value == pytest.approx(expected, rel=1e-5)


def test_a_density_that_does_not_sample_says_so(digits, tmp_path):
    task = tasks.Density(generates=False)
    assert task.callbacks(digits, tmp_path) == []
    with pytest.raises(ValueError, match="does not generate: Silent has no `sample`.*Received: "):
        task.samples(gaussian(Silent))
    with pytest.raises(ValueError, match="takes no condition.*Received: labels"):
        tasks.Density().samples(gaussian(), labels=[1])
    assert tasks.Density().samples(gaussian(), num_samples=3, seed=0).shape == (3, 8, 8, 1)


def test_a_generator_without_reconstructions(digits, tmp_path):
    """Two latents are drawn only where the task says that there are some."""
    model, context = gan(), tasks.Context(options=OPTIONS, num_samples=0)
    assert tasks.Generation().pictures(model, digits, tmp_path, context) == {}
    pictures = tasks.Generation(latents=True).pictures(model, digits, tmp_path, context)
    assert [path.name for path in pictures] == ["manifold.png"] and (tmp_path / "manifold.png").stat().st_size > 1000
    measures = tasks.Generation().measures(model, digits, context)
    assert {"critic_loss", "generator_loss"} <= set(measures)


def test_a_model_that_predicts(tmp_path):
    """The task of a classifier is worth its metrics, in their directions."""
    data = tasks.Task("labels").load("digits").limited(40)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    task = tasks.Task("labels")
    measures = task.measures(model, data, tasks.Context(options=OPTIONS))
    assert measures["accuracy"].direction == "max" and 0 <= measures["accuracy"].value <= 1
    assert task.goals(model, data, OPTIONS) == ["accuracy", "loss"]
    assert task.pictures(model, data, tmp_path) == {} and task.card({}) == []


def test_inception_features_are_those_of_metrics(digits, monkeypatch):
    """`--features inception_v3` calls what there is; the weights themselves are tried if they can be had."""
    monkeypatch.setattr(metrics, "inception_features", lambda shape: ("features", shape))
    context = tasks.Context(features="inception_v3")
    assert tasks.features.features_for(digits, context) == ("features", (8, 8, 1))


@pytest.mark.slow
def test_samples_by_inception_features(digits):
    try:
        metrics.inception_features((8, 8, 1))
    except OSError as error:
        pytest.skip(f"the weights cannot be had: {str(error)[:80]}")
    context = tasks.Context(options=OPTIONS, num_samples=10, features="inception_v3")
    measures = tasks.Generation().measures(gan(), digits, context)
    assert measures["features"].value == "inception_v3" and measures["kid"].value > 0
