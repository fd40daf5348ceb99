"""Joint energy-based models: a classifier's logits as a density, samples by class, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf

from keras_dl import models, networks, objectives, samplers
from tests.models.energy_builders import draw_of, points

LABELS = np.arange(16) % 3


def joint(**options):
    options.setdefault("objective", objectives.PersistentContrastiveDivergence(30))
    options.setdefault("sampler", samplers.Langevin(3, 0.05))
    network = networks.mlp_critic((2,), hidden=(8,), activation="swish", num_outputs=3)
    return models.JEM(network, seed=0, **options)


def test_the_energy_is_minus_the_logsumexp_of_logits():
    model, x = joint(), points(16)
    logits = model.network(x).numpy()
    np.testing.assert_allclose(model.energy(x), -np.log(np.exp(logits).sum(-1)), rtol=1e-5)
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(model.classify(x), shares, rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), shares, rtol=1e-5)


def test_without_weight_it_is_a_classifier():
    x = tf.constant(points(16))
    for weight in (0.0, 1.0):
        model = joint(energy_weight=weight, input_noise=0.0)
        values, terms, _ = model.losses((x, LABELS), draw_of(16))
        own = values - terms["cross_entropy"]
        np.testing.assert_allclose(own, weight * (terms["energy"] - terms["sample_energy"]), atol=1e-5)
        shares = model.classify(x).numpy()
        np.testing.assert_allclose(terms["cross_entropy"], -np.log(shares[np.arange(16), LABELS]), rtol=1e-4)
        np.testing.assert_array_equal(terms["accuracy"], shares.argmax(-1) == LABELS)


def test_samples_of_a_class_have_its_logit():
    """Straight downhill, the logit of the class that is asked for rises for each sample."""
    model = joint(sampler=samplers.Langevin(30, 0.1, temperature=0.0))
    labels = np.array([0, 1, 2] * 4)
    logits = [model.network(model.sample(12, labels, seed=0, steps=steps)).numpy() for steps in (1, 30)]
    rows = np.arange(12)
    assert (logits[1][rows, labels] > logits[0][rows, labels]).all()
    assert model.sample(3, condition=1, seed=0).shape == model.sample(3, seed=0).shape == (3, 2)
    np.testing.assert_array_equal(model.sample(3, condition=[1], seed=0), model.sample(3, condition=1, seed=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.JEM(networks.mlp_critic((2,), (4,))), r"logits of shape \(batch, num_classes\)"),
        (lambda: joint(objective=objectives.NoiseContrastive()), "`objective` should be one with chains"),
        (lambda: joint(input_noise=-1.0), "`input_noise` should be"),
        (lambda: joint().check_data(points(3)), r"data should be \(x, labels\)"),
        (
            lambda: joint().check_data((points(3), LABELS[:3], np.ones(3))),
            r"data should be \(x, labels\), without sample weights. Received: 3 parts",
        ),
        (lambda: joint().check_data((points(3), np.array([0, 1, 3]))), "labels should be integers from 0 to 2"),
        (lambda: joint().sample(2, condition=[0, 5]), "labels should be integers from 0 to 2"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
