"""A conditional VAE on real digits draws the class it is asked for, and does not copy what it saw."""

import keras
import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from keras_dl import data, likelihoods, models, networks


def flat(images):
    return np.reshape(images, (len(images), -1))


def nearest_distance(images, others):
    """Euclidean distance of each image to the nearest of the others."""
    a, b = flat(images), flat(others)
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0)).min(1)


def trained_judge(x, y):
    """A support vector machine trained on four fifths of all writers' digits."""
    parts = train_test_split(flat(x), y, test_size=0.2, random_state=0)
    judge = SVC(C=10).fit(parts[0], parts[2])
    assert judge.score(parts[1], parts[3]) >= 0.97
    return judge


@pytest.mark.slow
@pytest.mark.full
def test_samples_carry_the_class_asked_for():
    (x, y), (x_test, y_test) = data.load("digits")
    judge = trained_judge(np.concatenate([x, x_test]), np.concatenate([y, y_test]))
    keras.utils.set_random_seed(0)
    likelihood = likelihoods.DiscretizedLogistic(17)
    encoder = networks.mlp_encoder(x.shape[1:], 8, hidden=(256,), num_classes=10)
    decoder = networks.mlp_decoder(8, x.shape[1:], hidden=(256,), num_classes=10, parameters_per_value=2)
    cvae = models.ConditionalVAE(encoder, decoder, likelihood, seed=0)
    cvae.compile(optimizer=keras.optimizers.Adam(2e-3))
    cvae.fit(x, y, batch_size=48, epochs=60, verbose=0)
    asked = np.repeat(np.arange(10), 50)
    samples = cvae.sample(len(asked), condition=asked, seed=1).numpy()
    assert np.mean(judge.predict(flat(samples)) == asked) >= 0.9
    distances = nearest_distance(samples, x)
    held_out = nearest_distance(x_test, x)
    assert distances.min() > 0.25 * np.median(held_out)  # no copy
    assert np.median(distances) < 2 * np.median(held_out)  # and no noise either
